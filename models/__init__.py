"""Networks of ecgviz, their data, training and checkpoints; usable alone, without the dashboard.

>>> from models import create_model, list_models
>>> network = create_model("se_resnet_lstm", in_channel=1, num_classes=5)

A name is loaded with all that it needs, torch above all, when it is first asked for: the runner of jobs, which lives as
long as any training does, needs none of it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from models.checkpoints import (
        Card,
        Checkpoint,
        CheckpointSummary,
        list_checkpoints,
        load_checkpoint,
        save_checkpoint,
    )
    from models.networks.ecg.beat_strip import BeatStripNet
    from models.networks.ecg.dcrnn import DCRNNModel, DCRNNModel_base
    from models.networks.ecg.se_resnet_lstm import SEResNetLSTM
    from models.networks.image.multiscale import MultiscaleResNet
    from models.networks.image.resnet_se import ResNetSE
    from models.networks.registry import create_model, list_models, register_model

_PLACES = {
    "models.checkpoints": (
        "Card", "Checkpoint", "CheckpointSummary", "list_checkpoints", "load_checkpoint", "save_checkpoint",
    ),
    "models.networks.image.multiscale": ("MultiscaleResNet",),
    "models.networks.image.resnet_se": ("ResNetSE",),
    "models.networks.ecg.beat_strip": ("BeatStripNet",),
    "models.networks.ecg.dcrnn": ("DCRNNModel", "DCRNNModel_base"),
    "models.networks.ecg.se_resnet_lstm": ("SEResNetLSTM",),
    "models.networks.registry": ("create_model", "list_models", "register_model"),
}  # fmt: skip

__all__ = [
    "BeatStripNet",
    "Card",
    "Checkpoint",
    "CheckpointSummary",
    "DCRNNModel",
    "DCRNNModel_base",
    "MultiscaleResNet",
    "ResNetSE",
    "SEResNetLSTM",
    "create_model",
    "list_checkpoints",
    "list_models",
    "load_checkpoint",
    "register_model",
    "save_checkpoint",
]


def __getattr__(name: str) -> Any:
    for module, names in _PLACES.items():
        if name in names:
            return getattr(import_module(module), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
