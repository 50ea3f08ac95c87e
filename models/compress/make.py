"""Requests for lighter forms, and the dispatch to the methods."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, ValidationError

from models.checkpoints import Checkpoint, load_checkpoint
from models.compress.gate import MOST_CHANGED, TOLERANCE, Trial
from models.compress.predictions import Data
from models.config.base import Settings
from models.core.errors import CheckpointError, ConfigError
from models.plugins import plugin_of

if TYPE_CHECKING:
    from models.config.record import RecordTrainConfig
    from models.training.context import RunContext

METHODS = {
    "onnx": "float32, run by onnxruntime",
    "int8": "eight bits, calibrated; with an LSTM as dynamic",
    "dynamic": "eight bits for LSTMs and matrices, scales from each batch",
    "qat": "eight bits, fine-tuned while rounded (needs torchao)",
    "l1": "smallest weights of the convolutions zero, fine-tuned",
    "channels": "narrower bottlenecks of an xresnet1d, fine-tuned",
}
TUNED = ("qat", "l1", "channels")
"""Methods that fine-tune; they are for whole recordings."""
TUNING = "tuning"
"""Folder inside a run's that the fine-tuning runs in."""


class LighterConfig(Settings):
    """Request for a lighter form of a checkpoint: method, parameters, and data of the gate.

    Attributes:
        kind: tells such a request from a training.
        checkpoint: name of the original, or its folder.
        method: one of :data:`METHODS`.
        root, more: folders of the data, as ``python -m models evaluate`` takes them.
        share: l1, channels: what goes; None for the default.
        epochs: of a fine-tuning; None for the method's.
        calibrate: side that scales are found on.
        split: side that it is judged on.
        tolerance, most_changed: what the gate holds it to.
    """

    kind: Literal["lighter"] = "lighter"
    checkpoint: Annotated[str, Field(min_length=1)]
    method: Literal["onnx", "int8", "dynamic", "qat", "l1", "channels"]
    root: str = ""
    more: str = ""
    share: Annotated[float | None, Field(gt=0, lt=1)] = None
    epochs: Annotated[int | None, Field(ge=1, le=1000)] = None
    calibrate: Literal["train", "validation"] = "train"
    split: str = "test"
    tolerance: Annotated[float, Field(ge=0, le=1)] = TOLERANCE
    most_changed: Annotated[int, Field(ge=0)] = MOST_CHANGED

    @property
    def trial(self) -> Trial:
        """Parameters of the gate."""
        return Trial(Data(self.root, self.more, self.split), self.tolerance, self.most_changed)


def make_request(values: Mapping[str, Any]) -> LighterConfig:
    """A validated request from plain values.

    Raises:
        ConfigError: the first field that does not fit.
    """
    try:
        return LighterConfig(**values)
    except ValidationError as error:
        first = error.errors()[0]
        raise ConfigError(".".join(str(part) for part in first["loc"]) or "kind", first["msg"]) from error


def check_request(wanted: LighterConfig) -> Checkpoint:
    """The original of a request, which must be feasible.

    Raises:
        CheckpointError: there is no such checkpoint, or the method is not for it.
        ConfigError: data or a package are missing.
    """
    checkpoint = load_checkpoint(wanted.checkpoint)
    if checkpoint.card.format != "torch":
        raise CheckpointError(checkpoint.name, "is an ONNX checkpoint already; name its original")
    if wanted.method in TUNED and not plugin_of(checkpoint).fine_tunes:
        raise CheckpointError(
            checkpoint.name, f"is for no whole recordings, and {wanted.method} fine-tunes on those; choose int8 or onnx"
        )
    if wanted.method == "qat":
        from models.compress.qat import check_trainable, require_torchao

        require_torchao()
        check_trainable(checkpoint)
    if wanted.root and not Path(wanted.root).is_dir():
        raise ConfigError("data", f"{wanted.root} is no folder; name the one that holds the labelled data")
    if wanted.method in TUNED and not wanted.root:
        raise ConfigError("data", f"{wanted.method} fine-tunes on recordings; name their folder: --data")
    return checkpoint


def tuning_config(wanted: LighterConfig, checkpoint: Checkpoint) -> RecordTrainConfig:
    """The fine-tuning configuration of a request.

    Raises:
        ConfigError: the original's card does not say how it was trained.
    """
    from models.compress import prune, qat

    module = qat if wanted.method == "qat" else prune
    epochs = module.EPOCHS if wanted.epochs is None else wanted.epochs
    return prune.fine_tuning(checkpoint, Data(wanted.root, wanted.more), epochs, module.LR)


def make(wanted: LighterConfig, folder: str | Path, context: RunContext | None = None) -> Checkpoint:
    """Make the requested form, write it as a checkpoint, and load it.

    Args:
        wanted: the request.
        folder: of the new checkpoint.
        context: of a fine-tuning: where it runs, who is told and who may stop it.

    Raises:
        CheckpointError, ConfigError, ReadError: as the method says.
        StoppedError: a fine-tuning was asked to stop.
    """
    checkpoint = check_request(wanted)
    data = Data(wanted.root, wanted.more)
    if wanted.method == "onnx":
        from models.compress.export import export  # torch's exporter is loaded to export, not to look

        return export(checkpoint, folder)
    if wanted.method == "qat":
        from models.compress.qat import quantize_aware

        return quantize_aware(checkpoint, folder, data, epochs=wanted.epochs, context=context)
    if wanted.method in TUNED:
        from models.compress.prune import prune

        return prune(
            checkpoint, folder, data, method=wanted.method, share=wanted.share, epochs=wanted.epochs, context=context
        )
    from models.compress.calibration import calibration_inputs
    from models.compress.int8 import int8

    if wanted.method == "dynamic":
        return int8(checkpoint, folder, [], kind="dynamic")
    inputs = []
    if wanted.root and plugin_of(checkpoint).calibrates:
        inputs = calibration_inputs(checkpoint, wanted.root, wanted.calibrate, more=wanted.more)
    return int8(checkpoint, folder, inputs)
