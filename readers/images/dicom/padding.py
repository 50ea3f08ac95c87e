"""Pixel padding in DICOM: samples outside of the scanned region that fill the rectangle."""

from __future__ import annotations

from typing import Any, Protocol


class Values(Protocol):
    """Header values by keyword: pydicom's ``Dataset``, or a reader's equivalent."""

    def get(self, name: str, default: Any = None, /) -> Any:
        """The value, or ``default`` where absent."""


def padding_range(dataset: Values) -> tuple[int, int] | None:
    """Lowest and highest padding value, inclusive; None where the file states none.

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


def _sample(dataset: Values, name: str) -> int | None:
    """A stored sample value from the header; None where it is no number."""
    try:
        value, bits = int(dataset.get(name)), int(dataset.get("BitsAllocated") or 16)
        signed = bool(int(dataset.get("PixelRepresentation") or 0))
    except (TypeError, ValueError, OverflowError):
        return None
    # Writers forget the sign: 63536 among signed samples of 16 bits is -2000.
    wrap = 1 << min(max(bits, 1), 64)
    return value - wrap if signed and value >= wrap >> 1 else value
