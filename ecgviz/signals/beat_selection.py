"""Selects the beats among the maxima of the QRS envelope: bidirectional thresholds, refractory period, T waves, search
back.

The numbers were chosen on the DS1 half of MIT-BIH and every second record of svdb_more (docs/r_peaks.md).
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from scipy.ndimage import median_filter, percentile_filter

THRESHOLD = 0.32
"""Share of the way from the noise level to the beat level that a beat must reach."""

SEARCH_BACK_THRESHOLD = 0.12
"""The same where a beat is overdue."""

OVERDUE = 1.4
"""An RR interval longer than this times the median of its nine neighbours is searched."""

REFRACTORY_S = 0.25
FAST_REFRACTORY_S = 0.17
FAST_RR_S = 0.31
CLOCKWORK_RR_S = 0.4
FAST_HEIGHT = 0.5
FAST_SPREAD = 0.25
CLOCKWORK_SPREAD = 0.2
"""Nine maxima in a row of half the beats' height or more, closer than 0.31 s and alike in their distance (80th minus
20th percentile under a quarter of the median) are a rhythm of about 200/min or more: only there may a beat follow
within 250 ms, which P waves and noise do. Where they keep time as a clock does (a fifth; from 150/min on), they are
beats though the envelope does not come to rest between them."""

T_WAVE_S = 0.36
T_WAVE_HEIGHT = 0.45
"""Within 360 ms after a beat, less than this times its height is its T wave (Pan and Tompkins: half the slope)."""

P_WAVE_S = 0.30
P_WAVE_HEIGHT = 0.6
"""Within 300 ms before a beat, less than this times its height is its P wave."""

QUIET_FACTOR = 1.5
"""Noise in a second as a multiple of what lies between the beats: in a burst of muscle noise a beat must be taller."""

NOISE_FACTOR = 1.5
"""A beat stands this far above the median of the envelope. Not more: at 200/min the beats fill half of the time."""


@dataclass(frozen=True)
class Candidates:
    """Maxima of the envelope.

    Attributes:
        time_s: when, seconds, (n,) ascending.
        height: of the envelope, (n,).
        sample: where the beat is in the recording, int64 (n,).
        beat_s: the same in seconds, (n,): exact for a short pulse, whose envelope has a flat top.
        quiet: the envelope between beats in that second, (n,).
    """

    time_s: np.ndarray
    height: np.ndarray
    sample: np.ndarray
    beat_s: np.ndarray
    quiet: np.ndarray

    @classmethod
    def join(cls, parts: list[Candidates]) -> Candidates:
        return _joined(cls, parts)


@dataclass(frozen=True)
class Cells:
    """Envelope in cells of two seconds: middle ``time_s`` (m,), maximum ``top`` and median ``floor``."""

    time_s: np.ndarray
    top: np.ndarray
    floor: np.ndarray

    @classmethod
    def join(cls, parts: list[Cells]) -> Cells:
        return _joined(cls, parts)


def select_beats(candidates: Candidates, cells: Cells) -> np.ndarray:
    """Samples of the candidates selected as beats, int64 (k,)."""
    if not len(cells.time_s) or not len(candidates.time_s):
        return np.empty(0, np.int64)
    level, noise = _levels(candidates, cells)
    fast, clockwork = _fast_rhythm(candidates, level)
    burst = np.where(fast, noise, np.maximum(noise, QUIET_FACTOR * candidates.quiet))
    score = np.minimum(_score(candidates, level, noise), _score(candidates, np.maximum(level, 1.25 * burst), burst))
    score = np.where(clockwork, np.maximum(score, candidates.height / level), score)
    beats = _forward(candidates, np.flatnonzero(score > THRESHOLD), fast)
    for _ in range(3):
        overdue = _search_back(candidates, score, beats)
        if not overdue:
            break
        beats = np.sort(np.concatenate([beats, overdue]))
    return candidates.sample[beats]


def _levels(candidates: Candidates, cells: Cells) -> tuple[np.ndarray, np.ndarray]:
    """Signal and noise level around each candidate (18 s), (n,) each.

    The beat level never falls under a fifth of that of two minutes and a twentieth of that of the recording, so
    that a pause of the heart is not filled with beats made of noise.
    """
    near = percentile_filter(cells.top, 50, size=9, mode="nearest")
    wide = percentile_filter(near, 50, size=61, mode="nearest")
    level = np.maximum(near, np.maximum(0.2 * wide, 0.05 * np.median(near)))
    noise = percentile_filter(cells.floor, 50, size=9, mode="nearest")
    return np.interp(candidates.time_s, cells.time_s, level), np.interp(candidates.time_s, cells.time_s, noise)


def _score(candidates: Candidates, level: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """Score of each candidate: 0 at the noise level, 1 at the signal level; -1 where it may be noise."""
    score = (candidates.height - noise) / np.maximum(level - noise, 1e-6 * level + 1e-30)
    return np.where(candidates.height > NOISE_FACTOR * noise, score, -1.0)


def _fast_rhythm(candidates: Candidates, level: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Candidates in a regular fast rhythm, and candidates in a rhythm as even as a clock, bool (n,) each."""
    fast, clockwork = np.zeros((2, len(level)), bool)
    tall = np.flatnonzero(candidates.height > FAST_HEIGHT * level)
    tall = tall[_tallest_within(candidates.time_s[tall], candidates.height[tall], FAST_REFRACTORY_S)]
    if len(tall) < 4:
        return fast, clockwork
    for time_s in (candidates.time_s, candidates.beat_s):
        apart = np.diff(time_s[tall])
        low, middle, high = (percentile_filter(apart, p, size=9, mode="nearest") for p in (20, 50, 80))
        for found, longest, spread in ((fast, FAST_RR_S, FAST_SPREAD), (clockwork, CLOCKWORK_RR_S, CLOCKWORK_SPREAD)):
            regular = (middle < longest) & (high - low < spread * middle)
            found[tall[1:]] |= regular
            found[tall[:-1]] |= regular
    return fast, clockwork


