"""WFDB headers with a MATLAB signal file, as in the CinC challenges: checks that they match.

Format 16 at byte 24 means a MATLAB 4 matrix ``val`` of int16, leads x samples: 20 bytes of header, and its name.
Sources: WFDB Applications Guide, header(5), "byte offset"; MathWorks, MAT-File Format, level 4.
"""

from __future__ import annotations

import struct
from pathlib import Path

from readers.core.errors import ReadError

_HEAD_BYTES = 128
_KINDS = {0: "double", 1: "single", 2: "int32", 3: "int16", 4: "uint16", 5: "uint8"}
_INT16 = 3


def is_mat4(head: bytes) -> bool:
    """Whether a file starts with the 20-byte header of a MATLAB 4 matrix, as the CinC files do."""
    if len(head) < 22:
        return False
    kind, rows, columns, imaginary, length = struct.unpack("<5i", head[:20])
    digits = (kind // 1000, kind // 100 % 10, kind // 10 % 10, kind % 10)
    plausible = 0 <= kind < 5000 and digits[0] in {0, 1} and digits[1] == 0 and digits[2] <= 5 and digits[3] <= 2
    if not plausible or rows <= 0 or columns <= 0 or imaginary not in {0, 1} or not 2 <= length <= 64:
        return False
    name = head[20 : 20 + length]
    return name.endswith(b"\0") and name[:-1].isascii() and name[:-1].replace(b"_", b"").isalnum()


def check_matrix(header: Path, path: Path, code: int, offset: int, per_frame: int) -> None:
    """Compare a MATLAB signal file with its header; other files pass.

    Args:
        header, path: the WFDB header and its signal file.
        code, offset: WFDB format number and byte offset that the header states.
        per_frame: samples of all leads in a frame.

    Raises:
        ReadError: its samples are not where or what the header says.
    """
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    stated = f"the header says format {code} from byte {offset}"
    if head.startswith((b"MATLAB 5.0 MAT-file", b"MATLAB 7.3 MAT-file")):
        raise ReadError(
            path,
            f"{stated}, and this is a newer MATLAB file; save its matrix with -v4, or open it without {header.name}.",
        )
    if path.suffix.lower() != ".mat" or not is_mat4(head):
        return
    kind, rows, columns, _, length = struct.unpack("<5i", head[:20])
    number, begin = kind // 10 % 10, 20 + length
    if code == 16 and number == _INT16 and offset == begin and rows == per_frame:
        return
    found = f"{rows} x {columns} values of {_KINDS[number]} from byte {begin}"
    raise ReadError(
        path,
        f"{stated}, {per_frame} leads, and the matrix in it has {found}; correct {header.name} or open it alone.",
    )
