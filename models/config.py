"""The configuration of a training: one source of defaults, bounds and help texts.

A YAML file holds it, ``--set a.b=value`` changes it, the card keeps it, and a form can be made from it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from models.errors import ConfigError, ReadError
from models.tasks import AnyTask

CONFIGS = Path(__file__).resolve().parent / "configs"


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class NetworkConfig(_Settings):
    """Which network."""

    architecture: Annotated[str, Field(description="Name of the network; `python -m models list` shows them.")]
    arguments: Annotated[dict[str, Any], Field(description="Its own keyword arguments.")] = {}


class DataConfig(_Settings):
    """Which recordings."""

    root: Annotated[str, Field(description="Folder with WFDB records and their beat annotations (.atr).")] = (
        "data/mitdb"
    )
    train: Annotated[
        tuple[str, ...] | Literal["train", "ds1"], Field(description="Records to train on, or a split.")
    ] = "train"
    validation: Annotated[
        tuple[str, ...] | Literal["validation"],
        Field(description="Whole records to choose the epoch by; empty: train all epochs and keep the last."),
    ] = "validation"
    noise_root: Annotated[
        str, Field(description="Folder with the records bw, em and ma of nstdb; empty: no noise.")
    ] = ""


class AugmentConfig(_Settings):
    """Changes of the training input that leave the class as it is; 0 turns each off."""

    noise_probability: Annotated[float, Field(ge=0, le=1, description="Share of inputs with added nstdb noise.")] = 0.0
    noise_snr_db: Annotated[tuple[float, float], Field(description="Range of its signal-to-noise ratio, dB.")] = (
        0.0,
        24.0,
    )
    gain: Annotated[float, Field(ge=0, le=0.9, description="Amplitude varies by up to this share.")] = 0.0
    shift_ms: Annotated[
        float, Field(ge=0, le=100, description="SD of the R peak's position, ms: the detector's jitter.")
    ] = 0.0
    stretch: Annotated[float, Field(ge=0, le=0.5, description="Time is stretched by up to this share.")] = 0.0
    mix_leads: Annotated[
        float,
        Field(ge=0, le=1, description="Share of inputs whose leads are rotated into each other: other electrodes."),
    ] = 0.0
    drop_lead: Annotated[float, Field(ge=0, le=1, description="Share of inputs whose further leads are missing.")] = 0.0
    premature: Annotated[
        float, Field(ge=0, le=1, description="Share of steady strips in which sinus beats are made premature (S).")
    ] = 0.0
    aberrant: Annotated[
        float,
        Field(ge=0, le=1, description="Share of strips in which runs of N and S beats get a bundle branch block."),
    ] = 0.0


class LossConfig(_Settings):
    """What is minimised."""

    lambda_combined: Annotated[
        float, Field(ge=0, le=1, description="1: cross-entropy alone; 0: Proxy-Anchor alone.")
    ] = 1.0
    proxy_alpha: Annotated[float, Field(gt=0, le=256, description="Sharpness of Proxy-Anchor.")] = 32.0
    proxy_delta: Annotated[float, Field(ge=0, le=1, description="Margin of Proxy-Anchor.")] = 0.1
    class_weight_power: Annotated[
        float, Field(ge=0, le=1, description="Classes weigh as count to the minus this: 0 none, 0.5 root, 1 balanced.")
    ] = 0.0
    label_smoothing: Annotated[
        float, Field(ge=0, le=0.5, description="Share of the target spread over all classes.")
    ] = 0.0


class TrainConfig(_Settings):
    """One training, whole."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]*$", description="Name of the checkpoint it makes.")]
    task: AnyTask
    network: NetworkConfig
    data: DataConfig = DataConfig()
    augment: AugmentConfig = AugmentConfig()
    loss: LossConfig = LossConfig()
    batch_size: Annotated[int, Field(ge=1, le=8192, description="Windows or strips in a step.")] = 512
    epochs: Annotated[int, Field(ge=1, le=1000, description="Passes through the training data, at most.")] = 50
    beats_per_epoch: Annotated[
        int, Field(ge=0, description="Windows drawn in an epoch; 0: each beat once.", le=10_000_000)
    ] = 0
    balance: Annotated[
        float,
        Field(
            ge=0, le=1, description="Windows are drawn as class count to the minus this: 0 as they come, 1 balanced."
        ),
    ] = 0.0
    lr: Annotated[float, Field(gt=0, le=1, description="Learning rate of AdamW.")] = 1e-4
    weight_decay: Annotated[float, Field(ge=0, le=1, description="Weight decay of AdamW.")] = 1e-4
    schedule: Annotated[
        Literal["step", "cosine", "onecycle"], Field(description="step: a tenth every decay_epoch epochs.")
    ] = "step"
    decay_epoch: Annotated[int, Field(ge=1, le=1000, description="Epochs between the steps of the learning rate.")] = 20
    ema_decay: Annotated[
        float,
        Field(
            ge=0, lt=1, description="Decay of the running average of the weights that is validated and kept; 0: none."
        ),
    ] = 0.0
    early_stopping: Annotated[
        int, Field(ge=0, le=1000, description="Epochs without a better macro-F1 before it ends; 0: never.")
    ] = 10
    temperature: Annotated[
        float | None,
        Field(gt=0, le=20, description="Calibration found by a run with held-out records, for a run that has none."),
    ] = None
    seed: Annotated[int, Field(ge=0, le=2**31 - 1, description="Seed of weights, order and augmentation.")] = 0
    mixed_precision: Annotated[bool, Field(description="Convolutions in bfloat16 where the device gains by it.")] = (
        False
    )
    device: Annotated[Literal["auto", "cpu", "cuda", "mps"], Field(description="Where to train.")] = "auto"

    @model_validator(mode="after")
    def _network_serves_the_task(self) -> Self:
        from models.registry import architecture  # the table imports the networks

        entry = architecture(self.network.architecture)
        if entry.task != self.task.kind:
            raise ConfigError(
                "network.architecture", f"{entry.name} serves task {entry.task!r}; task.kind is {self.task.kind!r}"
            )
        return self

    def network_arguments(self) -> dict[str, Any]:
        """Arguments of the network with what the task fixes: leads, classes, RR ratios."""
        fixed: dict[str, Any] = {"in_channel": self.task.in_channel, "num_classes": len(self.task.classes)}
        if self.task.kind == "beat" and self.task.rr:
            from models.tasks.beat import RR_FEATURES

            fixed["rr_features"] = RR_FEATURES
        return fixed | self.network.arguments