def _tallest_within(time_s: np.ndarray, height: np.ndarray, apart_s: float) -> np.ndarray:
    """Local maxima without a taller one within ``apart_s`` seconds on both sides, bool (n,)."""
    near = np.diff(time_s) < apart_s
    lower = np.diff(height) <= 0
    kept = np.ones(len(time_s), bool)
    kept[1:] &= ~(near & lower)
    kept[:-1] &= ~(near & ~lower)
    return kept


def _forward(candidates: Candidates, chosen: np.ndarray, fast: np.ndarray) -> np.ndarray:
    """Drop double detections, T waves and P waves in a pass forward in time."""
    time_s, height, is_fast = candidates.time_s.tolist(), candidates.height.tolist(), fast.tolist()
    beats: list[int] = []
    for i in chosen.tolist():
        keep = True
        while beats:
            last = beats[-1]
            gap = time_s[i] - time_s[last]
            if gap >= T_WAVE_S:
                break
            refractory = FAST_REFRACTORY_S if is_fast[i] and is_fast[last] else REFRACTORY_S
            if height[i] < (1.0 if gap < refractory else T_WAVE_HEIGHT) * height[last]:
                keep = False
                break
            if gap < refractory or (gap < P_WAVE_S and height[last] < P_WAVE_HEIGHT * height[i]):
                beats.pop()
                continue
            break
        if keep:
            beats.append(i)
    return np.asarray(beats, np.int64)


def _search_back(candidates: Candidates, score: np.ndarray, beats: np.ndarray) -> list[int]:
    """Best candidate in each RR interval that is too long for its neighbourhood."""
    if len(beats) < 3:
        return []
    time_s = candidates.time_s
    rr = np.diff(time_s[beats])
    usual = median_filter(rr, 9, mode="nearest")
    found = []
    for k in np.flatnonzero(rr > OVERDUE * usual).tolist():
        between = np.arange(beats[k] + 1, beats[k + 1])
        after, before = time_s[between] - time_s[beats[k]], time_s[beats[k + 1]] - time_s[between]
        apart = (after > min(T_WAVE_S, 0.55 * usual[k])) & (before > min(P_WAVE_S, 0.55 * usual[k]))
        between = between[apart & (score[between] > SEARCH_BACK_THRESHOLD)]
        if len(between):
            found.append(int(between[candidates.height[between].argmax()]))
    return found


def _joined(kind, parts):
    """Concatenate the arrays of all ``parts`` of a dataclass ``kind``."""
    return kind(*(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(kind)))
