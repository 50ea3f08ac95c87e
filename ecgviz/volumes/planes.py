"""Planes of a volume at a voxel, thin or as thick slabs, and the window that suits the part.

A voxel is (z, y, x). A plane across z has the rows y and the columns x, one across y the rows z, one across x the rows
z and the columns y, as ``readers.volumes.volume`` gives them.
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
        axis: the axis that it lies across: 0 axial (z), 1 coronal (y), 2 sagittal (x).
        index: of its middle.
        first, last: planes of the volume that it is made of, both included.
        values: (rows, columns); float32 for the mean of several planes.
        spacing_mm: from row to row and from column to column; None where it is not known.
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
        """Height of a pixel by its width, as the part has it; 1 where the spacing is not known."""
        return 1.0 if self.spacing_mm is None else self.spacing_mm[0] / self.spacing_mm[1]

    def voxel(self, row: float, column: float) -> tuple[float, float, float]:
        """The voxel (z, y, x) at a row and column."""
        place = [row, column]
        place.insert(self.axis, float(self.index))
        return place[0], place[1], place[2]


def rows_and_columns(axis: int) -> tuple[int, int]:
    """The axes of the volume that the rows and the columns of a plane across ``axis`` run along."""
    rows, columns = (one for one in range(3) if one != axis)
    return rows, columns


def middle(volume: Volume) -> Voxel:
    """The voxel in the middle."""
    return volume.shape[0] // 2, volume.shape[1] // 2, volume.shape[2] // 2


def within(volume: Volume, at: Voxel) -> Voxel:
    """The nearest voxel of the volume."""
    z, y, x = (min(max(int(one), 0), size - 1) for one, size in zip(at, volume.shape, strict=True))
    return z, y, x


def plane(volume: Volume, axis: int, index: int, *, thickness: int = 1, slab: Slab = "mean") -> Plane:
    """The plane across an axis, or the mean or the maximum of several around it.

    Args:
        volume: what is cut.
        axis: 0 axial, 1 coronal, 2 sagittal.
        index: of the plane; that of the middle of a slab.
        thickness: planes of the slab, 1 to ``MAX_SLAB``; those beyond the volume are left out.
        slab: what a pixel is of the voxels behind each other. Missing ones (NaN) are left out of it.

    Raises:
        ConfigError: no such plane, or a slab that cannot be.
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
    """The axial, coronal and sagittal plane through a voxel; arguments and errors as for :func:`plane`."""
    axial, coronal, sagittal = (plane(volume, axis, at[axis], thickness=thickness, slab=slab) for axis in range(3))
    return axial, coronal, sagittal


def planes_of(volume: Volume, length_mm: float, axis: int) -> int:
    """Planes that a slab of this thickness has across an axis: at least 1, at most ``MAX_SLAB``."""
    step = 1.0 if volume.spacing_mm is None else volume.spacing_mm[axis]
    return int(min(max(1, round(length_mm / step)), MAX_SLAB))


def _slab(volume: Volume, axis: int, first: int, last: int, slab: Slab) -> np.ndarray:
    """Mean or maximum of planes, read in pieces so that a thick slab of large planes stays within memory."""
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
    """The window from the inside of the part: the 0.5th to 99.5th percentile of what its outline encloses.

    The air around a part takes most of a picture, and a window from all of it leaves the windings dark. The outline is
    that of the middle planes: what is denser than Otsu's threshold between air and part, its holes filled.
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
    """The threshold that leaves the least variance in the two classes that it makes (Otsu 1979)."""
    counts, edges = np.histogram(values.astype(np.float64), _BINS)
    middles = (edges[:-1] + edges[1:]) / 2
    below, total = np.cumsum(counts), np.cumsum(counts * middles)
    above = below[-1] - below
    with np.errstate(invalid="ignore", divide="ignore"):
        between = below * above * (total / below - (total[-1] - total) / above) ** 2
    best = np.nan_to_num(between)
    # Between two separate peaks many thresholds are equally good: the middle one of them.
    return float(edges[1:][np.flatnonzero(best >= best.max() * (1 - 1e-9))].mean())
