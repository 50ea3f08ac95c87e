"""Pixel size from TIFF resolution tags, which most writers fill with placeholders."""

from __future__ import annotations

import re
from collections.abc import Mapping
from math import isfinite
from typing import Any

SPACING_TAGS = (282, 283, 296)
"""Resolution along and across the rows, and its unit."""
_INCH_MM = 25.4
_TAG_UNITS_MM: dict[float, float] = {2: _INCH_MM, 3: 10.0}
"""TIFF tag 296: inch, centimetre; 1 means that no unit is known."""
_WORDS_MM = {
    **dict.fromkeys(("nm", "nanometer", "nanometre"), 1e-6),
    **dict.fromkeys(("um", "µm", "μm", "\\u00b5m", "micron", "microns", "micrometer", "micrometre"), 1e-3),
    **dict.fromkeys(("mm", "millimeter", "millimetre"), 1.0),
    **dict.fromkeys(("cm", "centimeter", "centimetre"), 10.0),
    **dict.fromkeys(("inch", "in"), _INCH_MM),
}
_OF_PRINT_DPI = (1, 72, 96, 100, 120, 150, 200, 204, 300, 400, 600, 1200, 2400)
_SMALLEST_MM, _LARGEST_MM = 1e-6, 10.0
_OME_PIXELS = re.compile(r"<(?:\w+:)?Pixels\b[^>]{0,4000}>")


def spacing_mm(tags: Mapping[int, object], imagej: Mapping[str, object]) -> tuple[float, float] | None:
    """Pixel spacing in mm, (between rows, between columns); None where unstated.

    Resolutions that printing software writes into every file (72, 96, 300 dpi ...) say nothing about the object.

    Args:
        tags: of the first page, those of :data:`SPACING_TAGS`; None for one that is missing.
        imagej: ImageJ's own metadata; their ``unit`` goes before the tag.
    """
    word = str(imagej.get("unit", "")).strip().lower()
    unit = _WORDS_MM.get(word) if word else None
    if unit is None:
        unit = _TAG_UNITS_MM.get(_number(tags, 296) or 0)
    across, down = _number(tags, 282), _number(tags, 283)
    if unit is None or not across or not down:
        return None
    row, column = unit / down, unit / across
    if any(not _SMALLEST_MM <= value <= _LARGEST_MM for value in (row, column)):
        return None
    if word not in _WORDS_MM and any(abs(_INCH_MM / column - dpi) < 0.005 * dpi for dpi in _OF_PRINT_DPI):
        return None
    return row, column


def ome_spacing_mm(description: str) -> tuple[float, float, float] | None:
    """Spacing in mm along z, y and x by the OME-XML of the first page, z 0 where it is unstated; None for no OME.

    Of the XML only the attributes of its first ``Pixels`` are looked at.
    Source: OME schema 2016-06; lengths are in µm unless a unit is stated.
    """
    found = _OME_PIXELS.search(description[:200_000]) if "<" in description[:200] else None
    if found is None:
        return None
    steps = [_ome_length(found.group(), axis) for axis in "ZYX"]
    if not all(_SMALLEST_MM <= one <= _LARGEST_MM for one in steps[1:]):
        return None
    return (steps[0] if steps[0] <= _LARGEST_MM else 0.0), steps[1], steps[2]


def _ome_length(pixels: str, axis: str) -> float:
    value = re.search(rf'\bPhysicalSize{axis}="([0-9.eE+-]{{1,40}})"', pixels)
    unit = re.search(rf'\bPhysicalSize{axis}Unit="([^"]{{1,20}})"', pixels)
    try:
        length = float(value.group(1)) if value else 0.0
    except ValueError:
        return 0.0
    return length * _WORDS_MM.get(unit.group(1).lower() if unit else "um", 1e-3) if isfinite(length) else 0.0


def slice_spacing_mm(imagej: Mapping[str, object]) -> float | None:
    """Distance between slices in mm from ImageJ's metadata; None where unstated."""
    unit = _WORDS_MM.get(str(imagej.get("unit", "")).strip().lower())
    step = imagej.get("spacing")
    if unit is None or isinstance(step, bool) or not isinstance(step, int | float) or not isfinite(step) or step <= 0:
        return None
    return step * unit


def _number(tags: Mapping[int, Any], tag: int) -> float | None:
    """A tag as a number; rationals are stored as numerator and denominator."""
    value = tags[tag]
    try:
        number = value[0] / value[1] if isinstance(value, tuple) else float(value)
    except (TypeError, ValueError, ZeroDivisionError, IndexError):
        return None
    return number if isfinite(number) and number > 0 else None
