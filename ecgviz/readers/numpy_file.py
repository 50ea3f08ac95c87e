"""NumPy arrays: ``.npy``, and ``.npz`` with keys for the sampling frequency, the leads and the unit.

Pickles are never opened, and the size that a header claims is compared with the file's before memory is taken.
"""

from __future__ import annotations

import zipfile
from typing import IO

import numpy as np

from ecgviz.errors import ReadError
from ecgviz.readers.arrays import leads_last, make_recording
from ecgviz.readers.request import Request
from ecgviz.recording import Recording
from models.decoding import decoding

FS_KEYS = ("fs", "sampling_rate", "sampling_frequency", "sample_rate", "srate", "freq", "frequency")
SIGNAL_KEYS = ("ecg", "signal", "signals", "p_signal", "signal_mV", "x", "data", "val", "samples", "arr_0")
LEAD_KEYS = ("leads", "lead_names", "lead", "sig_name", "channels", "names")
UNIT_KEYS = ("unit", "units")
MAX_BYTES = 4 << 30


def read_numpy(request: Request) -> Recording:
    """Open an ``.npy`` array or an ``.npz`` archive of them.

    Raises:
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
    return make_recording(request, leads_last(request, array), "NumPy", fs=None)


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
    signal = _signal(request, arrays)
    fs = _first(arrays, FS_KEYS)
    names, units = _texts(_first(arrays, LEAD_KEYS)), _texts(_first(arrays, UNIT_KEYS))
    table = leads_last(request, signal)
    if units is not None and len(units) == 1:
        units = units * table.shape[1]
    return make_recording(request, table, "NumPy", fs=_scalar(request, fs), names=names, units=units)


def _header(file: IO[bytes]) -> tuple[tuple[int, ...], np.dtype]:
    """Shape and type that an array's header states (a Python literal: its parser raises of many kinds)."""
    version = np.lib.format.read_magic(file)
    read_header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, dtype = read_header(file)
    return shape, dtype


def _check_claim(request: Request, shape: tuple[int, ...], dtype: np.dtype, size: int) -> None:
    """Refuse pickles, and headers that claim more samples than the file (or archive member) has bytes for."""
    claimed = dtype.itemsize
    for length in shape:
        claimed *= int(length)
    if dtype.hasobject:
        raise ReadError(request.path, "it holds pickled Python objects, which are never opened; save plain numbers.")
    if claimed < 0 or claimed > size or claimed > MAX_BYTES:
        raise ReadError(request.path, f"it claims {claimed:.3g} bytes and has {size}; it is truncated or too large.")


def _signal(request: Request, arrays: dict[str, np.ndarray]) -> np.ndarray:
    if (known := _first(arrays, SIGNAL_KEYS)) is not None:
        return known
    candidates = [
        array for array in arrays.values() if array.dtype.kind in "iuf" and array.ndim in {1, 2} and array.size > 64
    ]
    if len(candidates) != 1:
        found = ", ".join(sorted(arrays))[:200] or "none"
        raise ReadError(request.path, f"which array is the ECG is not clear (arrays: {found}); name it 'ecg'.")
    return candidates[0]


def _first(arrays: dict[str, np.ndarray], keys: tuple[str, ...]) -> np.ndarray | None:
    lower = {name.lower(): array for name, array in arrays.items()}
    return next((lower[key.lower()] for key in keys if key.lower() in lower), None)


def _texts(array: np.ndarray | None) -> list[str] | None:
    if array is None or array.dtype.kind not in "US":
        return None
    return [
        text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text) for text in array.ravel().tolist()
    ]


def _scalar(request: Request, array: np.ndarray | None) -> float | None:
    if array is None:
        return None
    if array.size != 1 or array.dtype.kind not in "iuf":
        raise ReadError(request.path, "its sampling frequency is no single number; store fs as one number in Hz.")
    return float(array.ravel()[0])
