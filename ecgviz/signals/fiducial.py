"""Where in a QRS the beat is said to be: at the first of its large deflections, whichever way up the lead is.

So stand the reference annotations of MIT-BIH, on R mostly, on S where it is half as large again. The rule goes by time
and not by sign, so that a lead turned upside down has its beats in the same places.
"""

from __future__ import annotations

from math import ceil

import numpy as np
from scipy.ndimage import map_coordinates, uniform_filter1d

from ecgviz.signals.qrs_envelope import odd

REACH_S = 0.1
SMOOTH_S, SURROUNDINGS_S = 0.014, 0.5
FAR = 0.4
"""A deflection 100 ms from the middle of the QRS counts 0.6 of what it would in the middle."""
LATER = 1.5
"""Of the largest deflections to both sides the later one is taken where it is this much larger."""
LEAST_HZ = 200.0
"""A lead with fewer samples a second is read between them (cubic splines), or a narrow QRS changes its height."""


def align(x: np.ndarray, peaks: np.ndarray, fs: float) -> np.ndarray:
    """Move ``peaks`` (positions in the lead ``x``) to the deflection within 100 ms that marks the beat; same shape.

    The lead is smoothed over 14 ms (noise, mains) and taken against its mean of half a second.
    """
    if not len(peaks):
        return peaks
    deflection = uniform_filter1d(x, odd(SMOOTH_S * fs)) - uniform_filter1d(x, odd(SURROUNDINGS_S * fs))
    finer = ceil(LEAST_HZ / fs)
    reach = max(1, round(REACH_S * fs * finer))
    around = np.arange(-reach, reach + 1)
    weight = (1 - FAR * np.abs(around) / reach).astype(np.float32)
    near = _between(deflection, peaks[:, None] * finer + around, finer) * weight
    rows = np.arange(len(peaks))
    up, down = near.argmax(axis=1), near.argmin(axis=1)
    upward, downward = near[rows, up], -near[rows, down]
    upright = up < down
    first, then = np.where(upright, upward, downward), np.where(upright, downward, upward)
    best = np.where(then > LATER * first, np.maximum(up, down), np.minimum(up, down))
    return np.clip(np.rint(peaks + (best - reach) / finer).astype(np.int64), 0, len(x) - 1)


def _between(values: np.ndarray, positions: np.ndarray, finer: int) -> np.ndarray:
    """``values`` (n,) at ``positions`` that count in parts of a sample, ``finer`` of them each; shape of positions."""
    if finer == 1:
        return values[np.clip(positions, 0, len(values) - 1)]
    fine = map_coordinates(values, [np.arange(len(values) * finer) / finer], order=3, mode="nearest")
    return fine[np.clip(positions, 0, len(fine) - 1)]
