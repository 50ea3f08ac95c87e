"""Validates JP2 boxes in DICOM before pydicom (3.0.2) parses them, which trusts the lengths they state.

A box of length 0 keeps it at the same place for ever, in Python, where no limit of a decoder reaches. Source: ISO/IEC
15444-1 Annex I.4: a box has 8 bytes at least; 0 stands for "to the end of the file", 1 for a length of 64 bits.
"""

from __future__ import annotations

from typing import Any

from readers.core.once import once

_JP2 = b"\x00\x00\x00\x0cjP  "
_CODESTREAM = b"jp2c"
_SIGNATURE_BYTES, _BOX_BYTES = 12, 8


def leads_to_codestream(frame: bytes) -> bool:
    """Whether optional boxes before the codestream lead to it with valid lengths."""
    if not frame.startswith(_JP2):
        return True
    at = _SIGNATURE_BYTES
    while at + _BOX_BYTES <= len(frame):
        if frame[at + 4 : at + 8] == _CODESTREAM:
            return True
        length = int.from_bytes(frame[at : at + 4], "big")
        if length < _BOX_BYTES:
            return False
        at += length
    return False


@once
def guard_boxes() -> None:
    """Make pydicom treat a frame with invalid boxes as unparsable; call before pixels are read.

    The codec sees such a frame all the same, and decodes or refuses it.
    """
    from pydicom.pixels.decoders import base

    parse = base.get_j2k_parameters

    def guarded(codestream: bytes) -> dict[str, Any]:
        return parse(codestream) if leads_to_codestream(codestream) else {}

    base.get_j2k_parameters = guarded
