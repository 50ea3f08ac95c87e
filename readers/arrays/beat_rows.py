"""Tables with one beat per row instead of a recording, such as ``mitbih_train.csv``.

Kachuee M et al. ECG Heartbeat Classification: A Deep Transferable Representation. ICHI 2018: 187 samples at 125 Hz from
the R peak on, scaled to 0 to 1, with zeros behind the beat, and mostly its class 0 to 4 (N S V F Q) in a column more.
People bring them with a header or a column of row numbers, with the classes first, last or in an array of their own,
and from Keras as (n, 187, 1). ``models.data.heartbeat_csv`` trains on them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from readers.core.errors import ReadError

WIDTH, FS = 187, 125.0
MAX_ROWS = 500_000
_CLASSES = "NSVFQ"
_LABEL_NAMES = {"label", "labels", "class", "classes", "target", "y", "category", "type", "annotation", "beat"}
_PADDED, _SMOOTH, _LOOKED_AT, _ROUNDING, _FEW = 0.5, 0.4, 2000, 1e-6, 32
_UNSURE = (
    "Its classes are 0 and 1 alone, which are taken for N and S; in ptbdb_normal.csv and ptbdb_abnormal.csv 1 means "
    "abnormal, which no class here does."
)


@dataclass(frozen=True)
class BeatRows:
    """Single beats, one per row.

    Attributes:
        name: of the file, without suffix.
        rows: as they stand in it, float32 (n, 187); NaN where a cell holds no number.
        label: class index of each, int64 (n,), -1 where it has none; None: the table states no classes.
        format: the reader's, such as "CSV".
        warnings: sentences that stay visible.
    """

    name: str
    rows: np.ndarray
    label: np.ndarray | None
    format: str
    warnings: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def sentence(self) -> str:
        """Description of such a table."""
        return (
            f"each of its {len(self):,} rows is a single heartbeat of {WIDTH} samples, and the table is no recording: "
            "there are no R peaks, no rhythm and no time axis."
        )


class HoldsBeats(ReadError):  # noqa: N818 - not a fault of the file: it holds something else than a recording
    """The file holds single beats instead of a recording.

    Attributes:
        rows: the beats.
    """

    def __init__(self, file: str | PathLike[str], rows: BeatRows):
        self.rows = rows
        remedy = "'python -m ecgviz analyze FILE' without --checkpoint, and the Holter page, classify its rows."
        super().__init__(file, f"{rows.sentence} {remedy}")

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.file, self.rows)


def refuse_beats(
    file: Path, table: np.ndarray, format_name: str, names: Sequence[str] | None = None, label: np.ndarray | None = None
) -> None:
    """Raise HoldsBeats for a numeric table (n_rows, n_columns) of single beats; return for any other.

    Args:
        names: of its columns, where it has a header.
        label: class of each row where that stands elsewhere, (n_rows,).

    Raises:
        HoldsBeats: they are single beats.
        ReadError: they are, and there is nothing to classify in them.
    """
    if table.ndim != 2 or table.dtype.kind not in "iufb" or not WIDTH <= table.shape[1] <= WIDTH + 2 or not len(table):
        return
    first = _first_of_beat(table, names)
    if first is None:
        return
    rows = np.asarray(table[:, first : first + WIDTH], np.float32)
    others = np.delete(np.arange(table.shape[1]), np.arange(first, first + WIDTH))
    stated = next((column for column in (table[:, i] for i in others[::-1]) if _are_classes(column)), None)
    label = stated if label is None else label
    if not (rows != 0).any() and (label is not None or len(rows) > 1):
        raise ReadError(file, f"its rows of {WIDTH} samples, as of single heartbeats, hold nothing but zeros.")
    if not _are_smooth(rows):
        return
    low, high = float(np.nanmin(rows)), float(np.nanmax(rows))
    if low < -_ROUNDING or high > 1 + _ROUNDING:
        if label is None or len(rows) <= _FEW:
            return
        raise ReadError(
            file, f"each of its rows of {WIDTH} samples looks like a heartbeat or a piece of ECG of its own, from "
            f"{low:.3g} to {high:.3g}: scale each row to 0 to 1, with zeros behind the beat, to have it classified; "
            "a recording has one column a lead."
        )  # fmt: skip
    if not _end_in_zeros(rows) and (label is None or len(rows) <= _FEW):
        return
    if len(rows) > MAX_ROWS:
        raise ReadError(
            file, f"it holds {len(rows):,} heartbeats, more than the {MAX_ROWS:,} that are read; divide it."
        )
    raise HoldsBeats(file, _beats(file, rows, label, format_name))


def refuse_named_beats(file: Path, arrays: Mapping[str, np.ndarray], format_name: str) -> None:
    """As :func:`refuse_beats` for named arrays, one of which may hold the classes of another's rows.

    Raises:
        HoldsBeats: as above. ReadError: several of them hold beats.
    """
    found: list[HoldsBeats] = []
    for name, array in arrays.items():
        rows = flat(array)
        if rows.ndim == 2 and rows.shape[1] >= WIDTH:
            try:
                refuse_beats(file, rows, format_name, label=_classes_among(arrays, name, len(rows)))
            except HoldsBeats as beats:
                found.append(beats)
    if len(found) > 1:
        raise ReadError(
            file, "several of its arrays hold single heartbeats; save one of them, with its classes, alone."
        )
    if found:
        raise found[0]


def flat(array: np.ndarray) -> np.ndarray:
    """Arrays (n, 187, 1) or (n, 1, 187), and a single row, as (n, 187); any other array unchanged."""
    if array.ndim == 1 and WIDTH <= len(array) <= WIDTH + 1:
        return array.reshape(1, -1)
    if array.ndim == 3 and 1 in array.shape[1:] and WIDTH <= max(array.shape[1:]) <= WIDTH + 2:
        return array.reshape(len(array), -1)
    return array


def class_numbers(texts: Sequence[str]) -> np.ndarray:
    """Class indices of letters N S V F Q or of digits, float64 (n,); NaN for any other text."""
    letters = {name: float(index) for index, name in enumerate(_CLASSES)}
    numbers = {form: value for value in letters.values() for form in (f"{value:g}", f"{value}")}
    return np.array([(letters | numbers).get(str(text).strip(" '\"").upper(), np.nan) for text in texts], np.float64)


def _beats(file: Path, rows: np.ndarray, label: np.ndarray | None, format_name: str) -> BeatRows:
    warnings = []
    if n_broken := int((~np.isfinite(rows)).any(axis=1).sum()):
        warnings.append(f"{n_broken} rows have cells that are no numbers, and are not classified.")
    if label is not None:
        label = np.where(np.isfinite(label), label, -1).astype(np.int64)
        if set(np.unique(label[label >= 0])) <= {0, 1}:
            warnings.append(_UNSURE)
    return BeatRows(file.stem, rows, label, format_name, tuple(warnings))


def _first_of_beat(table: np.ndarray, names: Sequence[str] | None) -> int | None:
    """Column where the beats begin, after leading row numbers and classes."""
    extra, first = table.shape[1] - WIDTH, 0
    if extra and _are_row_numbers(table[:, 0]):
        extra, first = extra - 1, 1
    if extra == 2 or (first and extra == 1 and not (_are_classes(table[:, 1]) or _are_classes(table[:, -1]))):
        return None
    if extra == 0:
        return first
    ahead, behind = _are_classes(table[:, first]), _are_classes(table[:, -1])
    if ahead and behind and names is not None:
        named = [names[at].strip().lower() in _LABEL_NAMES for at in (first, -1)]
        if any(named):
            ahead, behind = named
    if ahead and behind:  # R peaks that are all 1 in front, or zeros that fill all rows behind
        ahead = len(np.unique(table[:, first])) > 1 and len(np.unique(table[:, -1])) == 1
    return first + 1 if ahead else first if behind else None


def _are_classes(column: np.ndarray) -> bool:
    known = column[np.isfinite(column)] if column.dtype.kind == "f" else column
    return len(known) > len(column) / 2 and bool(np.isin(known, np.arange(len(_CLASSES))).all())


def _are_row_numbers(column: np.ndarray) -> bool:
    """Whether values are distinct whole numbers, more than two: row numbers, also of shuffled rows."""
    if len(column) < 3 or not np.isfinite(column).all() or (column != np.round(column)).any():
        return False
    counted = np.array_equal(column, np.arange(len(column))) and len(column) > len(_CLASSES)
    return counted or (len(np.unique(column)) == len(column) and column.max() > len(_CLASSES))


def _some(rows: np.ndarray) -> np.ndarray:
    """Up to 2,000 of the rows with numbers that are not all zero."""
    some: np.ndarray = rows[np.linspace(0, len(rows) - 1, min(len(rows), _LOOKED_AT)).astype(int)]
    chosen: np.ndarray = some[np.isfinite(some).all(axis=1) & (some != 0).any(axis=1)]
    return chosen


def _end_in_zeros(rows: np.ndarray) -> bool:
    """Whether most rows are zero-padded behind the beat."""
    return bool(((_some(rows)[:, -2:] == 0).all(axis=1)).mean() >= _PADDED)


def _are_smooth(rows: np.ndarray) -> bool:
    """Whether most rows are smooth like a signal, up to the zero padding."""
    some = _some(rows)
    if not len(some):
        return False
    beat = np.arange(WIDTH) < WIDTH - (some[:, ::-1] != 0).argmax(axis=1)[:, None]
    n = beat.sum(axis=1)
    mean = some.sum(axis=1) / n
    variance = ((some - mean[:, None]) ** 2 * beat).sum(axis=1) / n
    steps = (np.diff(some, axis=1) ** 2 * beat[:, 1:]).sum(axis=1) / np.maximum(n - 1, 1)
    lively = variance > 0
    # von Neumann 1941: near 0 for a smooth row, 1 for noise
    return bool(lively.any() and np.median(steps[lively] / (2 * variance[lively])) < _SMOOTH)


def _classes_among(arrays: Mapping[str, np.ndarray], beats: str, n: int) -> np.ndarray | None:
    """Classes of n rows from an array of numbers, letters or one-hot columns; None where there is none."""
    for name, array in arrays.items():
        if name == beats:
            continue
        numeric = array.dtype.kind in "iufb"
        set_one = numeric and array.shape == (n, len(_CLASSES)) and bool(np.isin(array, (0, 1)).all())
        if set_one and (array.sum(axis=1) == 1).all():
            return np.asarray(array.argmax(axis=1), float)
        if array.size == n and max(array.shape, default=0) == n:
            column = class_numbers(array.ravel().tolist()) if array.dtype.kind in "US" else array.ravel()
            if column.dtype.kind in "iufb" and _are_classes(column):
                return column.astype(float)
    return None
