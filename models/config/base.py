"""Settings shared by the configurations of all trainings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from models.core.errors import ConfigError

Share = Annotated[float, Field(ge=0, le=1)]
Epochs = Annotated[int, Field(ge=1, le=1000, description="Passes through the training data, at most.")]
Patience = Annotated[int, Field(ge=0, le=1000)]
"""Epochs without a better metric before a training ends; 0: never."""
WeightAverage = Annotated[
    float,
    Field(ge=0, lt=1, description="Decay of the running average of the weights that is validated and kept; 0: none."),
]
ClassWeightPower = Annotated[
    Share, Field(description="Classes weigh as count to the minus this: 0 none, 0.5 root, 1 balanced.")
]
Teachers = Annotated[
    tuple[str, ...],
    Field(
        description="Checkpoints whose mean answer is learned beside the labels: with the same classes, "
        "for beats of the same task."
    ),
]
TeacherWeight = Annotated[Share, Field(description="Weight of the teachers' answer; the labels have the rest.")]


class Settings(BaseModel):
    """Base of all groups of settings: immutable, unknown fields are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class NetworkConfig(Settings):
    """Settings of the network."""

    architecture: Annotated[str, Field(description="Name of the network; `python -m models list` shows them.")]
    arguments: Annotated[dict[str, Any], Field(description="Its own keyword arguments.")] = {}


class BaseTrainConfig(Settings):
    """Settings of every training; subclasses add ``task``, ``data``, ``augment``, ``loss`` and defaults."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]*$", description="Name of the checkpoint it makes.")]
    task: Any
    network: NetworkConfig
    if TYPE_CHECKING:  # each task declares these, with bounds and help texts of its own
        data: Any
        augment: Any
        loss: Any
        batch_size: int
        epochs: int
        early_stopping: int
    lr: Annotated[float, Field(gt=0, le=1, description="Learning rate.")] = 1e-4
    weight_decay: Annotated[float, Field(ge=0, le=1, description="Weight decay.")] = 1e-4
    seed: Annotated[int, Field(ge=0, le=2**31 - 1, description="Seed of weights, order and augmentation.")] = 0
    mixed_precision: Annotated[bool, Field(description="Convolutions in bfloat16 where the device gains by it.")] = (
        False
    )
    device: Annotated[Literal["auto", "cpu", "cuda", "mps"], Field(description="Where to train.")] = "auto"
    mlflow: Annotated[
        bool, Field(description="Send the metrics of each epoch to the MLflow server that MLFLOW_TRACKING_URI names.")
    ] = False

    @model_validator(mode="after")
    def _network_serves_the_task(self) -> Self:
        from models.networks.registry import architecture  # the table imports the networks

        entry = architecture(self.network.architecture)
        wanted = self.task.serves
        if not entry.serves(wanted):
            raise ConfigError(
                "network.architecture", f"{entry.name} serves task {entry.task!r}; this task is for {wanted!r}"
            )
        return self

    @property
    def teachers(self) -> tuple[str, ...]:
        """Teachers for distillation; empty where the task's loss takes none."""
        return tuple(getattr(getattr(self, "loss", None), "teachers", ()))

    def network_arguments(self) -> dict[str, Any]:
        """Arguments of the network, completed from the task: channels and classes."""
        fixed = {"in_channel": self.task.in_channel, "num_classes": len(self.task.classes)}
        return fixed | self.network.arguments
