"""Compressed voxels, unpacked once into a temporary file at the first read.

A compressed stream has no random access, and a coronal or sagittal plane needs every slice. The unpacked size is
limited by the shape in the header, which is itself limited; runs of zeros are stored sparsely.
"""

from __future__ import annotations

import bz2
import os
import shutil
import tempfile
import threading
import weakref
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from readers.core.decoding import decoding
from readers.core.errors import ReadError
from readers.volumes.voxels import ArrayVoxels, FlatVoxels, Voxels

MAX_UNPACKED_BYTES = 16 << 30
MAX_RATIO = 200
FREE_RATIO_BYTES = 64 << 20
_CHUNK = 1 << 20
_RESERVE_BYTES = 1 << 30
_DIRECT_BYTES = 96 << 20
_BLOCK_BYTES = 64 << 20


@dataclass(frozen=True)
class Packed:
    """Location of compressed voxels.

    Attributes:
        file: file that holds them.
        offset: bytes before the compressed stream.
        skip: unpacked bytes before the first voxel.
        method: "gzip", "zlib" or "bzip2".
    """

    file: Path
    method: str
    offset: int = 0
    skip: int = 0


class UnpackedVoxels:
    """Voxels unpacked into a temporary file at the first read; the file is deleted with the object.

    Args:
        shown: file named in errors.
        shape: as stored, the slowest axis first.
        dtype: as stored.
        blocks: yields the bytes of all voxels in order.
        samples: values per voxel.
    """

    def __init__(
        self,
        shown: Path,
        shape: tuple[int, int, int],
        dtype: np.dtype,
        blocks: Callable[[], Iterator[bytes]],
        samples: int = 1,
    ):
        self.shown, self.shape, self.dtype, self.samples = shown, shape, dtype, samples
        self._blocks = blocks
        self._lock = threading.Lock()
        self._flat: FlatVoxels | None = None
        self.nbytes = int(np.prod(shape, dtype=object)) * dtype.itemsize * samples
        if self.nbytes > MAX_UNPACKED_BYTES:
            raise ReadError(
                shown,
                f"it would unpack to {self.nbytes >> 20} MB; at most {MAX_UNPACKED_BYTES >> 20} MB are unpacked. Crop "
                "it, or save it without compression.",
            )

    def read(self, axis: int, start: int, stop: int) -> np.ndarray:
        """As :meth:`Voxels.read`; the first call unpacks."""
        return self.flat().read(axis, start, stop)

    def flat(self) -> FlatVoxels:
        """The unpacked file.

        Raises:
            ReadError: damaged or truncated file, more data than its header states, or no disk space.
        """
        with self._lock:
            if self._flat is None:
                self._flat = self._unpack()
            return self._flat

    def _unpack(self) -> FlatVoxels:
        free = shutil.disk_usage(tempfile.gettempdir()).free
        if self.nbytes + _RESERVE_BYTES > free:
            raise ReadError(
                self.shown,
                f"there is no room to unpack its {self.nbytes >> 20} MB in {tempfile.gettempdir()}; make room, or set "
                "TMPDIR to another folder.",
            )
        handle, name = tempfile.mkstemp(prefix="ecgviz-volume-")
        weakref.finalize(self, Path(name).unlink, missing_ok=True)
        written = 0
        with os.fdopen(handle, "wb") as file:
            for block in self._blocks():
                written += len(block)
                if written > self.nbytes:
                    break
                if block.count(0) == len(block):
                    file.seek(len(block), os.SEEK_CUR)
                else:
                    file.write(block)
            file.truncate(min(written, self.nbytes))
        if written < self.nbytes:
            raise ReadError(
                self.shown,
                f"it is truncated or its shape is wrong: {self.nbytes} bytes of voxels are stated and {written} are "
                "there; copy it again.",
            )
        return FlatVoxels(Path(name), self.shown, 0, self.shape, self.dtype, self.samples)


