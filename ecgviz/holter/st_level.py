"""ST level of each lead, minute by minute: the median of the normal beats of a minute, at J + 80 ms against the PR
segment.

J is where the QRS of the recording's own median beat ends, so that the point does not wander with noise. From 120/min
on it is J + 60 ms, before the T wave (ISHNE-HRS: Steinberg JS et al. Heart Rhythm 14:e55-e96 (2017); ANSI/AAMI
EC38:2007). A trend is no diagnosis: what it cannot tell stands in ``StTrend.limits``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ecgviz.results import NORMAL, Beats
from ecgviz.signals.intervals import delineate
from ecgviz.signals.median_beat import MedianBeats
from models.core.callbacks import Progress, ShouldStop
from readers.recording import Recording

MINUTE_S = 60.0
MINUTES_FOR_J = 30
"""So many minutes, spread over the recording, say where its QRS begins and ends."""
FEWEST_BEATS = 10
"""Normal beats of a minute; fewer have no level."""
J_PLUS_MS, FAST_J_PLUS_MS, FAST_RATE = 80, 60, 120.0
WIDEST_QRS_S = 0.12
"""Behind a wider QRS (bundle branch block, pacing, pre-excitation) the ST level says nothing of ischaemia."""
WORST_SPREAD_MV = 0.15
"""Spread (median absolute deviation, scaled to a standard deviation) of a minute's beats: beyond, it is motion."""
_BEFORE_S, _AFTER_S = 0.30, 0.40
_NEAR_PR_S = (-0.10, -0.05)
_PR_S = (-0.022, -0.006)
_HALF_S = 0.010
BANDWIDTH = (
    "The file does not say which low frequencies the recorder passes. ST levels hold where it passes 0.05 Hz "
    "(Kligfield P et al. Circulation 115:1306-1324 (2007)); a high-pass filter of 0.5 Hz, as monitors have, moves them."
)
PLACES = "Levels of ambulatory leads differ from those of a 12-lead ECG and change with the position of the body."


@dataclass(frozen=True)
class StTrend:
    """ST level by minute.

    Attributes:
        time_s: start of each minute, float64 (k,).
        leads: names of the leads in mV.
        level_mV: against the PR segment, float64 (k, n_leads); NaN where it was not assessed.
        beats: normal beats of each minute that went in, int64 (k,).
        j_plus_ms: where behind J each minute was read, int64 (k,).
        marks_s: QRS onset and end of the recording's median beat, seconds from R.
        limits: sentences that must stand beside it.
    """

    time_s: np.ndarray
    leads: tuple[str, ...]
    level_mV: np.ndarray
    beats: np.ndarray
    j_plus_ms: np.ndarray
    marks_s: tuple[float, float]
    limits: tuple[str, ...]

    @property
    def assessed(self) -> bool:
        """Whether any minute of any lead has a level."""
        return bool(np.isfinite(self.level_mV).any())

    def extremes(self, lead: str) -> tuple[tuple[float, float], tuple[float, float]] | None:
        """((lowest level in mV, its minute in s), (highest, its minute)) of a lead; None where it has no level."""
        levels = self.level_mV[:, self.leads.index(lead)]
        if not np.isfinite(levels).any():
            return None
        low, high = int(np.nanargmin(levels)), int(np.nanargmax(levels))
        return (float(levels[low]), float(self.time_s[low])), (float(levels[high]), float(self.time_s[high]))


@dataclass(frozen=True)
class _Minute:
    """Beats of a minute, (n, width, n_leads) in mV against the line from the PR segment to the next one, and their
    rate, 1/min."""

    waves: np.ndarray
    rate: float


