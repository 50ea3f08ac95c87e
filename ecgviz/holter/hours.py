"""The table of the hours: what a Holter report lists for each hour of the recording (ISHNE-HRS 2017)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from ecgviz.holter.ectopy import Ectopy
from ecgviz.holter.pauses import Pause
from ecgviz.results import Beats, RhythmEpisode
from ecgviz.signals.quality import Quality
from ecgviz.signals.rr import HeartRate
from models.postprocessing.rhythm_episodes import AF_CLASSES

HOUR_S = 3600.0


@dataclass(frozen=True)
class Hour:
    """One hour of a recording; the first and the last may be shorter.

    Attributes:
        start_s, end_s: seconds from the start of the recording.
        clock: time of day of its start, None where the recording does not say when it began.
        beats: in it.
        rate_min, rate_mean, rate_max: 1/min, of means over eight RR intervals; NaN where unknown.
        ectopic: beats of each class that was assessed.
        couplets, runs: that begin in it, of each such class.
        pauses: of 2 s or more that begin in it, without doubtful ones.
        af_min: minutes in atrial fibrillation or flutter; None where no rhythm is known.
        usable: share of its signal that can be read, 0 to 1; NaN where it was not assessed.
    """

    start_s: float
    end_s: float
    clock: datetime | None
    beats: int
    rate_min: float
    rate_mean: float
    rate_max: float
    ectopic: dict[str, int]
    couplets: dict[str, int]
    runs: dict[str, int]
    pauses: int
    af_min: float | None
    usable: float


def hour_edges(duration_s: float, start: datetime | None = None, hour_s: float = HOUR_S) -> np.ndarray:
    """Edges of the hours, s, float64 (n + 1,): at the full hours of the clock where the start is known."""
    if duration_s <= 0:
        return np.zeros(1)
    into = 0.0
    if start is not None:
        midnight = start.replace(hour=0, minute=0, second=0, microsecond=0)
        into = (start - midnight).total_seconds() % hour_s
    inner = np.arange(hour_s - into, duration_s, hour_s)
    return np.concatenate([[0.0], inner[inner < duration_s - 1e-6], [duration_s]])


@dataclass(frozen=True)
class Counted:
    """What the table of the hours is made of."""

    beats: Beats
    rate: HeartRate
    ectopy: dict[str, Ectopy]
    pauses: Sequence[Pause]
    quality: Quality | None = None


def hours_of(
    counted: Counted, duration_s: float, start: datetime | None = None, hour_s: float = HOUR_S
) -> tuple[Hour, ...]:
    """The table; whatever ``hour_s`` is, its counts add up to those of the recording."""
    edges = hour_edges(duration_s, start, hour_s)
    n = len(edges) - 1
    if n < 1:
        return ()
    beats, rate = counted.beats, counted.rate

    def per_hour(times: np.ndarray | Sequence[float]) -> np.ndarray:
        return np.bincount(_hour_of(np.asarray(times, np.float64), edges), minlength=n)

    label = beats.label
    totals = per_hour(beats.time_s)
    ectopic = {name: per_hour(beats.time_s[label == name]) for name in counted.ectopy}
    couplets = {name: per_hour([one.start_s for one in found.couplets]) for name, found in counted.ectopy.items()}
    runs = {name: per_hour([one.start_s for one in found.runs]) for name, found in counted.ectopy.items()}
    pauses = per_hour([one.time_s for one in counted.pauses if not one.doubt])
    slow, mean, fast = _rates(rate, edges)
    af = _af_minutes(beats.rhythms, edges) if beats.rhythm_classes else None
    usable = _usable(counted.quality, edges)
    return tuple(
        Hour(
            start_s=float(edges[i]),
            end_s=float(edges[i + 1]),
            clock=start + timedelta(seconds=float(edges[i])) if start is not None else None,
            beats=int(totals[i]),
            rate_min=float(slow[i]),
            rate_mean=float(mean[i]),
            rate_max=float(fast[i]),
            ectopic={name: int(found[i]) for name, found in ectopic.items()},
            couplets={name: int(found[i]) for name, found in couplets.items()},
            runs={name: int(found[i]) for name, found in runs.items()},
            pauses=int(pauses[i]),
            af_min=float(af[i]) if af is not None else None,
            usable=float(usable[i]),
        )
        for i in range(n)
    )


def _hour_of(time_s: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Number of the hour of each time, int64; what lies outside of the recording belongs to the hour at its end."""
    return np.clip(np.searchsorted(edges, time_s, side="right") - 1, 0, len(edges) - 2)


def _rates(rate: HeartRate, edges: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Slowest, mean and fastest rate of each hour, 1/min."""
    n = len(edges) - 1
    hour = _hour_of(rate.time_s, edges)
    slow, fast = np.full(n, np.inf), np.full(n, -np.inf)
    known = np.isfinite(rate.smooth)
    np.minimum.at(slow, hour[known], rate.smooth[known])
    np.maximum.at(fast, hour[known], rate.smooth[known])
    known = np.isfinite(rate.rr_s)
    total = np.bincount(hour[known], rate.rr_s[known], minlength=n)
    count = np.bincount(hour[known], minlength=n)
    mean = np.divide(60 * count, total, out=np.full(n, np.nan), where=total > 0)
    return np.where(np.isfinite(slow), slow, np.nan), mean, np.where(np.isfinite(fast), fast, np.nan)


def _af_minutes(rhythms: Sequence[RhythmEpisode], edges: np.ndarray) -> np.ndarray:
    minutes = np.zeros(len(edges) - 1)
    for one in rhythms:
        if one.label in AF_CLASSES:
            shared = np.minimum(edges[1:], one.end_s) - np.maximum(edges[:-1], one.start_s)
            minutes += np.clip(shared, 0, None) / 60
    return minutes


def _usable(quality: Quality | None, edges: np.ndarray) -> np.ndarray:
    """Share of each hour that is usable; a stretch of the quality belongs to the hours that it lies in by its parts."""
    n = len(edges) - 1
    if quality is None or not len(quality.time_s):
        return np.full(n, np.nan)
    ends = np.append(quality.time_s, quality.time_s[-1] + quality.length_s[-1])
    good = np.concatenate([[0.0], np.cumsum(quality.usable * quality.length_s)])
    at_edge = np.interp(edges, ends, good)
    known = np.diff(np.clip(edges, ends[0], ends[-1]))
    return np.divide(np.diff(at_edge), known, out=np.full(n, np.nan), where=known > 1e-9)
