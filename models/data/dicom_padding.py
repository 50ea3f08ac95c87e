"""DICOM's pixel padding: samples that stand for "nothing was scanned here" and fill the picture up to a rectangle."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydicom.dataset import Dataset


def padding_range(dataset: Dataset) -> tuple[int, int] | None:
    """Lowest and highest stored sample that is padding, both included; None where the file names none.

    Source: DICOM PS3.3 C.7.5.1.1.2 (PixelPaddingValue, PixelPaddingRangeLimit).

    Args:
        dataset: header of a grey picture; other pictures have no padding.
    """
    if not str(dataset.get("PhotometricInterpretation", "")).startswith("MONOCHROME"):
        return None
    first = _sample(dataset, "PixelPaddingValue")
    if first is None:
        return None
    last = _sample(dataset, "PixelPaddingRangeLimit")
    return (first, first) if last is None else (min(first, last), max(first, last))


def _sample(dataset: Dataset, name: str) -> int | None:
    """A stored sample that the header names, or None where it is no number."""
    try:
        value = int(dataset.get(name))
    except (TypeError, ValueError):
        return None
    # Writers forget the sign: 63536 among signed samples of 16 bits is -2000.
    wrap = 1 << int(dataset.get("BitsAllocated") or 16)
    return value - wrap if int(dataset.get("PixelRepresentation") or 0) and value >= wrap >> 1 else value
