"""Min-max decimation for drawing: the lowest and highest sample of each pixel column.

A browser column that holds ten samples shows their range and nothing else, so two samples of each column
draw the same line (Steinarsson 2013 compares the methods). The extremes are kept by value, so an R peak
or a pacing spike of one sample is never lost; a mean or a stride would lose it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Decimated:
    """Values at equal steps: ``values[i]`` lies ``first + i * step`` samples after the first input sample."""

    values: np.ndarray
    first: float
    step: float


def min_max(samples: np.ndarray, n_columns: int) -> Decimated:
    """Lowest and highest sample of each of at most ``n_columns`` columns, in temporal order.

    Both are placed at equal steps (a quarter and three quarters of their column), which moves a point by no more
    than three quarters of a column and saves the time axis in the figure. Columns that are all NaN stay NaN, so
    gaps stay gaps; a column with one real sample keeps it.

    Args:
        samples: one lead, float (n,), NaN where none was recorded.
        n_columns: columns to draw, at least 1.

    Returns:
        The samples themselves with step 1 when they are no more than two a column.
    """
    samples = np.asarray(samples, dtype=np.float32)
    size = -(-len(samples) // max(int(n_columns), 1))
    if size <= 2:
        return Decimated(samples, 0.0, 1.0)
    columns = -(-len(samples) // size)
    padded = np.full(columns * size, np.nan, np.float32)
    padded[: len(samples)] = samples
    block = padded.reshape(columns, size)
    missing = np.isnan(block)
    lowest = np.where(missing, np.inf, block).argmin(axis=1)
    highest = np.where(missing, -np.inf, block).argmax(axis=1)
    order = np.sort(np.stack([lowest, highest], axis=1), axis=1)
    values = np.take_along_axis(block, order, axis=1).reshape(-1)
    return Decimated(values, size / 4 - 0.5, size / 2)


def gaps(samples: np.ndarray, shortest: int = 1) -> list[tuple[int, int]]:
    """Runs of NaN of at least ``shortest`` samples in one lead, as (start, stop) sample numbers."""
    missing = np.isnan(np.asarray(samples))
    edges = np.flatnonzero(np.diff(np.concatenate([[False], missing, [False]]).astype(np.int8)))
    return [(int(a), int(b)) for a, b in edges.reshape(-1, 2) if b - a >= shortest]
