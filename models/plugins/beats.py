"""Tasks ``beat`` and ``strip``: the class of every beat from a window around it, a table row, or a long strip."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from models.config.beat import BeatTrainConfig
from models.core.errors import ConfigError
from models.core.words import counted
from models.plugins.arrays import probabilities
from models.plugins.base import TaskPlugin, TaskT
from models.plugins.registry import register_task
from models.plugins.results import (
    Cases,
    Data,
    Fact,
    Monitor,
    Pace,
    PredictedLabels,
    Predictions,
    ScoreRequest,
    Scores,
    SplitNames,
    shares,
)
from models.tasks.beat import RR_FEATURES, BeatTask
from models.tasks.strip import StripTask

if TYPE_CHECKING:
    from torch import nn

    from models.checkpoints import Checkpoint
    from models.core.callbacks import Progress
    from models.data.augment import Augmenter
    from models.data.beats import EpochDataset, PreparedRecord
    from models.data.survey_result import Survey
    from models.training.context import RunContext


class BeatPlugin(TaskPlugin[BeatTrainConfig, TaskT]):
    """Base of the beat tasks: data, classes, scores."""

    role = "beats"
    unit = "beats"
    case = "record"
    data_kind = "recordings"
    metric = "macro_f1"
    whole_batches = False
    config_class = BeatTrainConfig

    def cases_words(self, validation: Mapping[str, Any]) -> str:
        if "beats" not in validation:
            return ""
        return f"{counted(validation['beats'], 'beat')} of {counted(len(validation.get('records', [])), 'record')}"

    def data_words(self, survey: Survey) -> str:
        return f"{counted(sum(survey.classes.values()), 'beat')}, {counted(survey.items, 'record')}"

    def data_facts(self, survey: Survey) -> list[Fact]:
        beats = sum(survey.classes.values())
        return [
            Fact(label="Beats", value=f"{beats:,}"),
            *shares(survey.classes, beats),
            Fact(label="Recordings", value=f"{survey.items:,}"),
            Fact(label="Length", value=f"{survey.hours:.1f} h"),
        ]

    def monitor(self, values: Mapping[str, Any]) -> Monitor:
        return Monitor(metric="validation/macro_f1", mode="max")

    def check_data(self, config: BeatTrainConfig) -> None:
        from models.plugins.beat_data import source_of

        source_of(config).check()

    def count(self, config: BeatTrainConfig) -> Cases:
        from models.plugins.beat_data import source_of

        return source_of(config).count(self)

    def needed_classes(self, config: BeatTrainConfig) -> tuple[str, ...]:
        from models.metrics.beats import SCORED

        return SCORED

    def around_s(self, config: BeatTrainConfig, cases: Cases, pace: Pace) -> float:
        from models.plugins.beat_data import source_of

        train, validation = source_of(config).files
        return pace.read_s * (train + 2 * validation) + pace.forward_s * cases.validation_steps

    def fit(self, config: BeatTrainConfig, context: RunContext) -> Path:
        from models.training.beat_run import run_beats

        return run_beats(config, context, self)

    @abstractmethod
    def dataset(
        self,
        records: Sequence[PreparedRecord],
        task: TaskT,
        *,
        augmenter: Augmenter | None,
        batch_size: int,
        seed: int,
        drawn: int = 0,
        balance: float = 0.0,
    ) -> EpochDataset:
        """Batches of prepared records.

        Args:
            records: conditioned, with their beats.
            task: what they were conditioned for.
            augmenter: changes the inputs; None leaves them as they are.
            batch_size: inputs in a batch.
            seed: of order and changes.
            drawn: windows drawn in an epoch; 0: each beat once.
            balance: how far rare classes are drawn more often.
        """

    @abstractmethod
    def inputs(self, beats: int, samples: Sequence[float], task: TaskT) -> int:
        """Number of inputs for so many beats in records of so many samples, at the task's sampling frequency."""

    def split(self, config: BeatTrainConfig, side: str) -> SplitNames:
        from models.data import mitdb
        from models.data.record_names import record_names

        if config.data.prepared:
            raise ConfigError(
                "runs", "one was trained on prepared sets; compare checkpoints by python -m models evaluate"
            )
        train, validation = record_names(config)
        there = set(mitdb.list_records(config.data.root))
        chosen = validation if side == "validation" else mitdb.DS2
        return SplitNames(trained=frozenset(train), side=tuple(name for name in chosen if name in there))

    def predict(
        self,
        checkpoint: Checkpoint,
        config: BeatTrainConfig,
        names: Sequence[str],
        *,
        progress: Progress | None = None,
    ) -> Predictions:
        from models.data import mitdb
        from models.evaluation.beats import predict_records

        records = mitdb.load_records(config.data.root, names)
        found = predict_records(checkpoint, records, progress=progress)
        return Predictions(
            prob=probabilities(found.logits, checkpoint.card.temperature),
            truth=found.reference,
            case=_cases(records),
            group=_records(records),
            classes=checkpoint.card.classes,
        )

    def score(self, checkpoint: Checkpoint, request: ScoreRequest, *, progress: Progress | None = None) -> Scores:
        from models.evaluation.beats import card_entry, evaluate, render

        result = evaluate(
            checkpoint, request.root, request.split or "all", request.records, lead=request.lead, progress=progress
        )
        return Scores(text=render(result), metrics=result, card_entry=card_entry(result))

    def labels(self, checkpoint: Checkpoint, data: Data, *, progress: Progress | None = None) -> PredictedLabels:
        from models.data import mitdb
        from models.evaluation.beats import choose_records, predict_records
        from models.metrics.beats import confusion, scores

        records = mitdb.load_records(data.root, choose_records(data.root, data.split))
        found = predict_records(checkpoint, records, progress=progress)
        classes = checkpoint.card.classes
        label, truth = found.logits.argmax(axis=1), found.reference
        names = np.array(classes)
        return PredictedLabels(
            metric="macro F1 of N, S, V",
            cases=tuple(_cases(records)),
            groups=_records(records),
            labels=names[label][:, None],
            truth=names[truth][:, None],
            titles=("",),
            score=lambda chosen: scores(confusion(truth[chosen], label[chosen], len(classes)), classes)["macro_f1"],
        )

    def calibration_inputs(
        self, checkpoint: Checkpoint, root: str | Path, side: str, *, more: str | Path = "", most: int
    ) -> list[dict[str, np.ndarray]]:
        raise ConfigError("checkpoint", f"{checkpoint.name} reads beats, and its LSTM needs no calibration")


