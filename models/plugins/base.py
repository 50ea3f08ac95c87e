"""The interface of task plug-ins, with defaults."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from models.core.errors import ConfigError
from models.core.words import counted
from models.plugins.results import Fact, Monitor, shares

if TYPE_CHECKING:
    import numpy as np
    import torch
    from torch import nn

    from models.checkpoints import Checkpoint
    from models.config.base import BaseTrainConfig
    from models.core.callbacks import Progress
    from models.data.survey_result import Survey
    from models.plugins.results import (
        Cases,
        Data,
        Pace,
        PredictedLabels,
        Predictions,
        ScoreRequest,
        Scores,
        SplitNames,
    )
    from models.tasks.base import Task
    from models.training.context import RunContext

ConfigT = TypeVar("ConfigT", bound="BaseTrainConfig")
TaskT = TypeVar("TaskT", bound="Task")


class TaskPlugin(ABC, Generic[ConfigT, TaskT]):
    """Interface of a task: configuration, data, training, evaluation and page texts.

    What is abstract every task must say. The rest has an answer that suits a task without that ability: no fixed input
    to export, no calibration of eight bits, no comparison of two runs.

    A plug-in is made once and has no state. It imports what is heavy (Lightning, readers) in its methods, because
    listing tasks and reading cards must stay quick.

    Attributes:
        name: of the task; no two tasks share it.
        kind: ``task.kind`` of its parameters.
        networks: the kind of networks that it is for: the ``task`` of :func:`models.networks.registry.register_model`.
        card_kind: what :attr:`models.checkpoints.Card.kind` says.
        title: what a form offers it as; empty where it is reached by the settings of another task.
        reads: what its networks read, in a few words.
        role: what its checkpoints answer; see :attr:`models.checkpoints.Card.role`.
        unit: what its cases are: "beats", "recordings" or "pictures".
        case: what is scored one after the other: "record", "recording" or "picture".
        data_kind: kind of the data sets that it is trained on; see :mod:`models.data.survey`.
        metric: name of the metric that its trainings are compared by.
        smallest: configuration that shows its settings while another one is wrong; empty: the first one of its kind.
        usual_size: input channels and outputs of a network for it, to count its parameters with.
        whole_batches: whether processes that train together need a batch that they can share evenly.
        names_records: whether a page names the records that were trained on, where they are few.
        fine_tunes: whether lighter forms may be fine-tuned.
        calibrates: whether :meth:`calibration_inputs` gives any.
        has_more: whether further recordings may lie in a folder beside the data.
        changes_data: whether another set may be read by other settings (``data.key=value``) than the training's.
        batch_sizes: inputs in a batch of an analysis, on a "cpu" and on any "other" device.
        saliency: method of a map of saliency that is offered first; empty for the usual one.
        configs: folder of configurations to start from, beside those of this package; None for no others.
        config_class, task_class: of its settings.
    """

    name: ClassVar[str]
    kind: ClassVar[str]
    networks: ClassVar[str]
    card_kind: ClassVar[str]
    title: ClassVar[str] = ""
    reads: ClassVar[str]
    role: ClassVar[str]
    unit: ClassVar[str]
    case: ClassVar[str]
    data_kind: ClassVar[str]
    metric: ClassVar[str]
    smallest: ClassVar[str] = ""
    usual_size: ClassVar[tuple[int, int]] = (1, 5)
    whole_batches: ClassVar[bool] = True
    names_records: ClassVar[bool] = True
    fine_tunes: ClassVar[bool] = False
    calibrates: ClassVar[bool] = False
    has_more: ClassVar[bool] = False
    changes_data: ClassVar[bool] = False
    batch_sizes: ClassVar[Mapping[str, int]] = MappingProxyType({"cpu": 16, "other": 512})
    saliency: ClassVar[str] = ""
    configs: ClassVar[Path | None] = None
    config_class: ClassVar[type[BaseTrainConfig]]
    task_class: ClassVar[type[Task]]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Default the kind and the networks of a task to its name."""
        super().__init_subclass__(**kwargs)
        if "name" in cls.__dict__:
            cls.kind = getattr(cls, "kind", cls.name)
            cls.card_kind = cls.__dict__.get("card_kind", cls.kind)
            cls.networks = cls.__dict__.get("networks", cls.name)

    def suits(self, parameters: Mapping[str, Any]) -> bool:
        """Whether parameters of its kind belong to this task, for tasks that share a kind."""
        return True

    def role_of(self, parameters: Mapping[str, Any]) -> str:
        """Role of a checkpoint with these task parameters."""
        return self.role

    def reads_words(self, task: TaskT) -> str:
        """Description of a network's input, for a page."""
        return f"{self.reads}, {task.describe()}"

    def cases_words(self, validation: Mapping[str, Any]) -> str:
        """Description of the validation cases behind a run's scores, for a page; empty where there are none."""
        return ""

    def data_words(self, survey: Survey) -> str:
        """Description of a data set of its kind, in a few words."""
        return f"{counted(survey.items, self.case)}, {counted(survey.groups, 'group')}"

    def data_facts(self, survey: Survey) -> list[Fact]:
        """Counts of a data set of its kind."""
        cases = Fact(label=self.unit.capitalize(), value=f"{survey.items:,}")
        return [cases, *shares(survey.classes, sum(survey.classes.values()))]

    def fitted(self, config: ConfigT) -> ConfigT:
        """The configuration completed with settings that depend on its data."""
        return config

    def monitor(self, values: Mapping[str, Any]) -> Monitor:
        """The metric that selects the epoch, from the plain values of a configuration."""
        return Monitor(metric="validation/loss", mode="min")

    @abstractmethod
    def check_data(self, config: ConfigT) -> None:
        """Refuse a configuration whose data are missing, or that leaves one side of the split empty.

        Raises:
            ConfigError: they do.
        """

    def check_network(self, config: ConfigT, network: nn.Module) -> None:
        """Refuse a network (on the meta device) that cannot take the task's input.

        Raises:
            ConfigError: it cannot.
        """

    def check_teachers(self, config: ConfigT, teachers: Sequence[Checkpoint]) -> None:
        """Refuse teachers whose predictions a student of the configuration cannot learn.

        Raises:
            ConfigError: one is such; by default one for another task.
        """
        for teacher in teachers:
            if teacher.task != config.task:
                raise ConfigError(
                    "loss.teachers", f"{teacher.name} reads another input; choose one trained with the same task"
                )

    @abstractmethod
    def count(self, config: ConfigT) -> Cases:
        """Cases of each class on both sides, with a function that makes a few batches.

        Raises:
            ConfigError, ReadError: as the training would.
        """

    def needed_classes(self, config: ConfigT) -> tuple[str, ...]:
        """Classes whose absence from the training data is a warning."""
        classes: tuple[str, ...] = config.task.classes
        return classes

    def around_s(self, config: ConfigT, cases: Cases, pace: Pace) -> float:
        """Seconds before and after the epochs: reading the data, and final metrics."""
        return pace.read_s * sum(cases.sizes) + pace.forward_s * cases.validation_steps

    @abstractmethod
    def fit(self, config: ConfigT, context: RunContext) -> Path:
        """Train, calibrate and score; returns the folder of the checkpoint. See :func:`models.training.run`.

        Raises:
            ConfigError, ReadError, StoppedError, TrainingError: as :func:`models.training.run`.
        """

    def split(self, config: ConfigT, side: str) -> SplitNames:
        """Names of the training cases of a configuration, and of the cases on one side of its split.

        Raises:
            ConfigError: two runs of the task cannot be compared case by case; so by default.
            ReadError: data that cannot be read.
        """
        raise ConfigError("runs", "are of a task whose runs are not compared; compare checkpoints by their scores")

    def predict(
        self, checkpoint: Checkpoint, config: ConfigT, names: Sequence[str], *, progress: Progress | None = None
    ) -> Predictions:
        """Predictions for some cases of a configuration's data, by the names that :meth:`split` gave.

        Raises:
            ConfigError: as :meth:`split`. ReadError: data that cannot be read.
        """
        raise ConfigError("runs", "are of a task whose runs are not compared; compare checkpoints by their scores")

    @abstractmethod
    def score(self, checkpoint: Checkpoint, request: ScoreRequest, *, progress: Progress | None = None) -> Scores:
        """Score a checkpoint on labelled data.

        Raises:
            ConfigError: a request that does not suit the task. ReadError: data that cannot be read.
        """

    def labels(self, checkpoint: Checkpoint, data: Data, *, progress: Progress | None = None) -> PredictedLabels:
        """Predicted labels on one side of a data set, for comparing a lighter form with its original.

        Raises:
            ConfigError: an unknown side, or no lighter forms of the task are judged; so by default.
            ReadError: data that cannot be read.
        """
        raise ConfigError("checkpoint", f"{checkpoint.name} is of a task whose lighter forms cannot be judged")

    def calibration_inputs(
        self, checkpoint: Checkpoint, root: str | Path, side: str, *, more: str | Path = "", most: int
    ) -> list[dict[str, np.ndarray]]:
        """Network inputs spread evenly over one side, for calibrating int8 scales.

        Raises:
            ConfigError: the task needs none; so by default. ReadError: data that cannot be read.
        """
        raise ConfigError("checkpoint", f"{checkpoint.name} is of a task without inputs to calibrate eight bits on")

    def example_inputs(self, task: TaskT, count: int, generator: torch.Generator) -> dict[str, torch.Tensor]:
        """Random inputs by argument name, for export and timing.

        Raises:
            ConfigError: its networks have no input of a fixed shape; so by default.
        """
        raise ConfigError("checkpoint", f"is for task {self.name}, whose networks cannot be exported")

    def export_fault(self, task: TaskT) -> str:
        """Why its networks cannot be exported to ONNX, a clause with the remedy; empty where they can."""
        return ""

    def folding_example(self, task: TaskT) -> tuple[torch.Tensor, dict[str, torch.Tensor]] | None:
        """Example input for folding batch norm before CPU analysis; None where folding gains nothing."""
        return None
