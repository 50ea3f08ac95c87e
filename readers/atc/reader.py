"""AliveCor ATC, the format of KardiaMobile: blocks of one lead each, 16 bit.

ATC File Format Specification 1.7 (AliveCor, 2021): a signature, a version, and blocks of identifier, length, data and
CRC-32, all little-endian. Blocks of the phone, of the person and of average beats are passed over.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import BinaryIO

import numpy as np

from readers.arrays.to_recording import make_recording
from readers.core.errors import ReadError
from readers.recording import Recording
from readers.request import Request

_HEAD = struct.Struct("<8sI")
_BLOCK = struct.Struct("<4sI")
_FORMAT = struct.Struct("<BHHB")
_LEADS = dict(zip(
    [b"ecg ", *(b"ecg" + number.encode() for number in "23456789abc")],
    ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6"),
    strict=True,
))  # fmt: skip
_MOST_BYTES, _MOST_BLOCKS = 256 << 20, 200
_INT16, _MV_PER_NV = 1, 1e-6


def read_atc(request: Request) -> Recording:
    """Open an AliveCor recording.

    Raises:
        ReadError: cut off before its samples, damaged, or of a kind that the specification does not know.
    """
    path, form, leads, notes = request.path, None, {}, []
    with path.open("rb") as file:
        file.seek(_HEAD.size)
        for name, data, whole in _blocks(file):
            if name == b"fmt " and len(data) >= _FORMAT.size:
                form = _FORMAT.unpack_from(data)
            elif name in _LEADS:
                leads[_LEADS[name]] = np.frombuffer(data[: len(data) // 2 * 2], "<i2")
            else:
                continue
            if not whole:
                notes.append(f"{path.name} is damaged or cut off in its block {name.decode().strip()!r}.")
    if form is None or not leads or not all(map(len, leads.values())):
        raise ReadError(path, "it is a recording of AliveCor (ATC) that is cut off before its samples; copy it again.")
    kind, fs, nanovolts, _ = form
    if kind != _INT16 or not nanovolts:
        raise ReadError(
            path, f"it is a recording of AliveCor (ATC) in its format {kind} with {nanovolts} nV a step, which is not "
            "known; export it as PDF or EDF."
        )  # fmt: skip
    n = max(map(len, leads.values()))
    samples = np.full((n, len(leads)), np.nan, np.float32)
    for column, values in enumerate(leads.values()):
        samples[: len(values), column] = values * (nanovolts * _MV_PER_NV)
    return make_recording(
        request, samples, "AliveCor ATC", fs=float(fs), names=list(leads), units=["mV"] * len(leads), warnings=notes
    )


def _blocks(file: BinaryIO) -> Iterator[tuple[bytes, bytes, bool]]:
    """Identifier and data of each block, and whether it is complete with a valid checksum."""
    for _ in range(_MOST_BLOCKS):
        head = file.read(_BLOCK.size)
        if len(head) < _BLOCK.size:
            return
        name, length = _BLOCK.unpack(head)
        data, check = file.read(min(length, _MOST_BYTES)), file.read(4)
        whole = len(data) == length and len(check) == 4 and zlib.crc32(head + data) == int.from_bytes(check, "little")
        yield name, data, whole
        if len(data) < length:
            return
