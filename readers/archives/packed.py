"""Single compressed files (gzip, bzip2, xz), such as ``ecg.csv.gz``, unpacked within the limits of a zip."""

from __future__ import annotations

import bz2
import gzip
import lzma
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

from readers.archives.zip import unpacked_budget
from readers.core.decoding import decoding
from readers.core.errors import ReadError

_CHUNK = 1 << 20
_SUFFIXES = {".gz", ".gzip", ".z", ".bz2", ".xz"}
_KINDS: tuple[tuple[bytes, str, Callable[..., Any]], ...] = (
    (b"\x1f\x8b", "gzip", gzip.open),
    (b"BZh", "bzip2", bz2.open),
    (b"\xfd7zXZ\0", "xz", lzma.open),
)
"""(first bytes, name, what opens it)."""


def is_packed(path: Path) -> bool:
    """Whether a file is compressed with gzip, bzip2 or xz, by its first bytes."""
    return _kind(path) is not None


def unpack_single(path: Path, folder: Path) -> Path:
    """Unpack a compressed file into an empty folder, under its name without the compression suffix.

    Raises:
        ReadError: it is damaged or cut off, or larger than is sensible (the bounds of
            :func:`readers.archives.zip.unpack`).
    """
    kind = _kind(path)
    if kind is None:
        raise ReadError(path, "it is no gzip, bzip2 or xz file; give the file itself.")
    name, opener = kind
    fault = f"it is a {name} file that is cut off or damaged; copy it again."
    target = folder / (path.stem if path.suffix.lower() in _SUFFIXES and path.stem else path.name)
    budget = unpacked_budget(path)
    with path.open("rb") as packed, target.open("xb") as file, opener(packed) as source:
        written = 0
        while True:
            with decoding(path, fault):
                block = source.read(_CHUNK)
            if not block:
                break
            written += len(block)
            if written > budget:
                raise ReadError(path, f"it would unpack to more than {budget >> 20} MB; give one recording only.")
            file.write(block)
    if not written:
        raise ReadError(path, "the file in it is empty; compress it again.")
    return target


def _kind(path: Path) -> tuple[str, Callable[[BinaryIO], BinaryIO]] | None:
    with path.open("rb") as file:
        head = file.read(6)
    return next(((name, opener) for magic, name, opener in _KINDS if head.startswith(magic)), None)
