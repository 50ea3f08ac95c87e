"""The column of times of a text table: its sampling frequency, and the rows at their places in time.

Times are printed with few digits, leave gaps, jump at midnight, or have one second for 250 rows. They are looked
at in blocks, and rows are placed when they are asked for: nothing here is as large as the table.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ecgviz.errors import ReadError
from ecgviz.readers.delimited_cells import to_numbers

if TYPE_CHECKING:
    import pandas as pd

TIME_UNITS = {
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds", "sekunden"), 1.0),
    **dict.fromkeys(("ms", "msec", "msecs", "millisecond", "milliseconds"), 1e-3),
    **dict.fromkeys(("us", "\u00b5s", "\u03bcs", "usec", "microseconds"), 1e-6),
    **dict.fromkeys(("ns", "nsec", "nanoseconds"), 1e-9),
    **dict.fromkeys(("min", "minute", "minutes"), 60.0),
    **dict.fromkeys(("h", "hour", "hours"), 3600.0),
}
"""Seconds in each unit."""
_GUESSED_UNITS = (1.0, 1e-3, 1e-6, 1e-9, 86400.0)
"""Tried in this order where no unit is stated; the last is that of a spreadsheet's dates."""
_BLOCK, _SAMPLED_STEPS = 1 << 18, 100_000
_MAX_STRETCH = 20
"""A table whose times span this many times its rows is taken for nonsense instead of one of many gaps."""
_COMMON_FS = (100, 125, 128, 180, 200, 250, 256, 257, 300, 360, 400, 500, 512, 600, 800, 1000, 1024, 2000, 4000, 8000)
_HALF_DAY_S = 43_200.0
_ADVANCE = "its column of times does not advance; correct it, or give the sampling frequency (fs)."


class PlacedRows:
    """Rows at their places in time, sliced like an array (n, n_columns) that has NaN where rows were left out.

    Args:
        rows: samples in their order, (n_rows, n_columns).
        first_rows: first row of each stretch without a gap, ascending from 0.
        places: where those rows belong, ascending from 0.
    """

    def __init__(self, rows: np.ndarray, first_rows: np.ndarray, places: np.ndarray):
        self._rows = rows
        self._first_rows = np.append(first_rows, len(rows))
        self._places = places
        self.shape = (int(places[-1]) + len(rows) - int(first_rows[-1]), rows.shape[1])

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


def as_seconds(column: pd.Series, decimal: str) -> np.ndarray:
    """Times as float64 (n,): numbers as they are, clock times and dates in seconds; NaN where unreadable."""
    import pandas as pd

    if column.dtype.kind in "iuf":
        return column.to_numpy(np.float64)
    numbers, text = to_numbers(column, decimal)
    if np.isfinite(numbers).any():
        return numbers
    if text.str.match(r"\d{4}-\d\d-\d\d").any():
        moments = pd.to_datetime(text.str.replace(",", "."), errors="coerce", utc=True, format="ISO8601")
        since = moments.to_numpy("datetime64[ns]")
        return np.where(np.isnat(since), np.nan, since.astype(np.int64) / 1e9)
    parts = text.str.extract(r"(?:(\d{1,4}):)?(\d{1,4}):(\d{1,2}(?:[.,]\d+)?)\s*([AaPp])?")
    hours, minutes, seconds = (
        pd.to_numeric(parts[i].str.replace(",", "."), errors="coerce").to_numpy(np.float64, na_value=np.nan)
        for i in range(3)
    )
    hours = np.where(parts[0].isna(), 0.0, hours)
    half = parts[3].str.lower().fillna("").to_numpy(str)
    hours = np.where(half == "", hours, hours % 12 + 12 * (half == "p"))
    return hours * 3600 + minutes * 60 + seconds


def unwrap_midnight(times: np.ndarray) -> None:
    """Add a day, in place, wherever clock times (s) fall by more than half a day."""
    falls = np.concatenate([[], *(offset + np.flatnonzero(steps < -_HALF_DAY_S) for offset, steps in _steps(times))])
    if len(falls):
        for start in range(0, len(times), _BLOCK):
            part = times[start : start + _BLOCK]
            part += 2 * _HALF_DAY_S * np.searchsorted(falls, np.arange(start, start + len(part)), "left")


