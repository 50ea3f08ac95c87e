"""WFDB annotation files in MIT format (``.atr`` and others). Source: WFDB Applications Guide, annot(5).

Times are brought to the sampling frequency of the signal (an annotation file may have its own time base),
marks outside the recording are dropped and counted, and a file that ends in the middle keeps what came before.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from readers.recording import Annotations

_SYMBOLS = dict(
    enumerate(
        [
            " ",
            "N",
            "L",
            "R",
            "a",
            "V",
            "F",
            "J",
            "A",
            "S",
            "E",
            "j",
            "/",
            "Q",
            "~",
            "",
            "|",
            "",
            "s",
            "T",
            "*",
            "D",
            '"',
        ]
    )
) | dict(
    zip(
        range(23, 42),
        ["=", "p", "B", "^", "t", "+", "u", "?", "!", "[", "]", "e", "n", "@", "x", "f", "(", ")", "r"],
        strict=True,
    )
)
_NOT_QRS, _NOTE, _SKIP, _NUM, _SUB, _CHAN, _AUX = 0, 22, 59, 60, 61, 62, 63
_CODES = 1 << 6  # six bits of a word
_RESOLUTION = re.compile(r"##\s*time resolution:\s*([0-9.eE+]+)")
_MAX_BYTES = 256_000_000
_MAX_DEFINITIONS = 1_000_000
Mark = tuple[int, int, str, int]
"""Time, code, auxiliary note and subtype."""


def read_annotations(
    path: Path, frame_fs: float, fs: float, n_samples: int
) -> tuple[Annotations | None, tuple[str, ...]]:
    """Annotations of one file.

    Args:
        path: the annotation file.
        frame_fs: frequency of the record's header, in which times are meant unless the file says otherwise, Hz.
        fs: sampling frequency of the recording, Hz.
        n_samples: its length.

    Returns:
        the marks in ascending order (None where nothing could be read) and warnings about the file.
    """
    try:
        if path.stat().st_size > _MAX_BYTES:
            return None, (f"{path.name} is too large for an annotation file and was not read.",)
        data = path.read_bytes()
    except OSError:
        return None, (f"{path.name} cannot be read: the recording is shown without its annotations.",)
    marks, whole = _decode(data)
    file_fs, symbols, marks = _definitions(marks)
    marks = [mark for mark in marks if mark[1] != _NOT_QRS]
    warnings = [] if whole else [f"{path.name} is damaged or truncated: its annotations end after {len(marks)}."]
    ratio = fs / (file_fs or frame_fs)
    sample = np.rint(np.array([mark[0] for mark in marks], np.float64) * ratio).astype(np.int64)
    inside = (sample >= 0) & (sample < n_samples)
    if n_outside := int((~inside).sum()):
        warnings.append(f"{path.name} has {n_outside} annotations outside the recording; they were dropped.")
    order = np.flatnonzero(inside)[np.argsort(sample[inside], kind="stable")]
    named = np.array([symbols.get(code, str(code)) for code in range(_CODES)])
    symbol = named[np.array([mark[1] for mark in marks], np.int64)]
    aux = np.array([mark[2] for mark in marks] or [], dtype=np.str_)
    subtype = np.array([mark[3] for mark in marks], np.int64)
    return Annotations(sample[order], symbol[order], aux[order], whole, subtype[order]), tuple(warnings)


def time_base(path: Path) -> float | None:
    """Sampling frequency stated in an annotation file for its times, Hz; None where it states none.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        return _definitions(_decode(file.read(_MAX_DEFINITIONS))[0])[0]


def _decode(data: bytes) -> tuple[list[Mark], bool]:
    """All annotations, and whether the file ended properly."""
    words = np.frombuffer(data, "<u2", len(data) // 2).tolist()
    marks: list[Mark] = []
    now, i, n = 0, 0, len(words)
    while i < n:
        code, value = words[i] >> 10, words[i] & 0x3FF
        i += 1
        if code == 0 and value == 0:
            return marks, True
        if code == _SKIP:
            if i + 2 > n:
                return marks, False
            jump = words[i] << 16 | words[i + 1]
            now += jump - (1 << 32) if jump >> 31 else jump
            i += 2
        elif code == _AUX:
            length = value & 0xFF
            note = data[2 * i : 2 * i + length]
            i += (length + 1) // 2
            if i > n:
                return marks, False
            if marks:
                text = note.decode("utf-8", errors="replace").split("\0")[0].strip()
                marks[-1] = (*marks[-1][:2], text, marks[-1][3])
        elif code == _SUB:
            if marks:
                marks[-1] = (*marks[-1][:3], (value & 0xFF ^ 0x80) - 0x80)  # one signed byte
        elif code not in {_NUM, _CHAN}:
            now += value
            marks.append((now, code, "", 0))
    return marks, False


def _definitions(marks: list[Mark]) -> tuple[float | None, dict[int, str], list[Mark]]:
    """Parses the notes at time 0 that describe the file: time base and custom symbols."""
    symbols, rest, fs, defining = dict(_SYMBOLS), [], None, False
    for number, (time, code, note, _) in enumerate(marks):
        if time != 0 or code != _NOTE:
            rest.extend(marks[number:])
            break
        if match := _RESOLUTION.match(note):
            try:
                fs = float(match[1]) or None
            except ValueError:
                fs = None
        elif note.startswith("## annotation type definitions"):
            defining = True
        elif note.startswith("## end of definitions"):
            defining = False
        elif defining:
            parts = note.split(None, 2)
            if len(parts) >= 2 and parts[0].isdecimal():
                symbols[int(parts[0])] = parts[1]
        elif not note.startswith("## "):
            rest.append(marks[number])
    return (fs if fs and np.isfinite(fs) else None), symbols, rest
