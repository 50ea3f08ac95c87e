"""Samples and value ranges of one strip, read once for all figures."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ecgviz.figures.geometry import Lane
from readers.recording import Read, Recording

Range = tuple[float, float, float]


@dataclass(frozen=True)
class StripSignal:
    """Samples of a strip.

    Attributes:
        samples: float32 (n, n_leads), NaN in gaps.
        first: number in the recording of ``samples[0]``.
        fs: Hz.
        leads, units: one per column.
        ranges: (lowest, median, highest) of each lead in this strip.
    """

    samples: np.ndarray
    first: int
    fs: float
    leads: tuple[str, ...]
    units: tuple[str, ...]
    ranges: tuple[Range, ...]

    @property
    def start_s(self) -> float:
        return self.first / self.fs


def read_strip(
    recording: Recording,
    start_s: float,
    seconds: float,
    leads: Sequence[str] | None = None,
    read: Read | None = None,
) -> StripSignal:
    """Samples of a strip; beyond the ends of the recording the paper stays empty.

    Args:
        recording: the recording.
        start_s, seconds: the strip.
        leads: names of the leads, all by default.
        read: gives the samples to show, ``read(start, stop) -> (n, n_leads)`` with the columns of ``leads``: hand in
            a filtered reader to show filtered samples. The recording's own samples by default.

    Raises:
        ValueError: a lead that the recording lacks, no lead at all, or samples of another shape than asked for.
    """
    names = tuple(recording.leads if leads is None else leads)
    if not names:
        raise ValueError("no lead was chosen to draw; choose at least one")
    columns = [recording.lead_index(lead) for lead in names]
    first = min(max(math.floor(start_s * recording.fs), 0), recording.n_samples)
    stop = min(max(math.ceil((start_s + seconds) * recording.fs) + 1, first), recording.n_samples)
    samples = recording.signal_mV(first, stop, names) if read is None else np.asarray(read(first, stop), np.float32)
    samples = samples[:, None] if samples.ndim == 1 else samples
    if samples.shape != (stop - first, len(names)):
        raise ValueError(f"read gave samples of shape {samples.shape} for {stop - first} samples of {len(names)} leads")
    samples = np.where(np.isfinite(samples), samples, np.float32(np.nan))
    spelled = tuple(recording.leads[column] for column in columns)
    units = tuple(recording.units[column] for column in columns)
    return StripSignal(samples, first, recording.fs, spelled, units, tuple(value_ranges(samples)))


def value_ranges(samples: np.ndarray) -> list[Range]:
    """(lowest, median, highest) of each column of samples (n, n_leads); (0, 0, 0) where all are NaN."""
    found: list[Range] = []
    for column in samples.T:
        real = column[np.isfinite(column)]
        found.append((float(real.min()), float(np.median(real)), float(real.max())) if len(real) else (0.0, 0.0, 0.0))
    return found


def lead_ranges(recording: Recording, leads: Sequence[str] | None = None, pieces: int = 24) -> dict[str, Range]:
    """Range of each lead over the whole recording, from pieces of 10 s spread over it.

    The lanes of a strip laid out with it keep their height from view to view. Of each piece the extremes count;
    over the pieces their 10th and 90th percentiles, so that an electrode's jump does not open every lane.

    Returns:
        (lowest, median, highest) by lead name, in the lead's unit.
    """
    names = tuple(recording.leads if leads is None else leads)
    length = min(int(10 * recording.fs), recording.n_samples)
    starts = np.unique(np.linspace(0, recording.n_samples - length, pieces).astype(int))
    found = np.array([value_ranges(recording.signal_mV(s, s + length, names)) for s in starts])
    found[(found == 0).all(axis=2)] = np.nan
    result: dict[str, Range] = {}
    for index, name in enumerate(names):
        part = found[:, index][~np.isnan(found[:, index, 0])]
        middle = float(np.median(part[:, 1])) if len(part) else 0.0
        low = middle + float(np.percentile(part[:, 0] - part[:, 1], 10)) if len(part) else 0.0
        high = middle + float(np.percentile(part[:, 2] - part[:, 1], 90)) if len(part) else 0.0
        result[name] = (low, middle, high)
    return result


def strip_ranges(signal: StripSignal, whole: dict[str, Range] | None) -> list[Range]:
    """Ranges for the layout of a strip: its own, widened to the recording's where known."""
    ranges = []
    for lead, (low, middle, high) in zip(signal.leads, signal.ranges, strict=True):
        usual = (whole or {}).get(lead, (0.0, 0.0, 0.0))
        ranges.append((min(low, middle + usual[0] - usual[1]), middle, max(high, middle + usual[2] - usual[1])))
    return ranges


def lane_samples(signal: StripSignal, lane: Lane) -> tuple[np.ndarray, int]:
    """Samples of a lane's lead within its time, and the number of the first one in the recording."""
    a = max(round(lane.start_s * signal.fs) - signal.first, 0)
    b = max(round(lane.stop_s * signal.fs) + 1 - signal.first, a)
    return signal.samples[a:b, lane.column], signal.first + a
