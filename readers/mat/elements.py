"""Validates the data elements of a MATLAB 5 file before SciPy reads it, which aborts the process on an unknown type.

SciPy's reader takes the type of an element as the place in a table without looking how long that table is.
Source: MATLAB, MAT-File Format (MAT 5.0), "Data Elements" and "Array Data Element Formats".
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

_HEADER_BYTES, _TAG_BYTES = 128, 8
_MATRIX, _COMPRESSED = 14, 15
_KNOWN = frozenset({*range(1, 8), 9, 12, 13, _MATRIX, _COMPRESSED, 16, 17, 18})
_READ_CLASSES = frozenset({4, *range(6, 16)})  # text and numbers
_COMPLEX = 0x0800
_CHUNK = 1 << 20


def has_unknown_types(path: Path) -> bool:
    """Whether a numeric or text matrix in a MATLAB 5 file has an element of unknown type, or is truncated in one."""
    size = path.stat().st_size
    with path.open("rb") as file:
        order = "<" if file.read(_HEADER_BYTES)[126:128] == b"IM" else ">"
        at = _HEADER_BYTES
        while at + _TAG_BYTES <= size:
            file.seek(at)
            kind, length = struct.unpack(f"{order}II", file.read(_TAG_BYTES))
            if kind == _COMPRESSED:
                skip: Callable[[int, int], bytes] = _Inflated(file, length).skip
                kind, _ = struct.unpack(f"{order}II", skip(0, _TAG_BYTES).ljust(_TAG_BYTES, b"\0"))
            else:
                skip = _plain(file)
            if kind not in _KNOWN or (kind == _MATRIX and not _is_sound(skip, order)):
                return True
            at += _TAG_BYTES + length
    return False


def _is_sound(skip: Callable[[int, int], bytes], order: str) -> bool:
    """Whether the parts of a matrix (flags, dimensions, name, values, imaginary part) have known types."""
    parts, pending = 4, 0
    number = 0
    while number < parts:
        tag = skip(pending, _TAG_BYTES)
        if len(tag) < _TAG_BYTES:
            return False
        kind, length = struct.unpack(f"{order}II", tag)
        small = kind >> 16
        if (kind & 0xFFFF if small else kind) not in _KNOWN or small > 4:
            return False
        pending = 0 if small else -(-length // 8) * 8
        if number == 0:
            flags = skip(0, 8)
            pending -= 8
            if small or pending < 0 or len(flags) < 8:
                return False
            (word,) = struct.unpack(f"{order}I", flags[:4])
            if word & 0xFF not in _READ_CLASSES:
                return True
            parts += bool(word & _COMPLEX)
        number += 1
    return True


def _plain(file: BinaryIO) -> Callable[[int, int], bytes]:
    def skip(count: int, wanted: int) -> bytes:
        file.seek(count, 1)
        return file.read(wanted)

    return skip


class _Inflated:
    """Bytes of a compressed element, inflated on access."""

    def __init__(self, file: BinaryIO, length: int):
        self._file, self._left = file, length
        self._inflater, self._ready = zlib.decompressobj(), b""

    def skip(self, count: int, wanted: int) -> bytes:
        """The next ``wanted`` bytes after ``count`` others; fewer at the end, or where the stream is damaged."""
        while len(self._ready) < count + wanted and self._more():
            dropped = min(count, max(len(self._ready) - wanted, 0))
            self._ready, count = self._ready[dropped:], count - dropped
        found = self._ready[count : count + wanted]
        self._ready = self._ready[count + wanted :]
        return found

    def _more(self) -> bool:
        packed = self._inflater.unconsumed_tail
        if not packed:
            packed = self._file.read(min(_CHUNK, self._left))
            self._left -= len(packed)
        try:
            block = self._inflater.decompress(packed, _CHUNK)
        except zlib.error:
            return False
        self._ready += block
        return bool(block) or (bool(packed) and self._left > 0 and not self._inflater.eof)
