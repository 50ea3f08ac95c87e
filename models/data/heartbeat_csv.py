"""The heartbeat CSV tables ``mitbih_train.csv`` and ``mitbih_test.csv`` with one beat per row.

Kachuee M et al. ECG Heartbeat Classification: A Deep Transferable Representation. ICHI 2018. Each row holds a beat at
125 Hz from its R peak on, scaled to 0 to 1 and filled with zeros, and its class 0 to 4 (N S V F Q) in the last column.
The known tables were split beat by beat at random, so that each patient stands on both sides: what is scored on them
is mostly how well a network remembers patients. :mod:`models.data.heartbeat_rows` makes the same layout from MIT-BIH,
split that way or by patient, so that the difference can be measured.

Rows may be of any width that the network can take; ``task.segment_seconds`` follows it where a configuration leaves it
at its default (:func:`models.config.make_config`). A table is read as one long record whose windows are its rows, or as
one for each record that a file beside it names.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Literal

import numpy as np

from models.core.errors import ConfigError, ReadError
from models.data.aami import AAMI_CLASSES
from models.data.mitdb import BeatRecord
from models.tasks.beat import BeatTaskBase

FS = 125.0
WIDTH = 187
TRAIN, TEST = "mitbih_train.csv", "mitbih_test.csv"
LIMIT = (
    "Trained on rows of a table, which begin at the R peak and end in zeros: to be scored on such tables, not for "
    "recordings, whose windows lie around the R peak."
)
NO_RHYTHM = (
    "A row shows neither the beat before nor its P wave, and hardly any rhythm: premature beats from above the "
    "ventricles (S) look like N, and most are missed."
)
SAME_PATIENTS = (
    "Trained on a table split beat by beat, or whose patients are not known: its test table holds beats of the same "
    "patients, and a score on it says mostly how well the network remembers them."
)
_HELD_OUT = 10
"""Every so-manyth record validates, or so-manyth beat where the records are not known."""
NAMES = ".records.txt"
"""Ends the name of the file beside a table that names the record of each row."""


def is_layout(root: str | Path) -> bool:
    """Whether a folder holds both tables."""
    return (Path(root) / TRAIN).is_file() and (Path(root) / TEST).is_file()


def limits_of(root: str | Path) -> tuple[str, ...]:
    """Limitations for the card of a network trained on a folder; empty where it holds no such tables."""
    if not is_layout(root):
        return ()
    train, test = (_names(Path(root) / table) for table in (TRAIN, TEST))
    apart = train is not None and test is not None and not set(train) & set(test)
    return (LIMIT, NO_RHYTHM) if apart else (LIMIT, NO_RHYTHM, SAME_PATIENTS)


def split_of(trained: Iterable[str], tested: Iterable[str]) -> Literal["random", "patient"]:
    """Kind of split behind a test table: "patient" where none of its records was trained on.

    Args:
        trained: names of the records that the network was trained on.
        tested: those of the test table; a table whose records are not known has its own name for one.
    """
    unknown = {TRAIN.removesuffix(".csv"), TEST.removesuffix(".csv")}
    trained, tested = set(trained), set(tested)
    return "random" if trained & tested or unknown & (trained | tested) else "patient"


def check_task(task: BeatTaskBase, width: int = WIDTH) -> None:
    """Refuse a task that would change the rows of a table.

    Raises:
        ConfigError: it is such.
    """
    if task.sees_rhythm:
        raise ConfigError("task.rr", "a table of beats knows no rhythm; set task.kind to beat and task.rr to false")
    if task.fs_out != FS or task.highpass_s or task.in_channel != 1:
        raise ConfigError("task.fs_out", f"rows are one lead at {FS:g} Hz, filtered; set fs_out {FS:g}, highpass_s 0")
    if task.length != width:
        raise ConfigError(
            "task.segment_seconds",
            f"rows have {width} samples, not {task.length}; leave it out, or set it to {width / FS:g}",
        )


def width_of(root: str | Path) -> int:
    """Samples per row of the training table, from its first line."""
    with (Path(root) / TRAIN).open(encoding="utf-8", errors="replace") as stream:
        return stream.readline().count(",")


def seconds_of(root: str | Path) -> float | None:
    """Duration of a row of the training table, s; None where a folder holds no such tables, or no rows."""
    width = width_of(root) if is_layout(root) else 0
    return width / FS if width else None


def load_sides(root: str | Path, task: BeatTaskBase) -> tuple[list[BeatRecord], list[BeatRecord]]:
    """Training and validation parts of the training table.

    Raises:
        ReadError: a table that cannot be read. ConfigError: a task that would change its rows.
    """
    beats, label, record = read_table(Path(root) / TRAIN)
    check_task(task, beats.shape[1])
    if record is None:
        held_out = np.random.default_rng(0).permutation(len(label)) % _HELD_OUT == 0
        record = np.full(len(label), TRAIN.removesuffix(".csv"))
    else:
        names = np.unique(record)
        held_out = np.isin(record, names[_HELD_OUT // 2 :: _HELD_OUT // 2] if len(names) > _HELD_OUT else names[-1:])
    sides = [list(_records(beats[side], label[side], record[side])) for side in (~held_out, held_out)]
    return sides[0], sides[1]


def load_test(root: str | Path, task: BeatTaskBase) -> list[BeatRecord]:
    """The test table as records.

    Raises:
        ReadError: a table that cannot be read. ConfigError: a task that would change its rows.
    """
    beats, label, record = read_table(Path(root) / TEST)
    check_task(task, beats.shape[1])
    return list(_records(beats, label, np.full(len(label), TEST.removesuffix(".csv")) if record is None else record))


def read_table(file: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """Beats float32 (n, width), classes int64 (n,), and the record of each row, (n,), where a sidecar file names it.

    Raises:
        ReadError: no such table.
    """
    try:
        table = np.loadtxt(file, delimiter=",", dtype=np.float32, ndmin=2)
    except (OSError, ValueError, UnicodeDecodeError) as error:
        raise ReadError(file, f"cannot be read as a table of beats ({error}); make or download it again") from error
    if table.shape[0] < 1 or table.shape[1] < 3:
        raise ReadError(file, f"holds {table.shape[0]} rows of {table.shape[1]} columns; expected a beat and its class")
    label = table[:, -1]
    if not np.isin(label, np.arange(len(AAMI_CLASSES))).all():
        raise ReadError(file, "has a last column that is no class 0 to 4 (N S V F Q)")
    record = _names(file)
    if record is not None and len(record) != len(label):
        raise ReadError(file.with_suffix(NAMES), f"names {len(record)} records for {len(label)} beats; make both again")
    return scaled(table[:, :-1]), label.astype(np.int64), record


def scaled(rows: np.ndarray) -> np.ndarray:
    """Each row scaled to 0..1 over its signal, float32 (n, width); padding stays 0, and a constant row is 0.

    Some tables scale each beat by itself, others the ten seconds around it; a network shall not tell them apart. NaN
    stays, and makes a row that is NaN throughout.
    """
    rows = np.asarray(rows, np.float32)
    width = rows.shape[1]
    length = width - (rows[:, ::-1] != 0).argmax(axis=1)
    beat = (np.arange(width) < length[:, None]) & (rows != 0).any(axis=1, keepdims=True)
    low = np.min(rows, axis=1, where=beat, initial=np.inf, keepdims=True)
    span = np.max(rows, axis=1, where=beat, initial=-np.inf, keepdims=True) - low
    lively = beat & ~(span <= 0)  # NaN is neither
    share = np.zeros_like(rows)
    np.divide(rows - low, span, out=share, where=lively)
    return share


def _names(file: Path) -> np.ndarray | None:
    """The record of each row of a table, (n,), where a sidecar file names it."""
    names = file.with_suffix(NAMES)
    return np.array(names.read_text(encoding="utf-8").split()) if names.is_file() else None


def _records(beats: np.ndarray, label: np.ndarray, record: np.ndarray) -> Iterable[BeatRecord]:
    """Concatenated rows, as records whose windows they are."""
    for name in np.unique(record):
        here = record == name
        yield BeatRecord(str(name), FS, ("MLII",), *laid_out(beats[here]), label[here])


def laid_out(beats: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows (n, width) concatenated as a signal, (n * width, 1), and the centre of each, int64 (n,)."""
    count, width = beats.shape
    return np.ascontiguousarray(beats).reshape(-1, 1), np.arange(count, dtype=np.int64) * width + width // 2
