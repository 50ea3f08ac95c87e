"""Which samples carry a signal, and how to get across the rest.

A missing or dead stretch is found before anything is filtered: one NaN spreads through a filter over the
whole recording, and a long constant stretch shifts the thresholds of most beat detectors (NeuroKit2 #823).
"""

from __future__ import annotations

import numpy as np

LARGEST_VALUE = 1e12
"""Beyond this a value is no measurement in any unit (a 32-bit counter ends at 2e9) and squares would overflow."""

FLAT_S = 0.3
"""A constant stretch of this length or more is no ECG: a lead that is off, or an amplifier at its rail."""


def usable_samples(x: np.ndarray, fs: float, flat_s: float = FLAT_S) -> np.ndarray:
    """Where ``x`` (n,) is a signal: finite and not constant for ``flat_s`` seconds, bool (n,).

    A saturated lead stays at its rail and is found as constant; short clipping of an R peak is kept.
    """
    with np.errstate(invalid="ignore"):
        usable = np.abs(x) < LARGEST_VALUE
    for start, stop in constant_runs(x, max(2, round(flat_s * fs))):
        usable[start:stop] = False
    return usable


def constant_runs(x: np.ndarray, at_least: int) -> np.ndarray:
    """Stretches of ``at_least`` or more equal samples in ``x`` (n,), int (k, 2) as [start, stop)."""
    if len(x) < at_least:
        return np.empty((0, 2), np.int64)
    changes = np.flatnonzero(x[1:] != x[:-1]) + 1
    bounds = np.concatenate([[0], changes, [len(x)]])
    long = np.flatnonzero(np.diff(bounds) >= at_least)
    return np.stack([bounds[long], bounds[long + 1]], axis=1)


def true_runs(mask: np.ndarray) -> np.ndarray:
    """Stretches where ``mask`` (n,) is True, int (k, 2) as [start, stop)."""
    edges = np.diff(np.concatenate([[False], mask, [False]]).astype(np.int8))
    return np.stack([np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)], axis=1)


def bridge(x: np.ndarray, usable: np.ndarray) -> np.ndarray:
    """``x`` with a straight line across what is not usable, so that a filter sees no step; float32 (n,).

    Zeros where nothing is usable.
    """
    if usable.all():
        return np.asarray(x, np.float32)
    if not usable.any():
        return np.zeros(len(x), np.float32)
    filled = np.array(x, np.float32)
    known = np.flatnonzero(usable)
    missing = np.flatnonzero(~usable)
    filled[missing] = np.interp(missing, known, filled[known])
    return filled