@register_task
class WindowPlugin(BeatPlugin[BeatTask]):
    """Single beats, each from a window around its R peak."""

    name = "beat"
    title = "Beats, one by one"
    reads = "a window around each beat"
    smallest = "beat_smoke"
    batch_sizes = MappingProxyType({"cpu": 128, "other": 1024})
    task_class = BeatTask

    def suits(self, parameters: Mapping[str, Any]) -> bool:
        return not parameters.get("rows")

    def reads_words(self, task: BeatTask) -> str:
        return f"a window around each beat of {task.segment_seconds:g} s, {task.describe()}"

    def fitted(self, config: BeatTrainConfig) -> BeatTrainConfig:
        """Use table rows as windows, and their length where the configuration states none."""
        from models.data import heartbeat_csv

        seconds = heartbeat_csv.seconds_of(config.data.root)
        if seconds is None:
            return config
        values = config.model_dump(mode="json")
        task = values["task"] | {"rows": True}
        if config.task.segment_seconds == type(config.task)().segment_seconds:
            task["segment_seconds"] = seconds
        return type(config).model_validate(values | {"task": task})

    def check_network(self, config: BeatTrainConfig, network: nn.Module) -> None:
        from models.networks.ecg.base import require_length

        require_length(network, config.task.in_channel, config.task.length)

    def dataset(
        self,
        records: Sequence[PreparedRecord],
        task: BeatTask,
        *,
        augmenter: Augmenter | None,
        batch_size: int,
        seed: int,
        drawn: int = 0,
        balance: float = 0.0,
    ) -> EpochDataset:
        from models.data.beats import WindowDataset

        return WindowDataset(records, task, batch_size, augmenter, drawn, balance, seed)

    def inputs(self, beats: int, samples: Sequence[float], task: BeatTask) -> int:
        return beats

    def example_inputs(self, task: BeatTask, count: int, generator: torch.Generator) -> dict[str, torch.Tensor]:
        inputs = {"x": torch.randn(count, task.in_channel, task.length, generator=generator)}
        if task.rr:
            inputs["rr"] = torch.rand(count, RR_FEATURES, generator=generator)
        return inputs


@register_task
class RowPlugin(WindowPlugin):
    """Beats from the rows of a table."""

    name = "row"
    card_kind = "row"
    networks = "beat"
    title = ""
    reads = "a row of a table of beats"
    role = "rows"

    def suits(self, parameters: Mapping[str, Any]) -> bool:
        return not super().suits(parameters)

    def reads_words(self, task: BeatTask) -> str:
        return f"a row of a table of beats, {task.segment_seconds:.2f} s from the R peak, {task.describe()}"


@register_task
class StripPlugin(BeatPlugin[StripTask]):
    """All beats of a long strip, each in the context of its neighbours."""

    name = "strip"
    title = "Beats in long strips"
    reads = "a strip with all its beats"
    # Grad-CAM keeps one weight a channel for the whole strip, so every beat of the same shape lights up and the map
    # does not say which one it explains.
    saliency = "hires_cam"
    # Fastest on a CPU is what its caches hold (benchmarks/analyse.py tries several); an accelerator takes much more.
    batch_sizes = MappingProxyType({"cpu": 2, "other": 64})
    task_class = StripTask

    def reads_words(self, task: StripTask) -> str:
        return f"a strip of {task.segment_seconds:g} s, {task.describe()}"

    def dataset(
        self,
        records: Sequence[PreparedRecord],
        task: StripTask,
        *,
        augmenter: Augmenter | None,
        batch_size: int,
        seed: int,
        drawn: int = 0,
        balance: float = 0.0,
    ) -> EpochDataset:
        from models.data.strips import StripDataset

        return StripDataset(records, task, batch_size, augmenter, balance, seed)

    def inputs(self, beats: int, samples: Sequence[float], task: StripTask) -> int:
        return sum(math.ceil(count / task.hop) for count in samples)

    def example_inputs(self, task: StripTask, count: int, generator: torch.Generator) -> dict[str, torch.Tensor]:
        return {"x": torch.randn(count, task.in_channel, task.length, generator=generator)}

    def export_fault(self, task: StripTask) -> str:
        return "reads strips with any number of beats, which ONNX's LSTM cannot pack; choose a network for windows"

    def folding_example(self, task: StripTask) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        x = torch.linspace(-1, 1, 600).expand(1, task.in_channel, 600)
        return x, {"beats": torch.tensor([[100, 300, 500]])}


def _cases(records: Sequence[Any]) -> list[str]:
    return [f"{record.name} at {sample / record.fs:.2f} s" for record in records for sample in record.sample]


def _records(records: Sequence[Any]) -> np.ndarray:
    return np.concatenate([np.full(len(record.sample), record.name) for record in records])
