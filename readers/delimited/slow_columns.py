"""Columns with values in some rows only: slow sensors beside fast ones in one table."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

_LONGEST_S = 0.02
"""Between values that are further apart, at less than 50 Hz, an ECG cannot be drawn."""
_LEAST_SHARE = 0.02


def draw_between(values: np.ndarray, fs: float, names: Sequence[str]) -> list[str]:
    """Interpolate such columns linearly between their values, in place; long gaps remain.

    A few cells that are missing are no slower rate, and stay gaps.

    Args:
        values: float (n_rows, n_columns), NaN where a cell holds no value.
        fs: rows in a second, Hz.
        names: of the columns, "" for none.

    Returns:
        A sentence for each column that was filled.
    """
    notes = []
    for column, name in enumerate(names):
        if np.isfinite(values[:, column]).mean() > 1 - _LEAST_SHARE:
            continue
        known = np.flatnonzero(np.isfinite(values[:, column]))
        steps = np.diff(known)
        short = (steps > 1) & (steps <= _LONGEST_S * fs)
        if not steps[short].sum() - short.sum() > _LEAST_SHARE * len(values):
            continue
        share = len(known) / (known[-1] - known[0] + 1)
        rows = np.concatenate([np.arange(known[i] + 1, known[i + 1]) for i in np.flatnonzero(short)])
        values[rows, column] = np.interp(rows, known, values[known, column])
        notes.append(
            f"{name or f'Lead {column + 1}'} has a value in {share:.0%} of the rows: those between are drawn as lines."
        )
    return notes
