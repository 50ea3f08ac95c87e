"""Text tables (CSV, TSV, white space): one column a lead, with or without a header row and a column of times.

A table is in memory once, as float32: rows are counted first and read in chunks into their place.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ecgviz.errors import ReadError
from ecgviz.readers.arrays import MAX_LEADS, make_recording
from ecgviz.readers.delimited_cells import to_numbers
from ecgviz.readers.delimited_layout import Layout, find_layout
from ecgviz.readers.delimited_times import PlacedRows, as_seconds, has_date, place_rows, seconds_in, unwrap_midnight
from ecgviz.readers.request import Request
from ecgviz.recording import Recording

if TYPE_CHECKING:
    import pandas as pd

_CHUNK_ROWS = 1 << 15
_CHUNK_CELLS = 1 << 17
_BLOCK_BYTES = 1 << 20
_GROWTH = 1.5


def read_delimited(request: Request) -> Recording:
    """Open a text table.

    Raises:
        NeedsDetails: no column of times, no stated sampling frequency, or no unit.
        ReadError: no numbers, or times that run backwards.
    """
    path, layout = request.path, find_layout(request.path)
    if layout.n_columns > MAX_LEADS + 2:
        raise ReadError(
            path, f"it holds {layout.n_columns} columns; an ECG has at most {MAX_LEADS} leads. Store one column a lead."
        )
    columns, time_column = layout.lead_columns(), layout.time_column()
    if not columns:
        raise ReadError(path, "it holds a column of times and none of values; give a table with one column a lead.")
    table = _read(path, layout, columns, None if request.fs is not None else time_column)
    kept = np.flatnonzero(table.filled).tolist()
    if not kept:
        raise ReadError(path, "none of its columns holds numbers; give a table with one column a lead.")
    names = [layout.names[column] if layout.names else "" for column in columns]
    notes = []
    if n_bad := int(table.bad[kept].sum()):
        notes.append(f"{n_bad} cells of {path.name} are no numbers and are shown as gaps.")
    if table.untimed:
        notes.append(f"{table.untimed} rows of {path.name} have no readable time and are left out.")
    empty = [
        names[i] or f"column {columns[i] + 1}"
        for i in np.flatnonzero(~table.filled)
        if _has_content(layout, columns[i])
    ]
    if empty:
        notes.append(f"Left out because it holds no numbers: {', '.join(empty)[:200]}.")
    fs, rows = layout.fs if request.fs is None else request.fs, table.values
    if table.times is not None and time_column is not None:
        fs, rows, gaps = _placed(path, layout, time_column, table.times, rows)
        notes += gaps
    return make_recording(
        request, rows, "CSV", fs=fs, columns=kept, names=[names[i] for i in kept] if layout.names else None,
        units=[layout.units[columns[i]] for i in kept], warnings=notes,
    )  # fmt: skip


def _has_content(layout: Layout, column: int) -> bool:
    """Whether leaving out a column without numbers is worth a word: not if it has no name and nothing in it."""
    return layout.kinds[column] != "g" or bool(layout.names and layout.names[column])


def _placed(
    path: Path, layout: Layout, column: int, times: np.ndarray, rows: np.ndarray
) -> tuple[float, np.ndarray | PlacedRows, list[str]]:
    """Sampling frequency, rows at their places and sentences about it, from a column of times."""
    clock = layout.kinds[column] == "c"
    if clock and not has_date(layout.rows[0][column]):
        unwrap_midnight(times)
    unit = seconds_in(layout.units[column], layout.names[column] if layout.names else "")
    with np.errstate(all="ignore"):  # times of any size may stand there
        return place_rows(path, times, rows, 1.0 if clock else unit, layout.fs)


class _Table:
    """What is read of a table: it has room for all rows from the start and takes up chunk by chunk.

    Attributes:
        values: float32 (n, n_columns).
        times: float64 (n,), None where no column of them is read. Rows without a readable time are left out.
        filled: for each column whether it holds numbers.
        bad: for each column how many cells hold something else.
        untimed: rows left out; the first does not count, as AcqKnowledge puts numbers of samples there.
    """

    def __init__(self, columns: list[int], time_column: int | None, decimal: str, room: int):
        self._columns, self._time_column, self._decimal = columns, time_column, decimal
        self._n = 0
        self.values = np.empty((room, len(columns)), np.float32)
        self.times = None if time_column is None else np.empty(room)
        self.filled, self.bad = np.zeros(len(columns), bool), np.zeros(len(columns), np.int64)
        self.untimed = 0

    def add(self, chunk: pd.DataFrame) -> None:
        known, start = np.ones(len(chunk), bool), self._n
        if self.times is not None:
            clock = as_seconds(chunk[self._time_column], self._decimal)
            known = np.isfinite(clock)
            self.untimed += int((~known).sum()) - (start == 0 and not known[:1].all())
        self._n += int(known.sum())
        if self._n > len(self.values):
            self._resize(int(_GROWTH * self._n))
        if self.times is not None:
            self.times[start : self._n] = clock[known]
        for i, column in enumerate(self._columns):
            numbers, n_bad = _numbers(chunk[column], self._decimal)
            with np.errstate(over="ignore"):
                self.values[start : self._n, i] = numbers[known]
            self.filled[i] |= np.isfinite(numbers).any()
            self.bad[i] += n_bad

    def close(self) -> int:
        """Give back the room that was not needed; the number of rows."""
        self._resize(self._n)
        return self._n

    def _resize(self, room: int) -> None:
        self.values.resize((room, len(self._columns)), refcheck=False)
        if self.times is not None:
            self.times.resize(room, refcheck=False)


def _read(path: Path, layout: Layout, columns: list[int], time_column: int | None) -> _Table:
    import pandas as pd

    room = min(_count_lines(path), path.stat().st_size // layout.n_columns) + 1
    try:
        table = _Table(columns, time_column, layout.decimal, room)
        for chunk in _chunks(path, layout):
            table.add(chunk)
    except (
        pd.errors.ParserError,
        pd.errors.EmptyDataError,
        UnicodeError,
        ValueError,
        OverflowError,
        MemoryError,
    ) as error:
        fault = "the table cannot be read: its rows differ; give one with the same columns throughout."
        if "EOF inside string" in str(error):
            fault = "a quotation mark in it is never closed; correct it."
        raise ReadError(path, fault) from error
    n_rows = table.close()
    if table.untimed > n_rows:
        raise ReadError(
            path, "most of its rows have no time; fill in the column of times, or give the sampling frequency (fs)."
        )
    if not n_rows:
        raise ReadError(path, "no rows of numbers were found in it; give a table with one column a lead.")
    return table


def _chunks(path: Path, layout: Layout) -> Iterator[pd.DataFrame]:
    import pandas as pd

    with pd.read_csv(
        path,
        sep=r"\s+" if layout.separator == " " else layout.separator,
        decimal=layout.decimal,
        encoding=layout.encoding,
        encoding_errors="replace",
        header=None,
        skiprows=layout.skip,
        names=range(layout.n_columns + 1),  # some rows have an empty cell, or a comment, behind the last
        skipinitialspace=True,
        skip_blank_lines=True,
        comment="#",
        on_bad_lines="skip",
        chunksize=max(1000, min(_CHUNK_ROWS, _CHUNK_CELLS // layout.n_columns)),
        low_memory=False,
        float_precision="legacy",  # the others crash at some exponents, or take four times as long
    ) as reader:
        yield from reader


def _numbers(series: pd.Series, decimal: str) -> tuple[np.ndarray, int]:
    """Values as float64 with NaN for what is no number, and how many cells have something else in them."""
    if series.dtype.kind in "iuf":
        return series.to_numpy(np.float64, na_value=np.nan), 0
    numbers, text = to_numbers(series, decimal)
    return numbers, int((np.isnan(numbers) & series.notna().to_numpy() & (text != "-").to_numpy()).sum())


def _count_lines(path: Path) -> int:
    """Lines of a file or some more, from whichever end of a line is the commoner."""
    feeds = returns = 0
    with path.open("rb") as file:
        while block := file.read(_BLOCK_BYTES):
            feeds, returns = feeds + block.count(b"\n"), returns + block.count(b"\r")
    return max(feeds, returns) + 1
