"""A CT volume: voxels on the axes z, y and x, read by planes.

**Orientation is handled here and nowhere else.** Whatever the order of the axes in the file, z of a ``Volume`` runs to
the head, y to the back and x to the left of the patient (DICOM's LPS, the convention of ITK): an object saved as NIfTI,
NRRD, MetaImage and DICOM gives the same array. A file without an orientation is taken as stored.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from math import isfinite
from pathlib import Path

import numpy as np

from readers.core.errors import ReadError
from readers.images.pixels import MAX_PIXELS, grey, value_dtype
from readers.images.slices import MAX_SLICES, Decoded, Reading, Slice
from readers.volumes.voxels import Voxels

MAX_BLOCK_BYTES = 512 << 20
_SMALLEST_MM, _LARGEST_MM = 1e-6, 1000.0


@dataclass(frozen=True)
class Placement:
    """Maps the axes of a volume to those of its file.

    Attributes:
        axes: stored axis of z, y and x.
        flipped: whether z, y and x run against their stored axis.
    """

    axes: tuple[int, int, int] = (0, 1, 2)
    flipped: tuple[bool, bool, bool] = (False, False, False)


@dataclass(frozen=True)
class Scale:
    """Linear scaling of stored values: ``slope * stored + intercept``."""

    slope: float = 1.0
    intercept: float = 0.0

    @property
    def none(self) -> bool:
        """Whether the scaling is the identity."""
        return self.slope == 1 and self.intercept == 0

    def dtype(self, stored: np.dtype) -> np.dtype:
        """Type of the scaled values: float32, or the stored type if the scaling is the identity."""
        return value_dtype(stored.newbyteorder("=")) if self.none else np.dtype(np.float32)


@dataclass(frozen=True)
class Volume:
    """A volume; planes are read on demand.

    Attributes:
        name: display name.
        format: format of the file, such as "NIfTI".
        files: files that it is read from.
        voxels: the stored values.
        spacing_mm: from voxel to voxel along z, y and x; None if the file does not state it.
        placement: maps its axes to those of the file.
        scale: from stored values to those of ``plane``.
        value_unit: "HU" if the values are Hounsfield units, else "".
        window: (centre, width) stated by the file.
        tags: (name, value) pairs about the part; never about a person.
        warnings: sentences shown for as long as the volume is open.
        part: ``VolumeAddress.part`` of its address.
    """

    name: str
    format: str
    files: tuple[Path, ...]
    voxels: Voxels = field(repr=False)
    spacing_mm: tuple[float, float, float] | None = None
    placement: Placement = Placement()
    scale: Scale = Scale()
    value_unit: str = ""
    window: tuple[float, float] | None = None
    tags: tuple[tuple[str, str], ...] = ()
    warnings: tuple[str, ...] = ()
    part: str = ""

    @property
    def shape(self) -> tuple[int, int, int]:
        """Voxels along z, y and x."""
        stored, axes = self.voxels.shape, self.placement.axes
        return stored[axes[0]], stored[axes[1]], stored[axes[2]]

    @property
    def dtype(self) -> np.dtype:
        """Type of the values of a plane: uint8, uint16, int16 or float32."""
        return self.scale.dtype(self.voxels.dtype)

    @property
    def bits(self) -> int:
        """Bits of a stored value."""
        return self.voxels.dtype.itemsize * 8

    def plane(self, axis: int, index: int) -> np.ndarray:
        """One plane: (y, x) across z, (z, x) across y, (z, y) across x; of ``dtype``.

        Missing and infinite values are NaN; colours are converted to luminance.

        Raises:
            ValueError: no such plane.
            ReadError: the file is damaged or truncated.
        """
        return self.decode(axis, index)[0]

    def decode(self, axis: int, index: int) -> Decoded:
        """As :meth:`plane`, with notes on the values."""
        stored = self._stored(axis, index, index + 1)[0]
        return self._values(stored)

    def block(self, axis: int, start: int, stop: int) -> np.ndarray:
        """Planes ``start`` to ``stop`` (exclusive) across an axis, (stop - start, rows, columns), as :meth:`plane`.

        Raises:
            ValueError: planes outside of the volume, or more than ``MAX_BLOCK_BYTES``.
            ReadError: the file is damaged or truncated.
        """
        stored = self._stored(axis, start, stop)
        if self.voxels.samples > 1:
            return np.stack([self._values(one)[0] for one in stored])
        rows, columns = (self.shape[one] for one in range(3) if one != axis)
        return self._values(stored.reshape(-1, columns))[0].reshape(stop - start, rows, columns)

    def _stored(self, axis: int, start: int, stop: int) -> np.ndarray:
        size = self.shape[axis]
        if not 0 <= start < stop <= size:
            raise ValueError(f"planes {start} to {stop} lie outside of the {size} across that axis")
        count = int(np.prod(self.shape, dtype=object)) // size * (stop - start)
        if count * self.voxels.dtype.itemsize > MAX_BLOCK_BYTES:
            raise ValueError(f"{stop - start} planes are more than is read at once")
        axes, flipped = self.placement.axes, self.placement.flipped
        first, last = (size - stop, size - start) if flipped[axis] else (start, stop)
        found = self.voxels.read(axes[axis], first, last)
        others = [one for one in range(3) if one != axis]
        if axes[others[0]] > axes[others[1]]:
            found = np.swapaxes(found, 1, 2)
        turned = (flipped[axis], flipped[others[0]], flipped[others[1]])
        return found[tuple(slice(None, None, -1) if turn else slice(None) for turn in turned)]

    def _values(self, stored: np.ndarray) -> Decoded:
        if not self.scale.none:
            with np.errstate(over="ignore", invalid="ignore"):
                stored = stored.astype(np.float64) * self.scale.slope + self.scale.intercept
        return grey(self.files[0], stored)

    def slice_mm(self, axis: int) -> tuple[float, ...]:
        """Position of each plane across an axis, mm from the first; empty if the spacing is unknown."""
        if self.spacing_mm is None:
            return ()
        return tuple(float(one) for one in np.arange(self.shape[axis]) * self.spacing_mm[axis])


def reading_of(volume: Volume, axis: int) -> Reading:
    """The planes across an axis as the slices of a stack, decoded by the volume."""
    height, width = (volume.shape[one] for one in range(3) if one != axis)
    spacing = volume.spacing_mm
    across = None if spacing is None else tuple(spacing[one] for one in range(3) if one != axis)
    slices = tuple(
        Slice(
            volume.files[0],
            f"{'zyx'[axis]} {index + 1}",
            height,
            width,
            volume.dtype,
            partial(volume.decode, axis, index),
        )
        for index in range(volume.shape[axis])
    )
    return Reading(
        slices=slices,
        format=volume.format,
        spacing_mm=None if across is None else (across[0], across[1]),
        window=volume.window,
        value_unit=volume.value_unit,
        notes=volume.warnings,
        slice_mm=volume.slice_mm(axis),
        tags=volume.tags,
        files=volume.files,
    )


def check_shape(file: Path, shape: tuple[int, ...]) -> tuple[int, int, int]:
    """Check the shape of a volume: three axes, and planes and slices within the limits.

    Raises:
        ReadError: not three axes, an empty axis, or more than ``MAX_SLICES`` planes or ``MAX_PIXELS`` pixels a plane.
    """
    stated = " x ".join(str(one)[:12] for one in shape[:6]) or "nothing"
    if len(shape) != 3:
        raise ReadError(file, f"it holds an array of {stated} values, which is no volume; give three axes.")
    if min(shape) < 1:
        raise ReadError(file, f"it states a volume of {stated} voxels, so there is nothing in it; export it again.")
    ordered = sorted(shape)
    if ordered[2] > MAX_SLICES or ordered[1] * ordered[2] > MAX_PIXELS:
        raise ReadError(
            file,
            f"it claims {stated} voxels; at most {MAX_SLICES} planes of {MAX_PIXELS // 10**6} million pixels are read. "
            "Crop it or reduce its size.",
        )
    return int(shape[0]), int(shape[1]), int(shape[2])


def check_values(file: Path, dtype: np.dtype) -> np.dtype:
    """Check the type of voxels: real numbers of at most 64 bits.

    Raises:
        ReadError: complex values, records, text or objects.
    """
    if dtype.kind not in "buif" or dtype.itemsize > 8:
        raise ReadError(file, f"its values are of the type {str(dtype)[:60]}; store real numbers of at most 64 bits.")
    return dtype


def placed(direction: np.ndarray | None) -> tuple[Placement, tuple[str, ...]]:
    """Placement of a volume from the directions of its stored axes.

    Args:
        direction: (3, 3); column i is the direction in LPS of stored axis i, the fastest first (the reverse order of
            the shape of ``Voxels``); None to keep the volume as stored.

    Returns:
        the placement, and a note if the axes are tilted.
    """
    if direction is None or not np.isfinite(direction).all():
        return Placement(), ()
    lengths = np.linalg.norm(direction, axis=0)
    if (lengths <= 0).any() or abs(np.linalg.det(direction / np.where(lengths > 0, lengths, 1))) < 1e-3:
        return Placement(), ("Its axes contradict each other: it is shown as stored.",)
    unit = direction / lengths
    # The stored axis of each world axis: the permutation with the largest sum of direction cosines.
    best = max(_orders(), key=lambda order: sum(abs(unit[world, order[world]]) for world in range(3)))
    tilt = max(float(np.degrees(np.arccos(min(1.0, abs(unit[world, best[world]]))))) for world in range(3))
    notes = (f"Its axes are tilted by {tilt:.1f} degrees: the planes are those of its voxels.",) if tilt > 1 else ()
    flips = [bool(unit[world, best[world]] < 0) for world in range(3)]
    stored = [2 - best[world] for world in range(3)]
    # World axes are x, y, z; those of a volume z, y, x.
    return Placement((stored[2], stored[1], stored[0]), (flips[2], flips[1], flips[0])), notes


def _orders() -> list[tuple[int, int, int]]:
    return [(a, b, c) for a in range(3) for b in range(3) for c in range(3) if len({a, b, c}) == 3]


def spacing_in_mm(
    along: tuple[float, float, float], placement: Placement, factor: float = 1.0
) -> tuple[tuple[float, float, float] | None, tuple[str, ...]]:
    """Spacing along z, y and x in mm, and a note if it is invalid.

    Args:
        along: stated spacing of the stored axes, the slowest first; its sign, a direction, is ignored.
        placement: of the volume.
        factor: from the stated unit to mm.
    """
    values = [abs(float(along[axis])) * factor for axis in placement.axes]
    if not all(isfinite(one) and _SMALLEST_MM <= one <= _LARGEST_MM for one in values):
        return None, ("It states no spacing that could be: distances are not told in mm.",)
    return (values[0], values[1], values[2]), ()