def load_config(path: str | Path, changes: Sequence[str] = ()) -> TrainConfig:
    """Read a YAML file (or the name of one of ``models/configs``) and apply ``key=value`` changes.

    Raises:
        ReadError: no such file, or no YAML.
        ConfigError: a field that is unknown or out of its bounds; the message names it.
    """
    path = Path(path)
    if not path.is_file() and (CONFIGS / f"{path}.yaml").is_file():
        path = CONFIGS / f"{path}.yaml"
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        known = ", ".join(sorted(file.stem for file in CONFIGS.glob("*.yaml")))
        raise ReadError(path, f"cannot be read; give a YAML file or one of: {known}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ReadError(path, f"is no valid YAML ({str(error).splitlines()[0]}); mend the file") from error
    if not isinstance(values, dict):
        raise ReadError(path, "holds no settings; start from one of models/configs")
    for change in changes:
        _apply(values, change)
    return make_config(values)


def make_config(values: dict[str, Any]) -> TrainConfig:
    """A checked configuration from plain values.

    Raises:
        ConfigError: names the first field that is wrong.
    """
    try:
        return TrainConfig.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        kinds = {"beat", "strip"}
        place = ".".join(str(part) for part in first["loc"] if part not in kinds) or "configuration"
        raise ConfigError(place, first["msg"].removeprefix("Value error, ")) from error


def _apply(values: dict[str, Any], change: str) -> None:
    key, separator, text = change.partition("=")
    if not separator or not key:
        raise ConfigError(change, "is no change; write key=value, such as lr=0.001 or data.root=FOLDER")
    at = values
    *parents, last = key.split(".")
    for parent in parents:
        at = at.setdefault(parent, {})
        if not isinstance(at, dict):
            raise ConfigError(key, f"{parent} is a value, not a group of settings")
    try:
        at[last] = yaml.safe_load(text) if text else ""
    except yaml.YAMLError as error:
        raise ConfigError(key, f"{text!r} is no valid value") from error
