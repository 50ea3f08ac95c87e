"""Arrays of zarr (versions 2 and 3, including OME-Zarr) by their path within the group.

The metadata are checked before zarr opens anything: a codec such as pickle may run code, so only codecs known to be
harmless are read; a symbolic link may lead out of the folder, so links are refused.
"""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from readers.core.decoding import decoding
from readers.core.errors import ReadError
from readers.images.folder import MAX_FILES
from readers.volumes.address import VolumeAddress
from readers.volumes.arrays import ArrayForm, spacing_of, the_array
from readers.volumes.nrrd import UNITS_MM
from readers.volumes.unpacked import ChunkedVoxels
from readers.volumes.volume import Volume
from readers.volumes.voxels import ArrayVoxels, Neighbours

_DAMAGED = "this zarr array is damaged or incomplete ({error}); copy it again."
_HARMLESS = {
    "bytes", "transpose", "blosc", "zstd", "gzip", "zlib", "crc32c", "sharding_indexed", "lz4", "shuffle", "delta",
    "bz2", "lzma",
}  # fmt: skip
_MOST_TEXT_BYTES = 4 << 20
_TRUSTED_BYTES = 1 << 20


def read_zarr(address: VolumeAddress) -> Volume:
    """The volume at a path of a zarr group, or the array itself.

    Raises:
        ReadError: damaged, no such array, several arrays and none chosen, a codec not known to be harmless, or a link
            in the folder.
    """
    import zarr

    path = address.file
    files = _files(path)
    arrays = dict(_arrays(path, files))
    scales = _multiscales(path)
    wanted = address.dataset or (next(iter(scales), "") if scales else "")
    name = (
        ""
        if "" in arrays
        else the_array(path, wanted, {one: _shape(path, meta) for one, meta in arrays.items()}, "zarr group")
    )
    _check_codecs(path, arrays[name])
    with decoding(path, _DAMAGED, OSError, zarr.errors.BaseZarrError):
        array = zarr.open_array(str(path / name), mode="r")
        shape, dtype, chunks = array.shape, np.dtype(array.dtype), getattr(array, "shards", None) or array.chunks
        attributes = dict(array.attrs)
    form = ArrayForm(path, shape, dtype, address.number)
    spacing, notes = spacing_of(attributes.get, scales.get(name))
    pieces = form.chunks(path, chunks)
    take = _Taken(path, path / name, array, form, pieces)
    return Volume(
        name=f"{path.name}, {name}" if name else path.name,
        format="zarr",
        files=tuple(files),
        voxels=Neighbours(ChunkedVoxels(ArrayVoxels(path, take, form.shape, form.dtype, pieces, form.samples))),
        spacing_mm=spacing,
        warnings=notes,
        part=address.part,
    )


class _Taken:
    """Reads slices of an array."""

    def __init__(self, path: Path, folder: Path, array: Any, form: ArrayForm, chunks: tuple[int, int, int]):
        self._path, self._folder, self._array, self._form = path, folder, array, form
        self._whole = int(np.prod(chunks)) * form.dtype.itemsize * form.samples
        self._to_check = True

    def __call__(self, slices: tuple[slice, ...]) -> np.ndarray:
        import zarr

        if self._to_check and _bomb(self._folder, self._whole):
            raise ReadError(self._path, "a piece of it unpacks to more than it states; it was not opened.")
        self._to_check = False
        with decoding(self._path, _DAMAGED, OSError, zarr.errors.BaseZarrError):
            found = np.asarray(self._array[self._form.key(slices)])
        return self._form.shaped(found)


def _files(path: Path) -> list[Path]:
    """Files of the folder in order.

    Raises:
        ReadError: a link, or more than ``MAX_FILES`` files.
    """
    files = []
    for one in sorted(path.rglob("*")):
        if one.is_symlink():
            raise ReadError(path, f"it holds the link {one.name}, which is not followed; copy what it leads to.")
        if one.is_file():
            files.append(one)
        if len(files) > MAX_FILES:
            raise ReadError(path, f"it holds more than {MAX_FILES} files; save it in larger chunks.")
    return files


