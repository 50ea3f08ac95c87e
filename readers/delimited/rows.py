"""Transposed text tables: one row per lead, or one row per segment of ECG (beats: ``delimited.beats``).

Such a table has many columns and few rows, or is smooth along its rows and not down its columns. A lead's name may
stand in its first cell; a row of times or of 0, 1, 2 ... is no lead.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from readers.arrays.to_recording import MAX_LEADS, make_recording
from readers.channels.time_column import time_column
from readers.core.errors import ReadError
from readers.delimited.cells import NUMBER, decode, is_comment, lines_of, split
from readers.delimited.preface import read_preface
from readers.recording import Recording
from readers.request import Request

_HEAD_BYTES, _LONGEST_LINE = 262_144, 1 << 28
LEAST_COLUMNS, _MOST_ROWS, _PROBE_ROWS, _FIRST_LINES = 32, 32, 200, 40
_SMOOTH = 0.4
_PLAIN = re.compile(NUMBER.pattern.replace("[.,]", "[.]"))


@dataclass(frozen=True)
class Rows:
    """Layout of a transposed table.

    Attributes:
        encoding: of the file.
        separator: between the cells.
        decimal: "." or ",".
        before: lines above the first long one.
    """

    encoding: str
    separator: str
    decimal: str
    before: tuple[str, ...]


def find_rows(path: Path, least: int = MAX_LEADS + 3) -> Rows | None:
    """Layout of a table with at least so many columns, from its first bytes; None for other files."""
    with path.open("rb") as file:
        text, encoding = decode(file.read(_HEAD_BYTES))
    lines = lines_of(text or "")
    for at, line in enumerate(lines[:_FIRST_LINES]):
        for separator in (";", "\t", ",", " "):
            cells = split(line, separator)
            first = cells[1 : LEAST_COLUMNS + 1]
            numbers = [cell for cell in first if NUMBER.match(cell)]
            if len(cells) >= least and len(numbers) > 0.8 * len(first) and not _count_up(first):
                comma = separator != "," and any("," in cell for cell in numbers) and not any("." in n for n in numbers)
                return Rows(encoding, separator, "," if comma else ".", tuple(lines[:at]))
    return None


def _count_up(cells: list[str]) -> bool:
    """Whether cells after the first one count, as headers of unnamed columns do."""
    return any(cells == [str(first + i) for i in range(len(cells))] for first in (0, 1, 2))


def find_single_row(path: Path) -> Rows | None:
    """Layout of a file with a single row of at least 32 numbers; None for other files."""
    with path.open("rb") as file:
        text, _ = decode(file.read(_HEAD_BYTES))
    lines = [line for line in lines_of(text or "") if line.strip() and not is_comment(line)]
    rows = find_rows(path, LEAST_COLUMNS)
    return rows if rows is not None and len(lines) == 1 + sum(bool(line.strip()) for line in rows.before) else None


def lies_on_its_side(table: np.ndarray) -> bool:
    """Whether the first rows (n_rows, n_columns) of a table are smooth along the rows and not down the columns."""
    if min(table.shape) < 2:
        return False
    with np.errstate(all="ignore"):
        along, down = (_roughness(table, axis) for axis in (1, 0))
    return bool(along < _SMOOTH and along < 0.5 * down)


def are_packets(table: np.ndarray) -> bool:
    """Whether each row (n_rows, n_columns) continues the one before, as packets of one channel do.

    Leads differ from each other more than from one row to the next, or are all the same.
    """
    if table.shape[1] < 4 or len(table) < LEAST_COLUMNS:
        return False
    with np.errstate(all="ignore"):
        within, down = (float(np.nanmean(np.diff(table, axis=axis).astype(np.float64) ** 2)) for axis in (1, 0))
        across = float(np.nanmean((table[1:, 0] - table[:-1, -1]).astype(np.float64) ** 2))
    return 0 < within < 0.5 * down and 0.25 * within < across < 4 * within


def _roughness(table: np.ndarray, axis: int) -> float:
    """Mean squared step over twice the variance (von Neumann 1941): near 0 for a smooth signal, 1 for noise."""
    whole = table[:, np.isfinite(table).all(0)] if axis == 0 else table[np.isfinite(table).all(1)]
    variance = whole.var(axis)
    kept = variance > 1e-9 * np.abs(whole).max(initial=0.0) ** 2
    steps = (np.diff(whole, axis=axis) ** 2).mean(axis)
    return float(np.median(steps[kept] / (2 * variance[kept]))) if kept.any() else np.inf


def first_rows(path: Path, layout: Rows) -> tuple[list[str], np.ndarray]:
    """Names and numbers (n_rows, n_columns) of the first rows, NaN where a row is shorter or a cell is no number."""
    names: list[str] = []
    rows: list[np.ndarray] = []
    with path.open(encoding=layout.encoding, errors="replace") as file:
        while (line := file.readline(_LONGEST_LINE)) and len(rows) < _PROBE_ROWS:
            if line.strip() and not is_comment(line):
                name, values = _row(line, layout)
                if np.isfinite(values).sum() > len(values) / 2 and len(values) > LEAST_COLUMNS - 2:
                    names.append(name)
                    rows.append(values)
    table = np.full((len(rows), max(map(len, rows), default=0)), np.nan)
    for row, values in zip(table, rows, strict=True):
        row[: len(values)] = values
    return names, table


def read_rows(request: Request, layout: Rows) -> Recording:
    """Open a table with one row per lead.

    Raises:
        NeedsDetails: it states no sampling frequency, or no unit.
        ReadError: its rows are heartbeats or pieces of ECG, or it stands upright and has too many columns.
    """
    names, table = first_rows(request.path, layout)
    if len(table) > _MOST_ROWS:
        raise ReadError(request.path, _many(table))
    return _recording(request, layout, names, table)


def _recording(request: Request, layout: Rows, names: list[str], table: np.ndarray) -> Recording:
    preface = read_preface([line[:1000] for line in layout.before])
    axes = [time_column(row, name) for name, row in zip(names, table, strict=True)]
    leads = [i for i, axis in enumerate(axes) if axis is None]
    if not leads:
        raise ReadError(request.path, "none of its rows holds a lead; give a table with one column a lead.")
    table, names = table[leads], [names[i] for i in leads]
    fs = next((axis.fs for axis in axes if axis is not None and axis.fs), None)
    if _is_index(table[:, 0]):
        table = table[:, 1:]
    with np.errstate(over="ignore"):  # what float32 cannot hold becomes a gap
        samples = np.ascontiguousarray(table.T, np.float32)
    return make_recording(
        request, samples, "CSV", fs=request.fs or preface.fs or fs,
        names=names if all(names) else None, units=[preface.unit] * len(names),
        warnings=(f"{request.path.name} holds one row a lead: {len(names)} of {table.shape[1]} samples.",),
    )  # fmt: skip


def _row(line: str, layout: Rows) -> tuple[str, np.ndarray]:
    """Name in the first cell, or "", and the numbers of a line, NaN for non-numbers."""
    line = line.strip("\r\n").rstrip(layout.separator)
    separator = None if layout.separator == " " else layout.separator
    name, *rest = line.split(separator, 1)
    name = name.strip("'\" \t")
    if NUMBER.match(name):
        name = ""
    else:
        line = rest[0] if rest else ""
    line = line.replace(",", ".") if layout.decimal == "," else line
    if not line.strip():
        return name, np.empty(0)
    try:
        return name, np.loadtxt([line], np.float64, comments=None, delimiter=separator, ndmin=1)
    except ValueError:
        cells = split(line, layout.separator)
        return name, np.array([float(cell) if _PLAIN.match(cell) else np.nan for cell in cells], np.float64)


def _is_index(first: np.ndarray) -> bool:
    """Whether the first cells number the rows, as written by pandas."""
    n = len(first)
    return n > 2 and (np.array_equal(first, np.arange(n)) or np.array_equal(first, np.arange(1, n + 1)))


def _many(table: np.ndarray) -> str:
    """Kind of a table with many rows."""
    if not lies_on_its_side(table):
        return f"it holds {table.shape[1]} columns; an ECG has at most {MAX_LEADS} leads. Store one column a lead."
    return (
        f"it holds many rows of {table.shape[1]} columns, and each row looks like a heartbeat or a piece of ECG of its "
        "own: it is no recording. Store one recording in a file, one column a lead."
    )
