"""Where in a QRS the beat is said to be: the largest deflection of the lead, as the annotators of MIT-BIH have it."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import uniform_filter1d

from ecgviz.signals.qrs_envelope import odd

REACH_S = 0.1


def align(x: np.ndarray, peaks: np.ndarray, fs: float) -> np.ndarray:
    """Move ``peaks`` (positions in the lead ``x``) to the largest deflection within 100 ms; same shape.

    The lead is smoothed over 14 ms (noise, mains) and taken against its mean of half a second. A negative
    deflection must be half as large again as the positive one to be taken, as the annotators of MIT-BIH
    did on the whole; one farther off must be larger.
    """
    if not len(peaks):
        return peaks
    deflection = uniform_filter1d(x, odd(0.014 * fs)) - uniform_filter1d(x, odd(0.5 * fs))
    reach = max(1, round(REACH_S * fs))
    around = np.arange(-reach, reach + 1)
    weight = (1 - 0.4 * np.abs(around) / reach).astype(np.float32)
    near = deflection[np.clip(peaks[:, None] + around, 0, len(x) - 1)] * weight
    up, down = near.argmax(axis=1), near.argmin(axis=1)
    rows = np.arange(len(peaks))
    best = np.where(-near[rows, down] > 1.5 * near[rows, up], down, up)
    return np.clip(peaks + best - reach, 0, len(x) - 1)
