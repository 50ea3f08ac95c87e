"""Predicted labels of every case of a data set, in one shape for recordings, pictures and beats."""

from __future__ import annotations

from pathlib import Path

from models.checkpoints import Checkpoint
from models.core.callbacks import Progress
from models.core.errors import ConfigError
from models.plugins import plugin_of
from models.plugins.results import Data, PredictedLabels


def predict_labels(checkpoint: Checkpoint, data: Data, *, progress: Progress | None = None) -> PredictedLabels:
    """Predicted labels of one side of a data set.

    Raises:
        ConfigError: an unknown side, or one without cases that can be read. ReadError: data that cannot be read.
    """
    found = plugin_of(checkpoint).labels(checkpoint, data, progress=progress)
    if not found.cases:
        raise ConfigError("split", f"{Path(data.root).name} has no case of the side {data.split} that can be read")
    return found
