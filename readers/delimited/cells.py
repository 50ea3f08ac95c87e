"""Finds the first row, the separator and the column types of a text table.

A column is judged over the first rows together: a label in every row, or in the first one alone, does not hide
the numbers beside it, and a cell of text among numbers is a gap in them.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from operator import itemgetter
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

NUMBER = re.compile(r"[+-]?(?:\d+(?:[.,]\d*)?|[.,]\d+)(?:[eE][+-]?\d{1,3})?$")
_DAY = r"(?:\d{4}[-/.]\d\d?[-/.]\d\d?|\d\d?[-/.]\d\d?[-/.]\d{4})"
_SHORT_DAY = r"\d\d?[-/.]\d\d?[-/.]\d\d"
_DATE = re.compile(_DAY + "$")
_CLOCK = re.compile(
    rf"\[?(?:(?:{_DAY}|{_SHORT_DAY})[ T]{{1,2}}|\d+ days?,? )?(?:\d{{1,4}}:)?\d{{1,4}}:\d{{1,2}}(?:[.,]\d+|:\d{{3}})?"
    r"(?:\s?[AaPp][Mm])?(?:Z|\s?[+-]\d\d:?\d\d)?(?:\s\d\d/\d\d/\d{4})?\]?$"
)
_ARROW = "->"
"""What Arduino's serial monitor writes behind the time of each line."""
_GAPS = {"", "-", _ARROW, "nan", "na", "n/a", "null", "none", "inf", "-inf", "+inf"}
_COMMA_NUMBER = re.compile(r"\s*['\"]?([+-]?)(\d+)(?:,(\d+))?['\"]?\s*$")
_GROUPED = {
    mark: re.compile(
        rf"(?:(?<=[;\t|\"])|^(?=[^;\t|\n]*[;\t|]))[+-]?\d{{1,3}}(?:[{mark}]\d{{3}})+[{decimal}]\d+(?=[;\t|\"]|$)", re.M
    )
    for mark, decimal in ((",", "."), (".", ","))
}
"""Cells such as 1,234.5 and 1.234,5, whose marks tell each other apart."""
_LINE_ENDS = re.compile(r"\r\n|\r|\n")
_SEPARATORS = (";", "\t", ",", "|", " ")
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f]")
_MINUS = "\u2212"
"""How typesetters write a minus."""
_FIRST_LINES, _PROBE, _CHECKED = 400, 12, 4096
_LEGACY = {
    "cp949": "\uc2ec\uc804\ub3c4|\uc2dc\uac04|\ud5e4\ub974\uce20|\ub2e8\uc704|\uc0d8\ud50c|\uc720\ub3c4",
    "cp932": "\u5fc3\u96fb|\u6642\u9593|\u6642\u523b|\u30d8\u30eb\u30c4|\u5358\u4f4d|\u8a98\u5c0e",
    "gb18030": "\u5fc3\u7535|\u65f6\u95f4|\u8d6b\u5179|\u5355\u4f4d|\u5bfc\u8054|\u91c7\u6837",
    "big5": "\u5fc3\u96fb|\u6642\u9593|\u8d6b\u8332|\u55ae\u4f4d|\u5c0e\u7a0b|\u53d6\u6a23",
    "cp1251": "\u044d\u043a\u0433|\u0432\u0440\u0435\u043c\u044f|"
    "\u0447\u0430\u0441\u0442\u043e\u0442\u0430|\u043c\u043a?\u0432\\b|\u0433\u0446\\b",
}
"""ECG, time, frequency and unit in Korean, Japanese, Chinese of either kind, and Russian."""
_KEY_MARKS = ("=", ":")


@dataclass(frozen=True)
class Table:
    """The first numeric rows of a table.

    Attributes:
        first: line that the first row stands on, from 0.
        separator: between columns; a blank for any white space.
        decimal: "." or ",".
        rows: first rows, as text without quotes.
        kinds: a letter for each column: number, clock time, date, text, or gap where it is empty.
        thousands: what stands between the thousands of its numbers, None for nothing.
    """

    first: int
    separator: str
    decimal: str
    rows: tuple[tuple[str, ...], ...]
    kinds: str
    thousands: str | None = None


