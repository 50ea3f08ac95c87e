"""Finds the time column of a file: a steadily rising column or array, of any unit and name.

Printed times have few digits, leave gaps, begin at any moment, or have one stamp for a whole packet of samples; a
counter of samples may start again at 256. None of them is a lead. An ECG, its baseline included, falls again soon.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import numpy as np

from readers.channels.time_names import (
    COMMON_FS,
    is_index_name,
    is_lead_name,
    is_time_name,
    round_fs,
    seconds_in,
    unit_name,
)

_GUESSES = (
    *((unit, 40, 5000) for unit in (1.0, 1e-3, 1e-6, 1e-9)),
    *((unit, 90, 5000) for unit in (86400.0, 60.0, 3600.0)),
    *((unit, 40, 20_000) for unit in (1.0, 1e-3, 1e-6, 1e-9)),
    *((unit, 10, 40) for unit in (1.0, 1e-3, 1e-6, 1e-9)),
)
"""(seconds in the unit, lowest and highest sampling frequency that speak for it), tried in this order."""
_BLOCK, _SAMPLED_STEPS = 1 << 18, 100_000
_LEAST_ROWS, _LONG_ROWS = 64, 1000
"""So many rows make an even rise without a name time; an uneven one takes more, longer than any wave rises."""
NO_GAPS = np.empty((0, 2))
_EXCEL_DAY_0, _DATENUM_1970 = datetime(1899, 12, 30, tzinfo=UTC), 719_529.0
_EARLIEST, _LATEST = datetime(2001, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, eq=False)
class TimeColumn:
    """Time stated by a column or an array.

    Attributes:
        fs: sampling frequency in Hz; None for a counter, and for times that stand still or run backwards.
        unit: s, ms, us, ns, min, h or days; "date" for what counts from an epoch; "samples" for a counter.
        gaps: float64 (n_gaps, 2): the row before which samples are missing, and how many at the axis's own rate.
        start: of the first row where the values are dates, or None.
        backwards: the first row that is earlier than the one before it, in what is surely meant as time; else None.
    """

    fs: float | None
    unit: str
    gaps: np.ndarray
    start: datetime | None = None
    backwards: int | None = None


def time_column(values: np.ndarray, name: str | None = None) -> TimeColumn | None:
    """The time in a column, or None for a column that is no time and may be a lead.

    Args:
        values: numbers or datetime64 (n,); NaN where a row has none.
        name: of the column, with its unit if one is stated (``time [ms]``, ``t_ms``). A name of time makes short,
            jittering and coarse ones time; a lead's name or a voltage rules it out; any other decides nothing.
    """
    values, name = np.asarray(values).reshape(-1), (name or "").strip()
    if values.dtype.kind == "M":
        since = values.astype("datetime64[ns]")
        values, name = np.where(np.isnat(since), np.nan, since.astype(np.int64) / 1e9), "time [s]"
    if values.dtype.kind not in "iuf" or is_lead_name(name):
        return None
    first = 0
    if values.dtype.kind == "f" and not (finite := np.isfinite(values)).all():
        rows = np.flatnonzero(finite)
        if len(rows) < len(values) / 2:
            return None
        first = int(rows[0])
        values = np.interp(np.arange(first, rows[-1] + 1), rows, values[rows])
    with np.errstate(all="ignore"):  # numbers of any size may stand there
        axis = _axis(values, name)
    if axis is None or not first:
        return axis
    back = None if axis.backwards is None else axis.backwards + first
    return replace(axis, gaps=axis.gaps + np.array([first, 0.0]), backwards=back)


def _axis(values: np.ndarray, name: str) -> TimeColumn | None:
    """As :func:`time_column`, for finite numbers."""
    sure = is_time_name(name, sure=True)
    fall = _first_fall(values[:4096])
    if len(values) < 2 or (fall is not None and not sure and not _wraps(values[:_BLOCK])):
        return None
    values = values.astype(np.float64, copy=False)
    if fall is None and (fall := _first_fall(values)) is None:
        return _rising(values, name) or (TimeColumn(None, _unit(name), NO_GAPS) if sure else None)
    if _wraps(values):
        return TimeColumn(None, "samples", NO_GAPS)
    return TimeColumn(None, _unit(name), NO_GAPS, backwards=fall) if sure else None


def _rising(values: np.ndarray, name: str) -> TimeColumn | None:
    """Time of non-decreasing values; None where they are constant, uneven or of unknown unit."""
    named, indexed = is_time_name(name), is_index_name(name)
    seconds = seconds_in(name) if named else None
    tick, reach = _tick(values)
    if tick and _comes_in_bursts(values, tick, seconds):
        values = _arrivals(values)
        tick, reach = _tick(values)
    if not tick:
        return None
    step, widest, total = _mean_step(values, tick, reach)
    if seconds is None and _counts(values[0], tick, step, named=named, indexed=indexed):
        long_enough = len(values) >= _LEAST_ROWS or named or indexed
        limit = (1.5 if _is_sharp(values, tick, widest) else 2.5) * tick
        return TimeColumn(None, "samples", _gaps(values, tick, limit)) if long_enough else None
    seconds = likely_unit(step) if seconds is None else seconds
    if seconds is None or not 1e-12 < step * seconds < 1e12:
        return None
    fs = round_fs(1 / (step * seconds), max(2e-5, min(2e-3, 2 * tick / total)))
    start, sharp = _date(values[0], seconds), _is_sharp(values, step, widest)
    limit = 1.5 * step if sharp else max(2.5 / (fs * seconds), widest + step)
    coarse = step < 0.75 * tick and fs not in COMMON_FS and start is None  # or a slow drift in steps of the converter
    if not named and (coarse or not _is_even(values, tick, limit, shared=step < 0.75 * tick)):
        return None
    return TimeColumn(fs, "date" if start else unit_name(seconds), _gaps(values, 1 / (fs * seconds), limit), start)


def _is_sharp(values: np.ndarray, step: float, widest: float) -> bool:
    """Whether the clock is free of jitter, so that a double step is a lost sample."""
    return widest <= 1.25 * step and all(steps.min() >= 0.75 * step for _, steps in in_blocks(values))


def _unit(name: str) -> str:
    return unit_name(seconds_in(name) or 1.0)


def _counts(first: float, tick: float, step: float, *, named: bool, indexed: bool) -> bool:
    """Whether whole steps count rows or packets rather than milliseconds since an epoch."""
    whole = float(tick).is_integer() and float(first).is_integer()
    dated = _date(first, 1.0) or _date(first, 1e-3)
    return bool(whole and not dated and (indexed or (tick == 1 and (step == 1 or (step > 0.04 and not named)))))


def likely_unit(step: float) -> float | None:
    """Seconds per unit that gives a sampling frequency of ECGs; None where no unit does."""
    return next((unit for unit, low, high in _GUESSES if low <= 1 / (step * unit) <= high), None)


def _date(first: float, seconds: float) -> datetime | None:
    """Date of a first value that counts from an epoch: Unix, a spreadsheet's, or MATLAB's."""
    try:
        if seconds != 86400.0:
            moment = datetime.fromtimestamp(float(first) * seconds, UTC)
        elif first < _DATENUM_1970:
            moment = _EXCEL_DAY_0 + timedelta(days=float(first))
        else:
            moment = datetime.fromtimestamp((float(first) - _DATENUM_1970) * 86400.0, UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return moment if _EARLIEST <= moment <= _LATEST else None


def in_blocks(values: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """Differences of successive values, in blocks of little memory: (index of the first, steps)."""
    for start in range(0, len(values) - 1, _BLOCK):
        yield start, np.diff(values[start : start + _BLOCK + 1].astype(np.float64, copy=False))


def _first_fall(values: np.ndarray) -> int | None:
    """First row below the one before it."""
    falls = (offset + int(np.argmax(steps < 0)) + 1 for offset, steps in in_blocks(values) if (steps < 0).any())
    return next(falls, None)


def _wraps(values: np.ndarray) -> bool:
    """Whether it is a wrapping counter: equal whole steps from about 0 to a maximum, again and again."""
    low, high = float(values.min()), float(values.max())
    n_even = n_rises = n_back = n_falls = 0
    step = None
    for offset, steps in in_blocks(values):
        block = values[offset : offset + len(steps) + 1]
        if (block != np.rint(block)).any():
            return False
        rises, falls = steps >= 0, np.flatnonzero(steps < 0)
        step = float(np.median(steps[steps > 0])) if step is None and (steps > 0).any() else step
        if step is None or low < 0 or low > 2 * step or high - low < 9 * step:
            return False
        even = (np.abs(steps - step) <= 1) if step > 2 else (steps == step) | (steps == 0)
        n_rises, n_even = n_rises + int(rises.sum()), n_even + int((even & rises).sum())
        top = (block[falls] >= high - 0.1 * (high - low)) & (block[falls + 1] <= low + 0.1 * (high - low))
        n_falls, n_back = n_falls + len(falls), n_back + int(top.sum())
    return len(values) >= _LEAST_ROWS / 2 and n_falls > 0 and n_even >= 0.95 * n_rises and n_back >= 0.9 * n_falls


def _is_even(values: np.ndarray, tick: float, limit: float, *, shared: bool) -> bool:
    """Whether it rises evenly apart from gaps: within rounding, or on average where stamps jitter."""
    if len(values) < _LEAST_ROWS:
        return False
    n_levels, rounding = 0, (2.1 if shared else 1.5) * tick
    for _, steps in in_blocks(values):
        usual = steps <= limit
        n_levels += int((steps > 0).sum())
        rise = np.cumsum(np.where(usual, steps, steps[usual].mean() if usual.any() else 0.0))
        rest = rise - np.linspace(rise[0], rise[-1], len(rise))
        if np.ptp(rest) > (max(rounding, 0.05 * rise[-1]) if len(values) >= _LONG_ROWS else rounding):
            return False
    return n_levels >= 8


def _tick(values: np.ndarray) -> tuple[float, float]:
    """The usual step between different values, and the longest step without a gap; 0 where there is none.

    Coarsely printed times (800 Hz in whole ms) step by one tick or two all the time. Where two ticks are rare,
    they are lost samples.
    """
    n_steps = len(values) - 1
    if n_steps <= _SAMPLED_STEPS:
        sampled = np.diff(values)
    else:  # by chance: evenly chosen ones would all meet the same row of each packet
        chosen = np.random.default_rng(0).integers(0, n_steps, _SAMPLED_STEPS)
        sampled = values[chosen + 1] - values[chosen]
    if not (sampled > 0).any():
        return 0.0, 0.0
    tick = float(np.median(sampled[sampled > 0]))
    near = sampled[(sampled > 0) & (sampled <= 2.5 * tick)]
    return tick, tick * (2.5 if (near > 1.5 * tick).mean() > 0.1 else 1.5)


def _mean_step(values: np.ndarray, tick: float, reach: float) -> tuple[float, float, float]:
    """Mean and maximum of the steps without gaps, and their sum.

    A step of two ticks is a lost sample and left out; where steps of all sizes about that are found, the clock jitters.
    Rows that share a time are counted from one change of it to another: the first and last time may have fewer.
    """
    changes = [offset + np.flatnonzero(steps > 0)[[0, -1]] for offset, steps in in_blocks(values) if (steps > 0).any()]
    first, last = int(changes[0][0]), int(changes[-1][-1])
    if any((steps == 0).any() for _, steps in in_blocks(values)) and first < last:
        values = values[first + 1 : last + 2]
    n_wide = n_double = 0
    for _, steps in in_blocks(values):
        wide = steps[(steps > reach) & (steps <= 2.5 * tick)]
        n_wide, n_double = n_wide + len(wide), n_double + int((np.abs(wide - 2 * tick) < 0.25 * tick).sum())
    if n_double < 0.8 * n_wide:
        reach = 3.5 * tick
    total, count, widest = 0.0, 0, 0.0
    for _, steps in in_blocks(values):
        usual = steps[steps <= reach]
        total, count = total + float(usual.sum()), count + len(usual)
        widest = max(widest, float(usual.max(initial=0.0)))
    return total / max(1, count), widest, max(total, np.finfo(float).tiny)


def _comes_in_bursts(values: np.ndarray, tick: float, seconds: float | None) -> bool:
    """Whether the rows of a packet were stamped on arrival, microseconds apart."""
    mean = float(values[-1] - values[0]) / (len(values) - 1)
    unit = seconds or likely_unit(mean)
    if unit is None or tick > 0.1 * mean or tick * unit > 1 / 4000:
        return False
    return sum(int((steps > mean).sum()) for _, steps in in_blocks(values)) > len(values) / 500


def _arrivals(values: np.ndarray) -> np.ndarray:
    """First stamp of each row's packet."""
    mean = float(values[-1] - values[0]) / (len(values) - 1)
    first = np.concatenate([[0], *(offset + 1 + np.flatnonzero(steps > mean) for offset, steps in in_blocks(values))])
    return np.repeat(values[first.astype(np.int64)], np.diff(first, append=len(values)).astype(np.int64))


def _gaps(values: np.ndarray, step: float, limit: float) -> np.ndarray:
    """Rows after steps wider than ``limit``, and the number of samples missing before each."""
    jumps = np.concatenate([offset + np.flatnonzero(steps > limit) for offset, steps in in_blocks(values)])
    if not len(jumps):
        return NO_GAPS
    rows = jumps.astype(np.int64) + 1
    missing = np.maximum.accumulate(np.maximum(0.0, (values[rows] - values[0]) / step - rows))
    return np.column_stack([rows, np.diff(missing, prepend=0.0)])
