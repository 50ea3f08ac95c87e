"""Pauses: RR intervals of 2, 2.5 or 3 s and more, and whether each is one.

Where a lead goes on with deflections as large as its QRS complexes, or no lead keeps its baseline, an electrode was off
and beats may have been missed. Such a pause is doubtful and is not counted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ecgviz.holter.rates import NOWHERE, Moment
from ecgviz.results import Beats
from ecgviz.signals.quality import Quality
from models.core.gaps import spans_gap
from readers.recording import Recording

PAUSE_LIMITS_S = (2.0, 2.5, 3.0)
"""An RR interval of so many seconds or more is a pause; from 3 s on it is reported as urgent (ISHNE-HRS 2017)."""
NOISY = ("clipped", "noise", "motion")
"""Reasons of ``Quality`` for which a beat may have been missed; a flat line may be asystole."""
MOST = 200
"""At most so many pauses are checked, the longest first."""
QRS_SHARE = 0.5
"""A deflection of this share of the lead's QRS and more is no P wave."""
LINE_SHARE = 1.0
"""A line that moves by this much of the lead's QRS and more is no baseline: an electrode came off or on."""
_QRS_HALF_S = 0.06
_STEP_S = 0.1
_AFTER_S, _BEFORE_S = 0.5, 0.2
"""Margins for the T wave of the beat before and the P wave of the beat after, s; they are not searched."""
_BEATS = 30
_ROUNDING_S = 1e-6


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


def held_against_leads(pauses: Sequence[Pause], recording: Recording, beats: Beats) -> tuple[Pause, ...]:
    """The pauses, with a doubt about those in which any lead shows what looks like a QRS complex ("other lead"), or
    no lead keeps its line ("no line").

    Args:
        pauses: of the recording.
        recording: with its leads.
        beats: that the pauses lie between.
    """
    if not pauses:
        return tuple(pauses)
    height = _qrs_heights(recording, beats)
    longest = sorted(range(len(pauses)), key=lambda i: -pauses[i].rr_s)[:MOST]
    doubts = {i: pauses[i].doubt or _doubt(recording, pauses[i], height) for i in longest}
    return tuple(replace(one, doubt=doubts.get(i, one.doubt)) for i, one in enumerate(pauses))


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


def _qrs_heights(recording: Recording, beats: Beats) -> np.ndarray:
    """Median range of each lead around the R peaks of some beats, float64 (n_leads,); NaN where nothing is seen."""
    half = max(round(_QRS_HALF_S * recording.fs), 1)
    chosen = np.unique(np.linspace(0, len(beats) - 1, min(len(beats), _BEATS)).astype(int))
    places = [int(at) for at in beats.sample[chosen] if at >= half and at + half < recording.n_samples]
    ranges = [np.ptp(recording.signal_mV(at - half, at + half + 1), axis=0) for at in places]
    seen = np.array(ranges, np.float64).reshape(-1, len(recording.leads))
    return np.array([np.median(own[np.isfinite(own)]) if np.isfinite(own).any() else np.nan for own in seen.T])


def _doubt(recording: Recording, pause: Pause, height: np.ndarray) -> str:
    """Why beats may have been missed, or ""."""
    fs, step = recording.fs, max(round(_STEP_S * recording.fs), 2)
    start, stop = round((pause.time_s + _AFTER_S) * fs), round((pause.time_s + pause.rr_s - _BEFORE_S) * fs)
    samples = recording.signal_mV(max(start, 0), min(stop, recording.n_samples))
    if len(samples) < step:
        return ""
    windows = np.lib.stride_tricks.sliding_window_view(samples, step, axis=0)[:: max(step // 4, 1)]
    with np.errstate(invalid="ignore"):
        if (np.ptp(windows, axis=-1) >= QRS_SHARE * height).any():
            return "other lead"
        keeps_its_line = np.ptp(samples, axis=0) < LINE_SHARE * height
    return "" if keeps_its_line.any() else "no line"
