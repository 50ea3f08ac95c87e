"""Parses WFDB headers (``.hea``), validating every line.

Own code rather than ``wfdb.rdheader`` for three reasons: a fault is told with its line and field, a header
cannot make the reader look for files elsewhere, and opening costs 0.1 ms instead of an import of half a second.
Source: WFDB Applications Guide, header(5), signal(5).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, time
from math import isfinite
from pathlib import Path

from readers.core.errors import ReadError
from readers.request import can_be_fs, check_fs

FORMATS = (8, 16, 24, 32, 61, 80, 160, 212, 310, 311, 508, 516, 524)
DEFAULT_FS, DEFAULT_GAIN = 250.0, 200.0
MAX_BYTES, MAX_SIGNALS, MAX_SEGMENTS, MAX_SAMPLES_PER_FRAME = 16_000_000, 512, 100_000, 1000
MAX_FRAMES = 2**40
GAIN_LOWEST, GAIN_HIGHEST = 1e-9, 1e15
"""Bounds on steps per unit, between which every sample in mV is a finite float32; real gains lie far inside."""

_INTEGER = re.compile(r"[+-]?\d{1,15}$")
_FORMAT = re.compile(r"(\d{1,4})(?:x(\d{1,6}))?(?::(\d{1,9}))?(?:\+(\d{1,12}))?$")
_GAIN = re.compile(r"([^(/]*)(?:\(([+-]?\d{1,12})\))?(?:/(\S+))?$")
_TIME = re.compile(r"(?:(\d{1,2}):)?(\d{1,2}):(\d{1,2})(?:\.(\d{1,6})\d*)?$")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


@dataclass(frozen=True)
class Signal:
    """One signal line.

    Attributes:
        file: plain name of its signal file, "~" for a lead without samples.
        format: WFDB format number, 0 for none.
        per_frame: samples in each frame.
        skew: frames by which it lies late in the file.
        offset: bytes (FLAC: samples) before its first sample.
        gain: ADC units per physical unit; never 0.
        baseline: ADC value of 0 physical units.
        unit: as written, "" where the gain is not known.
        initial: first sample, which format 8 needs.
        checksum: 16-bit sum of all samples, None where not stated.
        name: description as written.
    """

    file: str
    format: int
    per_frame: int
    skew: int
    offset: int
    gain: float
    baseline: int
    unit: str
    initial: int
    checksum: int | None
    name: str


@dataclass(frozen=True)
class Header:
    """A parsed header: ``signals`` of a simple record, ``segments`` (name, frames) of a multi-segment one."""

    path: Path
    fs: float
    n_frames: int | None
    signals: tuple[Signal, ...]
    segments: tuple[tuple[str, int], ...]
    start: datetime | None


def read_header(path: Path, given_fs: float | None = None) -> Header:
    """Parse one header file.

    Args:
        path: the file.
        given_fs: sampling frequency, Hz, of the fastest lead, for a header that states one that cannot be.

    Raises:
        ReadError: it cannot be read, or a field of it makes no sense.
    """
    if path.stat().st_size > MAX_BYTES:
        raise ReadError(path, "it is far too large for a WFDB header; give the .hea file of the record.")
    text = path.read_bytes().decode("utf-8", errors="replace").lstrip("\ufeff")
    lines = [line.strip() for line in text.splitlines()]
    lines = [line for line in lines if line and not line.startswith("#")]
    if not lines:
        raise ReadError(path, "the header is empty; copy the record again.")
    fields = lines[0].split()
    if len(fields) < 2:
        raise ReadError(
            path, "its first line does not state a record name and the number of leads; correct the header."
        )
    _, slash, segment_count = fields[0].partition("/")
    n_signals = _integer(path, fields[1], "number of leads", 0, MAX_SIGNALS)
    fs = _number(path, re.split(r"[/(]", fields[2])[0], "sampling frequency") if len(fields) > 2 else DEFAULT_FS
    if given_fs is None or can_be_fs(fs):
        given_fs = fs = check_fs(path, fs)
    n_frames = _integer(path, fields[3], "number of samples", 0, MAX_FRAMES) if len(fields) > 3 else 0
    start = _start(fields[4:])
    if n_signals == 0:
        raise ReadError(path, "the header states zero leads, so there is nothing to show; give another record.")
    if slash:
        n_segments = _integer(path, segment_count, "number of segments", 1, MAX_SEGMENTS)
        segments = tuple(_segment(path, line) for line in _take(path, lines[1:], n_segments, "segments"))
        return Header(path, fs if can_be_fs(fs) else given_fs, n_frames or None, (), segments, start)
    signals = tuple(_signal(path, line, i) for i, line in enumerate(_take(path, lines[1:], n_signals, "leads"), 1))
    if not can_be_fs(fs):
        fs = given_fs / max(signal.per_frame for signal in signals)
    return Header(path, fs, n_frames or None, signals, (), start)


def _take(path: Path, lines: list[str], count: int, what: str) -> list[str]:
    if len(lines) < count:
        raise ReadError(path, f"the header announces {count} {what} and describes {len(lines)}; copy the record again.")
    return lines[:count]


def _segment(path: Path, line: str) -> tuple[str, int]:
    fields = line.split()
    if len(fields) < 2:
        raise ReadError(path, "a segment line states no length; correct the header.")
    return fields[0], _integer(path, fields[1], "segment length", 0, MAX_FRAMES)


def _signal(path: Path, line: str, number: int) -> Signal:
    fields = line.split(None, 8)
    what = f"lead {number}"
    if len(fields) < 2:
        raise ReadError(path, f"{what} states no signal format; correct the header.")
    match = _FORMAT.match(fields[1])
    code = int(match[1]) if match else -1
    if match is None or (code not in FORMATS and code != 0):
        known = ", ".join(map(str, FORMATS))
        raise ReadError(path, f"{what} has the signal format {fields[1][:20]!r}; readable are {known}.")
    per_frame = int(match[2] or 1)
    if not 1 <= per_frame <= MAX_SAMPLES_PER_FRAME:
        raise ReadError(path, f"{what} has {per_frame} samples per frame, which cannot be; correct the header.")
    zero = _integer(path, fields[4], f"ADC zero of {what}") if len(fields) > 4 else 0
    gain, baseline, unit = _gain(path, fields[2] if len(fields) > 2 else "", what)
    checksum = _integer(path, fields[6], f"checksum of {what}") if len(fields) > 6 else None
    return Signal(
        file=fields[0],
        format=code,
        per_frame=per_frame,
        skew=int(match[3] or 0),
        offset=int(match[4] or 0),
        gain=gain,
        baseline=zero if baseline is None else baseline,
        unit=unit,
        initial=_integer(path, fields[5], f"first value of {what}") if len(fields) > 5 else zero,
        checksum=checksum,
        name=fields[8] if len(fields) > 8 else "",
    )


def _gain(path: Path, text: str, what: str) -> tuple[float, int | None, str]:
    """Gain, baseline and unit. A gain of 0 or none means "not calibrated": 200 is used and the unit is unknown."""
    match = _GAIN.match(text)
    if match is None:
        raise ReadError(path, f"the gain of {what} reads {text[:30]!r}; correct the header.")
    gain = _number(path, match[1], f"gain of {what}") if match[1] else 0.0
    if not isfinite(gain):
        raise ReadError(path, f"the gain of {what} is not a finite number; correct the header.")
    if gain != 0 and not GAIN_LOWEST <= abs(gain) <= GAIN_HIGHEST:
        raise ReadError(path, f"the gain of {what} is {gain:g} steps per unit, which cannot be; correct the header.")
    baseline = None if match[2] is None else int(match[2])
    return (DEFAULT_GAIN, baseline, "") if gain == 0 else (gain, baseline, match[3] or "mV")


def _number(path: Path, text: str, what: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ReadError(path, f"the {what} reads {text[:30]!r}, which is no number; correct the header.") from None


def _integer(path: Path, text: str, what: str, lowest: int = -(2**40), highest: int = 2**40) -> int:
    if not _INTEGER.match(text) or not lowest <= int(text) <= highest:
        raise ReadError(path, f"the {what} reads {text[:30]!r}, which cannot be; correct the header.")
    return int(text)


def _start(fields: list[str]) -> datetime | None:
    """Start of the recording from time and date fields, in either order; None unless both are present."""
    day = clock = None
    for field in fields[:2]:
        clock = clock or _clock(field)
        day = day or _day(field)
    return datetime.combine(day, clock) if day and clock else None


def _clock(field: str) -> time | None:
    match = _TIME.match(field)
    try:
        return (
            time(int(match[1] or 0), int(match[2]), int(match[3]), int((match[4] or "0").ljust(6, "0")))
            if match
            else None
        )
    except ValueError:
        return None


def _day(field: str) -> date | None:
    parts = re.split(r"[/-]", field)
    if len(parts) != 3:
        return None
    month = parts[1].lower()[:3]
    try:
        return date(int(parts[2]), _MONTHS.index(month) + 1 if month in _MONTHS else int(parts[1]), int(parts[0]))
    except ValueError:
        return None
