"""Detects noise and clipping in ten seconds of a recording, by relative measures."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import uniform_filter1d

from ecgviz.signals.qrs_envelope import Grid, levels, odd, qrs_envelope
from ecgviz.signals.silence import LEAST_S
from models.core.gaps import bridge, true_runs

NOISE_FLOOR = 0.2
"""Median of the QRS envelope over its height in the quietest lead: 95% of the looks at MIT-BIH are under 0.12."""
NOISE_ALIKE = 0.75
"""Median correlation of a beat with those that are most like it (the better half), best lead: 0.96 and more in 95%."""
NOISE_IRREGULAR = 0.25
"""Standard deviation over mean of the RR intervals. Atrial fibrillation passes it, and the two others do not."""
SHAPE_S = 0.1
RAIL_S = 0.008
"""This long at the largest (or smallest) value, at least three samples, is a top cut off."""
RAIL_RUNS, LONG_RAIL_S = 3, 0.2
BASE_LINE_SHARE = 1 / 3
"""A value that is so common is the base line of a generator, not a rail."""


def is_noise(samples: np.ndarray, usable: np.ndarray, fs: float, peaks: np.ndarray) -> bool:
    """Whether two of three criteria of noise hold: no quiet between beats, dissimilar beats, irregular beats.

    Args:
        samples: (n, n_leads), NaN where missing. fs: Hz.
        usable: where each lead is a signal, bool (n, n_leads).
        peaks: R peaks as positions in ``samples``, (k,).
    """
    columns = zip(samples.T, usable.T, strict=True)
    leads = [(bridge(column, known), known) for column, known in columns if known.mean() >= 0.5]
    if not leads:
        return False
    rr = np.diff(peaks) / fs
    irregular = len(rr) < 3 or np.std(rr) > NOISE_IRREGULAR * np.mean(rr)
    unlike = len(peaks) >= 4 and not any(_likeness(lead, fs, peaks) >= NOISE_ALIKE for lead, _ in leads)
    # Where two signs agree the third, which costs most, changes nothing.
    return unlike if unlike == irregular else all(_is_restless(lead, usable, fs) for lead, usable in leads)


def _is_restless(lead: np.ndarray, usable: np.ndarray, fs: float) -> bool:
    """Whether a lead has no quiet between its beats; False for a constant one."""
    top, floor = levels(qrs_envelope(lead, fs), usable[:: Grid(fs).step], Grid(fs).cell)
    height = np.nanmedian(top) if np.isfinite(top).any() else 0.0
    return bool(height > 0 and np.nanmedian(floor) > NOISE_FLOOR * height)


def _likeness(lead: np.ndarray, fs: float, peaks: np.ndarray) -> float:
    """Median over the beats of each beat's median correlation with the others; 0 for few beats."""
    reach = round(SHAPE_S * fs)
    peaks = peaks[(peaks >= reach) & (peaks + reach < len(lead))]
    if len(peaks) < 3:
        return 0.0
    smooth = uniform_filter1d(lead, odd(0.014 * fs))
    shapes = (smooth - uniform_filter1d(smooth, odd(0.5 * fs)))[peaks[:, None] + np.arange(-reach, reach + 1)]
    shapes = shapes - shapes.mean(axis=1, keepdims=True)
    shapes = shapes / np.maximum(np.linalg.norm(shapes, axis=1, keepdims=True), np.finfo(np.float32).tiny)
    correlation = shapes @ shapes.T
    np.fill_diagonal(correlation, -2)
    correlation.sort(axis=1)
    return float(np.median(correlation[:, -max(1, (len(peaks) - 1) // 2)]))


def is_clipped(x: np.ndarray, usable: np.ndarray, fs: float) -> bool:
    """Whether a lead (n,), ``usable`` where it is a signal, saturates at its maximum or minimum.

    A dead line of two seconds and more is no signal cut off; of that :class:`ecgviz.signals.silence.Silence` tells.
    """
    for start, stop in true_runs(~usable):
        if stop - start >= LEAST_S * fs:
            x = np.concatenate([x[:start], np.full(stop - start, np.nan), x[stop:]])
    known = x[np.isfinite(x)]
    if len(known) < 3 or known.min() == known.max():
        return False
    at_least = max(3, round(RAIL_S * fs))
    for rail in (known.min(), known.max()):
        at_rail = x == rail
        runs = np.diff(true_runs(at_rail), axis=1).ravel()
        runs = runs[runs >= at_least]
        long = (runs >= LONG_RAIL_S * fs).any()
        if (len(runs) >= RAIL_RUNS or long) and at_rail.mean() < BASE_LINE_SHARE:
            return True
    return False
