"""ST level of each lead, minute by minute: the median of the normal beats of a minute, at J + 80 ms against the PR
segment.

J is where the QRS of the recording's own median beat ends, so that the point does not wander with noise. From 120/min
on it is J + 60 ms, before the T wave (ISHNE-HRS: Steinberg JS et al. Heart Rhythm 14:e55-e96 (2017); ANSI/AAMI
EC38:2007). A trend is no diagnosis: what it cannot tell stands in ``StTrend.limits``.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from itertools import pairwise

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
class _MinuteLevel:
    """ST level of a minute: mV (n_leads,), the beats that it rests on, and where behind J it was read, ms."""

    level_mV: np.ndarray
    beats: int
    j_plus_ms: int


@dataclass(frozen=True)
class StMinutes:
    """The minutes of a recording as they were measured last: :func:`st_trend` measures again only those whose beats
    have changed since.

    Attributes:
        waves: median wave of some minutes, with the hash of what it was made of.
        levels: level of every minute, likewise; None where it has too few beats.
    """

    waves: dict[int, tuple[bytes, np.ndarray | None]] = field(default_factory=dict)
    levels: dict[int, tuple[bytes, _MinuteLevel | None]] = field(default_factory=dict)


@dataclass(frozen=True)
class _Minute:
    """A minute's beats: which are normal and lie whole in the recording (numbers from its first beat), which of those
    a normal one follows without a gap, where they are, and their rate, 1/min."""

    chosen: np.ndarray
    follows: np.ndarray
    at: np.ndarray
    rate: float

    def mark(self, *more: float) -> bytes:
        """Hash of all that a minute's waves and level follow from."""
        parts = (self.chosen, self.follows, self.at[self.chosen], np.array([self.rate, *more]))
        return hashlib.blake2b(b"|".join(one.tobytes() for one in parts), digest_size=16).digest()


