"""Finds the layout of a text table: column names, leads and units.

Looks at the first lines only. It knows plain CSV and TSV, decimal commas, PhysioNet's ``rdsamp -c`` output
with its row of units, and exports with a preface of "key, value" lines (such as those of a watch).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path

from readers.channels.leads import clean_lead_name, is_clinical, millivolts_per
from readers.channels.time_names import is_index_name, is_time_name, seconds_per
from readers.core.errors import ReadError
from readers.delimited.cells import NUMBER, Table, decode, find_table, has_two_meanings, lines_of, split
from readers.delimited.preface import Preface, read_preface, states_fs, states_unit
from readers.request import FS_HIGHEST, FS_LOWEST

_HEAD_BYTES, _HEADER_LINES = 262_144, 4
_BRACKETED = re.compile(r"^(.*?)[\s_]*[(\[]\s*([^()\[\]]{1,16})\s*[)\]]\s*$")
_VOLTS_BEHIND = re.compile(r"^(.*?)(?:[\s_./-]+((?i:[mu\u00b5\u03bc]V))|[_/]\s*(V))\s*$")
_SECONDS_BEHIND = re.compile(r"^(.*time|.*stamp|t|zeit|temps)[\s_./-]+(s|sec|ms|us|ns|min)\s*$", re.I)
_TREATMENTS = {"raw", "filtered", "formatted", "calibrated", "cal", "processed", "clean", "signal"}
"""What may stand in brackets behind a name and is no unit."""
_COUNTS = {"adu", "adc", "counts", "lsb", "raw"}
_OTHER_UNITS = {"nu", "%", "bpm", "mmhg", "g", "l", "ohm", "\u00b0c", "no_units", "none", "-", ""}
_ECG = re.compile(r"^(?:ecg|ekg|lead|channel|ch)[\s_-]*\d*$", re.I)
_CHANNELS = re.compile(r"\bCH\d{1,3}\b")
"""How AcqKnowledge heads its columns; a row with the number of samples of each follows."""
_CLOCK_UNIT = re.compile(r"^h{1,2}:m{1,2}(?::s{1,2})?", re.I)


@dataclass(frozen=True)
class Layout:
    """Layout of a text table.

    Attributes:
        encoding: of the file.
        separator: between columns; a blank for any white space.
        decimal: "." or ",".
        skip: lines before the first row of numbers.
        names: one a column as written, without the unit; None where the file has no header row.
        units: one a column as written, None where not stated.
        fs: sampling frequency that the preface states, Hz.
        rows: first rows, as text.
        kinds: a letter for each column, as of :class:`readers.delimited.cells.Table`.
        no_leads: columns that the preface calls no signals.
        start_s: when a LabChart export begins, seconds since 1899-12-30.
        unit: of the leads that state none of their own, from the preface; it says nothing of a column of times.
        thousands: what stands between the thousands of its numbers, None for nothing.
    """

    encoding: str
    separator: str
    decimal: str
    skip: int
    names: tuple[str, ...] | None
    units: tuple[str | None, ...]
    fs: float | None
    rows: tuple[tuple[str, ...], ...]
    kinds: str
    no_leads: frozenset[int] = frozenset()
    start_s: float | None = None
    unit: str | None = None
    thousands: str | None = None

    @property
    def n_columns(self) -> int:
        """Number of columns."""
        return len(self.kinds)

    def full_name(self, column: int) -> str | None:
        """A column's name with its unit in brackets; None where it has neither."""
        name, unit = self.names[column] if self.names else "", self.units[column]
        return f"{name} [{unit}]".strip() if unit else name or None


def has_table(path: Path) -> bool:
    """Whether a file is text with numeric rows."""
    lines, _ = _first_lines(path)
    return bool(lines) and not lines[0].lstrip().startswith("<") and find_table(lines) is not None


def find_layout(path: Path) -> Layout:
    """Layout from the first lines of a text table.

    Raises:
        ReadError: no text, or no rows of numbers.
    """
    lines, encoding = _first_lines(path)
    table = find_table(lines)
    if table is None:
        raise ReadError(path, "no rows of numbers were found in it; give a table with one column a lead.")
    if has_two_meanings(table):
        raise ReadError(
            path, "its numbers have decimal commas, and commas stand between them, too; export it with semicolons."
        )
    above = [line for line in lines[: table.first] if line.strip()]
    layout = _without_first_rows(_with_header(above, encoding, table), above)
    if "t" in layout.kinds and not _speaks_of_an_ecg(layout):
        raise ReadError(
            path,
            "it holds text, and none of its columns is called a lead, a time or a unit: it is taken for no recording. "
            "Give a table with one column a lead.",
        )
    return layout


def _without_first_rows(layout: Layout, above: list[str]) -> Layout:
    """The layout without leading rows that only resemble samples.

    Empatica's files begin with the moment of the start (Unix time) and the sampling frequency, AcqKnowledge's with the
    number of samples of each channel.
    """
    try:
        first, second, *others = ([float(cell.replace(",", ".")) for cell in row if cell] for row in layout.rows)
    except ValueError:
        return layout
    if above and _CHANNELS.search(above[-1]):
        counted = bool(first) and min(first) > 1 and all(value.is_integer() for value in first)
        return replace(layout, skip=layout.skip + 1, rows=layout.rows[1:]) if counted else layout
    started = (
        others and len(set(first)) == 1 and 1e9 < first[0] < 4e9 and not any(max(row) > first[0] / 2 for row in others)
    )
    if layout.names or not started or len(set(second)) > 1 or not FS_LOWEST <= second[0] <= FS_HIGHEST:
        return layout
    return replace(layout, skip=layout.skip + 2, fs=second[0], rows=layout.rows[2:])


