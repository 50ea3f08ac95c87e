"""How a text table is laid out: what stands before the numbers, what separates them, which column is which.

Looks at the first lines only. It knows plain CSV and TSV, decimal commas, PhysioNet's ``rdsamp -c`` output
with its row of units, and exports with a preface of "key, value" lines (such as those of a watch).
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path

from ecgviz.errors import ReadError
from ecgviz.readers.leads import millivolts_per

_HEAD_BYTES, _HEAD_LINES, _PROBE = 262_144, 400, 12
_NUMBER = re.compile(r"[+-]?(?:\d+(?:[.,]\d*)?|[.,]\d+)(?:[eE][+-]?\d{1,3})?$")
_CLOCK = re.compile(
    r"\[?(?:\d{4}-\d\d-\d\d[ T])?(?:\d{1,4}:)?\d{1,4}:\d{1,2}(?:[.,]\d+)?"
    r"(?:Z|[+-]\d\d:?\d\d)?(?:\s\d\d/\d\d/\d{4})?\]?$"
)
_BLANKS = re.compile(r" {2,}")
_GAPS = {"", "-", "nan", "na", "n/a", "null", "none", "inf", "-inf", "+inf"}
_UNIT_BEHIND = re.compile(r"^(.*?)[\s_]*(?:[(\[]\s*([^()\[\]]{1,16})\s*[)\]]|[_/]\s*(mV|uV|\u00b5V|\u03bcV|V))\s*$")
_FS = re.compile(
    r"(?:\bfs\b|sampl\w*[\s_]*(?:rate|freq\w*)|\bfrequency\b)[^0-9\n]{0,12}?([0-9]+(?:[.,][0-9]+)?)\s*(k?hz|hertz)?",
    re.I,
)
_KEY_UNIT = re.compile(r"^\W*units?\W+([^\s,;]+)", re.I)
_KEY_LEAD = re.compile(r"^\W*(?:lead|channel)\W*[,;:=\t]\W*([\w +-]{1,20}?)\W*$", re.I)
_TIME_NAMES = re.compile(
    r"^(?:elapsed[\s_]*)?(?:time|timestamp|zeit|t|sec|secs|seconds?|ms|milliseconds?|date[\s_]*time|times?tamps?)(?:[\s_]*(?:s|sec|ms|us))?$",
    re.I,
)
_INDEX_NAMES = re.compile(
    r"^(?:|unnamed.*|index|idx|nr|no|sample|samples|sample[\s_]*(?:#|no|nr|number|index)|#)$", re.I
)
TIME_UNITS = {
    "s": 1.0,
    "sec": 1.0,
    "secs": 1.0,
    "second": 1.0,
    "seconds": 1.0,
    "ms": 1e-3,
    "msec": 1e-3,
    "milliseconds": 1e-3,
    "us": 1e-6,
    "\u00b5s": 1e-6,
}


@dataclass(frozen=True)
class Layout:
    """What was found.

    Attributes:
        encoding: of the file.
        separator: between columns; a blank for any white space.
        decimal: "." or ",".
        skip: lines before the first row of numbers.
        names: one a column as written, without the unit; None where the file has no header row.
        units: one a column as written, None where not stated.
        fs: sampling frequency that the preface states, Hz.
        n_columns: columns.
        rows: first rows, as text.
    """

    encoding: str
    separator: str
    decimal: str
    skip: int
    names: tuple[str, ...] | None
    units: tuple[str | None, ...]
    fs: float | None
    n_columns: int
    rows: tuple[tuple[str, ...], ...]

    def time_column(self) -> int | None:
        """Column of the time: named so, or written as a clock, or an unnamed first one of even steps below 1."""
        for i in range(self.n_columns):
            if self.names and _TIME_NAMES.match(self.names[i].strip()):
                return i
        if all(_CLOCK.match(row[0].strip("'\" ")) for row in self.rows):
            return 0
        steps = self._first_steps()
        even = bool(steps) and min(steps) > 0 and max(steps) < 1 and max(steps) < 1.5 * min(steps)
        return 0 if self.names is None and self.n_columns > 1 and even else None

    def index_column(self) -> int | None:
        """Column that only counts samples: named so, or an unnamed first one of 0, 1, 2 ..."""
        if self.names:
            return next((i for i in range(self.n_columns) if _INDEX_NAMES.match(self.names[i].strip())), None)
        steps = self._first_steps()
        return 0 if self.n_columns > 1 and steps and all(step == 1 for step in steps) else None

    def _first_steps(self) -> list[float]:
        try:
            values = [float(row[0].replace(",", ".")) for row in self.rows]
        except ValueError:
            return []
        return [after - before for before, after in itertools.pairwise(values)]


def looks_delimited(head: bytes) -> bool:
    """Whether the first bytes of a file are text with numbers in it."""
    text = _decode(head)[0]
    if text is None or "<" in text[:200].split("\n")[0][:2]:
        return False
    return sum(bool(_cells_numeric(line)) for line in text.splitlines()[:_HEAD_LINES]) >= 2


def find_layout(path: Path) -> Layout:
    """Look at the first lines of a text table.

    Raises:
        ReadError: no text, or no rows of numbers.
    """
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
        cut = bool(file.read(1))
    text, encoding = _decode(head)
    lines = (text or "").splitlines()
    lines = lines[:-1] if cut and len(lines) > 1 else lines
    for number in range(min(len(lines), _HEAD_LINES)):
        if not _cells_numeric(lines[number]):
            continue
        probe = [line for line in lines[number : number + _PROBE] if line.strip()]
        separator, decimal = _separator(probe)
        rows = [_split(line, separator) for line in probe]
        if len(rows) < 2 or len({len(row) for row in rows}) > 1 or not all(_cells_numeric(line) for line in probe):
            continue
        return _with_header(lines[:number], encoding, separator, decimal, rows, number)
    raise ReadError(path, "no rows of numbers were found in it; give a table with one column a lead.")


def _with_header(
    before: list[str], encoding: str, separator: str, decimal: str, rows: list[list[str]], number: int
) -> Layout:
    width = len(rows[0])
    header = [line for line in before if line.strip()]
    names: list[str] | None = None
    units: list[str | None] = [None] * width
    titles = [_split(line.lstrip("# "), separator) for line in header]
    titles = [[cell.strip("'\" ") for cell in row] for row in titles]
    if titles and len(titles[-1]) == width and not (width == 1 and _is_key(header[-1])):
        names = titles[-1]
        second = [cell.strip("()[] ") for cell in names]
        if len(titles) > 1 and len(titles[-2]) == width and any(map(millivolts_per, second)):
            units, names = list(second), titles[-2]
    if names is not None:
        for i, name in enumerate(names):
            if (match := _UNIT_BEHIND.match(name[:80])) and (unit := match[2] or match[3]):
                names[i], units[i] = match[1], unit
    fs, unit, lead = _preface(header)
    if unit is not None:
        units = [known or unit for known in units]
    if names is None and width == 1 and lead:
        names = [lead]
    return Layout(
        encoding,
        separator,
        decimal,
        number,
        tuple(names) if names else None,
        tuple(units),
        fs,
        width,
        tuple(map(tuple, rows)),
    )


def _is_key(line: str) -> bool:
    line = line[:200]
    return bool(_FS.search(line) or _KEY_UNIT.match(line) or re.search(r"[,:=;]\s*\S", line))


def _preface(lines: Sequence[str]) -> tuple[float | None, str | None, str | None]:
    """Sampling frequency, unit and lead stated before the table; whatever else stands there is not looked at."""
    fs = unit = lead = None
    for line in (line[:200] for line in lines[:100]):
        if (match := _FS.search(line)) and fs is None:
            fs = float(match[1].replace(",", ".")) * (1000 if (match[2] or "").lower() == "khz" else 1)
            fs = fs if isfinite(fs) and fs > 0 else None
        elif (match := _KEY_UNIT.match(line)) and millivolts_per(match[1].strip("'\"")):
            unit = match[1].strip("'\"")
        elif match := _KEY_LEAD.match(line):
            lead = match[1]
    return fs, unit, lead


def _decode(head: bytes) -> tuple[str | None, str]:
    """The text and its encoding; None for bytes that are no text."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return head[: len(head) // 2 * 2].decode("utf-16", errors="replace"), "utf-16"
    if b"\0" in head:
        return None, ""
    sample = head[:4096]
    if sum(byte < 9 or 13 < byte < 32 for byte in sample) > 0:
        return None, ""
    try:
        return head.decode("utf-8-sig"), "utf-8-sig"
    except UnicodeDecodeError as error:
        if error.start >= len(head) - 4:
            return head[: error.start].decode("utf-8-sig", errors="replace"), "utf-8-sig"
        return head.decode("latin-1"), "latin-1"


def _separator(lines: list[str]) -> tuple[str, str]:
    """What separates the columns and what the decimals, judged on the first rows of numbers."""
    for mark in (";", "\t"):
        if all(mark in line for line in lines):
            return mark, "," if any("," in line for line in lines) and not any("." in line for line in lines) else "."
    if all("," in line for line in lines):
        return ",", "."
    return (" ", ".") if all(len(line.split()) > 1 for line in lines) else (",", ".")


def _split(line: str, separator: str) -> list[str]:
    return line.split() if separator == " " else [cell.strip() for cell in line.rstrip("\r\n").split(separator)]


def _cells_numeric(line: str) -> bool:
    """Whether a line is a row of numbers: at least one, and nothing but numbers, gaps and clock times."""
    cells = [cell.strip(" '\"") for cell in re.split(r"[;\t,]| (?=[+\-.\d])", _BLANKS.sub(" ", line.strip()))]
    numbers = sum(bool(_NUMBER.match(cell)) for cell in cells)
    return numbers > 0 and all(_NUMBER.match(cell) or cell.lower() in _GAPS or _CLOCK.match(cell) for cell in cells)
