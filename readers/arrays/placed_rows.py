"""Rows of samples at their times, sliced like an array with NaN where samples are missing."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from readers.channels.time_column import TimeColumn
from readers.core.errors import ReadError

_MAX_STRETCH = 20
"""A table whose times span this many times its rows is taken for nonsense instead of one of many gaps."""


class PlacedRows:
    """Rows at their times, sliced like an array (n, n_columns) with NaN where rows are missing.

    Args:
        rows: samples in their order, (n_rows, n_columns).
        first_rows: first row of each stretch without a gap, ascending from 0.
        places: where those rows belong, ascending from 0.
    """

    def __init__(self, rows: np.ndarray, first_rows: np.ndarray, places: np.ndarray):
        self._rows = rows
        self._first_rows = np.append(first_rows, len(rows))
        self._places = places
        self.shape: tuple[int, ...] = (int(places[-1]) + len(rows) - int(first_rows[-1]), rows.shape[1])

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, part: slice) -> np.ndarray:
        start, stop, _ = part.indices(len(self))
        out = np.full((max(0, stop - start), self.shape[1]), np.nan, np.float32)
        stretch = max(0, int(np.searchsorted(self._places, start, "right")) - 1)
        while stretch < len(self._places) and (place := int(self._places[stretch])) < stop:
            first, last = int(self._first_rows[stretch]), int(self._first_rows[stretch + 1])
            left, right = max(start, place), min(stop, place + last - first)
            if left < right:
                out[left - start : right - start] = self._rows[first + left - place : first + right - place]
            stretch += 1
        return out


def place_rows(
    path: Path, rows: np.ndarray, axis: TimeColumn, fs: float | None = None
) -> tuple[np.ndarray | PlacedRows, list[str]]:
    """Rows with NaN in the gaps of their time, and a warning about the gaps.

    Args:
        path: the file, for errors.
        rows: samples in their order, (n_rows, n_columns).
        axis: of those rows.
        fs: sampling frequency that is used, Hz, where it is not the axis's own; a gap keeps its length in seconds.

    Raises:
        ReadError: times that leap too far.
    """
    fs = fs or axis.fs
    scale = fs / axis.fs if fs and axis.fs else 1.0
    missing = np.rint(np.cumsum(axis.gaps[:, 1]) * scale)
    if not len(missing) or not missing[-1]:
        return rows, []
    if not missing[-1] + len(rows) <= min(_MAX_STRETCH * len(rows), 2**31):
        raise ReadError(path, "its times leap too far for one recording; split the file, or correct them.")
    first_rows = np.concatenate([[0], axis.gaps[:, 0]]).astype(np.int64)
    placed = PlacedRows(rows, first_rows, first_rows + np.concatenate([[0], missing]).astype(np.int64))
    lost = f"{missing[-1] / fs:.1f} s" if fs else f"{missing[-1]:.0f} samples"
    return placed, [f"The times leave {len(missing)} gap{'s' * (len(missing) > 1)}, {lost} in all."]
