"""Whole recordings with labels: the split, and conditioned samples.

Two layouts are read: PTB-XL (:mod:`models.data.ptbxl`) and folders of arrays, normal and abnormal
(:mod:`models.data.array_folders`). A row is known without its samples, so that counting costs nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from models.config.record import RecordDataConfig
from models.core.callbacks import Progress, ShouldStop
from models.core.errors import ConfigError, ReadError
from models.data import array_folders, ptbxl
from models.data.whole_recording_split import RecordingRow, RecordingSplit
from models.tasks.record import RecordTask


@dataclass(frozen=True)
class Prepared:
    """Conditioned recordings in memory.

    Attributes:
        rows: those that could be read and are long enough.
        signals: conditioned, not yet scaled, float32 (in_channel, m) each.
        targets: float32 (n, n_classes).
        left_out: fault of each that is not among them, by name.
    """

    rows: tuple[RecordingRow, ...]
    signals: tuple[np.ndarray, ...]
    targets: np.ndarray
    left_out: dict[str, str]

    @property
    def groups(self) -> list[str]:
        """Group of each recording."""
        return [row.group for row in self.rows]


def load_split(data: RecordDataConfig, task: RecordTask) -> RecordingSplit:
    """The split of a configuration; reads no samples.

    Raises:
        ConfigError: a root that is no data set, or a target that it does not have.
        ReadError: tables that cannot be read.
    """
    root = Path(data.root)
    if (root / ptbxl.TABLE).is_file() or data.more:
        return ptbxl.load_split(data, task)
    if array_folders.is_layout(root):
        return array_folders.load_split(root, task)
    raise ConfigError(
        "data.root",
        f"{root} holds neither {ptbxl.TABLE} nor folders train/normal and train/abnormal; name the folder of PTB-XL",
    )


def check_sides(data: RecordDataConfig, task: RecordTask, split: RecordingSplit) -> None:
    """Refuse a split that cannot be trained on.

    Raises:
        ConfigError: nothing to train on, a label without example, or folds to choose the epoch by that are empty.
    """
    rows = split.sides["train"]
    if not rows:
        raise ConfigError("data.train_folds", f"{Path(data.root).name} has no recording on the training side")
    for place, name in enumerate(task.classes):
        if len({row.target[place] for row in rows}) < 2:
            raise ConfigError(
                "data.train_folds", f"all training recordings agree on {name}, so it cannot be learned; add others"
            )
    if data.validation_folds and not split.sides["validation"]:
        raise ConfigError("data.validation_folds", "hold no recording; name others, or none to train all epochs")


def prepare(
    rows: Sequence[RecordingRow],
    task: RecordTask,
    *,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> Prepared:
    """Read and condition recordings; unreadable or short ones are left out with their fault.

    Raises:
        ConfigError: a recording lacks leads of the task: so would all of its kind.
    """
    kept, signals, left_out = [], [], {}
    for number, row in enumerate(rows):
        if should_stop is not None and should_stop():
            break
        try:
            samples, fs, leads = row.load()
            signals.append(task.condition(samples, fs, leads, filtered=row.filtered))
            kept.append(row)
        except ReadError as error:
            left_out[row.name] = error.fault
        except ConfigError as error:
            if error.field != "recording":
                raise ConfigError(error.field, f"{row.name}: {error.why}") from error
            left_out[row.name] = error.why
        if progress is not None:
            progress(number + 1, len(rows), row.name)
    targets = np.array([row.target for row in kept], np.float32).reshape(len(kept), len(task.classes))
    return Prepared(tuple(kept), tuple(signals), targets, left_out)


def positive_weights(targets: np.ndarray, power: float) -> np.ndarray:
    """Weight of the positives of each output, (negatives / positives) ** power, float32 (n_classes,)."""
    positive = np.maximum(targets.sum(axis=0), 1.0)
    negative = np.maximum(len(targets) - targets.sum(axis=0), 1.0)
    weight: np.ndarray = (negative / positive) ** power
    return weight.astype(np.float32)


def samples_sha256(row: RecordingRow) -> str:
    """SHA-256 of a recording's decoded samples, float32 in lead order."""
    samples, _, _ = row.load()
    return hashlib.sha256(np.ascontiguousarray(samples, dtype=np.float32).data).hexdigest()
