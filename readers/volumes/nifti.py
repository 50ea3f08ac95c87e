"""NIfTI-1 and -2, single files and pairs of .hdr and .img, plain or compressed; nibabel reads the header."""

from __future__ import annotations

import bz2
import io
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from readers.core.decoding import decoding
from readers.core.errors import ReadError
from readers.request import FileSet
from readers.volumes.address import VolumeAddress
from readers.volumes.layout import Stored
from readers.volumes.volume import Placement, Scale, Volume, placed, spacing_in_mm

if TYPE_CHECKING:
    from nibabel.nifti1 import Nifti1Header

_HEADER_BYTES = 540
_DAMAGED = "its NIfTI header is damaged; export it again."
_UNITS_MM = {"mm": 1.0, "meter": 1000.0, "micron": 1e-3, "unknown": 1.0}
_RAS_TO_LPS = np.diag([-1.0, -1.0, 1.0])
_COLOURS = {128: 3, 2304: 4}
"""Values per voxel of NIfTI's data types RGB24 and RGBA32."""


def is_nifti(path: Path, head: bytes) -> bool:
    """Whether a file is NIfTI, by the magic string of its (possibly compressed) header."""
    return _magic(_begin(path, head)) != ""


def read_nifti(address: VolumeAddress) -> Volume:
    """The volume of a NIfTI file.

    Raises:
        ReadError: damaged or truncated file, several volumes and none chosen, or values that are not real numbers.
    """
    path = address.file
    with path.open("rb") as file:
        packed = file.read(1 << 16)
    method = _method(packed)
    magic, header = _header(path, _begin(path, packed))
    data, offset = path, int(header["vox_offset"])
    if magic == "pair":
        data = _image_of(path)
        with data.open("rb") as file:
            method = _method(file.read(4))
    samples = _COLOURS.get(int(header["datatype"]), 1)
    with decoding(path, _DAMAGED, *_errors()):
        dtype = np.dtype(header.get_data_dtype()) if samples == 1 else np.dtype(np.uint8)
        sizes = [int(one) for one in header.get_data_shape()]
        slope, intercept = header.get_slope_inter()
        unit = header.get_xyzt_units()[0]
        oriented = bool(header["sform_code"]) or bool(header["qform_code"])
        affine = np.asarray(header.get_best_affine(), float)[:3, :3] if oriented else None
        pixdim = np.asarray(header["pixdim"], float)[1:4]
        black, white = float(header["cal_min"]), float(header["cal_max"])
    stored = Stored(path, data, dtype, sizes, offset, samples, method)
    placement, notes = placed(None if affine is None else _RAS_TO_LPS @ affine)
    steps = pixdim if affine is None or placement == Placement() else np.linalg.norm(affine, axis=0)
    if affine is not None and not np.isfinite(steps).all():
        steps = pixdim
    spacing, more = spacing_in_mm((steps[2], steps[1], steps[0]), placement, _UNITS_MM.get(unit, 1.0))
    if affine is None:
        more = ("It states no orientation: it is shown as stored.", *more)
    voxels = stored.voxels(address.number)
    scale = Scale(1.0 if slope is None else float(slope), 0.0 if intercept is None else float(intercept))
    return Volume(
        name=path.name,
        format="NIfTI",
        files=(path,) if data == path else (path, data),
        voxels=voxels,
        spacing_mm=spacing,
        placement=placement,
        scale=scale,
        window=((black + white) / 2, white - black) if np.isfinite([black, white]).all() and white > black else None,
        warnings=(*notes, *more),
        part=address.part,
    )


def _begin(path: Path, head: bytes) -> bytes:
    """First bytes of the header, unpacked; empty if it is no NIfTI header."""
    if not _method(head):
        if head[:4] not in {b"\x5c\x01\0\0", b"\0\0\x01\x5c", b"\x1c\x02\0\0", b"\0\0\x02\x1c"}:
            return b""
        with path.open("rb") as file:
            return file.read(_HEADER_BYTES)
    with path.open("rb") as file:
        packed = file.read(1 << 16)
    try:
        if _method(packed) == "gzip":
            return zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(packed, _HEADER_BYTES)
        return bz2.BZ2Decompressor().decompress(packed, _HEADER_BYTES)
    except (zlib.error, OSError, ValueError):
        return b""


def _method(head: bytes) -> str:
    return "gzip" if head.startswith(b"\x1f\x8b") else "bzip2" if head.startswith(b"BZh") else ""


def _magic(header: bytes) -> str:
    """Kind of file, "single" or "pair"; empty if it is no NIfTI header."""
    marks = {b"n+1\0": "single", b"ni1\0": "pair"}
    return marks.get(header[344:348]) or {b"n+2\0": "single", b"ni2\0": "pair"}.get(header[4:8], "")


def _header(path: Path, begin: bytes) -> tuple[str, Nifti1Header]:
    from nibabel.nifti1 import Nifti1Header
    from nibabel.nifti2 import Nifti2Header

    magic = _magic(begin)
    if not magic:
        raise ReadError(path, "it is called NIfTI but has no such header; copy or export it again.")
    is_second = begin[344:348] not in {b"n+1\0", b"ni1\0"}
    kind, length = (Nifti2Header, 540) if is_second else (Nifti1Header, 348)
    with decoding(path, _DAMAGED, *_errors()):
        return magic, kind.from_fileobj(io.BytesIO(begin[:length] + bytes(4)), check=False)


def _image_of(path: Path) -> Path:
    """The .img file of a pair."""
    stem = path.name.removesuffix(".gz").removesuffix(".hdr")
    files = FileSet(path.parent)
    found = next((one for ending in (".img", ".img.gz") if (one := files.find(stem + ending, path)) is not None), None)
    if found is None:
        raise ReadError(path, f"the file of its values, {stem}.img, is not beside it; give both.")
    return found


def _errors() -> tuple[type[Exception], ...]:
    from nibabel.filebasedimages import ImageFileError
    from nibabel.spatialimages import HeaderDataError

    return ImageFileError, HeaderDataError, OverflowError
