"""NRRD, with attached (.nrrd) or detached (.nhdr) values; pynrrd reads the header."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from readers.core.decoding import decoding
from readers.core.errors import ReadError
from readers.request import FileSet
from readers.volumes.address import VolumeAddress
from readers.volumes.layout import Stored
from readers.volumes.volume import Volume, placed, spacing_in_mm

_MOST_HEADER_BYTES = 1 << 20
_DAMAGED = "its NRRD header is damaged; export it again."
_TYPES = {
    **dict.fromkeys(("signed char", "int8", "int8_t"), "i1"),
    **dict.fromkeys(("uchar", "unsigned char", "uint8", "uint8_t"), "u1"),
    **dict.fromkeys(("short", "short int", "signed short", "signed short int", "int16", "int16_t"), "i2"),
    **dict.fromkeys(("ushort", "unsigned short", "unsigned short int", "uint16", "uint16_t"), "u2"),
    **dict.fromkeys(("int", "signed int", "int32", "int32_t"), "i4"),
    **dict.fromkeys(("uint", "unsigned int", "uint32", "uint32_t"), "u4"),
    **dict.fromkeys(("longlong", "long long", "long long int", "signed long long", "int64", "int64_t"), "i8"),
    **dict.fromkeys(("ulonglong", "unsigned long long", "unsigned long long int", "uint64", "uint64_t"), "u8"),
    "float": "f4",
    "double": "f8",
}
_METHODS = {"raw": "", "gzip": "gzip", "gz": "gzip", "bzip2": "bzip2", "bz2": "bzip2"}
_COLOURS = {"rgb-color": 3, "rgba-color": 4, "3-color": 3, "4-color": 4, "vector": 3, "3-vector": 3}
_TO_LPS = {
    "left-posterior-superior": (1, 1, 1), "lps": (1, 1, 1),
    "right-anterior-superior": (-1, -1, 1), "ras": (-1, -1, 1),
    "left-anterior-superior": (1, -1, 1), "las": (1, -1, 1),
}  # fmt: skip
UNITS_MM = {
    **dict.fromkeys(("mm", "millimeter", "millimetre", "millimeters"), 1.0),
    **dict.fromkeys(("um", "µm", "μm", "micron", "microns", "micrometer", "micrometre"), 1e-3),
    **dict.fromkeys(("nm", "nanometer", "nanometre"), 1e-6),
    **dict.fromkeys(("cm", "centimeter", "centimetre"), 10.0),
    **dict.fromkeys(("m", "meter", "metre"), 1000.0),
    **dict.fromkeys(("in", "inch"), 25.4),
}


def read_nrrd(address: VolumeAddress) -> Volume:
    """The volume of an NRRD file.

    Raises:
        ReadError: damaged or truncated file, unsupported encoding, several volumes and none chosen, or a missing file
            of values.
    """
    path = address.file
    header, length = _header(path)
    sizes = [int(one) for one in np.atleast_1d(_known(path, header, "sizes"))]
    kinds = [str(one).lower() for one in header.get("kinds", [])] or [""] * len(sizes)
    dtype = _dtype(path, header)
    directions = _directions(header, len(sizes))
    samples = _samples(path, sizes, kinds, directions)
    spatial = sizes[1:] if samples > 1 else sizes
    across = directions[1:4] if samples > 1 else directions[:3]
    space = _TO_LPS.get(str(header.get("space", "")).lower())
    oriented = space is not None and len(spatial) >= 3 and np.isfinite(across).all()
    placement, notes = placed(np.diag(np.array(space, float)) @ across.T if oriented else None)
    spacing, more = spacing_in_mm(_steps(header, across, samples > 1), placement, _unit(header))
    data, method, offset = _values_of(path, header, length, dtype, sizes)
    at = (0, offset) if method else (offset, 0)
    voxels = Stored(path, data, dtype, spatial, at[0], samples, method, at[1]).voxels(address.number)
    return Volume(
        name=path.name,
        format="NRRD",
        files=(path,) if data == path else (path, data),
        voxels=voxels,
        spacing_mm=spacing,
        placement=placement,
        warnings=(*notes, *more),
        part=address.part,
    )


def _header(path: Path) -> tuple[Mapping[str, Any], int]:
    """Header and its length in bytes."""
    import nrrd

    with path.open("rb") as file:
        begin = io.BytesIO(file.read(_MOST_HEADER_BYTES))
    with decoding(path, _DAMAGED, nrrd.NRRDError):
        header = nrrd.read_header(begin)
    if "dimension" not in header or not 1 <= int(header["dimension"]) <= 16:
        raise ReadError(path, _DAMAGED)
    return header, begin.tell()


def _known(path: Path, header: Mapping[str, Any], name: str) -> Any:
    if name not in header:
        raise ReadError(path, f"its NRRD header states no {name}; export it again.")
    return header[name]


def _dtype(path: Path, header: Mapping[str, Any]) -> np.dtype:
    kind = str(_known(path, header, "type"))
    if kind not in _TYPES:
        raise ReadError(path, f"its values are of the type {kind[:40]!r}; store real numbers.")
    dtype = np.dtype(_TYPES[kind])
    return dtype.newbyteorder(">" if str(header.get("endian", "little")) == "big" else "<")


def _directions(header: Mapping[str, Any], count: int) -> np.ndarray:
    """Direction of each axis, (at least 3, 3); NaN if it has none."""
    found = np.full((max(count, 4), 3), np.nan)
    stated = header.get("space directions")
    for axis, row in enumerate([] if stated is None else list(stated)[:count]):
        values = np.asarray([np.nan] * 3 if row is None else row, float)
        if values.shape == (3,):
            found[axis] = values
    return found


def _samples(path: Path, sizes: list[int], kinds: list[str], directions: np.ndarray) -> int:
    """Values per voxel: the length of the first axis if that holds colours, else 1."""
    if len(sizes) < 4 or np.isfinite(directions[0]).all():
        return 1
    wanted = _COLOURS.get(kinds[0])
    if wanted is not None and sizes[0] == wanted:
        return wanted
    if np.isfinite(directions[1:4]).all() or kinds[0] in {"list", "vector", "matrix", "complex"}:
        raise ReadError(path, f"it holds {sizes[0]} values a voxel; save one volume of them.")
    return 1


def _steps(header: Mapping[str, Any], across: np.ndarray, has_colours: bool) -> tuple[float, float, float]:
    """Spacing of the three axes as stated, the slowest first."""
    steps = np.linalg.norm(across, axis=1)
    if not np.isfinite(steps).all():
        stated = np.atleast_1d(np.asarray(header.get("spacings", []), float))
        steps = (list(stated[1:] if has_colours else stated) + [np.nan] * 3)[:3]
    return float(steps[2]), float(steps[1]), float(steps[0])


def _unit(header: Mapping[str, Any]) -> float:
    """Factor from the unit of the spacing to mm."""
    stated = header.get("space units") or header.get("units") or []
    words = [str(one).strip(' "').lower() for one in ([stated] if isinstance(stated, str) else stated)]
    return next((UNITS_MM[word] for word in words if word in UNITS_MM), 1.0)


def _values_of(
    path: Path, header: Mapping[str, Any], length: int, dtype: np.dtype, sizes: list[int]
) -> tuple[Path, str, int]:
    """File of the values, its compression, and their offset."""
    encoding = str(_known(path, header, "encoding")).lower()
    if encoding not in _METHODS:
        raise ReadError(path, f"its values are written as {encoding[:40]!r}; save them as raw or gzip.")
    name = str(header.get("data file", header.get("datafile", "")) or "")
    data, offset = path, length
    if name:
        if name.upper().startswith("LIST") or "%" in name:
            raise ReadError(path, "its values are in a file for each slice, which is not read; save one file.")
        found = FileSet(path.parent).find(name, path)
        if found is None:
            raise ReadError(path, f"the file of its values, {name[:80]}, is not beside it; give both.")
        data, offset = found, 0
    lines, skip = (
        int(header.get("line skip", header.get("lineskip", 0))),
        int(header.get("byte skip", header.get("byteskip", 0))),
    )
    if lines:
        raise ReadError(path, "it skips lines before its values, which is not read; save it again.")
    if skip == -1 and not _METHODS[encoding]:
        total = int(np.prod(sizes, dtype=object)) * dtype.itemsize
        return data, "", data.stat().st_size - total
    if skip < 0 or (skip and _METHODS[encoding]):
        raise ReadError(path, f"it skips {skip} bytes of compressed values, which is not read; save it again.")
    return data, _METHODS[encoding], offset + skip
