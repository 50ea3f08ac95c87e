"""What a task has to say for itself: the interface of a plug-in, with the usual answer where there is one."""

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
    from models.data.survey import Survey
    from models.plugins.results import (
        Answers,
        Cases,
        Data,
        Pace,
        Said,
        ScoreRequest,
        Scores,
        SplitNames,
    )
    from models.tasks.base import Task
    from models.training.context import RunContext

ConfigT = TypeVar("ConfigT", bound="BaseTrainConfig")
TaskT = TypeVar("TaskT", bound="Task")


class TaskPlugin(ABC, Generic[ConfigT, TaskT]):
    """One task: its configuration, its data, its training, its judgement and its words.

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
        figure: name of the metric that its trainings are compared by.
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
    figure: ClassVar[str]
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
        """Where a task does not say otherwise, its name is its kind and that of its networks."""
        super().__init_subclass__(**kwargs)
        if "name" in cls.__dict__:
            cls.kind = getattr(cls, "kind", cls.name)
            cls.card_kind = cls.__dict__.get("card_kind", cls.kind)
            cls.networks = cls.__dict__.get("networks", cls.name)

    def suits(self, parameters: Mapping[str, Any]) -> bool:
        """Whether parameters of its kind are this task's; for tasks that share a kind."""
        return True

    def role_of(self, parameters: Mapping[str, Any]) -> str:
        """What a checkpoint with these parameters of the task answers."""
        return self.role

    def reads_words(self, task: TaskT) -> str:
        """What a network with these parameters reads, for a page."""
        return f"{self.reads}, {task.describe()}"

    def cases_words(self, validation: Mapping[str, Any]) -> str:
        """What the validation scores of a run rest on, for a page; empty where there are none."""
        return ""

    def data_words(self, survey: Survey) -> str:
        """What a data set of its kind holds, in a few words."""
        return f"{counted(survey.items, self.case)}, {counted(survey.groups, 'group')}"

    def data_facts(self, survey: Survey) -> list[Fact]:
        """What a data set of its kind holds, one count after the other."""
        cases = Fact(label=self.unit.capitalize(), value=f"{survey.items:,}")
        return [cases, *shares(survey.classes, sum(survey.classes.values()))]

    def fitted(self, config: ConfigT) -> ConfigT:
        """The configuration with what its data decide."""
        return config

    def monitor(self, values: Mapping[str, Any]) -> Monitor:
        """The metric that a training chooses its epoch by, from the plain values of a configuration."""
        return Monitor(metric="validation/loss", mode="min")

    @abstractmethod
    def check_data(self, config: ConfigT) -> None:
        """Refuse a configuration whose data are not there, or leave one side of the split empty.

        Raises:
            ConfigError: they do.
        """

    def check_network(self, config: ConfigT, network: nn.Module) -> None:
        """Refuse a network that cannot take the task's input; it is on the meta device.

        Raises:
            ConfigError: it cannot.
        """

    def check_teachers(self, config: ConfigT, teachers: Sequence[Checkpoint]) -> None:
        """Refuse teachers whose answers a student of the configuration cannot learn.

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
        """The cases of each class on both sides, with a way to make a few batches of them.

        Raises:
            ConfigError, ReadError: as the training would.
        """

    def needed_classes(self, config: ConfigT) -> tuple[str, ...]:
        """Classes that a training warns of where there is no case to learn them from."""
        classes: tuple[str, ...] = config.task.classes
        return classes

    def around_s(self, config: ConfigT, cases: Cases, pace: Pace) -> float:
        """Seconds before and after the epochs: reading, and the metrics at the end."""
        return pace.read_s * sum(cases.sizes) + pace.forward_s * cases.validation_steps

    @abstractmethod
    def fit(self, config: ConfigT, context: RunContext) -> Path:
        """Train, calibrate and score; returns the folder of the checkpoint. See :func:`models.training.run`.

        Raises:
            ConfigError, ReadError, StoppedError, TrainingError: as :func:`models.training.run`.
        """

    def split(self, config: ConfigT, side: str) -> SplitNames:
        """Names of the cases that a configuration trains on, and of those on a side of its split.

        Raises:
            ConfigError: two runs of the task cannot be compared case by case; so by default.
            ReadError: data that cannot be read.
        """
        raise ConfigError("runs", "are of a task whose runs are not compared; compare checkpoints by their scores")

    def predict(
        self, checkpoint: Checkpoint, config: ConfigT, names: Sequence[str], *, progress: Progress | None = None
    ) -> Answers:
        """Predictions for some cases of the data of a configuration, by the names that :meth:`split` gave.

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

    def labels(self, checkpoint: Checkpoint, data: Data, *, progress: Progress | None = None) -> Said:
        """All labels of a checkpoint on one side of a data set, to hold a lighter form against its original.

        Raises:
            ConfigError: an unknown side, or no lighter forms of the task are judged; so by default.
            ReadError: data that cannot be read.
        """
        raise ConfigError("checkpoint", f"{checkpoint.name} is of a task whose lighter forms cannot be judged")

    def calibration_inputs(
        self, checkpoint: Checkpoint, root: str | Path, side: str, *, more: str | Path = "", most: int
    ) -> list[dict[str, np.ndarray]]:
        """Inputs of the network, evenly drawn from one side, to find the scales of eight bits on.

        Raises:
            ConfigError: the task needs none; so by default. ReadError: data that cannot be read.
        """
        raise ConfigError("checkpoint", f"{checkpoint.name} is of a task without inputs to calibrate eight bits on")

    def example_inputs(self, task: TaskT, count: int, generator: torch.Generator) -> dict[str, torch.Tensor]:
        """Noise in the shape of the network's input, by the names of its arguments, to export and to time it with.

        Raises:
            ConfigError: its networks have no input of a fixed shape; so by default.
        """
        raise ConfigError("checkpoint", f"is for task {self.name}, whose networks cannot be exported")

    def export_fault(self, task: TaskT) -> str:
        """Why its networks cannot be written as ONNX, a clause with the remedy; empty where they can."""
        return ""

    def folding_example(self, task: TaskT) -> tuple[torch.Tensor, dict[str, torch.Tensor]] | None:
        """An input to fold batch norm with before a CPU analyses a recording; None where folding gains nothing."""
        return None
