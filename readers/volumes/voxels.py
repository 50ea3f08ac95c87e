"""Stored voxels, read by slabs: a flat file or a chunked array.

A plane across the fastest axis of a flat file touches every page. The file is therefore mapped piece by piece, which
limits resident memory, and the neighbours of a plane, which lie on the same pages, are cached for the next read.
A mapping is closed after each copy, so a file truncated later cannot raise SIGBUS.
"""

from __future__ import annotations

import mmap
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np

from readers.core.errors import ReadError

_PIECE_BYTES = 64 << 20
_NEIGHBOURS_BYTES = 48 << 20
_MOST_NEIGHBOURS = 16


class Voxels(Protocol):
    """Stored voxels with random access by slabs."""

    @property
    def shape(self) -> tuple[int, int, int]:
        """(n0, n1, n2) as stored, the slowest axis first; without a colour axis."""

    @property
    def dtype(self) -> np.dtype:
        """Stored type, with its byte order."""

    @property
    def samples(self) -> int:
        """Values per voxel: 1, or 3 or 4 for colours."""

    def read(self, axis: int, start: int, stop: int) -> np.ndarray:
        """Planes ``start`` to ``stop`` across an axis: (stop - start, the other two axes in order[, samples]).

        Raises:
            ReadError: the file is truncated or damaged.
        """


@dataclass(frozen=True)
class FlatVoxels:
    """Contiguous voxels of a file, the last axis fastest.

    Attributes:
        file: file that holds them.
        shown: file named in errors, such as that of the header.
        offset: bytes before the first voxel.
    """

    file: Path
    shown: Path
    offset: int
    shape: tuple[int, int, int]
    dtype: np.dtype
    samples: int = 1

    @property
    def nbytes(self) -> int:
        """Bytes of all voxels."""
        return int(np.prod(self.shape, dtype=object)) * self.dtype.itemsize * self.samples

    def check_length(self) -> None:
        """Check that the file is as long as its header states.

        Raises:
            ReadError: it is shorter.
        """
        held = self.file.stat().st_size - self.offset
        if held < self.nbytes:
            stated = " x ".join(map(str, reversed(self.shape)))
            raise ReadError(
                self.shown,
                f"it is truncated or its shape is wrong: {stated} voxels of {self.dtype.itemsize * self.samples} bytes "
                f"need {self.nbytes} bytes and {max(held, 0)} are there; copy it again or correct the shape.",
            )

    def read(self, axis: int, start: int, stop: int) -> np.ndarray:
        """As :meth:`Voxels.read`."""
        first, tail = self.shape[0], ((self.samples,) if self.samples > 1 else ())
        each = self.nbytes // first
        if axis == 0:
            wanted = (stop - start) * each
            with self.file.open("rb") as file:
                file.seek(self.offset + start * each)
                held = file.read(wanted)
            if len(held) < wanted:
                raise ReadError(self.shown, "it is truncated: voxels that it states are not there; copy it again.")
            array = np.frombuffer(bytearray(held), self.dtype)
            return array.reshape(stop - start, *self.shape[1:], *tail)
        other = self.shape[3 - axis]
        found = np.empty((stop - start, first, other, *tail), self.dtype)
        step = max(1, _PIECE_BYTES // each)
        for begin in range(0, first, step):
            end = min(begin + step, first)
            self._copy(axis, slice(start, stop), begin, end, found[:, begin:end])
        return found

    def _copy(self, axis: int, planes: slice, begin: int, end: int, into: np.ndarray) -> None:
        """Copy planes of a piece of the slowest axis; the mapping is closed afterwards."""
        each = self.nbytes // self.shape[0]
        first = self.offset + begin * each
        aligned = first - first % mmap.ALLOCATIONGRANULARITY
        length = first - aligned + (end - begin) * each
        with self.file.open("rb") as file:
            if file.seek(0, 2) < aligned + length:
                raise ReadError(self.shown, "it is truncated: voxels that it states are not there; copy it again.")
            # If all pages are needed, populating the mapping at once is faster.
            flags = mmap.MAP_SHARED | (getattr(mmap, "MAP_POPULATE", 0) if axis == 2 else 0)
            with mmap.mmap(file.fileno(), length, flags=flags, prot=mmap.PROT_READ, offset=aligned) as held:
                tail = (self.samples,) if self.samples > 1 else ()
                count = (end - begin) * each // self.dtype.itemsize
                array = np.frombuffer(held, self.dtype, count, first - aligned)
                array = array.reshape(end - begin, *self.shape[1:], *tail)
                into[...] = np.moveaxis(array[:, planes] if axis == 1 else array[:, :, planes], axis, 0)
                del array


@dataclass(frozen=True)
class ArrayVoxels:
    """Voxels of an array that is indexed by slices, such as one of h5py or zarr.

    Attributes:
        file: named in errors.
        take: returns the array for a tuple of slices; raises ReadError if that fails.
        chunks: shape of a chunk, which is decoded as a whole.
    """

    file: Path
    take: Callable[[tuple[slice, ...]], np.ndarray] = field(repr=False)
    shape: tuple[int, int, int]
    dtype: np.dtype
    chunks: tuple[int, int, int]
    samples: int = 1

    def decoded_bytes(self, axis: int) -> int:
        """Bytes decoded for one plane across an axis."""
        touched = [min(self.chunks[axis], self.shape[axis])]
        touched += [-(-self.shape[one] // self.chunks[one]) * self.chunks[one] for one in range(3) if one != axis]
        return int(np.prod(touched, dtype=object)) * self.dtype.itemsize * self.samples

    def read(self, axis: int, start: int, stop: int) -> np.ndarray:
        """As :meth:`Voxels.read`."""
        key = [slice(0, size) for size in self.shape]
        key[axis] = slice(start, stop)
        return np.moveaxis(self.take(tuple(key)), axis, 0)


class Neighbours:
    """Caches the planes next to the last one read, for axes that are slow to read.

    Args:
        voxels: the voxels to read.
        slow: axes whose planes are read together with their neighbours.
    """

    def __init__(self, voxels: Voxels, slow: tuple[int, ...] = (1, 2)):
        self.voxels, self.shape, self.dtype, self.samples = voxels, voxels.shape, voxels.dtype, voxels.samples
        self._slow = slow
        self._kept: dict[int, tuple[int, np.ndarray]] = {}
        self._locks = [threading.Lock() for _ in range(3)]

    def read(self, axis: int, start: int, stop: int) -> np.ndarray:
        """As :meth:`Voxels.read`."""
        width = self._width(axis)
        if axis not in self._slow or width < 2 or start // width != (stop - 1) // width:
            return self.voxels.read(axis, start, stop)
        begin = start // width * width
        with self._locks[axis]:
            kept = self._kept.get(axis)
            if kept is None or kept[0] != begin:
                kept = begin, self.voxels.read(axis, begin, min(begin + width, self.shape[axis]))
                self._kept[axis] = kept
        return kept[1][start - begin : stop - begin]

    def _width(self, axis: int) -> int:
        each = int(np.prod(self.shape, dtype=object)) // self.shape[axis] * self.dtype.itemsize * self.samples
        return int(min(_MOST_NEIGHBOURS, _NEIGHBOURS_BYTES // max(each, 1), self.shape[axis]))
