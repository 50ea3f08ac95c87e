"""Text tables in long form: one sample per row, with a column that names its lead.

So write programs that plot with a colour a lead. The leads follow each other row by row or one after the other.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from readers.arrays.placed_rows import place_rows
from readers.arrays.to_recording import make_recording
from readers.channels.leads import clean_lead_name, is_clinical
from readers.core.errors import ReadError
from readers.delimited.cells import to_numbers
from readers.delimited.columns import axis_of, find_columns
from readers.delimited.layout import Layout
from readers.delimited.times import as_seconds
from readers.recording import Recording
from readers.request import Request

if TYPE_CHECKING:
    import pandas as pd

_NUMBERED = re.compile(r"^(?:leads?|channels?|electrode)(?:[\s_-]*(?:id|no|nr|num|number|index|idx))?$", re.I)
_MOST_LEADS = 64
_WAY_OUT = "write a table with one column a lead."


def lead_column(layout: Layout) -> int | None:
    """The column with the lead name or number of each of the first rows; None for other tables."""
    for column, kind in enumerate(layout.kinds):
        cells = [row[column] for row in layout.rows]
        if kind == "t" and all(is_clinical(clean_lead_name(cell)) for cell in cells):
            return column
        called = kind == "n" and layout.names is not None and _NUMBERED.match(layout.names[column])
        if called and all(cell.isdecimal() and int(cell) <= _MOST_LEADS for cell in cells):
            return column
    return None


def holds_several(column: int, chunks: Iterable[pd.DataFrame]) -> bool:
    """Whether the rows belong to several leads."""
    found: set[object] = set()
    for chunk in chunks:
        found |= set(chunk[column].unique())
        if len(found) > _MOST_LEADS:
            return False
    return len(found) > 1


def read_long(request: Request, layout: Layout, column: int, chunks: Iterable[pd.DataFrame]) -> Recording:
    """Open a table in long form.

    Args:
        column: with the names of the leads.
        chunks: the rows as pandas reads them, in their order.

    Raises:
        NeedsDetails: no times and no stated sampling frequency, or no unit.
        ReadError: several columns of values, or leads that were not sampled together.
    """
    path, columns = request.path, None
    parts: dict[str, list[tuple[np.ndarray | None, np.ndarray]]] = {}
    for chunk in chunks:
        named = chunk[column].astype(str).str.strip("'\" ")
        for name, rows in chunk.groupby(named.to_numpy(str), sort=False):
            columns = columns or find_columns(layout, rows)
            if len(values := [i for i in columns.leads if i != column]) != 1:
                raise ReadError(
                    path, f"it names a lead in each row and has {len(values)} columns of values; {_WAY_OUT}"
                )
            times = None if columns.time is None else as_seconds(rows[columns.time], layout.decimal)
            parts.setdefault(str(name), []).append((times, _numbers(rows[values[0]], layout.decimal)))
    if columns is None:
        raise ReadError(path, "no rows of numbers were found in it; give a table with one column a lead.")
    leads = {name: np.concatenate([own for _, own in part]) for name, part in parts.items()}
    clocks = [np.concatenate([own for own, _ in part]) for part in parts.values()] if columns.time is not None else []
    together = len({len(own) for own in leads.values()}) == 1
    if not together or any(not np.array_equal(clocks[0], own) for own in clocks[1:]):
        counts = ", ".join(f"{name} {len(own)}" for name, own in list(leads.items())[:12])
        raise ReadError(path, f"its rows hold leads that were not sampled together ({counts}); {_WAY_OUT}")
    rows, fs = np.column_stack(list(leads.values())), request.fs or layout.fs
    notes: list[str] = []
    axis = axis_of(layout, columns.time, clocks[0]) if clocks and columns.time is not None else None
    if axis is not None and (axis.fs or axis.unit == "samples") and axis.backwards is None:
        fs = fs or axis.fs
        rows, notes = place_rows(path, rows, axis, fs)
    unit = layout.units[values[0]] or layout.unit
    return make_recording(
        request,
        rows,
        "CSV",
        fs=fs,
        names=[f"lead {name}" if name.isdecimal() else name for name in leads],
        units=[unit] * len(leads),
        warnings=notes,
    )


def _numbers(column: pd.Series, decimal: str) -> np.ndarray:
    numbers = column.to_numpy(np.float64) if column.dtype.kind in "iuf" else to_numbers(column, decimal)[0]
    with np.errstate(over="ignore"):  # what float32 cannot hold becomes a gap
        return numbers.astype(np.float32)