def unpacked(
    shown: Path, packed: Packed, shape: tuple[int, int, int], dtype: np.dtype, samples: int = 1
) -> UnpackedVoxels:
    """Voxels of a compressed stream.

    Raises:
        ReadError: the stated size exceeds ``MAX_UNPACKED_BYTES``.
    """
    wanted = int(np.prod(shape, dtype=object)) * dtype.itemsize * samples
    return UnpackedVoxels(shown, shape, dtype, lambda: _stream(shown, packed, wanted), samples)


def _stream(shown: Path, packed: Packed, wanted: int) -> Iterator[bytes]:
    """Unpacked bytes of the voxels, at most the wanted number; zeros do not count towards the compression ratio."""
    budget = max(FREE_RATIO_BYTES, MAX_RATIO * packed.file.stat().st_size)
    skip, told = packed.skip, 0
    for block in _inflated(shown, packed):
        kept = block[skip:]
        skip = max(0, skip - len(block))
        if not kept:
            continue
        budget -= 0 if kept.count(0) == len(kept) else len(kept)
        if budget < 0:
            raise ReadError(
                shown, f"it unpacks to more than {MAX_RATIO} times its size, which no scan does; it was not opened."
            )
        kept = kept[: wanted - told]
        told += len(kept)
        yield kept
        if told >= wanted:
            return


def _inflated(shown: Path, packed: Packed) -> Iterator[bytes]:
    """Blocks of the unpacked stream, each of bounded size."""
    fault = "its compressed voxels are damaged or cut off; copy it again."
    make: Callable[[], Any] = {
        "gzip": lambda: zlib.decompressobj(zlib.MAX_WBITS | 16),
        "zlib": lambda: zlib.decompressobj(zlib.MAX_WBITS | 32),
        "bzip2": bz2.BZ2Decompressor,
    }[packed.method]
    with packed.file.open("rb") as file:
        file.seek(packed.offset)
        engine, pending = make(), b""
        while True:
            hungry = engine.needs_input if packed.method == "bzip2" else not pending
            if hungry:
                pending = file.read(_CHUNK)
                if not pending:
                    return
            with decoding(shown, fault, OSError):
                block = engine.decompress(pending, _CHUNK)
            pending = b"" if packed.method == "bzip2" else engine.unconsumed_tail
            if block:
                yield block
            if engine.eof:  # a file may hold several concatenated streams
                pending = engine.unused_data
                if not pending.strip(b"\0"):
                    pending = file.read(_CHUNK)
                if not pending.strip(b"\0"):
                    return
                engine = make()


class ChunkedVoxels:
    """Voxels of a chunked array: read directly if a plane touches few chunks, else unpacked once.

    Args:
        array: the array; whole chunks are written to the temporary file at a time.
    """

    def __init__(self, array: ArrayVoxels):
        self.array, self.shape, self.dtype, self.samples = array, array.shape, array.dtype, array.samples
        self._flat: UnpackedVoxels | None = None
        self._lock = threading.Lock()

    def read(self, axis: int, start: int, stop: int) -> np.ndarray:
        """As :meth:`Voxels.read`."""
        if self.array.decoded_bytes(axis) <= _DIRECT_BYTES and self._flat is None:
            return self.array.read(axis, start, stop)
        with self._lock:
            if self._flat is None:
                self._flat = UnpackedVoxels(self.array.file, self.shape, self.dtype, self._slabs, self.samples)
        return self._flat.read(axis, start, stop)

    def _slabs(self) -> Iterator[bytes]:
        return slabs_of(self.array, self.array.chunks[0])


def slabs_of(voxels: Voxels, thick: int) -> Iterator[bytes]:
    """All voxels as bytes in order, in slabs of ``thick`` planes, or fewer to limit memory."""
    count = voxels.shape[0]
    each = voxels.shape[1] * voxels.shape[2] * voxels.dtype.itemsize * voxels.samples
    step = max(1, thick if thick * each <= 4 * _BLOCK_BYTES else _BLOCK_BYTES // each)
    for start in range(0, count, step):
        slab = np.ascontiguousarray(voxels.read(0, start, min(start + step, count)), voxels.dtype)
        for plane in slab:
            yield plane.tobytes()