def _arrays(path: Path, files: list[Path]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Path and metadata of each array in the folder and its subfolders."""
    for file in files:
        if file.name == ".zarray" or (file.name == "zarr.json" and _json(path, file).get("node_type") == "array"):
            place = file.parent.relative_to(path).as_posix()
            yield "" if place == "." else place, _json(path, file)


def _json(path: Path, file: Path) -> Mapping[str, Any]:
    if file.stat().st_size > _MOST_TEXT_BYTES:
        raise ReadError(path, f"its metadata {file.name} are too large; save it again.")
    try:
        found = json.loads(file.read_bytes())
    except (ValueError, RecursionError) as error:
        raise ReadError(path, f"its metadata {file.name} are damaged; copy it again.") from error
    if not isinstance(found, dict):
        raise ReadError(path, f"its metadata {file.name} are damaged; copy it again.")
    return found


def _shape(path: Path, meta: Mapping[str, Any]) -> tuple[int, ...]:
    shape = meta.get("shape")
    if not isinstance(shape, list) or not all(isinstance(one, int) and one >= 0 for one in shape):
        raise ReadError(path, "its metadata state no shape; copy it again.")
    return tuple(shape)


def _check_codecs(path: Path, meta: Mapping[str, Any]) -> None:
    """Refuse codecs not known to be harmless, at any depth of the metadata."""
    stated = [meta.get("compressor"), *(meta.get("filters") or []), *(meta.get("codecs") or [])]
    while stated:
        one = stated.pop()
        if one is None:
            continue
        name = str(one.get("id", one.get("name", "?")) if isinstance(one, dict) else one)
        if name.removeprefix("numcodecs.") not in _HARMLESS:
            raise ReadError(
                path, f"its values are coded by {name[:40]!r}, which is not read; save it with zstd or blosc."
            )
        inner = one.get("configuration", {}) if isinstance(one, dict) else {}
        stated += [*(inner.get("codecs") or []), *(inner.get("index_codecs") or [])]
    kind = meta.get("dtype", meta.get("data_type"))
    if not isinstance(kind, str) or not re.fullmatch(r"[<>|]?[biuf]\d|bool|u?int\d+|float\d+", kind):
        raise ReadError(path, f"its values are of the type {str(kind)[:40]!r}; store real numbers.")


def _multiscales(path: Path) -> dict[str, tuple[float, float, float]]:
    """Spacing in mm of each level of an OME-Zarr group, the finest first; empty for other groups."""
    for name in (".zattrs", "zarr.json"):
        if not (path / name).is_file():
            continue
        stated = _json(path, path / name)
        attributes = stated.get("attributes", {}) if name == "zarr.json" else stated
        scales = (attributes.get("ome") or attributes).get("multiscales") if isinstance(attributes, dict) else None
        if isinstance(scales, list) and scales and isinstance(scales[0], dict):
            return dict(_levels(scales[0]))
    return {}


def _levels(scales: Mapping[str, Any]) -> Iterator[tuple[str, tuple[float, float, float]]]:
    axes = [one if isinstance(one, dict) else {} for one in scales.get("axes") or []]
    units = [UNITS_MM.get(str(one.get("unit", "mm")), 1.0) for one in axes[-3:]]
    for level in scales.get("datasets") or []:
        steps: list[float] = next(
            (one["scale"] for one in level.get("coordinateTransformations") or [] if "scale" in one), []
        )
        steps = [float(one) * unit for one, unit in zip(steps[-3:], units or [1.0] * 3, strict=False)]
        if "path" in level:
            yield str(level["path"]), (steps[0], steps[1], steps[2]) if len(steps) == 3 else (0.0, 0.0, 0.0)


def _bomb(folder: Path, whole: int) -> bool:
    """Whether a gzip or zlib chunk unpacks to more than the chunk size, for which numcodecs would allocate memory."""
    for file in folder.rglob("*"):
        if not file.is_file() or file.stat().st_size <= _TRUSTED_BYTES:
            continue
        packed = file.read_bytes() if file.stat().st_size <= 2 * whole + _TRUSTED_BYTES else b""
        if not packed:
            return True
        try:
            if len(zlib.decompressobj(zlib.MAX_WBITS | 32).decompress(packed, whole + 1)) > whole:
                return True
        except zlib.error:
            continue  # another codec, whose header states the unpacked size
    return False
