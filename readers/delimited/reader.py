"""Text tables (CSV, TSV, white space) with one column per lead, with or without header and time column.

A table is in memory once, as float32: rows are counted first and read in chunks into their place.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from readers.arrays.placed_rows import PlacedRows, place_rows
from readers.arrays.to_recording import make_recording
from readers.channels.leads import clean_lead_name, is_clinical
from readers.channels.packets import packet_axis
from readers.channels.time_column import TimeColumn
from readers.channels.time_names import seconds_in
from readers.core.errors import ReadError
from readers.delimited.beats import refuse_beats_in
from readers.delimited.blocks import HEADER_KEYS, START_KEY, join_blocks, seconds_of_start
from readers.delimited.cells import to_numbers
from readers.delimited.columns import Columns, axis_of, find_columns
from readers.delimited.layout import Layout, find_layout
from readers.delimited.long import holds_several, lead_column, read_long
from readers.delimited.rows import (
    LEAST_COLUMNS,
    Rows,
    are_packets,
    find_rows,
    find_single_row,
    first_rows,
    lies_on_its_side,
    read_rows,
)
from readers.delimited.slow_columns import draw_between
from readers.delimited.times import as_seconds
from readers.recording import Recording
from readers.request import Request

if TYPE_CHECKING:
    import pandas as pd

_CHUNK_ROWS = 1 << 15
_CHUNK_CELLS = 1 << 17
_BLOCK_BYTES, _PROBE_ROWS = 1 << 20, 4096
_GROWTH = 1.5
_FS_DIFFERENCE = 0.01


def read_delimited(request: Request) -> Recording:
    """Open a text table.

    Raises:
        HoldsBeats: each of its rows is a single beat.
        NeedsDetails: no column of times, no stated sampling frequency, or no unit.
        ReadError: no numbers, or times that run backwards.
    """
    path = request.path
    if (sideways := find_rows(path)) is not None:
        return read_rows(request, sideways)
    refuse_beats_in(path)
    if (alone := find_single_row(path)) is not None:
        return read_rows(request, alone)
    layout = find_layout(path)
    if (sideways := _on_its_side(path, layout)) is not None:
        return read_rows(request, sideways)
    if (named := lead_column(layout)) is not None and holds_several(named, _chunks(path, layout)):
        return read_long(request, layout, named, _chunks(path, layout))
    table = _read(path, layout)
    columns = table.columns.leads
    kept = np.flatnonzero(table.filled).tolist()
    if not kept:
        raise ReadError(path, "none of its columns holds numbers; give a table with one column a lead.")
    names = [layout.names[column] if layout.names else "" for column in columns]
    if not any(is_clinical(clean_lead_name(name)) for name in names) and are_packets(table.values[:_PROBE_ROWS, kept]):
        return _of_packets(request, layout, table, kept)
    fs, rows, of_time = _placed(request, layout, table)
    notes = []
    if n_bad := int(table.bad[kept].sum()):
        notes.append(f"{n_bad} cells of {path.name} are no numbers and are shown as gaps.")
    if table.spilt:
        notes.append(
            f"{table.spilt} rows of {path.name} have more numbers than columns, and those behind the last are left "
            "out: if the commas of the table separate thousands, too, save it with another separator."
        )
    if table.untimed:
        notes.append(f"{table.untimed} rows of {path.name} have no readable time and are left out.")
    if fs:
        notes += draw_between(table.values, fs, names)
    empty = [
        names[i] or f"column {columns[i] + 1}"
        for i in np.flatnonzero(~table.filled)
        if _has_content(layout, columns[i])
    ]
    if empty:
        notes.append(f"Left out because it holds no numbers: {', '.join(empty)[:200]}.")
    return make_recording(
        request, rows, "CSV", fs=fs, columns=kept, names=[names[i] for i in kept] if layout.names else None,
        units=[layout.units[columns[i]] or layout.unit for i in kept], warnings=[*notes, *of_time],
    )  # fmt: skip


def _of_packets(request: Request, layout: Layout, table: _Table, kept: list[int]) -> Recording:
    """The recording of a table whose rows are packets of one channel, all or none of them with a time."""
    path, column, width = request.path, table.columns.time, len(kept)
    note = f"Each row of {path.name} holds {width} samples that follow each other: they are taken for one lead."
    samples, fs = table.values[:, kept].reshape(-1, 1), request.fs or layout.fs
    rows: np.ndarray | PlacedRows = samples
    gaps: list[str] = []
    if column is not None and table.times is not None:
        axis = packet_axis(table.times, [width] * len(table.values), layout.full_name(column))
        if axis is not None and axis.fs is not None:
            fs = fs or axis.fs
            rows, gaps = place_rows(path, samples, axis, fs)
        else:
            gaps = [f"The times of {path.name} do not say how its rows follow each other and are left out."]
    units = {layout.units[table.columns.leads[i]] or layout.unit for i in kept}
    return make_recording(
        request, rows, "CSV", fs=fs, units=list(units) if len(units) == 1 else None, warnings=[note, *gaps]
    )


def _on_its_side(path: Path, layout: Layout) -> Rows | None:
    """The row layout where each row is a lead or a beat; None for an upright table.

    One with many columns is looked at unless most of them are called leads.
    """
    n_leads = sum(is_clinical(clean_lead_name(name)) for name in layout.names or ())
    if layout.n_columns < LEAST_COLUMNS or n_leads > layout.n_columns / 2:
        return None
    rows = find_rows(path, layout.n_columns)
    few = 2 * _count_lines(path) < layout.n_columns
    return rows if rows is not None and (few or lies_on_its_side(first_rows(path, rows)[1])) else None


def _has_content(layout: Layout, column: int) -> bool:
    """Whether dropping a non-numeric column deserves a warning: not if it is unnamed and empty."""
    return layout.kinds[column] != "g" or bool(layout.names and layout.names[column])


def _placed(request: Request, layout: Layout, table: _Table) -> tuple[float | None, np.ndarray | PlacedRows, list[str]]:
    """Sampling frequency, rows at their times and warnings, from a time column."""
    path, fs = request.path, request.fs or layout.fs
    column, times = table.columns.time, table.times
    if column is None or times is None:
        notes = _contradictions(request, layout, None, 0)
        if fs is None and table.columns.empty_time is not None:
            raise ReadError(
                path, "most of its rows have no time; fill in the column of times, or give the sampling frequency (fs)."
            )
        if table.starts:
            notes.append(f"The {len(table.starts) + 1} blocks of {path.name} are taken one after the other.")
        return fs, table.values, notes
    if table.starts:
        unit = seconds_in(layout.full_name(column) or "") or 1.0
        join_blocks(times, [layout.start_s, *table.starts], unit)
    axis = axis_of(layout, column, times)
    if axis is None or (axis.fs is None and axis.unit != "samples"):
        back = None if axis is None else axis.backwards
        fault = "its column of times does not advance" if back is None else f"its times run backwards at row {back + 1}"
        if fs is None:
            raise ReadError(path, f"{fault}; correct it, or give the sampling frequency (fs).")
        return fs, table.values, [f"{path.name}: {fault}, so that the rows are taken one after the other."]
    fs = fs or axis.fs
    try:
        rows, gaps = place_rows(path, table.values, axis, fs)
    except ReadError:
        if axis.fs is not None and request.fs is None:
            raise
        rows, gaps = table.values, ["The times leap too far for gaps; the rows are taken one after the other."]
    return fs, rows, [*_contradictions(request, layout, axis, len(times)), *gaps]


def _contradictions(request: Request, layout: Layout, axis: TimeColumn | None, n_rows: int) -> list[str]:
    """Warnings about conflicting sampling frequencies of user, preface and times; the first one is used."""
    name, notes = request.path.name, []
    if request.fs and layout.fs and abs(request.fs / layout.fs - 1) > _FS_DIFFERENCE:
        notes.append(f"{name} states {layout.fs:g} Hz; the given {request.fs:g} Hz is used.")
    used = request.fs or layout.fs
    if used is None or axis is None or axis.fs is None:
        return notes
    held = axis.fs * n_rows / (n_rows + axis.gaps[:, 1].sum())  # with the gaps counted as time of recording
    if min(abs(used / axis.fs - 1), abs(used / held - 1)) > (_FS_DIFFERENCE if request.fs else 2 * _FS_DIFFERENCE):
        used_words = f"{used:g} Hz was given" if request.fs else f"{name} states {used:g} Hz"
        notes.append(f"{used_words}, which is used; its times say {axis.fs:g} Hz.")
    return notes


class _Table:
    """Buffer for all rows of a table, filled chunk by chunk.

    Attributes:
        columns: the part that each column plays.
        values: float32 (n, n_leads).
        times: float64 (n,), None where no column of them is read. Rows without a readable time are left out.
        filled: for each lead whether it holds numbers.
        bad: for each lead how many cells hold something else.
        spilt: rows with a number behind their last column, as thousands separated by the commas of the table have.
        untimed: rows left out; the first does not count, as AcqKnowledge puts numbers of samples there.
        starts: of each further block of a LabChart export, s, None where not readable.
    """

    def __init__(self, columns: Columns, decimal: str, room: int):
        self.columns, self._decimal = columns, decimal
        self.spilt = 0
        self._n = 0
        self.values = np.empty((room, len(columns.leads)), np.float32)
        self.times = None if columns.time is None else np.empty(room)
        self.filled, self.bad = np.zeros(len(columns.leads), bool), np.zeros(len(columns.leads), np.int64)
        self.untimed = 0
        self.starts: list[float | None] = []

    def add(self, chunk: pd.DataFrame) -> None:
        chunk = self._without_headers(chunk)
        known, start = np.ones(len(chunk), bool), self._n
        if self.times is not None:
            clock = as_seconds(chunk[self.columns.time], self._decimal)
            known = np.isfinite(clock)
            self.untimed += int((~known).sum()) - (start == 0 and not known[:1].all())
        self._n += int(known.sum())
        if self._n > len(self.values):
            self._resize(int(_GROWTH * self._n))
        if self.times is not None:
            self.times[start : self._n] = clock[known]
        self.spilt += int(np.isfinite(_numbers(chunk[chunk.columns[-1]], self._decimal)[0]).sum())
        for i, column in enumerate(self.columns.leads):
            numbers, n_bad = _numbers(chunk[column], self._decimal)
            with np.errstate(over="ignore"):
                self.values[start : self._n, i] = numbers[known]
            self.filled[i] |= np.isfinite(numbers).any()
            self.bad[i] += n_bad

    def _without_headers(self, chunk: pd.DataFrame) -> pd.DataFrame:
        """Rows without LabChart's headers, which are repeated above each block; records the blocks."""
        if chunk[0].dtype != object:
            return chunk
        keys = chunk[0].astype(str).str.strip()
        header = keys.str.match(HEADER_KEYS).to_numpy()
        for at in np.flatnonzero(header & keys.str.lower().eq(START_KEY).to_numpy()):
            self.starts.append(seconds_of_start(chunk.iloc[at, 1:3].tolist()))
        return chunk[~header] if header.any() else chunk

    def close(self) -> int:
        """Release unused memory; returns the number of rows."""
        self._resize(self._n)
        return self._n

    def _resize(self, room: int) -> None:
        self.values.resize((room, self.values.shape[1]), refcheck=False)
        if self.times is not None:
            self.times.resize(room, refcheck=False)


