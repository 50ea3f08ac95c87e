"""Folders of arrays, normal and abnormal, in the layout of the 8-lead network's source document.

``train/normal``, ``train/abnormal``, ``val/normal``, ``val/abnormal`` and ``test`` hold .npy files of eight leads
(I, II, V1 to V6) at 500 Hz, (8, n) or (n, 8), in mV. ``test`` has the two folders below it too. The folder is the
label; where none says it, the file's name does (``normal`` or ``abnormal``), and a file that says neither, both or
"not" is left out.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np

from models.core.errors import ConfigError, ReadError
from models.data.whole_recording_split import SIDES, RecordingRow, RecordingSplit
from models.tasks.record import RecordTask
from readers.core.decoding import decoding
from readers.core.lead_names import EIGHT_LEADS

FS = 500.0
_NAMES = {"train": ("train",), "validation": ("val", "validation", "valid"), "test": ("test",)}
_LABELS = ("normal", "abnormal")
_WORD = re.compile(r"(?P<ab>ab)?normal")
_DENIED = re.compile(r"(?<![a-z])(not|non|no)[^a-z]*(ab)?normal")


def is_layout(root: Path) -> bool:
    """Whether a folder has this layout."""
    return all((root / "train" / label).is_dir() for label in _LABELS)


def load_split(root: Path, task: RecordTask) -> RecordingSplit:
    """Rows of the folders; each recording is its own group.

    Raises:
        ConfigError: a task that asks for more than normal or abnormal.
    """
    if task.target != "abnormal":
        raise ConfigError("task.target", "these folders know normal and abnormal only; set task.target to abnormal")
    left_out: Counter[str] = Counter()
    sides: dict[str, list[RecordingRow]] = {side: [] for side in SIDES}
    for side, names in _NAMES.items():
        folder = next((root / name for name in names if (root / name).is_dir()), None)
        if folder is None:
            continue
        for file in sorted(folder.rglob("*.npy")):
            label = _label(file, folder)
            if label is None:
                left_out["without label"] += 1
                continue
            name = file.relative_to(root).as_posix()
            sides[side].append(RecordingRow(name, (label,), name, partial(read_array, file)))
    return RecordingSplit(sides, dict(left_out))


def _label(file: Path, folder: Path) -> int | None:
    """1 for abnormal, 0 for normal, from the outermost folder below the side, else from the file's name."""
    *folders, _ = file.relative_to(folder).parts
    return next((label for label in map(_label_in, (*folders, file.stem)) if label is not None), None)


def _label_in(name: str) -> int | None:
    """The label in a name; None for neither, for both, and for the ambiguous "not abnormal"."""
    found = {match["ab"] for match in _WORD.finditer(name.lower())}
    return int("ab" in found) if len(found) == 1 and not _DENIED.search(name.lower()) else None


def read_array(file: Path) -> tuple[np.ndarray, float, Sequence[str]]:
    """Samples, float32 (n, 8), sampling frequency and leads of one file; never unpickles.

    Raises:
        ReadError: it is no array of eight leads.
    """
    fault = "cannot be read as an array ({error}); store it with numpy.save"
    # numpy.load would take an archive for an array by its first bytes; this reads the one format alone, and finds a
    # header that claims more than the file has before memory is asked for.
    with decoding(file, fault, OSError):
        array = np.lib.format.open_memmap(str(file), mode="r")
    if array.ndim != 2 or len(EIGHT_LEADS) not in array.shape or array.dtype.kind not in "iuf":
        raise ReadError(file, f"holds {array.dtype} {array.shape}; expected numbers (8, n) or (n, 8)")
    samples = array.T if array.shape[0] == len(EIGHT_LEADS) else array
    return samples.astype(np.float32), FS, EIGHT_LEADS
