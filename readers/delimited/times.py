"""Parses times of day and dates in a text table to seconds."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from readers.channels.time_column import in_blocks
from readers.delimited.cells import to_numbers

if TYPE_CHECKING:
    import pandas as pd

_HALF_DAY_S, _BLOCK = 43_200.0, 1 << 18
_YEAR_FIRST = r"['\"\[ ]*\d{4}([-/.])\d\d?\1\d\d?"
_CLOCK = r"(?:(\d+) days?,? )?(?:(\d{1,4}):)?(\d{1,4}):(\d{1,2}(?:[.,]\d+)?)(?::(\d{3}))?\s*([AaPp])?"


def as_seconds(column: pd.Series, decimal: str) -> np.ndarray:
    """Times as float64 (n,): numbers unchanged, clock times and dates in seconds; NaN where unreadable."""
    import pandas as pd

    if column.dtype.kind in "iuf":
        return np.asarray(column, np.float64)
    numbers, text = to_numbers(column, decimal)
    if np.isfinite(numbers).any():
        return numbers
    if text.str.match(_YEAR_FIRST).any():
        iso = text.str.replace(",", ".").str.replace(r"^(\d{4})[/.](\d\d?)[/.](\d\d?)", r"\1-\2-\3", regex=True)
        iso = iso.str.replace(r"^(\d{4})-(\d)-", r"\1-0\2-", regex=True)
        iso = iso.str.replace(r"^(\d{4}-\d\d)-(\d)(?!\d)", r"\1-0\2", regex=True)
        moments = pd.to_datetime(iso, errors="coerce", utc=True, format="ISO8601")
        since = moments.to_numpy("datetime64[ns]")
        return np.where(np.isnat(since), np.nan, since.astype(np.int64) / 1e9)
    parts = text.str.extract(_CLOCK)
    days, hours, minutes, seconds, thousandths = (
        pd.to_numeric(parts[i].str.replace(",", "."), errors="coerce").to_numpy(np.float64, na_value=np.nan)
        for i in range(5)
    )
    days, hours, thousandths = (np.nan_to_num(part) for part in (days, hours, thousandths))
    half = parts[5].str.lower().fillna("").to_numpy(str)
    hours = np.where(half == "", hours, hours % 12 + 12 * (half == "p"))
    return np.asarray(days * 2 * _HALF_DAY_S + hours * 3600 + minutes * 60 + seconds + thousandths / 1000)


def unwrap_midnight(times: np.ndarray) -> None:
    """Add a day, in place, wherever clock times (s) fall by more than half a day."""
    falls = np.concatenate([[], *(at + np.flatnonzero(steps < -_HALF_DAY_S) for at, steps in in_blocks(times))])
    if len(falls):
        for start in range(0, len(times), _BLOCK):
            part = times[start : start + _BLOCK]
            part += 2 * _HALF_DAY_S * np.searchsorted(falls, np.arange(start, start + len(part)), "left")


def has_date(cell: str) -> bool:
    """Whether a time is written with a date that begins with the year, so that midnight is no step back."""
    return re.match(_YEAR_FIRST, cell) is not None
