"""RR intervals, heart rate and ectopic families as pure functions of beat times and labels.

Conventions are those of Holter reports: rates as averages over eight beats, a pause is an RR interval over two
seconds, three ectopic beats in a row are a run. Where beats could not be seen (a lead that was off) an RR interval
says nothing; pass ``gaps`` and it is left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from models.core.gaps import Gaps, spans_gap

PAUSE_S = 2.0
RATE_BEATS = 8
PATTERNS = {2: "bigeminy", 3: "trigeminy"}
MAX_RR_S = 10.0
"""An interval beyond this is asystole or a lead that is off; as a pause it counts, as a rate it does not."""


@dataclass(frozen=True)
class HeartRate:
    """Heart rate of a recording.

    Attributes:
        time_s: time of the later beat of each RR interval, seconds, float64 (n - 1,).
        rr_s: RR intervals, seconds, NaN where a gap lies between the beats, float64 (n - 1,).
        rate: 60 / rr, 1/min, float64 (n - 1,).
        smooth: mean rate over the eight intervals around each (60 / their mean), 1/min, NaN where fewer than
            eight neighbouring intervals are known, float64 (n - 1,).
    """

    time_s: np.ndarray
    rr_s: np.ndarray
    rate: np.ndarray
    smooth: np.ndarray

    @property
    def minimum(self) -> float:
        """Lowest eight-beat average, 1/min; NaN where undefined."""
        return float(np.nanmin(self.smooth)) if np.isfinite(self.smooth).any() else float("nan")

    @property
    def maximum(self) -> float:
        """Highest eight-beat average, 1/min; NaN where undefined."""
        return float(np.nanmax(self.smooth)) if np.isfinite(self.smooth).any() else float("nan")

    @property
    def mean(self) -> float:
        """Mean heart rate over known intervals: 60 / mean RR; NaN where undefined."""
        return 60 / float(np.nanmean(self.rr_s)) if np.isfinite(self.rr_s).any() else float("nan")

    @property
    def median(self) -> float:
        """Median of the eight-beat averages, 1/min; 60 / median RR where there are none, NaN without known
        intervals."""
        if np.isfinite(self.smooth).any():
            return float(np.nanmedian(self.smooth))
        return 60 / float(np.nanmedian(self.rr_s)) if np.isfinite(self.rr_s).any() else float("nan")


@dataclass(frozen=True)
class Pause:
    """An RR interval of ``rr_s`` seconds that starts at ``time_s`` after beat number ``beat``."""

    time_s: float
    rr_s: float
    beat: int


@dataclass(frozen=True)
class Family:
    """A family of ectopic beats.

    Attributes:
        kind: "couplet" (two), "run" (three or more), "bigeminy" or "trigeminy".
        label: class of the ectopic beats, "S" or "V".
        first, last: indices of the first and last ectopic beat, inclusive.
        start_s, end_s: their times.
        rate: 60 / mean RR among the beats from first to last, 1/min.
    """

    kind: str
    label: str
    first: int
    last: int
    start_s: float
    end_s: float
    rate: float

    @property
    def n_beats(self) -> int:
        """Beats from first to last; in bigeminy and trigeminy including those between the ectopic ones."""
        return self.last - self.first + 1


def heart_rate(time_s: np.ndarray, gaps: Gaps = ()) -> HeartRate:
    """Heart rate from beat times (n,) in ascending seconds; ``gaps`` are (start, end) seconds without signal."""
    time_s = np.asarray(time_s, np.float64)
    rr_s = np.diff(time_s)
    rr_s[spans_gap(time_s, gaps) | (rr_s > MAX_RR_S) | (rr_s <= 0)] = np.nan
    return HeartRate(time_s[1:], rr_s, 60 / rr_s, 60 / _centred_mean(rr_s, RATE_BEATS))


def pauses(time_s: np.ndarray, longer_than_s: float = PAUSE_S, gaps: Gaps = ()) -> tuple[Pause, ...]:
    """RR intervals longer than ``longer_than_s`` without a gap, in time order."""
    time_s = np.asarray(time_s, np.float64)
    rr_s = np.diff(time_s)
    found = np.flatnonzero((rr_s > longer_than_s) & ~spans_gap(time_s, gaps))
    return tuple(Pause(float(time_s[i]), float(rr_s[i]), int(i)) for i in found)


def counts_per_minute(
    time_s: np.ndarray, label: np.ndarray, classes: Sequence[str], duration_s: float
) -> dict[str, np.ndarray]:
    """Beats of each class in each minute of the recording, {class: int64 (ceil(duration / 60),)}."""
    n_minutes = int(np.ceil(duration_s / 60)) if duration_s > 0 else 0
    minute = np.clip((np.asarray(time_s) // 60).astype(np.int64), 0, max(0, n_minutes - 1))
    label = np.asarray(label)
    return {name: np.bincount(minute[label == name], minlength=n_minutes)[:n_minutes] for name in classes}


def ectopic_families(
    time_s: np.ndarray, label: np.ndarray, ectopic: Sequence[str] = ("S", "V"), gaps: Gaps = ()
) -> tuple[Family, ...]:
    """Couplets, runs, bigeminy and trigeminy of each ectopic class, in time order.

    Couplet: two in a row; run: three or more (for V, ventricular tachycardia from 100/min on). Bigeminy: every second
    beat ectopic, trigeminy: every third, three times in a row at least. A gap ends every family.

    Args:
        time_s: beat times, seconds, ascending (n,).
        label: class of each beat, str (n,).
        ectopic: classes to look at, each by itself.
        gaps: (start, end) seconds without signal.
    """
    time_s, label = np.asarray(time_s, np.float64), np.asarray(label)
    broken = np.append(spans_gap(time_s, gaps), True)
    found = []
    for name in ectopic:
        is_ectopic = label == name
        found += _in_a_row(time_s, is_ectopic, broken, name)
        for period in PATTERNS:
            found += _every(time_s, is_ectopic, broken, name, period)
    return tuple(sorted(found, key=lambda family: (family.first, family.last)))


def _in_a_row(time_s: np.ndarray, is_ectopic: np.ndarray, broken: np.ndarray, name: str) -> list[Family]:
    families, first = [], None
    for i, ectopic in enumerate(is_ectopic.tolist()):
        if ectopic and first is None:
            first = i
        ends = first is not None and (not ectopic or broken[i])
        if ends:
            last = i if ectopic else i - 1
            if last > first:
                families.append(_family("couplet" if last == first + 1 else "run", name, first, last, time_s))
            first = None
    return families


def _every(time_s: np.ndarray, is_ectopic: np.ndarray, broken: np.ndarray, name: str, period: int) -> list[Family]:
    """Ectopic beats exactly ``period`` apart with none between, at least three of them."""
    at = np.flatnonzero(is_ectopic)
    breaks = np.concatenate([[0], np.cumsum(broken)])
    linked = (np.diff(at) == period) & (breaks[at[1:]] == breaks[at[:-1]]) if len(at) > 1 else np.empty(0, bool)
    families, start = [], 0
    for k in range(len(at)):
        if k == len(at) - 1 or not linked[k]:
            if k - start >= 2:
                families.append(_family(PATTERNS[period], name, int(at[start]), int(at[k]), time_s))
            start = k + 1
    return families


def _family(kind: str, name: str, first: int, last: int, time_s: np.ndarray) -> Family:
    span = float(time_s[last] - time_s[first])
    rate = 60 * (last - first) / span if span > 0 else float("nan")
    return Family(kind, name, first, last, float(time_s[first]), float(time_s[last]), rate)


def _centred_mean(values: np.ndarray, size: int) -> np.ndarray:
    """Moving average of ``size`` values, NaN where one is missing; same shape."""
    means = np.full(len(values), np.nan)
    if len(values) >= size:
        windows = np.lib.stride_tricks.sliding_window_view(values, size)
        means[size // 2 : size // 2 + len(windows)] = windows.mean(axis=1)
    return means
