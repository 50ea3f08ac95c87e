"""Whether a long RR interval is a pause: where a lead goes on with deflections as large as its QRS complexes, or none
keeps its line, an electrode was off and beats may have been missed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ecgviz.holter.rates import Pause
from ecgviz.results import Beats
from readers.recording import Recording

MOST = 200
"""The longest pauses are looked at, so many at most."""
QRS_SHARE = 0.5
"""A deflection of this share of the lead's QRS and more is no P wave."""
LINE_SHARE = 1.0
"""A line that moves by this much of the lead's QRS and more is no baseline: an electrode came off or on."""
_QRS_HALF_S = 0.06
_STEP_S = 0.1
_AFTER_S, _BEFORE_S = 0.5, 0.2
"""The T wave of the beat before and the P wave of the beat behind do not count."""
_BEATS = 30


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
