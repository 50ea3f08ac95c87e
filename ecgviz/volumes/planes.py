"""Planes of a volume through a voxel, thin or as slabs, and the default window.

A voxel is (z, y, x). A plane across z has rows y and columns x; across y, rows z and columns x; across x, rows z and
columns y, as in ``readers.volumes.volume``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from ecgviz.errors import ConfigError
from ecgviz.figures.window_level import Window, window_between
from readers.volumes.address import AXES
from readers.volumes.volume import MAX_BLOCK_BYTES, Volume

Voxel = tuple[int, int, int]
Slab = Literal["mean", "max"]
MAX_SLAB = 256
_PIECE_BYTES = 64 << 20
_SAMPLE = 256
_BINS = 256
_ENDS = (0.5, 99.5)


@dataclass(frozen=True)
class Plane:
    """One plane of a volume.

    Attributes:
        axis: normal of the plane: 0 axial (z), 1 coronal (y), 2 sagittal (x).
        index: index of the plane, or of the middle of the slab.
        first, last: first and last plane of the slab, inclusive.
        values: (rows, columns); float32 for the mean of several planes.
        spacing_mm: from row to row and from column to column; None if unknown.
    """

    axis: int
    index: int
    first: int
    last: int
    values: np.ndarray = field(repr=False)
    spacing_mm: tuple[float, float] | None

    @property
    def name(self) -> str:
        """ "axial", "coronal" or "sagittal"."""
        return AXES[self.axis]

    @property
    def aspect(self) -> float:
        """Height of a pixel divided by its width; 1 if the spacing is unknown."""
        return 1.0 if self.spacing_mm is None else self.spacing_mm[0] / self.spacing_mm[1]

    def voxel(self, row: float, column: float) -> tuple[float, float, float]:
        """The voxel (z, y, x) at a row and column."""
        place = [row, column]
        place.insert(self.axis, float(self.index))
        return place[0], place[1], place[2]


def rows_and_columns(axis: int) -> tuple[int, int]:
    """Axes of the volume along the rows and the columns of a plane across ``axis``."""
    rows, columns = (one for one in range(3) if one != axis)
    return rows, columns


def middle(volume: Volume) -> Voxel:
    """Central voxel of a volume."""
    return volume.shape[0] // 2, volume.shape[1] // 2, volume.shape[2] // 2


def within(volume: Volume, at: Voxel) -> Voxel:
    """Clip a voxel to the volume."""
    z, y, x = (min(max(int(one), 0), size - 1) for one, size in zip(at, volume.shape, strict=True))
    return z, y, x


def plane(volume: Volume, axis: int, index: int, *, thickness: int = 1, slab: Slab = "mean") -> Plane:
    """A plane across an axis, or the mean or maximum of the planes around it (a slab).

    Args:
        volume: the volume.
        axis: 0 axial, 1 coronal, 2 sagittal.
        index: index of the plane, or of the middle of the slab.
        thickness: planes of the slab, 1 to ``MAX_SLAB``; planes outside of the volume are ignored.
        slab: projection across the slab; missing voxels (NaN) are ignored.

    Raises:
        ConfigError: no such plane, or an invalid slab.
        ReadError: the file is damaged.
    """
    size = volume.shape[axis]
    if not 0 <= index < size:
        raise ConfigError("at", f"there is no {AXES[axis]} plane {index}; give one from 0 to {size - 1}")
    if not 1 <= thickness <= MAX_SLAB or slab not in {"mean", "max"}:
        raise ConfigError("slab", f"a slab is the mean or max of 1 to {MAX_SLAB} planes, not {slab} of {thickness}")
    first = max(0, index - (thickness - 1) // 2)
    last = min(size - 1, index + thickness // 2)
    values = volume.plane(axis, index) if first == last else _slab(volume, axis, first, last, slab)
    rows, columns = rows_and_columns(axis)
    spacing = None if volume.spacing_mm is None else (volume.spacing_mm[rows], volume.spacing_mm[columns])
    return Plane(axis, index, first, last, values, spacing)


def three_planes(volume: Volume, at: Voxel, *, thickness: int = 1, slab: Slab = "mean") -> tuple[Plane, Plane, Plane]:
    """Axial, coronal and sagittal plane through a voxel; arguments and errors as for :func:`plane`."""
    axial, coronal, sagittal = (plane(volume, axis, at[axis], thickness=thickness, slab=slab) for axis in range(3))
    return axial, coronal, sagittal


def planes_of(volume: Volume, length_mm: float, axis: int) -> int:
    """Number of planes in a slab of a thickness in mm (in voxels without a spacing), 1 to ``MAX_SLAB``."""
    step = 1.0 if volume.spacing_mm is None else volume.spacing_mm[axis]
    return int(min(max(1, round(length_mm / step)), MAX_SLAB))


def _slab(volume: Volume, axis: int, first: int, last: int, slab: Slab) -> np.ndarray:
    """Mean or maximum of planes, read in pieces to limit memory."""
    rows, columns = (volume.shape[one] for one in rows_and_columns(axis))
    step = max(1, min(_PIECE_BYTES, MAX_BLOCK_BYTES) // (rows * columns * 8))
    total = np.full((rows, columns), -np.inf if slab == "max" else 0.0, np.float64)
    count = np.zeros((rows, columns), np.int32)
    for start in range(first, last + 1, step):
        block = volume.block(axis, start, min(start + step, last + 1))
        known = np.isfinite(block) if block.dtype.kind == "f" else np.ones((), bool)
        count += np.broadcast_to(known, block.shape).sum(axis=0, dtype=np.int32)
        if slab == "max":
            np.maximum(total, np.where(known, block, -np.inf).max(axis=0), out=total)
        else:
            total += np.where(known, block, 0).sum(axis=0, dtype=np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        found = np.where(count > 0, total if slab == "max" else total / count, np.nan)
    return found.astype(volume.dtype if slab == "max" and volume.dtype.kind in "iu" else np.float32)


def part_window(volume: Volume) -> Window:
    """Default window: the 0.5th to 99.5th percentile of the values within the part's outline.

    Air fills most of a slice, so percentiles of the whole slice leave the windings dark. The outline is taken from the
    three middle planes: voxels above Otsu's threshold between air and part, with holes filled.
    """
    from scipy.ndimage import binary_fill_holes

    found = []
    for axis in range(3):
        values = volume.plane(axis, volume.shape[axis] // 2)
        small = values[:: max(1, values.shape[0] // _SAMPLE), :: max(1, values.shape[1] // _SAMPLE)]
        known = np.isfinite(small)
        if not known.any():
            continue
        inside = binary_fill_holes(np.where(known, small, small[known].min()) > otsu(small[known])) & known
        found.append(small[inside if inside.any() else known].ravel())
    if not found:
        return Window(0.5, 1.0)
    low, high = np.percentile(np.concatenate(found), _ENDS)
    return window_between(float(low), float(high), volume.dtype)


def otsu(values: np.ndarray) -> float:
    """Threshold with the least variance within its two classes (Otsu 1979)."""
    counts, edges = np.histogram(values.astype(np.float64), _BINS)
    middles = (edges[:-1] + edges[1:]) / 2
    below, total = np.cumsum(counts), np.cumsum(counts * middles)
    above = below[-1] - below
    with np.errstate(invalid="ignore", divide="ignore"):
        between = below * above * (total / below - (total[-1] - total) / above) ** 2
    best = np.nan_to_num(between)
    # Between two separate peaks many thresholds are equally good: take the middle of them.
    return float(edges[1:][np.flatnonzero(best >= best.max() * (1 - 1e-9))].mean())
