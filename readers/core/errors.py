"""The root of the tree of errors, and the one that a reader raises; :mod:`models.core.errors` has the whole tree."""

from __future__ import annotations

from os import PathLike, fspath
from pathlib import Path

from readers.core.file_names import readable


class EcgvizError(Exception):
    """Base of every error that the project raises on purpose."""


class ReadError(EcgvizError):
    """A file that cannot be read as what it claims to be.

    Attributes:
        file: name of the file without its folder (a folder may name a patient).
        fault: what is wrong with it and what to do.
    """

    def __init__(self, file: str | PathLike[str], fault: str):
        self.file = Path(fspath(file)).name or str(Path(fspath(file)))  # "." and "/" have no name of their own
        # A fault may quote what stands in the file, and a damaged file holds anything: it stays one line.
        self.fault = "".join(c if c.isprintable() else " " for c in fault)
        super().__init__(f"{readable(self.file)}: {self.fault}")