def st_trend(
    recording: Recording,
    beats: Beats,
    *,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> StTrend:
    """ST level of every lead in mV.

    Args:
        recording: with the samples.
        beats: of the network or edited; only N counts.
        progress: told (minutes done, minutes in all, note).
        should_stop: asked before each minute; True ends early with the minutes so far.
    """
    leads = tuple(lead for lead, unit in zip(recording.leads, recording.units, strict=True) if unit == "mV")
    n_minutes = int(np.ceil(recording.duration_s / MINUTE_S)) if leads else 0
    limits = []
    if len(leads) < len(recording.leads):
        without = [lead for lead in recording.leads if lead not in leads]
        limits.append(f"Not assessed, since their unit is not known: {', '.join(without)}.")
    onset, end = _qrs(recording, beats, leads, n_minutes)
    if np.isnan(end - onset):
        limits.append(f"Not assessed: no minute has {FEWEST_BEATS} normal beats with a signal.")
    elif end - onset > WIDEST_QRS_S:
        limits.append(
            f"Not assessed: the QRS of the normal beats lasts {1000 * (end - onset):.0f} ms; behind a wide QRS the ST "
            "level says nothing of ischaemia."
        )
    time_s = np.arange(n_minutes) * MINUTE_S
    level = np.full((n_minutes, len(leads)), np.nan)
    used, j_plus = np.zeros(n_minutes, np.int64), np.full(n_minutes, J_PLUS_MS)
    for minute in range(n_minutes if end - onset <= WIDEST_QRS_S else 0):
        if should_stop is not None and should_stop():
            break
        found = _read_minute(recording, beats, leads, minute)
        if found is not None:
            used[minute] = len(found.waves)
            j_plus[minute] = FAST_J_PLUS_MS if found.rate >= FAST_RATE else J_PLUS_MS
            level[minute] = _level(found.waves, recording.fs, onset, end + j_plus[minute] / 1000)
        if progress is not None:
            progress(minute + 1, n_minutes, "ST level")
    return StTrend(time_s, leads, level, used, j_plus, (onset, end), (*limits, BANDWIDTH, PLACES))


def _read_minute(recording: Recording, beats: Beats, leads: tuple[str, ...], minute: int) -> _Minute | None:
    """The normal beats of a minute; None where there are too few."""
    fs, n = recording.fs, recording.n_samples
    before, after = round(_BEFORE_S * fs), round(_AFTER_S * fs)
    first, stop = np.searchsorted(beats.sample, [minute * MINUTE_S * fs, (minute + 1) * MINUTE_S * fs])
    column = beats.classes.index(NORMAL) if NORMAL in beats.classes else -1
    normal = beats.class_index[first:stop] == column
    rr_ms = beats.rr_before_ms[first:stop]
    at = beats.sample[first:stop]
    whole = (at >= before) & (at + after < n)
    # The beat behind, where it is a normal one without a gap before it: the line between the two is the base line.
    behind = np.append(normal[1:] & np.isfinite(rr_ms[1:]) & whole[1:], False)
    chosen = np.flatnonzero(normal & whole)
    if len(chosen) < FEWEST_BEATS:
        return None
    start = int(at[chosen[0]]) - before
    samples = recording.signal_mV(start, int(at[chosen[-1]]) + after + 1, leads)
    place = np.arange(-before, after + 1)
    waves = samples[(at[chosen] - start)[:, None] + place].astype(np.float64)
    near = slice(before + round(_NEAR_PR_S[0] * fs), before + round(_NEAR_PR_S[1] * fs) + 1)
    line = waves[:, near].mean(axis=1)
    follows = np.flatnonzero(behind[chosen][:-1] & (np.diff(chosen) == 1))
    slope = np.zeros_like(line)
    slope[follows] = (line[follows + 1] - line[follows]) / np.diff(at[chosen])[follows, None]
    waves -= line[:, None] + slope[:, None] * (place - place[near].mean())[:, None]
    waves = waves[np.isfinite(waves).all(axis=(1, 2))]
    if len(waves) < FEWEST_BEATS:
        return None
    known = rr_ms[np.isfinite(rr_ms)]
    return _Minute(waves.astype(np.float32), 60_000 / float(np.median(known)) if len(known) else float("nan"))


def _qrs(recording: Recording, beats: Beats, leads: tuple[str, ...], n_minutes: int) -> tuple[float, float]:
    """QRS onset and end of the median beat of some minutes of the recording, seconds from R; NaN without any."""
    chosen = np.unique(np.linspace(0, n_minutes - 1, min(n_minutes, MINUTES_FOR_J)).astype(int))
    found = [one for one in (_read_minute(recording, beats, leads, minute) for minute in chosen) if one is not None]
    if not found:
        return float("nan"), float("nan")
    nothing = float("nan")
    median = np.median([np.median(one.waves, axis=0) for one in found], axis=0)
    before = round(_BEFORE_S * recording.fs)
    marks = delineate(MedianBeats(median, recording.fs, before, leads, 0, 0, nothing, (nothing, nothing)))
    return marks["QRS onset"], marks["QRS end"]


def _level(waves: np.ndarray, fs: float, onset_s: float, point_s: float) -> np.ndarray:
    """Median over the beats of the level at a point against the PR segment, mV, float64 (n_leads,); NaN where the beats
    differ too much."""

    def mean(from_s: float, to_s: float) -> np.ndarray:
        first = max(round((_BEFORE_S + from_s) * fs), 0)
        return waves[:, first : max(round((_BEFORE_S + to_s) * fs), first) + 1].mean(axis=1)

    levels = mean(point_s - _HALF_S, point_s + _HALF_S) - mean(onset_s + _PR_S[0], onset_s + _PR_S[1])
    middle = np.median(levels, axis=0)
    spread = 1.4826 * np.median(np.abs(levels - middle), axis=0)
    return np.where(spread <= WORST_SPREAD_MV, middle, np.nan).astype(np.float64)
