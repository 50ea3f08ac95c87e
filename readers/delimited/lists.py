"""Text tables with bracketed lists in their cells: a row is a recording, or a packet with its time.

So write Withings (one row a recording), pandas where a cell holds an array, and loggers of straps. The rows are taken
for the records of a JSON document (``json.reader``).
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator

import numpy as np

from readers.core.errors import ReadError
from readers.delimited.cells import NUMBER, decode, is_comment
from readers.json.reader import MAX_BYTES, recording_of
from readers.recording import Recording
from readers.request import Request

_SEPARATORS, _LONGEST_CELL = ";\t|,", 1 << 26
_LIST = re.compile(r"\[([^\[\]]*)\]")
_HOLDER = "\x1a{}\x1a"
_HELD = re.compile("\x1a(\\d+)\x1a")
_HEADER_LINES = 20


def read_lists(request: Request) -> Recording:
    """Open a table with bracketed lists in its cells.

    Raises:
        NeedsDetails: sampling frequency or unit is nowhere stated.
        ReadError: too large, no list that is a series of samples, or several recordings.
    """
    path = request.path
    if (size := path.stat().st_size) > MAX_BYTES:
        raise ReadError(
            path, f"it holds lists in its cells and {size >> 20} MB, and at most {MAX_BYTES >> 20} MB are read; write "
            "the samples as a column, one a row."
        )  # fmt: skip
    text, _ = decode(path.read_bytes())
    if text is None:
        raise ReadError(path, "it is no text; give a table with one column a lead.")
    return recording_of(request, list(_records(text)), "CSV")


def _records(text: str) -> Iterator[dict[str, object]]:
    """One record per row. Lists are extracted before splitting, since commas also separate their numbers."""
    lists: list[list[float]] = []

    def held(match: re.Match[str]) -> str:
        lists.append([float(word) if NUMBER.match(word) else np.nan for word in re.split(r"[\s,;]+", match[1].strip())])
        return _HOLDER.format(len(lists) - 1)

    lines = [line for line in _LIST.sub(held, text).splitlines() if line.strip() and not is_comment(line)]
    first = next((at for at, line in enumerate(lines) if _HELD.search(line)), 0)
    separator = max(_SEPARATORS, key=lines[first].count)
    rows = list(
        csv.reader((line.replace('"\x1a', "\x1a").replace('\x1a"', "\x1a") for line in lines), delimiter=separator)
    )
    above = rows[first - 1] if 0 < first <= _HEADER_LINES else []
    names = [name.strip() for name in above] if len(above) == len(rows[first]) else []
    for row in rows[first:]:
        cells = [_value(cell.strip(), lists) for cell in row]
        yield dict(zip(names or [f"column {i + 1}" for i in range(len(cells))], cells, strict=False))


def _value(cell: str, lists: list[list[float]]) -> object:
    if match := _HELD.search(cell):
        return lists[int(match[1])]
    return float(cell.replace(",", ".")) if NUMBER.match(cell) else cell or None
