"""Heart rate, slow and fast stretches, and pauses.

Rates are means over eight RR intervals (``ecgviz.signals.rr``); an interval across a gap is none. Reports of ambulatory
monitoring state minimum, mean and maximum rate and the pauses (ISHNE-HRS: Steinberg JS et al. Heart Rhythm
14:e55-e96 (2017); ANSI/AAMI EC38:2007).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ecgviz.results import Beats
from ecgviz.signals.quality import Quality
from ecgviz.signals.rr import HeartRate, heart_rate
from models.core.gaps import spans_gap, true_runs

BRADYCARDIA_BELOW, TACHYCARDIA_ABOVE = 50.0, 100.0
"""1/min. Bradycardia below 50 (Kusumoto FM et al. Circulation 140:e382-e482 (2019)), tachycardia above 100."""
SUSTAINED_S = 30.0
"""A slow or fast stretch counts from this length on."""
PAUSE_LIMITS_S = (2.0, 2.5, 3.0)
"""An RR interval of so many seconds or more is a pause; from 3 s on it is told as urgent (ISHNE-HRS 2017)."""
NOISY = ("clipped", "noise", "motion")
"""Reasons of ``Quality`` for which a beat may have been missed; a flat line may be asystole."""
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


@dataclass(frozen=True)
class Pause:
    """A long RR interval.

    Attributes:
        time_s: of the beat before it.
        rr_s: its length.
        beat: number of the beat before it.
        after: class of that beat: behind a V it is compensatory as a rule.
        doubt: why a beat may have been missed in it: "noise" (clipped, noisy or moving signal), "other lead" (a lead
            goes on with deflections as large as its QRS complexes), "no line" (no lead keeps its line), or "".
    """

    time_s: float
    rr_s: float
    beat: int
    after: str
    doubt: str = ""


def rates_of(rate: HeartRate) -> Rates:
    """Minimum, mean and maximum of a recording's heart rate."""
    return Rates(_moment(rate, np.nanargmin), _moment(rate, np.nanargmax), rate.mean)


def pauses_of(beats: Beats, quality: Quality | None = None) -> tuple[Pause, ...]:
    """RR intervals of 2 s or more with no gap in them, in time order."""
    time_s = beats.time_s
    rr_s = np.diff(time_s)
    found = np.flatnonzero((rr_s >= PAUSE_LIMITS_S[0] - _ROUNDING_S) & ~spans_gap(time_s, beats.gaps))
    label = beats.label
    noisy = noisy_between(quality, time_s[found], time_s[found] + rr_s[found])
    return tuple(
        Pause(float(time_s[i]), float(rr_s[i]), int(i), str(label[i]), "noise" if bad else "")
        for i, bad in zip(found, noisy, strict=True)
    )


def longest_rr(beats: Beats, pauses: Sequence[Pause] = ()) -> Moment:
    """The longest RR interval with no gap in it, s, at the beat before it; doubtful ones of ``pauses`` do not count."""
    rr_s = beats.rr_after_ms / 1000
    rr_s[[one.beat for one in pauses if one.doubt]] = np.nan
    if not np.isfinite(rr_s).any():
        return NOWHERE
    at = int(np.nanargmax(rr_s))
    return Moment(float(rr_s[at]), float(beats.time_s[at]), at)


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


def noisy_between(quality: Quality | None, start_s: np.ndarray, end_s: np.ndarray) -> np.ndarray:
    """Whether any part of each stretch lies in clipped or noisy signal, bool (n,); False where nothing was assessed."""
    if quality is None or not len(quality.time_s):
        return np.zeros(len(start_s), bool)
    before = np.concatenate([[0], np.cumsum(np.isin(quality.reason, NOISY))])
    first = np.clip(np.searchsorted(quality.time_s, start_s, side="right") - 1, 0, None)
    stop = np.searchsorted(quality.time_s, end_s, side="left")
    noisy: np.ndarray = before[np.maximum(stop, first + 1)] > before[first]
    return noisy


def exceeding(pauses: Sequence[Pause]) -> dict[float, int]:
    """How many pauses reach each limit, s; doubtful ones do not count."""
    return {limit: sum(one.rr_s >= limit - _ROUNDING_S and not one.doubt for one in pauses) for limit in PAUSE_LIMITS_S}


def _moment(rate: HeartRate, choose: Callable[[np.ndarray], np.integer]) -> Moment:
    if not np.isfinite(rate.smooth).any():
        return NOWHERE
    at = int(choose(rate.smooth))
    return Moment(float(rate.smooth[at]), float(rate.time_s[at]), at + 1)
