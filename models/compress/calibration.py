"""Calibration inputs for int8 scales: recordings or pictures of the training or validation side."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from models.checkpoints import Checkpoint
from models.core.errors import ConfigError
from models.plugins import plugin_of

SIDES = ("train", "validation")
MOST = 256


def calibration_inputs(
    checkpoint: Checkpoint, root: str | Path, side: str = "train", *, more: str | Path = "", most: int = MOST
) -> list[dict[str, np.ndarray]]:
    """Network inputs spread evenly over one side of the split of the checkpoint's training.

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
    found = plugin_of(checkpoint).calibration_inputs(checkpoint, root, side, more=more, most=most)
    if not found:
        raise ConfigError("calibrate", f"{Path(root).name} has nothing that can be read on the side {side}")
    return found
