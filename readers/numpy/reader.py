"""NumPy arrays: ``.npy``, and ``.npz`` with keys for the sampling frequency, the leads and the unit.

Pickles are never opened, and the size that a header claims is compared with the file's before memory is taken.
"""

from __future__ import annotations

import zipfile
from typing import IO

import numpy as np

from readers.arrays.beat_rows import flat, refuse_beats
from readers.arrays.named import Table, read_arrays, split_time, timed_recording
from readers.core.decoding import decoding
from readers.core.errors import ReadError
from readers.recording import Recording
from readers.request import Request

MAX_BYTES = 4 << 30


def read_numpy(request: Request) -> Recording:
    """Open an ``.npy`` array or an ``.npz`` archive of them.

    Raises:
        HoldsBeats: each row of it is a single beat.
        NeedsDetails: sampling frequency or unit is nowhere stated.
        ReadError: a damaged file, a pickle, or an array that is no ECG.
    """
    with request.path.open("rb") as file:
        is_archive = file.read(2) == b"PK"
    return _read_npz(request) if is_archive else _read_npy(request)


def _read_npy(request: Request) -> Recording:
    fault = "it is damaged, truncated or no plain NumPy array; save it again with numpy.save."
    with request.path.open("rb") as file, decoding(request.path, fault):
        shape, dtype = _header(file)
    _check_claim(request, shape, dtype, request.path.stat().st_size)
    with decoding(request.path, fault):
        array = np.load(request.path, mmap_mode="r", allow_pickle=False)
    refuse_beats(request.path, flat(array), "NumPy")
    samples, time = split_time(request, array)
    return timed_recording(request, Table(samples, None, time), "NumPy", None, None)


def _read_npz(request: Request) -> Recording:
    fault = "it is damaged or holds pickled objects; save it again with numpy.savez."
    arrays: dict[str, np.ndarray] = {}
    with decoding(request.path, fault):
        archive = zipfile.ZipFile(request.path)
    with archive:
        for info in archive.infolist()[:200]:
            if not info.filename.endswith(".npy"):
                continue
            with decoding(request.path, fault), archive.open(info) as member:
                shape, dtype = _header(member)
            _check_claim(request, shape, dtype, info.file_size)
            with decoding(request.path, fault), archive.open(info) as member:
                arrays[info.filename[:-4]] = np.lib.format.read_array(member, allow_pickle=False)
    found = ", ".join(sorted(arrays))[:200] or "none"
    unclear = f"which array is the ECG is not clear (arrays: {found}); name it 'ecg'."
    return read_arrays(request, arrays, "NumPy", unclear)


def _header(file: IO[bytes]) -> tuple[tuple[int, ...], np.dtype]:
    """Shape and dtype in an array's header (a Python literal, whose parser raises various exceptions)."""
    version = np.lib.format.read_magic(file)
    read_header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, dtype = read_header(file)
    return shape, dtype


def _check_claim(request: Request, shape: tuple[int, ...], dtype: np.dtype, size: int) -> None:
    """Refuse pickles, and headers that state more samples than the file (or archive member) can hold."""
    claimed = dtype.itemsize
    for length in shape:
        claimed *= int(length)
    if dtype.hasobject:
        raise ReadError(request.path, "it holds pickled Python objects, which are never opened; save plain numbers.")
    if claimed < 0 or claimed > size or claimed > MAX_BYTES:
        raise ReadError(request.path, f"it claims {claimed:.3g} bytes and has {size}; it is truncated or too large.")
