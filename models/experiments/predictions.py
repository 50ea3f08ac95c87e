"""Predictions of two checkpoints for the same cases, outside of both trainings."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from models.checkpoints import Checkpoint, load_checkpoint
from models.config import TrainConfig
from models.core.callbacks import Progress
from models.core.errors import ConfigError
from models.plugins import plugin_of
from models.plugins.results import Predictions

SIDES = ("validation", "test")


def common_cases(first: TrainConfig, second: TrainConfig, side: str) -> list[str]:
    """Records or picture files on the same side of both splits that neither run trained on.

    Args:
        first, second: configurations of the same kind.
        side: "validation", or "test": DS2 of MIT-BIH, or the test pictures.

    Raises:
        ConfigError: other kinds or other data, or nothing in common.
        ReadError: data that cannot be read.
    """
    if type(first) is not type(second):
        raise ConfigError("runs", "one reads something else than the other; choose two of a kind")
    if Path(first.data.root).resolve() != Path(second.data.root).resolve():
        raise ConfigError("runs", "they were trained on different data; choose two on the same")
    one, other = (plugin_of(config).split(config, side) for config in (first, second))
    shared = set(other.side) - one.trained - other.trained
    common = [name for name in one.side if name in shared]
    if not common:
        raise ConfigError("runs", f"they have no {side} case in common that neither was trained on; choose other runs")
    return common


def held_out(checkpoint: Checkpoint, config: TrainConfig, *, progress: Progress | None = None) -> Predictions:
    """Predictions of a run for all cases that it was not trained on: both sides that are held out.

    Raises:
        ConfigError: the run's data are not there any more, or nothing is held out.
        ReadError: data that cannot be read.
    """
    plugin = plugin_of(config)
    cases: dict[str, None] = {}
    for side in SIDES:
        split = plugin.split(config, side)
        cases |= dict.fromkeys(name for name in split.side if name not in split.trained)
    if not cases:
        raise ConfigError("runs", f"{config.name} holds nothing out; choose a run with a validation side")
    return plugin.predict(checkpoint, config, list(cases), progress=progress)


def predict(
    folder: str | Path,
    config: TrainConfig,
    cases: Sequence[str],
    *,
    progress: Progress | None = None,
) -> Predictions:
    """Predictions of a run's checkpoint for some cases.

    Args:
        folder: of the checkpoint.
        config: of the run; says where the data are.
        cases: of :func:`common_cases`.
        progress: told cases done, in all, a name.

    Raises:
        CheckpointError, ReadError: as they are loaded.
    """
    return plugin_of(config).predict(load_checkpoint(folder), config, cases, progress=progress)
