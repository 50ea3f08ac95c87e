"""Inputs that the scales of eight bits are found on: recordings or pictures of the training or validation side."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from models.checkpoints import Checkpoint
from models.core.errors import ConfigError, ReadError
from models.tasks import ImageTask, RecordTask

if TYPE_CHECKING:
    from models.data.image_folder import ImageRow
    from models.data.recordings import RecordingRow

SIDES = ("train", "validation")
MOST = 256


def calibration_inputs(
    checkpoint: Checkpoint, root: str | Path, side: str = "train", *, more: str | Path = "", most: int = MOST
) -> list[dict[str, np.ndarray]]:
    """Inputs of the network, evenly drawn from one side of the split that the checkpoint's training had.

    Args:
        checkpoint: for whole recordings or pictures.
        root: folder of the data.
        side: "train" or "validation"; the test side is for the judgement.
        more: folder of further recordings of PTB-XL.
        most: cases at most.

    Returns:
        Each input as ``{"x": (C, ...)}``.

    Raises:
        ConfigError: another side, or one that is empty; a checkpoint for beats.
        ReadError: data that cannot be read.
    """
    if side not in SIDES:
        raise ConfigError("calibrate", f"there is no side {side!r} to calibrate on; choose {' or '.join(SIDES)}")
    task = checkpoint.task
    if isinstance(task, RecordTask):
        from models.evaluation.records import split_of

        found = _recordings(task, split_of(checkpoint, root, more).sides[side], most)
    elif isinstance(task, ImageTask):
        from models.data.image_folder import load_split
        from models.evaluation.images import data_settings

        found = _pictures(task, load_split(root, data_settings(checkpoint))[0][side], most)
    else:
        raise ConfigError("checkpoint", f"{checkpoint.name} reads beats, and its LSTM needs no calibration")
    if not found:
        raise ConfigError("calibrate", f"{Path(root).name} has nothing that can be read on the side {side}")
    return found


def _recordings(task: RecordTask, rows: Sequence[RecordingRow], most: int) -> list[dict[str, np.ndarray]]:
    from models.data.recordings import prepare

    data = prepare(_spread(rows, most), task)
    return [{"x": task.window(signal, int(task.starts(signal.shape[1])[0])).numpy()} for signal in data.signals]


def _pictures(task: ImageTask, rows: Sequence[ImageRow], most: int) -> list[dict[str, np.ndarray]]:
    from readers.images import open_images

    inputs = []
    for row in _spread(rows, most):
        try:
            inputs.append({"x": task.prepare(open_images(row.path).pixels(0)).numpy()})
        except ReadError:
            continue  # evaluation counts and names such files
    return inputs


def _spread(rows: Sequence, most: int) -> list:
    """At most so many of the rows, evenly spread."""
    if not rows:
        return []
    return [rows[place] for place in np.linspace(0, len(rows) - 1, min(most, len(rows))).astype(int)]
