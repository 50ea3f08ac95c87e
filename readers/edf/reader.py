"""EDF, EDF+ (with gaps and annotations) and BDF recordings, read by range from a memory map."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from readers.channels.channel_selection import settle
from readers.channels.leads import distinct, millivolts_per
from readers.core.errors import ReadError
from readers.edf.header import Channel, EdfHeader, first_onset, parse_annotations, read_edf_header
from readers.recording import Annotations, Recording
from readers.request import Request, check_fs

NOTE_SYMBOL = '"'
"""WFDB's symbol for a comment, which EDF annotations become; their text is the auxiliary note."""
MAX_GAP_S = 45 * 86400.0


@dataclass(frozen=True)
class EdfSource:
    """Random access to the data records.

    Attributes:
        path: the file; it is mapped anew for each range, so no handle stays open.
        header: its header.
        n_records: records that are there.
        channels: the leads.
        per_record: samples of the recording in a record; a lead that has fewer is held.
        runs: (first sample, first record, records) of stretches without a gap, ascending.
    """

    path: Path
    header: EdfHeader
    n_records: int
    channels: tuple[Channel, ...]
    per_record: int
    runs: tuple[tuple[int, int, int], ...]

    def read(self, start: int, stop: int) -> np.ndarray:
        """Samples as float32 (stop - start, n_leads), NaN between discontinuous records."""
        out = np.full((stop - start, len(self.channels)), np.nan, np.float32)
        n = self.per_record
        records = map_records(self.path, self.header, self.n_records)
        for first_sample, first_record, count in self.runs:
            left, right = max(start, first_sample), min(stop, first_sample + count * n)
            if left >= right:
                continue
            record_0, record_1 = (left - first_sample) // n, -(-(right - first_sample) // n)
            part = records[first_record + record_0 : first_record + record_1]
            shift = left - first_sample - record_0 * n
            for column, channel in enumerate(self.channels):
                values = self._held(self._digital(part, channel)).reshape(-1)[shift : shift + right - left]
                out[left - start : right - start, column] = self._physical(values, channel)
        return out

    def _digital(self, records: np.ndarray, channel: Channel) -> np.ndarray:
        """Digital values, integers (records, samples per record)."""
        width = self.header.sample_bytes
        raw = np.ascontiguousarray(records[:, channel.offset : channel.offset + channel.per_record * width])
        if width == 2:
            return raw.view("<i2")
        wide = np.zeros((len(raw), channel.per_record, 4), np.uint8)
        wide[:, :, 1:] = raw.reshape(len(raw), -1, 3)
        return wide.view("<i4")[:, :, 0] >> 8

    def _held(self, values: np.ndarray) -> np.ndarray:
        own = values.shape[1]
        return values if own == self.per_record else values[:, np.arange(self.per_record) * own // self.per_record]

    def _physical(self, digital: np.ndarray, channel: Channel) -> np.ndarray:
        if channel.scale is None:
            return digital.astype(np.float32)
        factor = millivolts_per(channel.unit) or 1.0
        return digital * np.float64(channel.scale * factor) + channel.zero * factor


def read_edf(request: Request) -> Recording:
    """Open an EDF, EDF+ or BDF file.

    Raises:
        ReadError: a header that makes no sense, or no complete data record.
    """
    path = request.path
    header = read_edf_header(path, request.fs)
    there = max(0, path.stat().st_size - header.start_byte) // header.record_bytes
    n_records = there if header.n_records != 0 else 0
    if n_records == 0:
        raise ReadError(path, "it holds no complete data record; copy the file again.")
    candidates = [channel for channel in header.channels if not channel.is_annotations]

    def build(kept: Sequence[int], units: Sequence[str | None]) -> Recording:
        channels = tuple(replace(candidates[i], unit=unit or "") for i, unit in zip(kept, units, strict=True))
        return _recording(request, header, n_records, channels)

    rates = [channel.per_record / header.record_s for channel in candidates]
    names = [channel.label for channel in candidates]
    stated = [channel.unit if channel.scale is not None else None for channel in candidates]
    recording = settle(request, names, stated, rates, build)
    counts = _count_notes(path, header, there)
    annotations = _annotations(path, header, n_records, recording.fs, recording.n_samples)
    return replace(recording, annotations=annotations, warnings=(*counts, *recording.warnings))


def _recording(request: Request, header: EdfHeader, n_records: int, channels: tuple[Channel, ...]) -> Recording:
    """A recording of some channels, at the sampling frequency of the fastest."""
    fastest = max(channel.per_record for channel in channels)
    fs = fastest / header.record_s
    if fs > 10:
        check_fs(request.path, fs)
    runs, gaps = _runs(request, header, n_records, fs, fastest)
    held = [
        f"{name} was sampled at {channel.per_record / header.record_s:g} Hz; its values are held to {fs:g} Hz."
        for name, channel in zip(distinct([channel.label for channel in channels]), channels, strict=True)
        if channel.per_record < fastest
    ]
    return Recording(
        name=request.path.stem,
        fs=fs,
        n_samples=runs[-1][0] + runs[-1][2] * fastest,
        leads=(),
        units=(),
        source=EdfSource(request.path, header, n_records, channels, fastest, runs),
        format="BDF" if header.sample_bytes == 3 else "EDF",
        start=header.start,
        warnings=(*held, *gaps),
    )


def _count_notes(path: Path, header: EdfHeader, there: int) -> list[str]:
    """A warning where the file holds fewer or more data records than its header states."""
    announced = header.n_records
    if announced is None or announced == there:
        return []
    if announced > there:
        return [f"{path.name} is truncated: it holds {there} of the {announced} data records announced."]
    seconds = f"{announced * header.record_s:g} s are announced"
    return [f"{path.name} holds {there * header.record_s:g} s and {seconds}: all of it is shown."]


def map_records(path: Path, header: EdfHeader, n_records: int) -> np.ndarray:
    """Data records as bytes (n_records, record_bytes), memory-mapped.

    Raises:
        ReadError: the file is gone or has become shorter.
    """
    try:
        shape = (n_records, header.record_bytes)
        return np.memmap(path, np.uint8, "r", header.start_byte, shape)
    except (OSError, ValueError) as error:
        raise ReadError(path, "the file has been changed or removed since it was opened; open it again.") from error


def _runs(
    request: Request, header: EdfHeader, n_records: int, fs: float, per_record: int
) -> tuple[tuple[tuple[int, int, int], ...], list[str]]:
    """Runs of contiguous records, and a warning about the gaps between them."""
    whole = ((0, 0, n_records),)
    clock = next((channel for channel in header.channels if channel.is_annotations), None)
    if not header.discontinuous or clock is None:
        return whole, []
    width = clock.per_record * header.sample_bytes
    block = np.array(map_records(request.path, header, n_records)[:, clock.offset : clock.offset + width])
    onsets = [first_onset(row.tobytes()) for row in block]
    unusable = [f"{request.path.name} says that it has gaps but not where: it is shown as if it had none."]
    if any(onset is None for onset in onsets):
        return whole, unusable
    times = np.array(onsets, np.float64)
    steps = np.diff(times)
    if (steps < header.record_s - 1.5 / fs).any() or times[-1] - times[0] > n_records * header.record_s + MAX_GAP_S:
        return whole, unusable
    starts = np.concatenate([[0], np.flatnonzero(steps > header.record_s + 1.5 / fs) + 1])
    ends = np.concatenate([starts[1:], [n_records]])
    samples = np.rint((times[starts] - times[0]) * fs).astype(np.int64)
    runs, free = [], 0
    for sample, first, last in zip(samples.tolist(), starts.tolist(), ends.tolist(), strict=True):
        runs.append((max(sample, free), first, last - first))
        free = runs[-1][0] + (last - first) * per_record
    lost = free / fs - n_records * header.record_s
    count = len(runs) - 1
    return tuple(runs), [f"The recording has {count} gap{'s' * (count > 1)}, {lost:.1f} s in all."] if count else []


def _annotations(path: Path, header: EdfHeader, n_records: int, fs: float, n_samples: int) -> Annotations | None:
    channels = [channel for channel in header.channels if channel.is_annotations]
    if not channels:
        return None
    records = map_records(path, header, n_records)
    found: list[tuple[float, str]] = []
    for channel in channels:
        width = channel.per_record * header.sample_bytes
        rows = np.array(records[:, channel.offset : channel.offset + width])
        found += parse_annotations(np.pad(rows, ((0, 0), (0, 1))).tobytes())
    origin = found[0][0] if found and not found[0][1] else 0.0
    marks = sorted((round((onset - origin) * fs), text) for onset, text in found if text)
    marks = [(sample, text) for sample, text in marks if 0 <= sample < n_samples]
    if not marks:
        return None
    sample = np.array([mark[0] for mark in marks], np.int64)
    return Annotations(sample, np.full(len(marks), NOTE_SYMBOL), np.array([mark[1] for mark in marks]))