def _speaks_of_an_ecg(layout: Layout) -> bool:
    """Whether a table with text columns nevertheless holds samples, rather than a list of patients."""
    if layout.names is None or layout.fs or layout.unit:
        return True
    timed = [i for i, kind in enumerate(layout.kinds) if kind in "nc"]
    columns = zip(layout.names, layout.units, strict=True)
    return any(is_time_name(layout.names[i], sure=i > 0) for i in timed) or any(
        millivolts_per(unit) or is_clinical(clean_lead_name(name)) or _ECG.match(name) for name, unit in columns
    )


def _first_lines(path: Path) -> tuple[list[str], str]:
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
        cut = bool(file.read(1))
    text, encoding = decode(head)
    lines = lines_of(text or "")
    return (lines[:-1] if cut and len(lines) > 1 else lines), encoding


def _with_header(above: list[str], encoding: str, table: Table) -> Layout:
    width = len(table.kinds)
    preface = read_preface(above)
    names, units = _header(above, table)
    if preface.names and (fitted := _fitted_names(preface, table)) is not None:
        names, stated = fitted
        units = [own or known for own, known in zip(units, stated, strict=True)]
    if names is not None:
        for i, name in enumerate(names):
            names[i], unit = without_unit(name[:80])
            units[i] = unit or units[i]
    if names is None and width == 1 and preface.lead:
        names = [preface.lead]
    others = frozenset(i for i, name in enumerate(names or ()) if name in preface.no_leads)
    return Layout(
        encoding, table.separator, table.decimal, table.first, tuple(names) if names else None, tuple(units),
        preface.fs, table.rows, table.kinds, others, preface.start_s, preface.unit, table.thousands,
    )  # fmt: skip


def _header(above: list[str], table: Table) -> tuple[list[str] | None, list[str | None]]:
    """Names and units of the columns, from the one or two rows above the table."""
    units: list[str | None] = [None] * len(table.kinds)
    lines = above[-_HEADER_LINES:]
    for at, line in reversed(list(enumerate(lines))):
        row = _fitted(line, table)
        if row is None:
            if line.lstrip()[:1] in {"#", "%"} and len(table.kinds) > 1:
                continue
            return None, units
        if _is_key(line, row):
            return None, units
        if (
            not any(units)
            and any(map(_is_lead_unit, row))
            and (all(map(_is_unit, row)) or _is_names(lines[:at], table))
        ):
            units = [cell.strip("()[] ") or None for cell in row]
            continue
        if all(cell.isdecimal() for cell in row):
            return None, units
        return row, units
    return None, units


def _is_names(above: list[str], table: Table) -> bool:
    """Whether the last line is a row of names, so that the next one holds units."""
    row = _fitted(above[-1], table) if above else None
    return row is not None and not _is_key(above[-1], row) and not any(map(_is_lead_unit, row)) and any(row)


def _fitted(line: str, table: Table) -> list[str] | None:
    """Cells of a header row, one for each column; None where their number does not match.

    Recorders leave a separator behind the last column in the header or in the rows alone, R leaves out the name of
    the first column, and white space separates the words of a name, too.
    """
    width, line = len(table.kinds), line.lstrip("#% ") if table.separator != " " else line.strip("#% ")
    row = split(line, table.separator)
    if len(row) > width and table.separator == " ":
        row = [cell.strip("'\" ") for cell in re.split(r"\s{2,}|\t", line.strip())]
    if len(row) == width + 1 and not row[-1]:
        return row[:-1]
    if len(row) == width - 1 and table.kinds[-1] == "g":
        return [*row, ""]
    if len(row) == width - 1 and [cells[0] for cells in table.rows[:2]] in (["0", "1"], ["1", "2"]):
        return ["", *row]
    return row if len(row) == width else None


def _is_key(line: str, row: list[str]) -> bool:
    """Whether a line with as many cells as the table is "key, value" rather than a header."""
    if states_fs(line) or states_unit(line) or row[0].endswith(("=", ":")):
        return True
    if len(row) == 1:
        return bool(re.search(r"[,:=;]\s*\S", line[:200]))
    numbers = any(NUMBER.match(cell) for cell in row)
    return len(row) == 2 and numbers and not (is_time_name(row[0]) or is_index_name(row[0]))


def _is_unit(cell: str) -> bool:
    plain = cell.strip("()[] ").lower()
    known = seconds_per(cell) or plain in _OTHER_UNITS or _CLOCK_UNIT.match(plain) or is_index_name(plain)
    return bool(known or _is_lead_unit(plain))


def _is_lead_unit(cell: str) -> bool:
    plain = cell.strip("()[] ").lower()
    return plain in _COUNTS or millivolts_per(plain) is not None


def _fitted_names(preface: Preface, table: Table) -> tuple[list[str], list[str | None]] | None:
    """Names and units from the preface, with a time column before and an empty one after them."""
    widths = len(table.kinds), len(table.kinds.rstrip("gt"))
    for before in ((), ("time",)):
        for width in widths:
            if len(before) + len(preface.names) == width:
                rest = len(table.kinds) - width
                return [*before, *preface.names, *[""] * rest], [*[None] * len(before), *preface.units, *[None] * rest]
    return None


def without_unit(name: str) -> tuple[str, str | None]:
    """A column's name, and the unit in brackets or after a slash; None where there is none."""
    if millivolts_per(name) and len(name) > 1:
        return "", name
    if match := _BRACKETED.match(name):
        inside = match[2].strip()
        if inside.lower() in _TREATMENTS:
            return match[1], None
        if is_clinical(clean_lead_name(inside)) and inside != "V":
            return inside, None
        return match[1], inside
    if match := _VOLTS_BEHIND.match(name) or _SECONDS_BEHIND.match(name):
        return match[1], match[2] or match[3]
    return name, None
