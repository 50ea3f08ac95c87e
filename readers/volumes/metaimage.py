"""MetaImage (.mha, and .mhd with a file of values beside it), as ITK writes it.

The header is lines of ``Key = value`` up to ``ElementDataFile``
(https://itk.org/Wiki/ITK/MetaIO/Documentation). It is parsed here and not by ITK, so that planes are read from the file
on demand and a header cannot name a file outside of its folder.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from readers.core.errors import ReadError
from readers.request import FileSet
from readers.volumes.address import VolumeAddress
from readers.volumes.layout import Stored
from readers.volumes.volume import Volume, placed, spacing_in_mm

_MOST_HEADER_BYTES = 1 << 16
_TYPES = {
    "MET_CHAR": "i1", "MET_UCHAR": "u1", "MET_SHORT": "i2", "MET_USHORT": "u2", "MET_INT": "i4", "MET_UINT": "u4",
    "MET_LONG": "i4", "MET_ULONG": "u4", "MET_LONG_LONG": "i8", "MET_ULONG_LONG": "u8", "MET_FLOAT": "f4",
    "MET_DOUBLE": "f8",
}  # fmt: skip
_MOST_CHANNELS = 4


class _Fields:
    """Header fields; keys are case-insensitive."""

    def __init__(self, path: Path):
        self._path = path
        with path.open("rb") as file:
            begin = file.read(_MOST_HEADER_BYTES)
        self._values: dict[str, str] = {}
        self.length = 0
        for line in begin.split(b"\n"):
            self.length += len(line) + 1
            key, mark, value = line.decode("latin-1").partition("=")
            if not mark:
                raise ReadError(path, "its MetaImage header is damaged; export it again.")
            self._values[key.strip().lower()] = value.strip()
            if key.strip().lower() == "elementdatafile":
                return
        raise ReadError(path, "its MetaImage header names no file of values (ElementDataFile); export it again.")

    def text(self, *keys: str) -> str:
        """Value of the first key that is present; empty if none is."""
        return next((self._values[key.lower()] for key in keys if key.lower() in self._values), "")

    def numbers(self, *keys: str) -> list[float]:
        """:meth:`text` as numbers."""
        try:
            return [float(word) for word in self.text(*keys).split()]
        except ValueError as error:
            raise ReadError(self._path, f"its MetaImage header has no numbers as {keys[0]}; correct it.") from error

    def whole(self, *keys: str) -> list[int]:
        """:meth:`text` as integers."""
        values = self.numbers(*keys)
        if not all(np.isfinite(one) and one == int(one) for one in values):
            raise ReadError(self._path, f"its MetaImage header has no whole numbers as {keys[0]}; correct it.")
        return [int(one) for one in values]

    def is_true(self, *keys: str) -> bool:
        """:meth:`text` as a boolean."""
        return self.text(*keys).lower() in {"true", "1", "yes"}


def is_metaimage(_path: Path, head: bytes) -> bool:
    """Whether a file begins like a MetaImage header."""
    keys = {line.partition(b"=")[0].strip().lower() for line in head.split(b"\n")[:8] if b"=" in line}
    return bool(keys & {b"objecttype", b"ndims"}) and bool(keys & {b"ndims", b"dimsize"})


def read_metaimage(address: VolumeAddress) -> Volume:
    """The volume of a MetaImage.

    Raises:
        ReadError: damaged or truncated file, text instead of binary values, several volumes and none chosen, or a
            missing file of values.
    """
    path = address.file
    fields = _Fields(path)
    sizes = fields.whole("DimSize")
    kind = fields.text("ElementType").upper().removesuffix("_ARRAY")
    samples = (fields.whole("ElementNumberOfChannels") or [1])[0]
    if fields.text("BinaryData") and not fields.is_true("BinaryData"):
        raise ReadError(path, "its values are written as text, which is not read; save it as binary.")
    if kind not in _TYPES:
        raise ReadError(path, f"its values are of the type {kind[:40]!r}; store real numbers.")
    if not 1 <= samples <= _MOST_CHANNELS:
        raise ReadError(path, f"it holds {samples} values a voxel; save one volume of them.")
    big = fields.is_true("ElementByteOrderMSB", "BinaryDataByteOrderMSB")
    dtype = np.dtype(_TYPES[kind]).newbyteorder(">" if big else "<")
    matrix = np.array(fields.numbers("TransformMatrix", "Orientation", "Rotation"))
    placement, notes = placed(matrix.reshape(3, 3).T if matrix.size == 9 else None)
    steps = (fields.numbers("ElementSpacing", "ElementSize") + [1.0] * 3)[:3]
    spacing, more = spacing_in_mm((steps[2], steps[1], steps[0]), placement)
    data, offset = _values_of(path, fields)
    packed = fields.is_true("CompressedData")
    skip = (fields.whole("HeaderSize") or [0])[0]
    if skip == -1 and not packed:
        total = int(np.prod([*sizes, samples], dtype=object)) * dtype.itemsize
        offset, skip = data.stat().st_size - total, 0
    if skip < 0 or (skip and packed):
        raise ReadError(path, f"it skips {skip} bytes of its values, which is not read; save it again.")
    offset += skip
    at = (0, offset) if packed else (offset, 0)
    stored = Stored(path, data, dtype, sizes, at[0], samples, "zlib" if packed else "", at[1])
    return Volume(
        name=path.name,
        format="MetaImage",
        files=(path,) if data == path else (path, data),
        voxels=stored.voxels(address.number),
        spacing_mm=spacing if fields.text("ElementSpacing", "ElementSize") else None,
        placement=placement,
        warnings=(*notes, *more),
        part=address.part,
    )


def _values_of(path: Path, fields: _Fields) -> tuple[Path, int]:
    """File of the values and the offset of the first one, bytes."""
    name = fields.text("ElementDataFile")
    if name.upper() == "LOCAL":
        return path, fields.length
    if name.upper().startswith("LIST") or "%" in name:
        raise ReadError(path, "its values are in a file for each slice, which is not read; save one file.")
    found = FileSet(path.parent).find(name, path)
    if found is None:
        raise ReadError(path, f"the file of its values, {name[:80]}, is not beside it; give both.")
    return found, 0
