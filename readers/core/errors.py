"""Root of the exception hierarchy, and ReadError; :mod:`models.core.errors` has the others."""

from __future__ import annotations

from os import PathLike, fspath
from pathlib import Path

from readers.core.file_names import readable


class EcgvizError(Exception):
    """Base class of all exceptions that the project raises intentionally."""


class ReadError(EcgvizError):
    """A file cannot be read as the format that it claims.

    Attributes:
        file: name of the file without its folder (a folder may name a patient).
        fault: what is wrong with it and what to do.
    """

    def __init__(self, file: str | PathLike[str], fault: str):
        self.file = Path(fspath(file)).name or str(Path(fspath(file)))  # "." and "/" have no name of their own
        # A fault may quote what stands in the file, and a damaged file holds anything: it stays one line.
        self.fault = "".join(c if c.isprintable() else " " for c in fault)
        super().__init__(f"{readable(self.file)}: {self.fault}")
