"""Loads the teachers of a training, and checks that they suit it."""

from __future__ import annotations

from models.checkpoints import Checkpoint, load_checkpoint
from models.config import TrainConfig
from models.core.errors import CheckpointError, ConfigError
from models.plugins import plugin_of


def load_teachers(config: TrainConfig) -> tuple[Checkpoint, ...]:
    """Teachers of a configuration; see :meth:`models.plugins.base.TaskPlugin.check_teachers`.

    Raises:
        ConfigError: one cannot be loaded, or will not do.
    """
    try:
        teachers = tuple(load_checkpoint(name) for name in config.teachers)
    except CheckpointError as error:
        raise ConfigError("loss.teachers", str(error)) from error
    plugin_of(config).check_teachers(config, teachers)
    return teachers