def place_rows(
    path: Path, times: np.ndarray, rows: np.ndarray, seconds_per: float | None, stated: float | None
) -> tuple[float, np.ndarray | PlacedRows, list[str]]:
    """Sampling frequency (Hz), the rows at even steps, and sentences about gaps.

    Args:
        path: the table, for errors.
        times: of the rows, finite, (n_rows,).
        rows: (n_rows, n_columns).
        seconds_per: seconds in one unit of the times; None where not stated, and the first unit that gives a
            frequency an ECG has is taken.
        stated: sampling frequency that the file states elsewhere, or None.

    Raises:
        ReadError: times that run backwards, stand still or leap too far.
    """
    tick, reach = _tick(path, times)
    step, widest, total = _mean_step(times, reach)
    guessed = seconds_per is None
    if seconds_per is None:
        seconds_per = next((unit for unit in _GUESSED_UNITS if 1 / 20_000 <= step * unit <= 1 / 40), 1.0)
    if not 1e-12 < step * seconds_per < 1e12:
        raise ReadError(path, _ADVANCE)
    measured = round_fs(1 / (step * seconds_per), max(2e-5, min(2e-3, 2 * tick / total)))
    fs = stated or measured
    notes = []
    overall = (len(times) - 1) / ((times[-1] - times[0]) * seconds_per)
    if not guessed and min(abs(fs / measured - 1), abs(fs / overall - 1)) > 0.02:
        notes.append(f"{path.name} states {fs:g} Hz, which is used; its times say {measured:g} Hz.")
    limit = max(2.5 / (fs * seconds_per), widest + step)
    jumps = [offset + np.flatnonzero(steps > limit) for offset, steps in _steps(times)]
    first_rows = np.concatenate([[0], np.concatenate(jumps) + 1]).astype(np.int64)
    if len(first_rows) == 1:
        return fs, rows, notes
    wanted = np.rint((times[first_rows] - times[0]) * seconds_per * fs)
    if not wanted[-1] <= min(_MAX_STRETCH * len(rows), 2**31):
        raise ReadError(
            path, "its times leap too far for one recording; split the file, or give the sampling frequency (fs)."
        )
    free = np.maximum.accumulate(wanted.astype(np.int64) - first_rows)  # no stretch begins before the last one's end
    placed = PlacedRows(rows, first_rows, first_rows + free)
    lost = float(sum((times[row] - times[row - 1]) * seconds_per - 1 / fs for row in first_rows[1:].tolist()))
    return fs, placed, [*notes, f"The times leave {len(first_rows) - 1} gaps, {lost:.1f} s in all."]


def round_fs(fs: float, tolerance: float) -> float:
    """The common or whole frequency next to a measured one, if rounding of the printed times explains the rest."""
    for candidate in (*_COMMON_FS, round(fs)):
        if abs(fs - candidate) <= tolerance * fs:
            return float(candidate)
    return fs


def _steps(times: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """(number of the first step, steps) in blocks."""
    for start in range(0, len(times) - 1, _BLOCK):
        yield start, np.diff(times[start : start + _BLOCK + 1])


def _tick(path: Path, times: np.ndarray) -> tuple[float, float]:
    """The usual step between different times, and the longest that still counts as one.

    Coarsely printed times (800 Hz in whole ms) step by one tick or two all the time. Where two ticks are rare,
    they are lost samples.
    """
    n_steps = len(times) - 1
    for offset, steps in _steps(times):
        if (steps < 0).any():
            row = offset + int(np.flatnonzero(steps < 0)[0]) + 2
            raise ReadError(
                path, f"its times run backwards at row {row}; correct them, or give the sampling frequency (fs)."
            )
    if n_steps <= _SAMPLED_STEPS:
        sampled = np.diff(times)
    else:  # by chance: evenly chosen ones would all meet the same row of each packet
        chosen = np.random.default_rng(0).integers(0, n_steps, _SAMPLED_STEPS)
        sampled = times[chosen + 1] - times[chosen]
    if not (sampled > 0).any():
        raise ReadError(path, _ADVANCE)
    tick = float(np.median(sampled[sampled > 0]))
    near = sampled[sampled <= 2.5 * tick]
    return tick, tick * (2.5 if (near > 1.5 * tick).mean() > 0.1 else 1.5)


def _mean_step(times: np.ndarray, reach: float) -> tuple[float, float, float]:
    """Mean of the steps up to ``reach``, the widest of them, and their sum.

    Rows that share a time are counted from one change of it to another: the first and last time may have fewer.
    """
    changes = [offset + np.flatnonzero(steps > 0)[[0, -1]] for offset, steps in _steps(times) if (steps > 0).any()]
    first, last = int(changes[0][0]), int(changes[-1][-1])
    if any((steps == 0).any() for _, steps in _steps(times)) and first < last:
        times = times[first + 1 : last + 2]
    total, count, widest = 0.0, 0, 0.0
    for _, steps in _steps(times):
        even = steps[steps <= reach]
        total, count = total + float(even.sum()), count + len(even)
        widest = max(widest, float(even.max(initial=0.0)))
    return total / max(1, count), widest, max(total, np.finfo(float).tiny)


def seconds_in(unit: str | None, name: str) -> float | None:
    """Seconds in a time column's unit, as stated or as its name ends (``time_ms``); None where nothing says so."""
    stated = (unit or "").strip(" .").lower()
    if stated in TIME_UNITS:
        return TIME_UNITS[stated]
    name = name.strip().lower()
    ends = (suffix for suffix in TIME_UNITS if name == suffix or name.endswith(("_" + suffix, " " + suffix)))
    return next((TIME_UNITS[suffix] for suffix in ends), None)


def has_date(cell: str) -> bool:
    """Whether a time is written with an ISO date, so that midnight is no step back."""
    return re.match(r"['\"\[ ]*\d{4}-\d\d-\d\d", cell) is not None
