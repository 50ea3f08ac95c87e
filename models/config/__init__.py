"""Training configurations: the single source of defaults, bounds and help texts.

A YAML file holds it, ``--set a.b=value`` changes it, the card keeps it, and a form can be made from it. The kind of the
task decides which of the configurations it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from models.config.base import BaseTrainConfig, NetworkConfig
from models.config.beat import AugmentConfig, BeatTrainConfig, DataConfig, LossConfig
from models.config.changes import apply_change, first_fault
from models.config.image import (
    ImageAugmentConfig,
    ImageDataConfig,
    ImageLossConfig,
    ImageNetworkConfig,
    ImageTrainConfig,
)
from models.config.record import RecordAugmentConfig, RecordDataConfig, RecordLossConfig, RecordTrainConfig
from models.config.text import opened, read_document, resolved
from models.core.errors import ReadError
from models.plugins.registry import kinds, plugin_of, plugins

CONFIGS = Path(__file__).resolve().parents[1] / "configs"
TrainConfig = BaseTrainConfig

__all__ = [
    "CONFIGS",
    "AugmentConfig",
    "BeatTrainConfig",
    "DataConfig",
    "ImageAugmentConfig",
    "ImageDataConfig",
    "ImageLossConfig",
    "ImageNetworkConfig",
    "ImageTrainConfig",
    "LossConfig",
    "NetworkConfig",
    "RecordAugmentConfig",
    "RecordDataConfig",
    "RecordLossConfig",
    "RecordTrainConfig",
    "TrainConfig",
    "config_files",
    "load_config",
    "make_config",
]


def config_files() -> dict[str, Path]:
    """Built-in configurations by name, including those of other packages' tasks."""
    folders = (*(plugin.configs for plugin in plugins() if plugin.configs is not None), CONFIGS)
    return {file.stem: file for folder in folders for file in sorted(folder.glob("*.yaml"))}


def load_config(path: str | Path, changes: Sequence[str] = ()) -> TrainConfig:
    """Load a YAML file (or the name of one of ``models/configs``) with ``key=value`` overrides.

    Raises:
        ReadError: no such file, or no YAML.
        ConfigError: a field that is unknown or out of its bounds; the message names it.
    """
    path = Path(path)
    if not path.is_file():
        path = config_files().get(str(path), path)
    try:
        values = read_document(path.read_text(encoding="utf-8"))
    except OSError as error:
        known = ", ".join(sorted(config_files()))
        raise ReadError(path, f"cannot be read; give a YAML file or one of: {known}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ReadError(path, f"is no valid YAML ({str(error).splitlines()[0]}); mend the file") from error
    if not isinstance(values, dict):
        raise ReadError(path, "holds no settings; start from one of models/configs")
    for change in changes:
        apply_change(values, change)
    return make_config(values)


def make_config(values: dict[str, Any]) -> TrainConfig:
    """A validated configuration from plain or written values (:mod:`models.config.text`).

    Raises:
        ConfigError: names the first field that is wrong.
    """
    task = opened(values.get("task"))
    plugin = plugin_of(task if isinstance(task, dict) else {})
    try:
        config: TrainConfig = plugin.fitted(plugin.config_class.model_validate(resolved(plugin.config_class, values)))
    except ValidationError as error:
        raise first_fault(error, unnamed=kinds()) from error
    return config
