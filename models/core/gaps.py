"""Detects samples without signal and bridges them.

A missing or dead stretch is found before anything is filtered: one NaN spreads through a filter over the
whole recording, and a long constant stretch shifts the thresholds of most beat detectors (NeuroKit2 #823).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from readers.recording import Read

Gaps = Sequence[tuple[float, float]]
"""(start, end) of stretches in which no beat can be seen, seconds from the start of the recording, in order."""
GAP_S = 0.6
"""A beat may lie in so much lost signal: the beats at its sides are no neighbours."""
QRS_S = 0.12
"""Reach around the R peak that holds the QRS, also a wide one, and not the next beat's, s."""
EDGE_S = 0.02
"""A beat that lies by less within a gap lies at its edge: R peaks are rounded to samples."""

LARGEST_VALUE = 1e12
"""Beyond this a value is no measurement in any unit (a 32-bit counter ends at 2e9) and squares would overflow."""

FLAT_S = 0.3
"""A constant stretch of this length may be no ECG: a lead that is off, an amplifier at its rail, a packet lost."""
PAUSE_S = 3.0
"""A flat line of this length or more is not what lies between two beats."""
LONE_FLAT_S = 1.0
"""A flat line of this length lies between two beats only where others of its level, 0.1 s and more, lie around it."""
SHORT_GAP_S = 0.02
"""A gap of lost samples that hides no beat: the peak of a QRS complex is wider."""
_AROUND_S = 5.0
_ISLAND_S = 0.1
_LINE_SHARE = 1 / 3
_STEP_SHARE = 0.25


def usable_samples(x: np.ndarray, fs: float) -> np.ndarray:
    """Where ``x`` (n,) carries a signal: finite and not dead, bool (n,).

    A constant stretch of 0.3 s or more is dead, unless it is the flat line between two beats, as test generators and
    clean slow rhythms have it: shorter than three seconds, and either most common of all values around (a third of ten
    seconds and more), or entered and left without a step and not at the end of the range, as a rail is.
    """
    with np.errstate(invalid="ignore"):
        usable: np.ndarray = np.abs(x) < LARGEST_VALUE
    for start, stop in constant_runs(x, max(2, round(FLAT_S * fs))):
        if stop - start >= PAUSE_S * fs or not _is_line_between_beats(x, int(start), int(stop), fs):
            usable[start:stop] = False
    return usable


def _is_line_between_beats(x: np.ndarray, start: int, stop: int, fs: float) -> bool:
    """Whether the constant ``x[start:stop]`` is the baseline of the five seconds on both sides."""
    value, around = x[start], round(_AROUND_S * fs)
    near = x[max(0, start - around) : stop + around]
    near = near[np.abs(near) < LARGEST_VALUE]
    low, high = near.min(initial=value), near.max(initial=value)
    if high == low:
        return False
    if (near == value).mean() >= _LINE_SHARE:
        return True
    if stop - start >= LONE_FLAT_S * fs and not _is_flat_elsewhere(x, start, stop, fs):
        return False
    steps = [abs(x[at] - value) for at in (start - 1, stop) if 0 <= at < len(x)]
    return low < value < high and all(step <= _STEP_SHARE * (high - low) for step in steps)


def _is_flat_elsewhere(x: np.ndarray, start: int, stop: int, fs: float) -> bool:
    """Whether the five seconds on either side of ``x[start:stop]`` are constant at its value for 0.1 s somewhere."""
    around, at_least = round(_AROUND_S * fs), max(2, round(_ISLAND_S * fs))
    sides = (x[max(0, start - around) : start], x[stop : stop + around])
    return any((side[run[0]] == x[start]) for side in sides for run in constant_runs(side, at_least))


def constant_runs(x: np.ndarray, at_least: int) -> np.ndarray:
    """Runs of at least ``at_least`` equal samples in ``x`` (n,), int (k, 2) as [start, stop)."""
    if len(x) < at_least or not _may_be_constant(x, at_least):
        return np.empty((0, 2), np.int64)
    changes = np.flatnonzero(x[1:] != x[:-1]) + 1
    bounds = np.concatenate([[0], changes, [len(x)]])
    long = np.flatnonzero(np.diff(bounds) >= at_least)
    return np.stack([bounds[long], bounds[long + 1]], axis=1)


