"""CT pictures of one object: a stack of slices, decoded on access.

A stack of 2,000 slices is gigabytes. So an ImageStack holds no pixels: it holds a source that decodes the slice it is
asked for. A single picture is a stack of one slice.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np


class SliceSource(Protocol):
    """Interface of readers: random access to slices.

    Attributes:
        files: the files that the slices come from, in their order; empty for pictures that lie in memory.
    """

    files: tuple[Path, ...]

    def read(self, index: int) -> np.ndarray:
        """Slice ``index`` as uint8, uint16, int16 or float32 (H, W), a new writable array.

        Raises:
            ReadError: the slice is damaged.
        """


@dataclass(frozen=True)
class ArraySlices:
    """A source over slices (n, H, W) that are in memory or memory-mapped."""

    slices: np.ndarray
    files: tuple[Path, ...] = ()

    def read(self, index: int) -> np.ndarray:
        return np.array(self.slices[index])


@dataclass(frozen=True)
class ImageStack:
    """One picture, or several slices of one object.

    Attributes:
        name: what to call it on a page.
        n_slices: number of slices; 1 for a picture.
        height: rows of slice 0. Slices may differ in size: the shape of ``pixels(i)`` is what counts.
        width: columns of slice 0.
        dtype: type of the values that ``pixels`` gives: uint8, uint16, int16 or float32.
        source: gives the slices.
        format: reader that opened it, such as "TIFF" or "DICOM".
        spacing_mm: size of a pixel in mm, (from row to row, from column to column), where it is known.
        slice_names: file or page of each slice.
        window: (centre, width) that the file suggests, in the values of ``pixels``.
        inverted: the file shows its lowest value as white (MONOCHROME1, WhiteIsZero). ``pixels`` has already turned
            its values round, so that higher is brighter in every stack; nobody else has to.
        warnings: sentences about the files that stay visible.
        value_unit: "HU" where the values are Hounsfield units, otherwise "".
        slice_mm: where each slice lies along the stack, in mm from the first, as far as the files say; else empty.
        tags: what the files state about the part, (name, value): never about a person.
        part: which planes or array of its files it is, of a volume; empty for the whole.
    """

    name: str
    n_slices: int
    height: int
    width: int
    dtype: np.dtype
    source: SliceSource = field(repr=False)
    format: str
    spacing_mm: tuple[float, float] | None = None
    slice_names: tuple[str, ...] = field(default=(), repr=False)
    window: tuple[float, float] | None = None
    inverted: bool = False
    warnings: tuple[str, ...] = ()
    value_unit: str = ""
    slice_mm: tuple[float, ...] = field(default=(), repr=False)
    tags: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    part: str = ""

    @property
    def slice_spacing_mm(self) -> float | None:
        """Distance between slices in mm (median of uneven ones); None where unknown."""
        steps = np.diff(self.slice_mm)
        steps = steps[steps > 0]
        return float(np.median(steps)) if len(steps) else None

    def pixels(self, index: int) -> np.ndarray:
        """Slice ``index``, decoded on access: (H, W) of ``dtype``.

        A float picture is NaN where a value is missing, and minus infinity where the file says that nothing was
        scanned (DICOM's pixel padding): lower than every value, and none of them. A picture in colour comes as its
        luminance. The array is the caller's own.

        Raises:
            ValueError: there is no such slice.
            ReadError: the slice is damaged; the message names its file.
        """
        if not 0 <= index < self.n_slices:
            raise ValueError(f"slice {index} lies outside the stack of {self.n_slices} slices")
        return self.source.read(index)
