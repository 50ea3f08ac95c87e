"""Text tables with one beat per row, read whole with their classes for :mod:`readers.arrays.beat_rows`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from readers.arrays.beat_rows import MAX_ROWS, WIDTH, HoldsBeats, class_numbers, refuse_beats
from readers.core.errors import ReadError
from readers.delimited.cells import Table, decode, find_table, lines_of, split, to_numbers
from readers.delimited.rows import find_single_row, first_rows

if TYPE_CHECKING:
    import pandas as pd

_HEAD_BYTES, _CHUNK_ROWS = 262_144, 8192


def refuse_beats_in(path: Path) -> None:
    """Raise HoldsBeats for a text table of single beats, as its first rows show; return for any other.

    Raises:
        HoldsBeats: each of its rows is one. ReadError: each is one, and there is nothing to classify in them.
    """
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    text, encoding = decode(head)
    lines = lines_of(text or "")
    if (alone := find_single_row(path)) is not None:
        _, numbers = first_rows(path, alone)
        if len(numbers):
            _refuse(path, numbers.astype(np.float32), None)
        return
    table = find_table(lines if len(head) < _HEAD_BYTES else lines[:-1])
    if table is None or not WIDTH <= len(table.kinds) <= WIDTH + 3:
        return
    above = [line for line in lines[: table.first] if line.strip()]
    names = split(above[-1], table.separator) if above else None
    chunks = _chunks(path, table, encoding)
    first = next(chunks, None)
    if first is None:
        return
    try:
        _refuse(path, first, names)
    except HoldsBeats as found:
        rest = list(chunks)
        if not rest:
            raise
        if len(first) + sum(map(len, rest)) > MAX_ROWS:
            raise ReadError(
                path, f"it holds more than the {MAX_ROWS:,} heartbeats that are read; divide it."
            ) from found
        _refuse(path, np.concatenate([first, *rest]), names)


def _refuse(path: Path, numbers: np.ndarray, names: list[str] | None) -> None:
    """As :func:`refuse_beats`, without numeric column headers and an empty last column."""
    if _counts(numbers[0]):
        numbers = numbers[1:]
    while numbers.shape[1] > WIDTH and np.isnan(numbers[:, -1]).all():
        numbers = numbers[:, :-1]
    while numbers.shape[1] > WIDTH and np.isnan(numbers[:, 0]).all():
        numbers, names = numbers[:, 1:], names and names[1:]
    named = None if names is None or len(names) < numbers.shape[1] else names[: numbers.shape[1]]
    refuse_beats(path, numbers, "CSV", named)


def _chunks(path: Path, table: Table, encoding: str) -> Iterator[np.ndarray]:
    """Rows as float32 (n, n_columns), class letters as numbers, NaN for anything else."""
    import pandas as pd

    read = 0
    try:
        with pd.read_csv(
            path,
            sep=r"\s+" if table.separator == " " else table.separator,
            decimal=table.decimal,
            encoding=encoding,
            encoding_errors="replace",
            header=None,
            names=range(len(table.kinds)),
            index_col=False,
            skiprows=table.first,
            skip_blank_lines=True,
            comment="#",
            on_bad_lines="skip",
            chunksize=_CHUNK_ROWS,
            low_memory=False,
            float_precision="legacy",  # the others crash at some exponents
        ) as reader:
            for chunk in reader:
                yield _numbers(chunk, table)
                read += len(chunk)
                if read > MAX_ROWS:
                    return
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeError, ValueError, OverflowError) as error:
        raise ReadError(path, "the table cannot be read: its rows differ; give one with the same columns.") from error


def _numbers(chunk: pd.DataFrame, table: Table) -> np.ndarray:
    columns = []
    for kind, name in zip(table.kinds, chunk.columns, strict=True):
        column = chunk[name]
        with np.errstate(over="ignore"):
            if column.dtype.kind in "iufb":
                columns.append(column.to_numpy(np.float32, na_value=np.nan))
            elif kind == "t":
                columns.append(class_numbers(column.tolist()).astype(np.float32))
            else:
                columns.append(to_numbers(column, table.decimal)[0].astype(np.float32))
    return np.column_stack(columns)


def _counts(row: np.ndarray) -> bool:
    """Whether a row is 0, 1, 2 ... after an optional empty cell, as pandas names unnamed columns."""
    inner = row[1:-1]
    return bool(np.array_equal(inner, inner[:1] + np.arange(len(inner))))
