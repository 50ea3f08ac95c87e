"""Arrays in one run of bytes, for a browser that draws them itself.

The bytes are a zlib stream (a browser's ``DecompressionStream("deflate")``) of: the length of the header, uint32; the
header, JSON in UTF-8; and from the next multiple of eight on the arrays, each at a multiple of eight, little-endian.
``header["arrays"]`` names them: {name: [dtype, shape, offset from the first array]}.
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np

__all__ = ["pack", "unpack"]

_ALIGN = 8
_TYPES = {"int8": "<i1", "uint8": "<u1", "int16": "<i2", "int32": "<i4"}


def pack(header: Mapping[str, Any], arrays: Mapping[str, np.ndarray] | None = None, *, level: int = 1) -> bytes:
    """One run of bytes of a header and arrays of int8, uint8, int16 or int32; ``level`` is zlib's.

    Raises:
        ValueError: an array of another type, or a header with a number that JSON does not have.
    """
    places: dict[str, list] = {}
    blobs, offset = [], 0
    for name, array in (arrays or {}).items():
        if array.dtype.name not in _TYPES:
            raise ValueError(f"array {name} is {array.dtype.name}; give one of {', '.join(_TYPES)}")
        blob = np.ascontiguousarray(array, _TYPES[array.dtype.name]).tobytes()
        places[name] = [array.dtype.name, list(array.shape), offset]
        blobs.append(blob + bytes(-len(blob) % _ALIGN))
        offset += len(blobs[-1])
    text = json.dumps({**header, "arrays": places}, allow_nan=False, separators=(",", ":")).encode()
    head = struct.pack("<I", len(text)) + text
    return zlib.compress(head + bytes(-len(head) % _ALIGN) + b"".join(blobs), level)


def unpack(packed: bytes) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Header and arrays of :func:`pack`'s own bytes, as the browser reads them."""
    raw = zlib.decompress(packed)
    [length] = struct.unpack_from("<I", raw)
    header = json.loads(raw[4 : 4 + length])
    first = -(-(4 + length) // _ALIGN) * _ALIGN
    arrays = {
        name: np.frombuffer(raw, _TYPES[kind], int(np.prod(shape)), first + offset).reshape(shape)
        for name, (kind, shape, offset) in header.pop("arrays").items()
    }
    return header, arrays
