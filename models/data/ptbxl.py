"""PTB-XL: 12-lead recordings of 10 s with diagnostic statements, and ten folds by patient.

Wagner P et al. PTB-XL, a large publicly available electrocardiography dataset. Sci Data 7:154, 2020. The folder is that
of version 1.0.3, or any part of its records. Beside it ``more`` may hold further recordings in one array, filtered
0.5 to 40 Hz and scaled lead by lead; a recording that is in both is taken from the folder.
"""

from __future__ import annotations

import ast
import csv
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np

from models.config.record import RecordDataConfig
from models.core.errors import ConfigError, ReadError
from models.data.whole_recording_split import SIDES, RecordingRow, RecordingSplit
from models.tasks.record import SUPERCLASSES, RecordTask
from readers import open_recording
from readers.core.lead_names import TWELVE_LEADS
from readers.wfdb.header import read_header

TABLE, STATEMENTS = "ptbxl_database.csv", "scp_statements.csv"
MORE_TABLE, MORE_SIGNALS = "labels.csv", "signals_100hz.npz"
LICENCE = "CC BY 4.0"
CITATION = (
    "Wagner P et al. PTB-XL, a large publicly available electrocardiography dataset. Sci Data 7:154, 2020; "
    "Goldberger A et al. PhysioBank, PhysioToolkit, and PhysioNet. Circulation 101:e215-e220, 2000."
)
MORE_FS = 100.0
_MORE_UNITS = 32.0
"""Whole numbers of the array for one SD."""
_LOW_FS = 100.0
_DAMAGED = (ValueError, SyntaxError, TypeError, OverflowError)
"""What a number or a dictionary that is none, or is missing, raises where it is read."""
_FILENAMES = {True: ("filename_lr", "filename_hr"), False: ("filename_hr", "filename_lr")}


def load_split(data: RecordDataConfig, task: RecordTask) -> RecordingSplit:
    """Rows of PTB-XL by fold; recordings without superclass or file and duplicates are left out and counted.

    Raises:
        ReadError: a table that cannot be read.
        ConfigError: a folder that has no table.
    """
    left_out: Counter[str] = Counter()
    root = Path(data.root)
    rows: dict[int, tuple[int, RecordingRow]] = {}
    if (root / TABLE).is_file():
        rows |= _folder_rows(root, task, left_out)
    elif not data.more:
        raise ConfigError("data.root", f"{root} has no {TABLE}; name the folder of PTB-XL")
    if data.more:
        for ecg_id, entry in _more_rows(Path(data.more), task, left_out).items():
            if ecg_id in rows:
                left_out["in both folders, taken once"] += 1
            else:
                rows[ecg_id] = entry
    by_fold = dict(zip(SIDES, (data.train_folds, data.validation_folds, data.test_folds), strict=True))
    sides: dict[str, list[RecordingRow]] = {side: [] for side in SIDES}
    for _, (fold, row) in sorted(rows.items()):
        side = next((name for name, folds in by_fold.items() if fold in folds), None)
        if side is None:
            left_out["in a fold that no side names"] += 1
        else:
            sides[side].append(row)
    return RecordingSplit(sides, dict(left_out), LICENCE, CITATION)


def superclasses_of(codes: Iterable[str], diagnostic: dict[str, str]) -> tuple[int, ...]:
    """Superclasses of a recording, 0 or 1 each, from its SCP codes of any likelihood, as in the paper.

    Args:
        codes: SCP codes of the recording.
        diagnostic: superclass of each diagnostic code; see :func:`read_statements`.
    """
    found = {diagnostic[code] for code in codes if code in diagnostic}
    return tuple(int(name in found) for name in SUPERCLASSES)


def read_statements(file: Path) -> dict[str, str]:
    """Superclass of each SCP code whose ``diagnostic`` is 1.

    Raises:
        ReadError: the table is missing or is another one.
    """
    rows = _read_csv(file, ("diagnostic", "diagnostic_class"))
    name = next(iter(rows[0]))
    return {
        row[name]: row["diagnostic_class"]
        for row in rows
        if _number(row["diagnostic"]) == 1 and row["diagnostic_class"] in SUPERCLASSES
    }


def _folder_rows(root: Path, task: RecordTask, left_out: Counter[str]) -> dict[int, tuple[int, RecordingRow]]:
    diagnostic = read_statements(root / STATEMENTS)
    needed = ("ecg_id", "patient_id", "scp_codes", "strat_fold", "filename_lr", "filename_hr")
    rows = {}
    low_first = task.fs_out <= _LOW_FS
    there = {name: _listed(root, name) for name in ("records100", "records500")}
    for entry in _read_csv(root / TABLE, needed):
        try:
            ecg_id, fold = int(float(entry["ecg_id"])), int(float(entry["strat_fold"]))
            found = superclasses_of(ast.literal_eval(entry["scp_codes"]), diagnostic)
        except _DAMAGED as error:
            raise _damaged(root / TABLE, entry, error) from error
        file = next((entry[key] for key in _FILENAMES[low_first] if _has(there, entry[key])), None)
        if not any(found):
            left_out["without superclass"] += 1
        elif file is None:
            left_out["without record file"] += 1
        else:
            patient = _number(entry["patient_id"])
            group = f"ecg {ecg_id}" if patient is None else f"patient {int(patient)}"
            target = _target(task, found)
            rows[ecg_id] = (fold, RecordingRow(f"ptbxl {ecg_id}", target, group, partial(read_wfdb, root / file)))
    return rows


