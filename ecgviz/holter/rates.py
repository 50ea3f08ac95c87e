"""Heart rate, and its slow and fast stretches (pauses are in ``pauses.py``).

Rates are means over eight RR intervals (``ecgviz.signals.rr``); an interval across a gap is none. Reports of ambulatory
monitoring state minimum, mean and maximum rate (ISHNE-HRS: Steinberg JS et al. Heart Rhythm
14:e55-e96 (2017); ANSI/AAMI EC38:2007).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ecgviz.results import Beats
from ecgviz.signals.rr import HeartRate, heart_rate
from models.core.gaps import true_runs

BRADYCARDIA_BELOW, TACHYCARDIA_ABOVE = 50.0, 100.0
"""1/min. Bradycardia below 50 (Kusumoto FM et al. Circulation 140:e382-e482 (2019)), tachycardia above 100."""
SUSTAINED_S = 30.0
"""A slow or fast stretch counts from this length on."""
_ROUNDING_S = 1e-6


@dataclass(frozen=True)
class Moment:
    """A value, the time that it was at (s), and the number of its beat; NaN and -1 where there is none."""

    value: float
    time_s: float
    beat: int


NOWHERE = Moment(float("nan"), float("nan"), -1)


@dataclass(frozen=True)
class Rates:
    """Heart rate of a recording.

    Attributes:
        minimum, maximum: slowest and fastest mean over eight RR intervals, 1/min, at the middle of the eight.
        mean: beats per minute of the time that is known (60 / mean RR).
    """

    minimum: Moment
    maximum: Moment
    mean: float


@dataclass(frozen=True)
class RateEpisode:
    """A stretch of 30 s or more below 50/min or above 100/min by the mean over eight RR intervals.

    Attributes:
        kind: "bradycardia" or "tachycardia".
        start_s, end_s: from its first to its last beat.
        first, last: these beats.
        rate: 60 / mean RR of the stretch, 1/min.
        rhythm: rhythm that holds most of its beats, "" where none is known.
    """

    kind: str
    start_s: float
    end_s: float
    first: int
    last: int
    rate: float
    rhythm: str


def rates_of(rate: HeartRate) -> Rates:
    """Minimum, mean and maximum of a recording's heart rate."""
    return Rates(_moment(rate, np.nanargmin), _moment(rate, np.nanargmax), rate.mean)


def rate_episodes(beats: Beats, rate: HeartRate | None = None) -> tuple[RateEpisode, ...]:
    """Sustained bradycardia and tachycardia in time order; a gap ends a stretch."""
    rate = rate or heart_rate(beats.time_s, beats.gaps)
    time_s, rhythm = beats.time_s, beats.rhythm
    found = []
    with np.errstate(invalid="ignore"):
        kinds = (("bradycardia", rate.smooth < BRADYCARDIA_BELOW), ("tachycardia", rate.smooth > TACHYCARDIA_ABOVE))
    for kind, inside in kinds:
        for start, stop in true_runs(inside).tolist():  # intervals; interval i lies between beats i and i + 1
            if time_s[stop] - time_s[start] >= SUSTAINED_S - _ROUNDING_S:
                mean = 60 / float(rate.rr_s[start:stop].mean())
                named, counts = np.unique(rhythm[start : stop + 1], return_counts=True)
                most = str(named[counts.argmax()])
                found.append(RateEpisode(kind, float(time_s[start]), float(time_s[stop]), start, stop, mean, most))
    return tuple(sorted(found, key=lambda one: one.start_s))


def _moment(rate: HeartRate, choose: Callable[[np.ndarray], np.integer]) -> Moment:
    if not np.isfinite(rate.smooth).any():
        return NOWHERE
    at = int(choose(rate.smooth))
    return Moment(float(rate.smooth[at]), float(rate.time_s[at]), at + 1)
