"""Tells time columns, counters and lead candidates of a text table apart, from its first rows."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from readers.channels.leads import millivolts_per
from readers.channels.time_column import TimeColumn, time_column
from readers.channels.time_names import is_time_name, seconds_in, seconds_per
from readers.delimited.layout import Layout
from readers.delimited.times import as_seconds, has_date, unwrap_midnight

if TYPE_CHECKING:
    import pandas as pd

_NEVER_LEADS = re.compile(r"^(?:date|time)(?:[\s_]|$)|time[\s_]*stamps?\b|^(?:\w+[\s_])?time$", re.I)


@dataclass(frozen=True)
class Columns:
    """Roles of the columns.

    Attributes:
        time: the column that says when each row was taken, or counts the rows; None where there is none.
        leads: columns that may be leads.
        empty_time: a column called time that has no times in most rows.
    """

    time: int | None
    leads: tuple[int, ...]
    empty_time: int | None = None


def find_columns(layout: Layout, rows: pd.DataFrame) -> Columns:
    """Roles of the columns from the first rows of a table, as pandas reads them."""
    axes = {i: axis for i in range(layout.n_columns) if (axis := _axis_of(layout, rows, i)) is not None}
    titles = zip(layout.names, layout.units, strict=True) if layout.names else ()
    named = [_never_a_lead(name, unit) for name, unit in titles]
    no_leads = {*layout.no_leads, *axes, *(i for i, is_time in enumerate(named) if is_time)}
    leads = [i for i, kind in enumerate(layout.kinds) if i not in no_leads and kind not in "cd"]
    if all(layout.kinds[i] in "tg" for i in leads):  # a ramp alone is no time: it would be that of nothing
        ramps = [i for i in axes if layout.kinds[i] == "n" and not is_time_name(layout.full_name(i) or "")]
        leads, axes = sorted([*leads, *ramps]), {i: axis for i, axis in axes.items() if i not in ramps}
    time = min(axes, key=lambda i: _rank(layout, axes[i], i), default=None)
    empty = next((i for i, is_time in enumerate(named) if is_time and layout.kinds[i] == "n" and i not in axes), None)
    return Columns(time, tuple(leads), empty)


def axis_of(layout: Layout, column: int, times: np.ndarray) -> TimeColumn | None:
    """Time of a column, as seconds or numbers; clock times are unwrapped at midnight."""
    if layout.kinds[column] != "c":
        return time_column(times, layout.full_name(column))
    if not has_date(layout.rows[0][column]):
        unwrap_midnight(times)
    return time_column(times, "time [s]")


def _axis_of(layout: Layout, rows: pd.DataFrame, column: int) -> TimeColumn | None:
    if layout.kinds[column] not in "nc":
        return None
    times = as_seconds(rows[column], layout.decimal)
    return axis_of(layout, column, times[np.isfinite(times)] if layout.kinds[column] == "c" else times)


def _never_a_lead(name: str, unit: str | None) -> bool:
    """Whether a column's name is that of a time, whatever its values."""
    name = name.strip()
    timed = is_time_name(name, sure=True) or bool(_NEVER_LEADS.search(name))
    return seconds_per(unit) is not None or (timed and not millivolts_per(unit))


def _rank(layout: Layout, axis: TimeColumn, column: int) -> tuple:
    """Sort key of time column candidates, best first."""
    name = layout.full_name(column) or ""
    return (
        axis.fs is None, not is_time_name(name) and layout.kinds[column] == "n", layout.kinds[column] != "n",
        seconds_in(name) is None, column,
    )  # fmt: skip