def _read(path: Path, layout: Layout) -> _Table:
    import pandas as pd

    room = min(_count_lines(path), path.stat().st_size // layout.n_columns) + 1
    table = None
    try:
        for chunk in _chunks(path, layout):
            if table is None:
                table = _Table(find_columns(layout, chunk), layout.decimal, room)
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
    if table is None or not table.close():
        raise ReadError(path, "no rows of numbers were found in it; give a table with one column a lead.")
    if not table.columns.leads:
        raise ReadError(path, "it holds a column of times and none of values; give a table with one column a lead.")
    return table


def _chunks(path: Path, layout: Layout) -> Iterator[pd.DataFrame]:
    import pandas as pd

    with pd.read_csv(
        path,
        sep=r"\s+" if layout.separator == " " else layout.separator,
        decimal=layout.decimal,
        thousands=layout.thousands,
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
    """Values as float64 with NaN for non-numbers, and the number of non-empty ones among the latter."""
    if series.dtype.kind in "iuf":
        return series.to_numpy(np.float64, na_value=np.nan), 0
    numbers, text = to_numbers(series, decimal)
    return numbers, int((np.isnan(numbers) & series.notna().to_numpy() & (text != "-").to_numpy()).sum())


def _count_lines(path: Path) -> int:
    """Upper bound of a file's number of lines, by the more common line end."""
    feeds = returns = 0
    with path.open("rb") as file:
        while block := file.read(_BLOCK_BYTES):
            feeds, returns = feeds + block.count(b"\n"), returns + block.count(b"\r")
    return max(feeds, returns) + 1
