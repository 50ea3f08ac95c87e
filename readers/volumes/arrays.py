"""Shared by HDF5 and zarr: selection of the array, its axes, spacing, and limits on decoded chunks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from readers.core.errors import ReadError
from readers.volumes.layout import which_volume
from readers.volumes.nrrd import UNITS_MM
from readers.volumes.volume import Placement, check_shape, check_values, spacing_in_mm

MAX_CHUNK_BYTES = 256 << 20
_NAMED = 6
Key = tuple[int | slice, ...]


class ArrayForm:
    """Maps the axes of an array to those of a volume.

    Args:
        file: named in errors.
        shape: shape of the array.
        dtype: type of its values.
        number: which of several volumes, from 1; None if not given.

    Raises:
        ReadError: not a volume, several volumes without a number, or values that are not real numbers.
    """

    def __init__(self, file: Path, shape: Sequence[int], dtype: np.dtype, number: int | None):
        self.dtype = check_values(file, np.dtype(dtype))
        sizes = [int(one) for one in shape]
        is_colour = len(sizes) >= 3 and sizes[-1] in {3, 4} and self.dtype == np.uint8 and min(sizes[-3:-1]) > 4
        self.samples = sizes.pop() if is_colour else 1
        if len(sizes) == 2:
            sizes, self._flat = [1, *sizes], True
        else:
            self._flat = False
        self.shape = check_shape(file, tuple(sizes[-3:]))
        beyond = sizes[:-3]
        which = which_volume(file, beyond, number)
        self._before: tuple[int, ...] = tuple(int(one) for one in np.unravel_index(which, beyond)) if beyond else ()

    def key(self, slices: tuple[slice, ...]) -> Key:
        """Index into the array for slices along z, y and x."""
        return (*self._before, *(slices[1:] if self._flat else slices), *((slice(None),) if self.samples > 1 else ()))

    def shaped(self, found: np.ndarray) -> np.ndarray:
        """Values read with :meth:`key`, as (z, y, x[, samples])."""
        return found[None] if self._flat else found

    def chunks(self, file: Path, stated: Sequence[int] | None) -> tuple[int, int, int]:
        """Shape of a chunk, which is decoded as a whole, along z, y and x.

        Raises:
            ReadError: a chunk above ``MAX_CHUNK_BYTES``.
        """
        sizes = [int(one) for one in stated] if stated else [1, *self.shape[1:]]
        each = int(np.prod(sizes, dtype=object)) * self.dtype.itemsize
        if each > MAX_CHUNK_BYTES or min(sizes) < 1:
            raise ReadError(
                file,
                f"it is stored in pieces of {each >> 20} MB; at most {MAX_CHUNK_BYTES >> 20} MB are decoded at once. "
                "Save it in smaller chunks.",
            )
        if stated and self.samples > 1:
            sizes.pop()
        if self._flat:
            sizes = [1, *sizes[-2:]]
        return (sizes[-3], sizes[-2], sizes[-1]) if stated else (1, self.shape[1], self.shape[2])


def the_array(file: Path, wanted: str, found: Mapping[str, tuple[int, ...]], kind: str) -> str:
    """Path of the array to read.

    Args:
        file: named in errors.
        wanted: path given by the user; empty to take the only volume.
        found: shape of each numeric array, by its path.
        kind: kind of file in errors, such as "HDF5 file".

    Raises:
        ReadError: no such array, none at all, or several volumes where none was chosen.
    """
    plain = wanted.strip("/")
    if plain in found:
        return plain
    listed = ", ".join(f"{name} ({' x '.join(map(str, shape))})" for name, shape in list(found.items())[:_NAMED])
    more = " ..." if len(found) > _NAMED else ""
    if not found:
        raise ReadError(file, f"this {kind} holds no array of numbers; export the volume again.")
    if plain:
        raise ReadError(file, f"it holds no array {plain[:80]!r}; it has {listed}{more}.")
    volumes = [name for name, shape in found.items() if len([one for one in shape if one > 1]) >= 3]
    if len(volumes) == 1:
        return volumes[0]
    if not volumes and len(found) == 1:
        return next(iter(found))
    raise ReadError(file, f"it holds several arrays, {listed}{more}; choose one, as --dataset {next(iter(found))}.")


def spacing_of(
    attributes: Callable[[str], Any], scale: Sequence[float] | None = None
) -> tuple[tuple[float, float, float] | None, tuple[str, ...]]:
    """Spacing in mm from the attributes that common programs write, and notes.

    Args:
        attributes: returns an attribute by name or None: ``spacing_mm``, ``element_size_um`` (ilastik, ImageJ), or
            ``spacing`` with ``unit``; one number, or three along z, y and x.
        scale: spacing in mm stated elsewhere, which takes precedence.
    """
    unit = UNITS_MM.get(str(attributes("unit") or "mm").strip().lower(), 1.0)
    stated = ((scale, 1.0), (attributes("spacing_mm"), 1.0), (attributes("element_size_um"), 1e-3))
    for values, factor in (*stated, (attributes("spacing"), unit), (attributes("voxel_size"), unit)):
        try:
            steps = np.atleast_1d(np.asarray(values, float)).ravel() if values is not None else np.empty(0)
        except (TypeError, ValueError):
            continue
        if len(steps) in {1, 3}:
            steps = np.broadcast_to(steps, (3,))
            return spacing_in_mm((float(steps[0]), float(steps[1]), float(steps[2])), Placement(), factor)
    return None, ()