def decode(head: bytes) -> tuple[str | None, str]:
    """The text and its encoding; None for bytes that are no text."""
    encoding = _encoding(head)
    if encoding.startswith("utf-16"):
        head = head[: len(head) // 2 * 2]
    text = head.decode(encoding, errors="replace") if encoding else None
    return (None, "") if text is None or _CONTROL.search(text[:_CHECKED]) else (text, encoding)


def _encoding(head: bytes) -> str:
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    if b"\0" in head:
        unmarked = json.detect_encoding(head)
        return unmarked if unmarked.startswith("utf-16") and head.count(b"\0") > 0.4 * len(head) else ""
    try:
        head.decode("utf-8")
    except UnicodeDecodeError as error:
        return "utf-8-sig" if error.start >= len(head) - 4 else _legacy(head)
    return "utf-8-sig"


def _legacy(head: bytes) -> str:
    """The pre-Unicode encoding in which an ECG's header words can be read, else Latin-1.

    Each of them reads the letters of the others as some letters of its own, but not as these words.
    """
    start = head[:_CHECKED].rpartition(b"\n")[0] or head[:_CHECKED]
    for encoding, words in _LEGACY.items():
        try:
            if re.search(words, start.decode(encoding), re.I):
                return encoding
        except UnicodeDecodeError:
            continue
    return "latin-1"


def lines_of(text: str) -> list[str]:
    """Lines as pandas counts them, with fewer line ends than ``str.splitlines``."""
    return _LINE_ENDS.split(text)


def split(line: str, separator: str) -> list[str]:
    """Cells of a line without their quotes."""
    line = line.replace(_MINUS, "-")
    if separator == " ":
        cells = line.split()
    elif '"' in line:
        try:
            cells = next(csv.reader([line], delimiter=separator, skipinitialspace=True), [])
        except csv.Error:
            cells = line.split(separator)
    else:
        cells = line.split(separator)
    return [cell.strip("'\" \t") for cell in cells]


def to_numbers(column: pd.Series, decimal: str) -> tuple[np.ndarray, pd.Series]:
    """A text column as float64 with NaN for non-numbers, and the text without quotes.

    What is no plain number does not reach pandas, which crashes at exponents such as 1e2147483648.
    """
    import pandas as pd

    text = column.astype(str).str.strip("'\"[] ").str.replace(_MINUS, "-")
    plain = text.str.replace(",", ".") if decimal == "," else text
    numbers = pd.to_numeric(plain.where(plain.str.match(NUMBER.pattern)), errors="coerce")
    return numbers.to_numpy(np.float64, na_value=np.nan), text


def is_comment(line: str) -> bool:
    """Whether the reader skips a line."""
    return line.lstrip().startswith("#")


def find_table(lines: Sequence[str]) -> Table | None:
    """First line of a table; None where no two numeric rows follow each other."""
    content = [i for i, line in enumerate(lines) if line.strip() and not is_comment(line)]
    thousands = _thousands(lines)
    cells = lru_cache(maxsize=None)(lambda number, separator: _cells(lines[number], separator, thousands))
    for at, first in enumerate(content):
        if first >= _FIRST_LINES:
            break
        if _one_column([lines[i] for i in content[at : at + _FIRST_LINES]], [lines[i] for i in content[:at]]):
            return Table(first, ";", ",", tuple((lines[i].strip("'\" \t"),) for i in content[at : at + _PROBE]), "n")
        probes = ([cells(i, separator) for i in content[at : at + _PROBE]] for separator in _SEPARATORS)
        found = [
            (columns.count("t"), separator, columns, rows)
            for separator, probe in zip(_SEPARATORS, probes, strict=True)
            if (rows := _even(probe, separator)) and (columns := _columns(rows, separator))
        ]
        if not found:
            continue
        _, separator, columns, rows = min(found, key=itemgetter(0))
        above = cells(content[at - 1], separator).kinds if at else ""
        if not _is_row(rows[0], columns, above) or ("t" not in above and _only_counts(rows)) or _is_preface(rows):
            continue
        texts = tuple(row.texts for row in rows)
        return Table(first, separator, _decimal(texts), texts, columns, thousands)
    return None


class _Row(NamedTuple):
    """Cells of a line, and a letter for the type of each."""

    texts: tuple[str, ...]
    kinds: str


def _thousands(lines: Sequence[str]) -> str | None:
    """The thousands separator, where some numbers have it together with a decimal mark."""
    marks = [mark for mark, grouped in _GROUPED.items() if any(map(grouped.search, lines))]
    return marks[0] if len(marks) == 1 else None


def _cells(line: str, separator: str, thousands: str | None) -> _Row:
    row = split(line, separator)
    if thousands:
        grouped = re.compile(rf"[+-]?\d{{1,3}}(?:[{thousands}]\d{{3}})+(?:[.,]\d+)?$")
        row = [cell.replace(thousands, "") if grouped.match(cell) else cell for cell in row]
    return _Row(tuple(row), "".join(map(_kind, row)))


def _even(rows: list[_Row], separator: str) -> list[_Row] | None:
    """Rows of one table, without trailing empty cells that only some have; None where these lines are no table."""
    width = min(len(row.kinds) for row in rows)
    if len(rows) < 2 or (width == 1 and separator != ","):
        return None
    if separator == "|" and not rows[-1].texts[0]:  # Markdown
        return None
    if any(len(row.kinds) > width + 1 or row.kinds[width:] not in {"", "g"} for row in rows):
        return None
    return [_Row(row.texts[:width], row.kinds[:width]) for row in rows]


def _kind(cell: str) -> str:
    if NUMBER.match(cell):
        return "n"
    if cell.lower() in _GAPS or cell.startswith("#"):
        return "g"
    if len(cell) <= 40 and _CLOCK.match(cell):
        return "c"
    return "d" if len(cell) <= 10 and _DATE.match(cell) else "t"


def _columns(rows: list[_Row], separator: str) -> str | None:
    """Types of the columns; None where they hold no samples.

    Text between blanks is prose, and a table of more text than numbers is none of samples.
    """
    found = []
    for kinds in zip(*(row.kinds for row in rows), strict=True):
        stated = [kind for kind in kinds if kind != "g"]
        found.append(max("ncdt", key=stated.count) if stated else "g")
    columns = "".join(found)
    n_text = columns.count("t")
    if "n" not in columns or (separator == " " and n_text) or n_text > columns.count("n") + columns.count("c"):
        return None
    return columns


def _is_row(row: _Row, columns: str, above: str) -> bool:
    """Whether a line is the first row of its table rather than a header or part of the preface.

    A line of numbers with text among them ("time,1,2" or "0.004,lead off") is a row where a header stands above it.
    """
    values = [own for own, column in zip(row.kinds, columns, strict=True) if column in "nc"]
    if not any(own in "nc" for own in values) or row.texts[0].endswith(_KEY_MARKS):
        return False
    if "t" not in values:
        return True
    header = len(above) == len(columns) and "t" in above and not any(kind in "nc" for kind in above)
    return header and values[0] != "t"


def _is_preface(rows: list[_Row]) -> bool:
    """Whether "key, value" lines precede numbers that begin a few lines further down."""
    return rows[0].kinds[0] == "t" and any(row.kinds[0] in "nc" for row in rows)


def _only_counts(rows: list[_Row]) -> bool:
    """Whether the first row is 0, 1, 2 ..., the header of unnamed columns."""
    first, width = list(rows[0].texts), len(rows[0].texts)
    if width < 2 or first not in ([str(i) for i in range(width)], [str(i + 1) for i in range(width)]):
        return False
    return all("." in row.texts[i] for row in rows[1:] for i in range(width))


def _decimal(rows: Sequence[Sequence[str]]) -> str:
    numbers = [cell for row in rows for cell in row if NUMBER.match(cell)]
    return "," if any("," in cell for cell in numbers) and not any("." in cell for cell in numbers) else "."


def has_two_meanings(table: Table) -> bool:
    """Whether commas are both decimal marks and separators: 0,004,0,125 is 0.004 and 0.125.

    Told by zeros at the front of every second cell and of no other; behind an arrow none is a decimal mark.
    """
    columns = list(zip(*table.rows, strict=True))
    if table.separator == " " and any(_ARROW in row for row in table.rows):
        return table.decimal == ","
    if table.separator != "," or len(columns) < 4 or len(columns) % 2:
        return False
    padded = [
        any(cell.lstrip("+-").startswith("0") and cell.lstrip("+-") != "0" for cell in column) for column in columns
    ]
    whole = all(cell.lstrip("+-").isdecimal() for column in columns for cell in column)
    return whole and all(padded[1::2]) and not any(padded[::2])


def _one_column(lines: list[str], before: list[str]) -> bool:
    """Whether lines such as "-145,000" hold one number with a decimal comma rather than two integers.

    Told by lines without a comma among them, by zeros that a whole number has not (-0,5 and 3,05), or by the
    semicolons of the preface.
    """
    if len(lines) < 2 or not _COMMA_NUMBER.match(lines[0]):
        return False
    cells = [match for line in lines if (match := _COMMA_NUMBER.match(line))]
    fractions = [cell[3] for cell in cells if cell[3]]
    if len(cells) < 0.9 * len(lines) or not fractions:
        return False
    if len(fractions) < len(cells) or any(cell[1] and cell[2] == "0" for cell in cells):
        return True
    if any(len(digits) > 1 and digits.startswith("0") for digits in fractions):
        return True
    listed = bool(before) and "," in before[-1] and ";" not in before[-1]
    return not listed and any(";" in line for line in before)
