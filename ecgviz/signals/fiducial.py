"""Fiducial point of a QRS: the first of its large deflections, independent of polarity.

So stand the reference annotations of MIT-BIH, on R mostly, on S where it is half as large again. The rule goes by time
and not by sign, so that a lead turned upside down has its beats in the same places.
"""

from __future__ import annotations

from collections.abc import Callable
from math import ceil

import numpy as np
from scipy.ndimage import map_coordinates, uniform_filter1d

from ecgviz.signals.qrs_envelope import odd
from models.core.gaps import bridge

REACH_S = 0.1
SMOOTH_S, SURROUNDINGS_S = 0.014, 0.5
FAR = 0.4
"""A deflection 100 ms from the middle of the QRS counts 0.6 of what it would in the middle."""
LATER = 1.5
"""Of the largest deflections to both sides the later one is taken where it is this much larger."""
LEAST_HZ = 200.0
"""A lead with fewer samples a second is read between them (cubic splines), or a narrow QRS changes its height."""

COARSE_HZ, PARTS = 100.0, 8
"""Below so many samples a second a beat's own sample may be 5 ms and more from it: its time is read between samples."""
BLOCK_S = 300.0


def align(x: np.ndarray, peaks: np.ndarray, fs: float) -> np.ndarray:
    """Move ``peaks`` (positions in the lead ``x``) to the fiducial point within 100 ms; same shape.

    The lead is smoothed over 14 ms (noise, mains) and taken against its mean of half a second.
    """
    if not len(peaks):
        return peaks
    deflection = _deflection(x, fs)
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


def between_samples(read: Callable[[int, int], np.ndarray], fs: float, n_samples: int, peaks: np.ndarray) -> np.ndarray:
    """Sub-sample offset of each beat's peak, in samples, float64 (n,).

    Zeros at ``COARSE_HZ`` and more, and where the lead has no top within one sample of the beat.

    Args:
        read: ``read(start, stop)`` gives the lead on which beats are placed, (stop - start,) or (stop - start,
            n_leads) with that lead first, NaN where missing.
        fs: sampling frequency, Hz.
        n_samples: length of the recording.
        peaks: from :func:`ecgviz.signals.r_peaks.detect_r_peaks`, (n,).
    """
    offset = np.zeros(len(peaks))
    if fs >= COARSE_HZ:
        return offset
    block, margin = round(BLOCK_S * fs), round(2 * SURROUNDINGS_S * fs)
    around = np.arange(-PARTS, PARTS + 1) / PARTS
    for start in range(0, n_samples, block):
        here = slice(*np.searchsorted(peaks, (start, start + block)))
        if here.start == here.stop:
            continue
        first = max(0, start - margin)
        samples = np.asarray(read(first, min(n_samples, start + block + margin)), np.float64)
        x = samples.reshape(len(samples), -1)[:, 0]
        deflection = _deflection(bridge(x, np.isfinite(x)), fs)
        near = map_coordinates(deflection, [peaks[here, None] - first + around], order=3, mode="nearest")
        best = (near * np.sign(near[:, PARTS, None])).argmax(axis=1)
        offset[here] = np.where((best > 0) & (best < 2 * PARTS), around[best], 0.0)
    return offset


def _deflection(x: np.ndarray, fs: float) -> np.ndarray:
    return uniform_filter1d(x, odd(SMOOTH_S * fs)) - uniform_filter1d(x, odd(SURROUNDINGS_S * fs))


def _between(values: np.ndarray, positions: np.ndarray, finer: int) -> np.ndarray:
    """``values`` (n,) interpolated at ``positions`` in steps of 1 / ``finer`` sample; shape of positions."""
    if finer == 1:
        return values[np.clip(positions, 0, len(values) - 1)]
    fine = map_coordinates(values, [np.arange(len(values) * finer) / finer], order=3, mode="nearest")
    return fine[np.clip(positions, 0, len(fine) - 1)]