def st_trend(
    recording: Recording,
    beats: Beats,
    *,
    minutes: StMinutes | None = None,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> StTrend:
    """ST level of every lead in mV.

    Args:
        recording: with the samples.
        beats: of the network or edited; only N counts.
        minutes: of the same recording, from a call before; kept up to date, and shared by threads.
        progress: told (minutes done, minutes in all, note).
        should_stop: asked before each minute; True ends early with the minutes so far.
    """
    leads = tuple(lead for lead, unit in zip(recording.leads, recording.units, strict=True) if unit == "mV")
    n_minutes = int(np.ceil(recording.duration_s / MINUTE_S)) if leads else 0
    minutes = minutes or StMinutes()
    limits = []
    if len(leads) < len(recording.leads):
        without = [lead for lead in recording.leads if lead not in leads]
        limits.append(f"Not assessed, since their unit is not known: {', '.join(without)}.")
    of_minute = _by_minute(recording, beats, n_minutes)
    onset, end = _qrs(recording, of_minute, leads, minutes)
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
    for number in range(n_minutes if end - onset <= WIDEST_QRS_S else 0):
        if should_stop is not None and should_stop():
            break
        mark = of_minute[number].mark(onset, end)
        known, found = minutes.levels.get(number, (b"", None))
        if known != mark:
            found = _measured(recording, of_minute[number], leads, onset, end)
            minutes.levels[number] = mark, found
        if found is not None:
            used[number], j_plus[number], level[number] = found.beats, found.j_plus_ms, found.level_mV
        if progress is not None:
            progress(number + 1, n_minutes, "ST level")
    return StTrend(time_s, leads, level, used, j_plus, (onset, end), (*limits, BANDWIDTH, PLACES))


def _by_minute(recording: Recording, beats: Beats, n_minutes: int) -> list[_Minute]:
    """The normal beats of every minute."""
    fs = recording.fs
    column = beats.classes.index(NORMAL) if NORMAL in beats.classes else -1
    every_normal, every_rr_ms = beats.class_index == column, beats.rr_before_ms
    edges = np.searchsorted(beats.sample, np.arange(n_minutes + 1) * MINUTE_S * fs)
    found = []
    for first, stop in pairwise(edges):
        at, normal, rr_ms = beats.sample[first:stop], every_normal[first:stop], every_rr_ms[first:stop]
        whole = (at >= round(_BEFORE_S * fs)) & (at + round(_AFTER_S * fs) < recording.n_samples)
        # The beat behind, where it is a normal one without a gap before it: the line between the two is the base line.
        behind = np.append(normal[1:] & np.isfinite(rr_ms[1:]) & whole[1:], False)
        chosen = np.flatnonzero(normal & whole)
        follows = np.flatnonzero(behind[chosen][:-1] & (np.diff(chosen) == 1))
        known = rr_ms[np.isfinite(rr_ms)]
        found.append(_Minute(chosen, follows, at, 60_000 / float(np.median(known)) if len(known) else float("nan")))
    return found


def _waves(recording: Recording, minute: _Minute, leads: tuple[str, ...]) -> np.ndarray | None:
    """The normal beats of a minute against the line from the PR segment to the next one, mV, float32 (n, width,
    n_leads); None where there are too few."""
    fs, chosen, follows = recording.fs, minute.chosen, minute.follows
    before, after = round(_BEFORE_S * fs), round(_AFTER_S * fs)
    if len(chosen) < FEWEST_BEATS:
        return None
    at = minute.at[chosen]
    start = int(at[0]) - before
    samples = recording.signal_mV(start, int(at[-1]) + after + 1, leads)
    place = np.arange(-before, after + 1)
    waves = samples[(at - start)[:, None] + place].astype(np.float64)
    near = slice(before + round(_NEAR_PR_S[0] * fs), before + round(_NEAR_PR_S[1] * fs) + 1)
    line = waves[:, near].mean(axis=1)
    slope = np.zeros_like(line)
    slope[follows] = (line[follows + 1] - line[follows]) / np.diff(at)[follows, None]
    waves -= line[:, None] + slope[:, None] * (place - place[near].mean())[:, None]
    waves = waves[np.isfinite(waves).all(axis=(1, 2))]
    return waves.astype(np.float32) if len(waves) >= FEWEST_BEATS else None


def _measured(
    recording: Recording, minute: _Minute, leads: tuple[str, ...], onset_s: float, end_s: float
) -> _MinuteLevel | None:
    """Level of a minute; None where it has too few beats."""
    waves = _waves(recording, minute, leads)
    if waves is None:
        return None
    j_plus_ms = FAST_J_PLUS_MS if minute.rate >= FAST_RATE else J_PLUS_MS
    return _MinuteLevel(_level(waves, recording.fs, onset_s, end_s + j_plus_ms / 1000), len(waves), j_plus_ms)


def _qrs(
    recording: Recording, of_minute: list[_Minute], leads: tuple[str, ...], minutes: StMinutes
) -> tuple[float, float]:
    """QRS onset and end of the median beat of some minutes of the recording, seconds from R; NaN without any."""
    n_minutes, found = len(of_minute), []
    for number in np.unique(np.linspace(0, n_minutes - 1, min(n_minutes, MINUTES_FOR_J)).astype(int)).tolist():
        mark = of_minute[number].mark()
        known, wave = minutes.waves.get(number, (b"", None))
        if known != mark:
            waves = _waves(recording, of_minute[number], leads)
            wave = None if waves is None else np.median(waves, axis=0)
            minutes.waves[number] = mark, wave
        if wave is not None:
            found.append(wave)
    if not found:
        return float("nan"), float("nan")
    nothing = float("nan")
    before = round(_BEFORE_S * recording.fs)
    median = MedianBeats(
        np.median(found, axis=0), recording.fs, before, leads, 0, 0, nothing, (nothing, nothing)
    )  # fmt: skip
    marks = delineate(median)
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
