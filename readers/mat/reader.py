"""MATLAB files in the layout of the CinC challenges (``val``, leads x samples), of LabChart, AcqKnowledge, or others.

With a WFDB header beside it, a file of the first kind is a WFDB record of format 16 and is read as one; alone it states
neither sampling frequency nor unit, and the person is asked.
"""

from __future__ import annotations

import numpy as np

from readers.arrays.named import read_arrays
from readers.core.decoding import decoding
from readers.core.errors import ReadError
from readers.mat.elements import has_unknown_types
from readers.mat.labchart import is_labchart, read_labchart
from readers.recording import Recording
from readers.request import Request
from readers.wfdb.matlab import is_mat4
from readers.wfdb.reader import find_header, read_wfdb

MAX_BYTES, MAX_TEXT = 2 << 30, 100_000


def read_mat(request: Request) -> Recording:
    """Open a ``.mat`` file, by its WFDB header where there is one.

    Raises:
        NeedsDetails: no header, and sampling frequency or unit is not stated.
        ReadError: damaged, of MATLAB 7.3, or without a matrix of samples.
    """
    if find_header(request.path, request.files) is not None:
        return read_wfdb(request)
    with request.path.open("rb") as file:
        head = file.read(512)
    if head[:19] == b"MATLAB 7.3 MAT-file" or b"\x89HDF\r\n\x1a\n" in head:
        raise ReadError(request.path, "MATLAB 7.3 files are HDF5 inside and are not read; save it with the option -v7.")
    matrices, others = _load(request)
    names = {name.lower() for name in matrices}
    if is_labchart(names):
        return read_labchart(request, {name.lower(): array for name, array in matrices.items()})
    return read_arrays(request, matrices, "MAT", _unclear(matrices, others), first="val")


def _unclear(matrices: dict[str, np.ndarray], others: dict[str, str]) -> str:
    """Error message with the arrays found and those expected."""
    sizes = {name: " x ".join(map(str, matrix.shape)) for name, matrix in matrices.items() if matrix.dtype.kind != "U"}
    found = ", ".join(f"{name} ({word})" for name, word in sorted((sizes | others).items()))[:200] or "nothing"
    return (
        f"which matrix is the ECG is not clear: it holds {found}. Save the samples as one matrix 'val' of real "
        "numbers, leads x samples."
    )


def _load(request: Request) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """Numeric matrices of the file, loaded after a check of their sizes, and the names of its other variables."""
    from scipy.io import loadmat, whosmat
    from scipy.io.matlab import MatReadError

    fault = "it is damaged, truncated or no MATLAB file; save it again with -v7."
    with request.path.open("rb") as file:
        old_format = is_mat4(file.read(64))
    if not old_format and has_unknown_types(request.path):
        raise ReadError(request.path, fault)
    with decoding(request.path, fault, MatReadError):
        listed = whosmat(str(request.path), chars_as_strings=False)
    numeric = {"double", "single", *(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64))}
    sizes = {name: int(np.prod([int(n) for n in shape], dtype=object)) for name, shape, _ in listed}
    texts = [name for name, shape, kind in listed if kind == "char" and sizes[name] <= MAX_TEXT and len(shape) <= 2]
    wanted = [name for name, shape, kind in listed if kind in numeric and len(shape) <= 2]
    n_bytes = sum(8 * sizes[name] for name in wanted)
    if n_bytes > min(MAX_BYTES, 2000 * request.path.stat().st_size):
        raise ReadError(request.path, f"its matrices claim {n_bytes:.3g} bytes, more than is read.")
    wanted += texts
    found = {}
    if wanted:
        with decoding(request.path, fault, MatReadError):
            found = loadmat(str(request.path), variable_names=wanted, mat_dtype=False)
    arrays = {name: value for name, value in found.items() if isinstance(value, np.ndarray)}
    matrices = {name: value for name, value in arrays.items() if value.dtype.kind in "iufU"}
    kinds = {name: _words(shape, kind) for name, shape, kind in listed}
    complex_ones = {name: "complex numbers" for name, value in arrays.items() if value.dtype.kind == "c"}
    return matrices, {name: word for name, word in (kinds | complex_ones).items() if name not in matrices}


def _words(shape: tuple[int, ...], kind: str) -> str:
    return f"{kind} of {len(shape)} dimensions" if len(shape) > 2 else kind
