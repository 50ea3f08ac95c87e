"""Lazy access to a DICOM data set with validated values; pydicom decodes, and raises, on access only.

What it cannot decode, and a number that is none, is the file's fault; whatever else fails in a reader is the reader's.
"""

from __future__ import annotations

from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any

from readers.core.decoding import decoding, pydicom_errors
from readers.core.errors import ReadError

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

DAMAGED = "the DICOM file is damaged or truncated; export it again."


class Header:
    """Values of a data set by keyword.

    Attributes:
        path: the file, for messages.
        dataset: what pydicom read of it.

    Every method raises ReadError where pydicom cannot decode the value.
    """

    def __init__(self, path: Path, dataset: Dataset):
        self.path, self.dataset = path, dataset

    def get(self, name: str, default: Any = None) -> Any:
        """The value as pydicom gives it; ``default`` where absent."""
        with decoding(self.path, DAMAGED, *pydicom_errors()):
            return self.dataset.get(name, default)

    def text(self, name: str, default: str = "") -> str:
        """The value as text; ``default`` where absent or empty."""
        value = self.get(name)
        with decoding(self.path, DAMAGED, *pydicom_errors()):
            return str(value) if value else default

    def number(self, name: str, default: float = 0.0) -> float:
        """The single number of a value; ``default`` where absent or empty.

        Raises:
            ReadError: it is no number, or several.
        """
        value = self.get(name)
        if value is None or value == "":
            return default
        try:
            number = float(value)
        except (TypeError, ValueError, OverflowError):
            number = float("nan")
        if not isfinite(number):
            raise ReadError(self.path, DAMAGED)
        return number

    def whole(self, name: str, default: int = 0) -> int:
        """As :meth:`number`, truncated to an integer."""
        return int(self.number(name, default))

    def items(self, name: str) -> list[Header]:
        """Data sets of a sequence; empty where absent or no sequence."""
        value = self.get(name)
        with decoding(self.path, DAMAGED, *pydicom_errors()):
            found = [] if value is None or isinstance(value, str | bytes) else list(value)
            return [Header(self.path, one) for one in found if hasattr(one, "get_item")]
