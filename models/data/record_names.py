"""Resolves the record names of a configuration before any record is read."""

from __future__ import annotations

from models.config.beat import BeatTrainConfig
from models.core.errors import ConfigError
from models.data import mitdb


def record_names(config: BeatTrainConfig) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names of the training and validation records.

    Raises:
        ConfigError: no training record, or one that is on both sides.
    """
    data = config.data
    train = mitdb.SPLITS[data.train] if isinstance(data.train, str) else data.train
    validation = mitdb.SPLITS[data.validation] if isinstance(data.validation, str) else data.validation
    both = sorted(set(train) & set(validation))
    if both:
        raise ConfigError(
            "data.validation", f"records {', '.join(both)} are in data.train too; a patient never crosses"
        )
    if not train:
        raise ConfigError("data.train", "names no record")
    return train, validation
