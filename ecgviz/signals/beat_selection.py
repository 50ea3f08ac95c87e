"""Which maxima of the QRS envelope are beats: thresholds from both sides, refractory period, T waves, search back.

The numbers were chosen on the DS1 half of MIT-BIH (docs/r_peaks.md). Moved by a fifth, each changes F1 there by 0.05
points or less, but for the refractory period: 0.20 s costs 0.2 points (P waves of record 108).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import median_filter, percentile_filter

THRESHOLD = 0.32
"""Share of the way from the noise level to the beat level that a beat must reach."""

SEARCH_BACK_THRESHOLD = 0.16
"""The same where a beat is overdue."""

OVERDUE = 1.4
"""An RR interval longer than this times the median of its nine neighbours is searched."""

REFRACTORY_S = 0.25
T_WAVE_S = 0.36
T_WAVE_HEIGHT = 0.45
"""Within 360 ms after a beat, less than this times its height is its T wave (Pan and Tompkins: half the slope)."""

P_WAVE_S = 0.30
P_WAVE_HEIGHT = 0.6
"""Within 300 ms before a beat, less than this times its height is its P wave."""

NOISE_FACTOR = 1.5
"""A beat stands this far above the median of the envelope. Not more: at 200/min the beats fill half of the time."""


@dataclass(frozen=True)
class Candidates:
    """Maxima of the envelope: ``time_s`` (n,) ascending, envelope ``height`` (n,), aligned ``sample`` (n,)."""

    time_s: np.ndarray
    height: np.ndarray
    sample: np.ndarray

    @classmethod
    def join(cls, parts: list[Candidates]) -> Candidates:
        return cls(*(np.concatenate([getattr(p, name) for p in parts]) for name in ("time_s", "height", "sample")))


@dataclass(frozen=True)
class Cells:
    """Envelope in stretches of two seconds: middle ``time_s`` (m,), its maximum ``top`` and its median ``floor``."""

    time_s: np.ndarray
    top: np.ndarray
    floor: np.ndarray

    @classmethod
    def join(cls, parts: list[Cells]) -> Cells:
        return cls(*(np.concatenate([getattr(p, name) for p in parts]) for name in ("time_s", "top", "floor")))


def select_beats(candidates: Candidates, cells: Cells) -> np.ndarray:
    """Aligned samples of the candidates that are beats, int64 (k,)."""
    if not len(cells.time_s) or not len(candidates.time_s):
        return np.empty(0, np.int64)
    score = _score(candidates, cells)
    beats = _forward(candidates, np.flatnonzero(score > THRESHOLD))
    for _ in range(3):
        overdue = _search_back(candidates, score, beats)
        if not overdue:
            break
        beats = np.sort(np.concatenate([beats, overdue]))
    return candidates.sample[beats]


def _score(candidates: Candidates, cells: Cells) -> np.ndarray:
    """Height of each candidate: 0 at the noise around it, 1 at the beats around it (18 s); -1 when noise may be it.

    The beat level never falls under a fifth of that of two minutes and a twentieth of that of the recording, so
    that a pause of the heart is not filled with beats made of noise.
    """
    near = percentile_filter(cells.top, 50, size=9, mode="nearest")
    wide = percentile_filter(near, 50, size=61, mode="nearest")
    level = np.maximum(near, np.maximum(0.2 * wide, 0.05 * np.median(near)))
    noise = percentile_filter(cells.floor, 50, size=9, mode="nearest")
    level_at = np.interp(candidates.time_s, cells.time_s, level)
    noise_at = np.interp(candidates.time_s, cells.time_s, noise)
    score = (candidates.height - noise_at) / np.maximum(level_at - noise_at, 1e-6 * level_at + 1e-30)
    return np.where(candidates.height > NOISE_FACTOR * noise_at, score, -1.0)


def _forward(candidates: Candidates, chosen: np.ndarray) -> np.ndarray:
    """Go through the candidates in time and leave out second maxima of one beat, T waves and P waves."""
    time_s, height = candidates.time_s.tolist(), candidates.height.tolist()
    beats: list[int] = []
    for i in chosen.tolist():
        keep = True
        while beats:
            last = beats[-1]
            gap = time_s[i] - time_s[last]
            if gap >= T_WAVE_S:
                break
            if height[i] < (1.0 if gap < REFRACTORY_S else T_WAVE_HEIGHT) * height[last]:
                keep = False
                break
            if gap < REFRACTORY_S or (gap < P_WAVE_S and height[last] < P_WAVE_HEIGHT * height[i]):
                beats.pop()
                continue
            break
        if keep:
            beats.append(i)
    return np.asarray(beats, np.int64)


def _search_back(candidates: Candidates, score: np.ndarray, beats: np.ndarray) -> list[int]:
    """The best candidate in each RR interval that is too long for its neighbourhood."""
    if len(beats) < 3:
        return []
    time_s = candidates.time_s
    rr = np.diff(time_s[beats])
    found = []
    for k in np.flatnonzero(rr > OVERDUE * median_filter(rr, 9, mode="nearest")).tolist():
        between = np.arange(beats[k] + 1, beats[k + 1])
        apart = (time_s[between] - time_s[beats[k]] > T_WAVE_S) & (time_s[beats[k + 1]] - time_s[between] > P_WAVE_S)
        between = between[apart & (score[between] > SEARCH_BACK_THRESHOLD)]
        if len(between):
            found.append(int(between[candidates.height[between].argmax()]))
    return found
