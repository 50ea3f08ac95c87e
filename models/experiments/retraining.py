"""Trains the network of a checkpoint again, on a version of its data."""

from __future__ import annotations

from models.checkpoints import Checkpoint
from models.config import TrainConfig, make_config
from models.core.errors import ConfigError
from models.data.versions import Version
from models.experiments.fields import with_changes
from models.jobs import backend


def retraining(checkpoint: Checkpoint, version: Version) -> TrainConfig:
    """The configuration that a checkpoint was trained by, for a version of a data set and its split.

    Raises:
        ConfigError: the card has no configuration that can be trained by.
    """
    if not checkpoint.card.config:
        raise ConfigError(
            "config", f"the card of {checkpoint.name} has none; train a configuration on {version.folder}"
        )
    return make_config(with_changes(checkpoint.card.config, {"data.root": str(version.folder), "data.split": "stated"}))


def retrain(checkpoint: Checkpoint, version: Version, *, who: str = "") -> str:
    """Queue that training; returns the id of the job.

    Raises:
        ConfigError, JobError: it cannot be trained.
    """
    return backend().submit(retraining(checkpoint, version), who=who, name=f"{checkpoint.name} on {version.title}")