def _may_be_constant(x: np.ndarray, at_least: int) -> bool:
    """Quick test whether ``x`` can hold a run of that many equal samples, from a subset of them."""
    apart = max(1, at_least // 6)
    sparse = x[::apart]
    alike = sparse[1:] == sparse[:-1]
    rows = max(1, at_least // apart - 1)
    if len(alike) < rows:
        return True
    run = alike  # whether so many in a row are alike, from here on
    for more in range(1, rows):
        run = run[:-1] & alike[more:]
    return bool(run.any())


def true_runs(mask: np.ndarray) -> np.ndarray:
    """Runs where ``mask`` (n,) is True, int (k, 2) as [start, stop)."""
    edges = np.diff(np.concatenate([[False], mask, [False]]).astype(np.int8))
    return np.stack([np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)], axis=1)


def without_short_gaps(usable: np.ndarray, fs: float) -> np.ndarray:
    """``usable`` (n,) with gaps of at most 20 ms closed; interpolation covers those."""
    closed = usable.copy()
    if not usable.all():
        for start, stop in true_runs(~usable):
            if stop - start <= SHORT_GAP_S * fs and start > 0 and stop < len(usable):
                closed[start:stop] = True
    return closed


def bridge(x: np.ndarray, usable: np.ndarray) -> np.ndarray:
    """``x`` with unusable samples interpolated linearly, so that a filter sees no step; float32 (n,).

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


def lost_samples(samples: np.ndarray, fs: float) -> np.ndarray:
    """Where each lead of ``samples`` (n, n_leads) has no signal for more than 20 ms, bool (n_leads, n)."""
    columns = [~without_short_gaps(usable_samples(column, fs), fs) for column in samples.T]
    return np.array(columns, bool).reshape(samples.shape[::-1])


def find_gaps(samples: np.ndarray, fs: float) -> Gaps:
    """Gaps of a whole recording (n, n_leads): where none of its leads has a signal."""
    lost: np.ndarray = np.logical_and.reduce(lost_samples(samples, fs), axis=0)
    return long_gaps(true_runs(lost).tolist(), fs)


def long_gaps(runs: Iterable[list[int]], fs: float) -> Gaps:
    """Gaps of at least 0.6 s from unsorted stretches [start, stop) in samples; up to 0.1 s of signal joins two."""
    joined: list[list[int]] = []
    for start, stop in sorted(runs):
        if joined and start <= joined[-1][1] + _ISLAND_S * fs:
            joined[-1][1] = max(joined[-1][1], stop)
        else:
            joined.append([start, stop])
    return tuple((start / fs, stop / fs) for start, stop in joined if stop - start >= GAP_S * fs)


def spans_gap(time_s: np.ndarray, gaps: Gaps) -> np.ndarray:
    """Whether a gap lies between each beat and the next, or one of the two lies in a gap, bool (n - 1,).

    Args:
        time_s: R peaks, seconds, ascending, (n,).
        gaps: in any order.
    """
    if len(time_s) < 2 or not len(gaps):
        return np.zeros(max(0, len(time_s) - 1), bool)
    begins, ends = np.array(sorted(gaps), np.float64).T
    following = np.searchsorted(np.maximum.accumulate(ends), time_s[:-1] + EDGE_S, side="right")
    spans: np.ndarray = np.append(begins, np.inf)[following] < time_s[1:] - EDGE_S
    return spans


def within_gap(time_s: np.ndarray, gaps: Gaps) -> np.ndarray:
    """Which R peaks (n,), s, lie so deep in a gap that their QRS is not recorded, bool (n,)."""
    if not len(gaps):
        return np.zeros(len(time_s), bool)
    begins, ends = np.array(sorted(gaps), np.float64).T
    following = np.searchsorted(np.maximum.accumulate(ends), time_s + QRS_S, side="right")
    inside: np.ndarray = np.append(begins, np.inf)[following] < time_s - QRS_S
    return inside


def without_gaps(read: Read, fs: float, gaps: Gaps) -> Read:
    """The same samples with NaN in the gaps, where a lead that is off often holds a constant voltage."""
    if not len(gaps):
        return read
    begins, ends = np.rint(np.array(sorted(gaps)) * fs).astype(np.int64).T

    def read_signal(start: int, stop: int) -> np.ndarray:
        samples = read(start, stop)
        found = np.flatnonzero((begins < stop) & (ends > start))
        if len(found):
            samples = np.array(samples, np.result_type(samples, np.float32))
            for begin, end in zip(begins[found], ends[found], strict=True):
                samples[max(begin - start, 0) : end - start] = np.nan
        return samples

    return read_signal
