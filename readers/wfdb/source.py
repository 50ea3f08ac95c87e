"""Converts the signal files of a WFDB record to mV by range, lead by lead, with gaps as NaN."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from readers.channels.leads import millivolts_per
from readers.core.errors import ReadError
from readers.request import FileSet
from readers.wfdb.header import Header, Signal
from readers.wfdb.matlab import check_matrix
from readers.wfdb.samples import INVALID, SignalFile, exact_in_float32

MOST_KEPT = 1 << 22
"""Samples of all leads up to which a record is kept in memory: 8 MB, half an hour of six leads."""


@dataclass(frozen=True)
class Lead:
    """A lead of one segment: its signal line, its file (None: no samples) and its first column there."""

    signal: Signal
    file: SignalFile | None
    column: int


@dataclass(frozen=True)
class Segment:
    """A segment of the recording: first frame, length in frames, and a lead or None for each column."""

    start: int
    n_frames: int
    leads: tuple[Lead | None, ...]


@dataclass(frozen=True)
class WfdbSource:
    """Random access to a record.

    Attributes:
        segments: stretches that hold samples, ascending; what lies between them is missing.
        n_leads: columns.
        per_frame: samples of the recording in a frame; a lead that has fewer is held, as WFDB's own tools do.
    """

    segments: tuple[Segment, ...]
    n_leads: int
    per_frame: int

    def read(self, start: int, stop: int) -> np.ndarray:
        """Samples as float32 (stop - start, n_leads), NaN in gaps."""
        k = self.per_frame
        first, last = start // k, -(-stop // k)
        out = np.empty((self.n_leads, (last - first) * k), np.float32).T  # what follows goes lead by lead
        done = first
        for segment in self.segments:
            left, right = max(first, segment.start), min(last, segment.start + segment.n_frames)
            if left < right:
                out[(done - first) * k : (left - first) * k] = np.nan
                part = out[(left - first) * k : (right - first) * k]
                _decode(segment, left - segment.start, right - segment.start, k, part)
                done = right
        out[(done - first) * k :] = np.nan
        return out[start - first * k : stop - first * k]


def attach_files(header: Header, files: FileSet, *, keep: bool = False) -> tuple[list[Lead], int]:
    """Leads of a simple record with their files, and its length in frames.

    Args:
        header: of the record.
        files: where its signal files are looked for.
        keep: whether its samples are decoded at once and kept, if they are few.

    Raises:
        ReadError: a file is missing, elsewhere, in two formats at once, or shorter than the header announces.
    """
    groups: dict[str, list[Signal]] = {}
    for signal in header.signals:
        groups.setdefault(signal.file, []).append(signal)
    opened: dict[str, SignalFile] = {}
    available: list[tuple[Path, int]] = []
    for name, signals in groups.items():
        if name == "~" or signals[0].format == 0:
            continue
        file = _open(header.path, files, name, signals)
        opened[name] = file
        available.append((file.path, file.n_frames()))
    n_frames = header.n_frames or min((count for _, count in available), default=0)
    for path, count in available:
        if count < n_frames:
            raise ReadError(
                path,
                f"the file is truncated: it holds {count} of the {n_frames} samples per lead that "
                f"{header.path.name} announces. Copy the record again.",
            )
    if keep and n_frames * sum(signal.per_frame for signal in header.signals) <= MOST_KEPT:
        for file in opened.values():
            file.keep(n_frames)
    leads, used = [], dict.fromkeys(groups, 0)
    for signal in header.signals:
        leads.append(Lead(signal, opened.get(signal.file), used[signal.file]))
        used[signal.file] += signal.per_frame
    return leads, n_frames


def _open(header: Path, files: FileSet, name: str, signals: list[Signal]) -> SignalFile:
    path = files.find(name, header)
    if path is None:
        raise ReadError(header, f"its signal file {name[:80]} is missing; put it beside the header, or upload both.")
    first = signals[0]
    if any((signal.format, signal.offset) != (first.format, first.offset) for signal in signals):
        raise ReadError(header, f"the leads of {name[:80]} differ in signal format or byte offset; correct the header.")
    per_frame = tuple(signal.per_frame for signal in signals)
    check_matrix(header, path, first.format, first.offset, sum(per_frame))
    return SignalFile(path, first.format, per_frame, first.offset, tuple(signal.initial for signal in signals))


def _decode(segment: Segment, start: int, stop: int, per_frame: int, out: np.ndarray) -> None:
    """Decode frames ``start`` to ``stop`` of a segment into ``out``."""
    skew = max((lead.signal.skew for lead in segment.leads if lead), default=0)
    blocks: dict[int, np.ndarray] = {}
    for column, lead in enumerate(segment.leads):
        if lead is None or lead.file is None:
            out[:, column] = np.nan
            continue
        if (key := id(lead.file)) not in blocks:
            blocks[key] = lead.file.read(start, min(stop + skew, max(segment.n_frames, start)))
        own = lead.signal.per_frame
        digital = blocks[key][lead.signal.skew : lead.signal.skew + stop - start, lead.column : lead.column + own]
        target = out[:, column]
        if own != per_frame:
            digital = digital[:, np.arange(per_frame) * own // per_frame]
        target[digital.size :] = np.nan
        _to_mv(digital.reshape(-1), lead.signal, target[: digital.size])


def _to_mv(digital: np.ndarray, signal: Signal, out: np.ndarray) -> None:
    """(value - baseline) / gain in mV, or in the file's own scale where its unit is no voltage."""
    gain = np.float64(signal.gain / (millivolts_per(signal.unit) or 1.0))
    if exact_in_float32(signal.format):
        out[:] = digital
        out -= np.float32(signal.baseline)
        np.divide(out, gain, out=out, casting="same_kind")
    else:
        out[:] = (digital.astype(np.float64) - signal.baseline) / gain
    invalid = INVALID.get(signal.format)
    if invalid is not None and len(digital) and (missing := digital == invalid).any():
        out[missing] = np.nan
