"""Converts a JSON document to columns: lists of records become one column per field, at any nesting.

What is left are numbers, texts, series of numbers, tables of them, and packets: the series that many records hold.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from readers.channels.leads import clean_lead_name, is_clinical
from readers.channels.time_names import seconds_per

_MOST_FIELDS, _DEEPEST, _LEAST_INDEX = 512, 40, 16
_NUMBER = re.compile(r"\s*[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?\s*$")


@dataclass(frozen=True, eq=False)
class Packets:
    """The series of a list of records, in order.

    Attributes:
        parts: float64 (n_samples,) of each record, (0,) where it has none.
    """

    parts: tuple[np.ndarray, ...]

    @property
    def sizes(self) -> list[int]:
        """Samples in each packet."""
        return [len(part) for part in self.parts]


Texts = tuple[str, ...]
Leaf = float | str | np.ndarray | Texts | Packets
Columns = Mapping[str, "Columns | Leaf"]
Kind = TypeVar("Kind")


def columns_of(document: object) -> Columns | Leaf | None:
    """Columns of a document decoded by :mod:`json`; None where it holds nothing usable."""
    return _columns(document, 0)


def leaves(columns: Columns | Leaf | None, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Leaf]]:
    """Each leaf with the names on its path, in document order."""
    if isinstance(columns, Mapping):
        for name, inner in columns.items():
            yield from leaves(inner, (*path, name))
    elif columns is not None:
        yield path, columns


def _columns(value: object, depth: int) -> Columns | Leaf | None:
    if depth > _DEEPEST or isinstance(value, bool):
        return None
    if isinstance(value, str):
        return value
    if isinstance(value, int | float):
        return _number(value)
    if isinstance(value, dict):
        value = _sampled_data(value) or _split_table(value) or value
        if len(value) < _LEAST_INDEX or not all(name.isdecimal() for name in value):
            return _fields(value, depth)
        value = list(value.values())  # pandas writes an index so
    return _of_list(value, depth + 1, records=False) if isinstance(value, list) else None


def _fields(record: Mapping[str, object], depth: int) -> Columns:
    inner = ((name, _columns(record[name], depth + 1)) for name in list(record)[:_MOST_FIELDS])
    return {name: column for name, column in inner if column is not None}


def _of_list(values: Sequence[object], depth: int, *, records: bool) -> Columns | Leaf | None:
    """Column of a list, or of a field in a list of records."""
    kinds = {type(value) for value in values} - {type(None)}
    found: Columns | Leaf | None = None
    if depth > _DEEPEST or not kinds:
        return found
    if len(values) == 1 and (records or kinds <= {dict, list}):
        found = _columns(values[0], depth)
    elif kinds <= {int, float}:
        found = np.array([_number(value) for value in values])
    elif kinds == {str}:
        found = _of_texts(["" if value is None else str(value) for value in values])
    elif kinds == {dict}:
        found = _of_records([value if isinstance(value, dict) else {} for value in values], depth)
    elif kinds == {list}:
        found = _of_lists([value if isinstance(value, list) else [] for value in values], depth, records=records)
    return found


def _number(value: object) -> float:
    try:
        return float(value) if isinstance(value, int | float) else float("nan")
    except OverflowError:
        return float("nan")


def _of_texts(texts: list[str]) -> np.ndarray | Texts:
    """Numbers, where all texts are numbers."""
    if all(_NUMBER.match(text) for text in texts):
        return np.array([float(text) for text in texts])
    return tuple(texts)


def _of_records(records: list[dict], depth: int) -> Columns:
    """One column per field; NaN, "" or an empty packet where a record lacks it."""
    special = [_sampled_data(record) or _split_table(record) or record for record in records]
    names = dict.fromkeys(name for record in special for name in record)
    found = {}
    for name in list(names)[:_MOST_FIELDS]:
        values = [record.get(name) for record in special]
        if all(isinstance(value, dict) for value in values if value is not None):
            values = [value for value in values if value is not None]
        column = _of_list(values, depth + 1, records=True)
        if column is not None:
            found[name] = column
    return found


def _of_lists(values: list[list], depth: int, *, records: bool) -> Columns | Leaf | None:
    parts = [_of_list(value, depth + 1, records=False) if value else None for value in values]
    series = [part for part in _all_of(np.ndarray, parts) if part.ndim == 1]
    # The samples count, not the lists: one list of several may lie in a list of its own.
    if records or len(series) < len(parts) or len({len(one) for one in series}) > 1:
        return _side_by_side(parts)
    return np.stack(series)


def _all_of(kind: type[Kind], values: Sequence[object]) -> list[Kind]:
    """The values, if all are of the type, else none."""
    same = [value for value in values if isinstance(value, kind)]
    return same if len(same) == len(values) else []


def _side_by_side(parts: Sequence[Columns | Leaf | None]) -> Columns | Leaf | None:
    """Matching columns of several records; none where they differ in type."""
    known = [part for part in parts if part is not None]
    if len(known) < 2:
        return known[0] if known else None
    found: Columns | Leaf | None = None
    if records := _all_of(dict, known):
        names = dict.fromkeys(name for record in records for name in record)
        merged = {name: _side_by_side([record.get(name) for record in records]) for name in names}
        found = {name: column for name, column in merged.items() if column is not None}
    elif (series := _all_of(np.ndarray, known)) and all(one.ndim == 1 for one in series):
        found = Packets(tuple(part if isinstance(part, np.ndarray) else np.empty(0) for part in parts))
    elif numbers := _all_of(float, known):
        found = np.array(numbers)
    elif texts := _all_of(str, known):
        found = tuple(texts)
    elif codes := _all_of(tuple, known):  # of several systems: the one that names a lead
        found = tuple(_lead_among(texts) for texts in codes)
    return found


def _lead_among(texts: Texts) -> str:
    return next((text for text in texts if is_clinical(clean_lead_name(text))), texts[0])


def _sampled_data(record: Mapping[str, object]) -> dict[str, object] | None:
    """Samples, frequency and unit of a SampledData of HL7 FHIR; None for other records.

    https://hl7.org/fhir/datatypes.html#SampledData: value times factor plus origin, ``period`` ms apart (R4), or an
    ``interval`` in its unit (R5); E, L and U stand for an error and for values below and above the limits.
    """
    data, origin = record.get("data"), record.get("origin")
    if not isinstance(data, str) or not isinstance(origin, dict) or not {"period", "interval"} & record.keys():
        return None
    if record.get("dimensions", 1) != 1:
        return None
    values = np.array([float(word) if _NUMBER.match(word) else np.nan for word in data.split()])
    scale, offset = _of_key(record, "factor", 1.0), _of_key(origin, "value", 0.0)
    step = seconds_per(str(record.get("intervalUnit", "ms"))) or 0.0
    seconds = _of_key(record, "period", 0.0) * 1e-3 or _of_key(record, "interval", 0.0) * step
    found: dict[str, object] = {"samples": (values * scale + offset).tolist()}
    if seconds > 0:
        found["fs"] = 1 / seconds
    if isinstance(unit := origin.get("unit") or origin.get("code"), str):
        found["unit"] = unit
    return found


def _of_key(record: Mapping[str, object], name: str, otherwise: float) -> float:
    value = record.get(name, otherwise)
    return _number(value) if isinstance(value, int | float) else otherwise


def _split_table(record: Mapping[str, object]) -> dict[str, object] | None:
    """Columns of a table in pandas' "split" orientation; None for other records."""
    names, rows = record.get("columns"), record.get("data")
    if not isinstance(names, list) or not isinstance(rows, list) or not names or not rows:
        return None
    if not all(isinstance(row, list) and len(row) == len(names) for row in rows):
        return None
    return dict(zip(map(str, names), map(list, zip(*rows, strict=True)), strict=True))