def _listed(root: Path, folder: str) -> set[str]:
    """Stems of the headers below a record folder, from one directory walk."""
    return {path.relative_to(root).with_suffix("").as_posix() for path in (root / folder).rglob("*.hea")}


def _has(there: dict[str, set[str]], name: str) -> bool:
    return any(name in names for names in there.values())


def read_wfdb(path: Path) -> tuple[np.ndarray, float, Sequence[str]]:
    """Samples in mV, float32 (n, leads), sampling frequency and lead names of a WFDB record whose signals are all
    leads.

    Raises:
        ReadError: it cannot be read.
    """
    file = path.with_name(f"{path.name}.hea")
    if not file.is_file():
        raise ReadError(file, "is missing; download it again")
    # Named, the signals are not looked at one by one for whether they are an ECG, which takes 30 ms a record.
    recording = open_recording(file, lead_names=[signal.name for signal in read_header(file).signals])
    return recording.signal_mV(), recording.fs, recording.leads


def _more_rows(folder: Path, task: RecordTask, left_out: Counter[str]) -> dict[int, tuple[int, RecordingRow]]:
    table = _read_csv(folder / MORE_TABLE, ("ecg_id", "strat_fold", *SUPERCLASSES))
    ids, _ = _more_signals(folder)
    place = {int(ecg_id): number for number, ecg_id in enumerate(ids)}
    rows = {}
    for entry in table:
        try:
            ecg_id, fold = int(float(entry["ecg_id"])), int(float(entry["strat_fold"]))
            found = tuple(int(_number(entry[name]) or 0) for name in SUPERCLASSES)
        except _DAMAGED as error:
            raise _damaged(folder / MORE_TABLE, entry, error) from error
        if not any(found):
            left_out["without superclass"] += 1
        elif ecg_id not in place:
            left_out["without record file"] += 1
        else:
            row = RecordingRow(
                f"ptbxl {ecg_id}",
                _target(task, found),
                f"ecg {ecg_id}",
                partial(_more_load, folder, place[ecg_id]),
                True,
            )
            rows[ecg_id] = (fold, row)
    return rows


@lru_cache(maxsize=1)
def _more_signals(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """Ids (n,) and samples of the array, int16 (n, 12, 1000)."""
    try:
        with np.load(folder / MORE_SIGNALS, allow_pickle=False) as arrays:
            ids, signals = arrays["ecg_id"], arrays["x"]
    except (OSError, ValueError, KeyError) as error:
        raise ReadError(folder / MORE_SIGNALS, f"cannot be read ({error}); copy it again") from error
    if signals.ndim != 3 or signals.shape[1] != len(TWELVE_LEADS) or len(ids) != len(signals):
        raise ReadError(folder / MORE_SIGNALS, f"holds {signals.shape}; expected (n, 12, samples)")
    return ids, signals


def _more_load(folder: Path, place: int) -> tuple[np.ndarray, float, Sequence[str]]:
    return (_more_signals(folder)[1][place].T / _MORE_UNITS).astype(np.float32), MORE_FS, TWELVE_LEADS


def _target(task: RecordTask, found: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(int(value) for value in task.targets(np.array([found]))[0])


def _read_csv(file: Path, needed: Sequence[str]) -> list[dict[str, Any]]:
    try:
        # Spreadsheets put a byte order mark before the first name and leave rows of separators at the end.
        with file.open(newline="", encoding="utf-8-sig") as stream:
            rows = [row for row in csv.DictReader(stream) if any("".join(cell or "").strip() for cell in row.values())]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ReadError(file, f"cannot be read ({error}); it belongs to PTB-XL, download it again") from error
    lacking = [name for name in needed if not rows or name not in rows[0]]
    if lacking:
        raise ReadError(file, f"has no column {lacking[0]}; it is not the table of PTB-XL")
    return rows


def _damaged(file: Path, entry: dict[str, Any], error: Exception) -> ReadError:
    row = f"row {entry['ecg_id']}" if entry["ecg_id"] else "a row without ecg_id"
    return ReadError(file, f"{row} is damaged ({error}); mend or remove it, or download the table again")


def _number(text: Any) -> float | None:
    try:
        value = float(text)
    except (TypeError, ValueError):
        return None
    return None if np.isnan(value) else value
