"""Recognises formats by first bytes and, where these are ambiguous, by the files beside it."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

from readers import other_formats
from readers.delimited.layout import has_table
from readers.delimited.rows import find_rows, find_single_row
from readers.other_formats import is_other_format, name_format
from readers.request import Request
from readers.wfdb.matlab import is_mat4
from readers.wfdb.reader import find_header

_RECORD_LINE = re.compile(rb"^\s*[\w.-]{1,100}(?:/\d+)?[ \t]+\d+[ \t]+\d")


def is_zip(path: Path) -> bool:
    """Whether a file is a zip to unpack; an ``.npz`` (a zip of arrays alone) is not."""
    with path.open("rb") as file:
        if file.read(4) not in {b"PK\x03\x04", b"PK\x05\x06"}:
            return False
    return not _only_arrays(path)


def is_dicom(request: Request, head: bytes) -> bool:
    """ "DICM" behind the preamble, or a data set that starts with group 0002 or 0008, as in very old files."""
    bare = head[:2] in {b"\x02\x00", b"\x08\x00"} and head[2:4] in {
        b"\x00\x00",
        b"\x01\x00",
        b"\x05\x00",
        b"\x08\x00",
        b"\x16\x00",
    }
    plausible = (head[4:6].isalpha() and head[4:6].isupper()) or request.path.suffix.lower() in {".dcm", ".dicom"}
    return head[128:132] == b"DICM" or (bare and plausible)


def is_edf(_request: Request, head: bytes) -> bool:
    """Version "0" and blanks (EDF), or 0xFF BIOSEMI (BDF), and an ASCII count of header bytes."""
    return head[:8] in {b"0       ", b"\xffBIOSEMI"} and len(head) > 192


def is_mat(request: Request, head: bytes) -> bool:
    """MATLAB 5 and 7.3 by their text, MATLAB 4 by a plausible first matrix."""
    if head.startswith((b"MATLAB 5.0 MAT-file", b"MATLAB 7.3 MAT-file")):
        return True
    return is_mat4(head) and request.path.suffix.lower() != ".dat"


def is_numpy(request: Request, head: bytes) -> bool:
    """The magic string of ``.npy``, or a zip of nothing but such arrays."""
    return head.startswith(b"\x93NUMPY") or (head.startswith(b"PK\x03\x04") and _only_arrays(request.path))


def is_wfdb(request: Request, head: bytes) -> bool:
    """A header by name or first line; other files by the header that names them."""
    suffix = request.path.suffix.lower()
    if suffix == ".hea":
        return True
    if suffix in {".csv", ".tsv", ".txt", ".xml", ".json"} or (suffix != ".dat" and is_other_format(head)):
        return False
    return find_header(request.path, request.files) is not None or (suffix != ".dat" and _header_text(head))


def is_json(_request: Request, head: bytes) -> bool:
    """JSON in any Unicode encoding, whatever the file is called."""
    return other_formats.is_json(head)


def has_lists(_request: Request, head: bytes) -> bool:
    """A text table with lists in brackets in its cells."""
    return other_formats.has_lists(head)


def is_atc(_request: Request, head: bytes) -> bool:
    """The signature of AliveCor's recordings."""
    return head.startswith(b"ALIVE\0\0\0")


def is_table(request: Request, head: bytes) -> bool:
    """Text with numeric rows, also within XML, JSON or PDF."""
    path = request.path
    return not is_other_format(head) and (
        has_table(path) or find_rows(path) is not None or find_single_row(path) is not None
    )


def why_not(path: Path, head: bytes) -> str:
    """Error message for a file that no reader accepts."""
    unknown = "It is no recording of a known format; a WFDB signal file (.dat) needs its header (.hea) beside it."
    return name_format(path, head) or unknown


def _header_text(head: bytes) -> bool:
    lines = [line for line in head.splitlines()[:50] if line.strip() and not line.lstrip().startswith(b"#")]
    if len(lines) < 2 or b"\0" in head or not _RECORD_LINE.match(lines[0]):
        return False
    return bool(re.match(rb"^\S+[ \t]+\d{1,3}(?:x\d+)?(?::\d+)?(?:\+\d+)?(?:[ \t]|$)", lines[1]))


def _only_arrays(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, OSError, ValueError, RuntimeError):  # zipfile's word for a version it does not know
        return path.suffix.lower() == ".npz"
    return bool(names) and all(name.endswith(".npy") for name in names)
