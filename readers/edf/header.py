"""Parses headers and annotations of EDF, EDF+ and BDF files.

Own code rather than ``edfio.read_edf``: recorders in the field write decimal commas, -1 records, bytes beyond
ASCII and onsets with blanks, which must not keep a recording closed; edfio is the peer in the tests.
Sources: Kemp 1992 (EDF), Kemp and Olivan 2003 (EDF+), BioSemi (BDF).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from math import isfinite
from pathlib import Path

from readers.core.errors import ReadError
from readers.request import check_fs

MAX_SIGNALS = 512
_FIELDS = (
    ("label", 16),
    ("", 80),
    ("unit", 8),
    ("p_min", 8),
    ("p_max", 8),
    ("d_min", 8),
    ("d_max", 8),
    ("", 80),
    ("n", 8),
)
_MAX_SCALE = 1e20
"""Ranges beyond it, which float32 could not hold, make no sense."""
_TAL = re.compile(rb"([+-]\d{1,12}(?:\.\d*)?)(?:\x15\d+(?:\.\d*)?)?\x14([^\x00]*)\x00")


@dataclass(frozen=True)
class Channel:
    """One signal of the file.

    Attributes:
        label, unit: as written.
        per_record: samples in each data record.
        offset: bytes from the start of a record.
        scale, zero: physical value = digital x scale + zero; None where the ranges make no sense.
    """

    label: str
    unit: str
    per_record: int
    offset: int
    scale: float | None
    zero: float

    @property
    def is_annotations(self) -> bool:
        """Whether the channel holds EDF+ annotations instead of samples."""
        return self.label in {"EDF Annotations", "BDF Annotations"}


@dataclass(frozen=True)
class EdfHeader:
    """Header without patient and recording fields, which are discarded.

    Attributes:
        sample_bytes: 2 (EDF) or 3 (BDF).
        start_byte: where the data records begin.
        n_records: data records, None where unknown (-1).
        record_s: length of one data record, s.
        record_bytes: its size.
        discontinuous: EDF+D: the records need not follow each other.
    """

    channels: tuple[Channel, ...]
    sample_bytes: int
    start_byte: int
    n_records: int | None
    record_s: float
    record_bytes: int
    discontinuous: bool
    start: datetime | None


def read_edf_header(path: Path, given_fs: float | None = None) -> EdfHeader:
    """Parse the header.

    Args:
        path: the file.
        given_fs: sampling frequency, Hz, of the fastest channel, for a header whose data records have no length.

    Raises:
        ReadError: truncated, or a field of it makes no sense.
    """
    with path.open("rb") as file:
        main = file.read(256)
        if len(main) < 256:
            raise ReadError(path, "the file ends within its header; copy it again.")
        n_signals = int(_number(path, main[252:256], "number of signals"))
        if not 0 < n_signals <= MAX_SIGNALS:
            raise ReadError(path, f"the header states {n_signals} signals, so there is nothing to show.")
        table = file.read(256 * n_signals)
    if len(table) < 256 * n_signals:
        raise ReadError(path, "the file ends within its header; copy it again.")
    sample_bytes = 3 if main[:1] == b"\xff" else 2
    record_s = _number(path, main[244:252], "length of a data record")
    channels = _channels(path, table, n_signals, sample_bytes)
    with_samples = [channel for channel in channels if not channel.is_annotations]
    if not with_samples:
        raise ReadError(path, "the file holds annotations alone; give the one with the signals.")
    if record_s <= 0 and given_fs is not None:
        record_s = max(channel.per_record for channel in with_samples) / given_fs
    if record_s <= 0:
        raise ReadError(
            path,
            f"a data record lasts {record_s:g} s, so there is no sampling frequency; give it (fs), or correct the "
            "header.",
        )
    for channel in with_samples:
        if channel.per_record / record_s > 10:
            check_fs(path, channel.per_record / record_s)
    n_records = int(_number(path, main[236:244], "number of data records"))
    return EdfHeader(
        channels=channels,
        sample_bytes=sample_bytes,
        start_byte=256 * (n_signals + 1),
        n_records=n_records if n_records >= 0 else None,
        record_s=record_s,
        record_bytes=sum(channel.per_record for channel in channels) * sample_bytes,
        discontinuous=main[192:197] in {b"EDF+D", b"BDF+D"},
        start=_start(main[168:184]),
    )


def parse_annotations(data: bytes) -> list[tuple[float, str]]:
    """Onset in seconds and text of every annotation in an annotations channel ("" is the time stamp)."""
    found: list[tuple[float, str]] = []
    for onset, texts in _TAL.findall(data):
        decoded = texts.decode("utf-8", errors="replace").rstrip("\x14")
        found.extend((float(onset), text.strip()) for text in decoded.split("\x14"))
    return found


def first_onset(record: bytes) -> float | None:
    """Start of a data record after the file's start, s, from its first annotation."""
    match = _TAL.search(record)
    return float(match[1]) if match else None


def _channels(path: Path, table: bytes, count: int, sample_bytes: int) -> tuple[Channel, ...]:
    columns: dict[str, list[bytes]] = {}
    at = 0
    for name, width in _FIELDS:
        columns[name] = [table[at + i * width : at + (i + 1) * width] for i in range(count)]
        at += count * width
    channels, offset = [], 0
    for i in range(count):
        label, unit = _text(columns["label"][i]), _text(columns["unit"][i])
        per_record = int(_number(path, columns["n"][i], f"number of samples of signal {i + 1}"))
        if not 0 <= per_record <= 10_000_000:
            raise ReadError(path, f"signal {i + 1} has {per_record} samples in a data record; correct the header.")
        scale, zero = _scale(*(columns[name][i] for name in ("p_min", "p_max", "d_min", "d_max")))
        if per_record:
            channels.append(Channel(label, unit, per_record, offset, scale, zero))
        offset += per_record * sample_bytes
    return tuple(channels)


def _scale(*fields: bytes) -> tuple[float | None, float]:
    try:
        p_min, p_max, d_min, d_max = (float(_text(field).replace(",", ".")) for field in fields)
        scale = (p_max - p_min) / (d_max - d_min)
    except (ValueError, ZeroDivisionError, OverflowError):
        return None, 0.0
    if not 0 < abs(scale) < _MAX_SCALE or not abs(p_min) < _MAX_SCALE:
        return None, 0.0
    return scale, p_min - d_min * scale


def _text(field: bytes) -> str:
    """Decode as Latin-1, the encoding of EDF, or as the UTF-8 that some writers use."""
    try:
        return field.decode("utf-8").strip(" \0")
    except UnicodeDecodeError:
        return field.decode("latin-1").strip(" \0")


def _number(path: Path, field: bytes, what: str) -> float:
    try:
        value = float(_text(field).replace(",", "."))
    except ValueError:
        value = float("nan")
    if not isfinite(value):
        raise ReadError(path, f"the {what} reads {_text(field)[:12]!r}, which is no number; correct the header.")
    return value


def _start(field: bytes) -> datetime | None:
    try:
        day, month, year, hour, minute, second = (int(part) for part in re.findall(rb"\d{1,2}", field))
        return datetime(year + (1900 if year >= 85 else 2000), month, day, hour, minute, second)
    except ValueError:
        return None
