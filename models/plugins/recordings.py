"""Task ``record``: probabilities of labels for a whole recording, read as samples or drawn as a picture."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from models.config.record import RecordTrainConfig
from models.core.errors import ConfigError, ReadError
from models.core.words import counted
from models.plugins.arrays import evenly
from models.plugins.base import TaskPlugin
from models.plugins.registry import register_task
from models.plugins.results import (
    Cases,
    Data,
    Fact,
    Monitor,
    PredictedLabels,
    Predictions,
    SampleBatches,
    ScoreRequest,
    Scores,
    SplitNames,
    shares,
)
from models.tasks.record import RecordTask

if TYPE_CHECKING:
    from models.checkpoints import Checkpoint
    from models.core.callbacks import Progress
    from models.data.survey_result import Survey
    from models.data.whole_recording_split import RecordingRow
    from models.training.context import RunContext

_SAMPLE = 16
"""Recordings that steps are measured with, at most."""
RECORDING_S = 10.0
"""How long whole recordings are, as a rule: their samples are not read to be counted."""


@register_task
class RecordPlugin(TaskPlugin[RecordTrainConfig, RecordTask]):
    """Whole recordings as samples."""

    name = "record"
    title = "Whole recordings"
    reads = "a whole recording"
    role = "labels"
    unit = "recordings"
    case = "recording"
    data_kind = "whole recordings"
    metric = "macro_auroc"
    usual_size = (12, 5)
    names_records = False
    saliency = "occlusion"
    fine_tunes = True
    calibrates = True
    has_more = True
    config_class = RecordTrainConfig
    task_class = RecordTask

    def suits(self, parameters: Mapping[str, Any]) -> bool:
        return bool(parameters.get("form", "signal") == "signal")

    def reads_words(self, task: RecordTask) -> str:
        return f"a whole recording in windows, {task.describe()}"

    def cases_words(self, validation: Mapping[str, Any]) -> str:
        if "recordings" not in validation:
            return ""
        return f"{counted(validation['recordings'], 'recording')} of {counted(validation.get('groups', 0), 'patient')}"

    def data_words(self, survey: Survey) -> str:
        return f"{counted(survey.items, 'recording')}, {counted(survey.groups, 'patient')}"

    def data_facts(self, survey: Survey) -> list[Fact]:
        return [
            *shares(survey.classes, survey.items),  # a recording may be of several classes
            Fact(label="Recordings", value=f"{survey.items:,}"),
            Fact(label="Length", value=f"{survey.hours:.1f} h"),
            Fact(label="Patients", value=f"{survey.groups:,}", help="Each is on one side."),
        ]

    def monitor(self, values: Mapping[str, Any]) -> Monitor:
        chosen = values["choose_by"]
        return Monitor(metric=f"validation/{chosen}", mode="min" if chosen == "loss" else "max")

    def check_data(self, config: RecordTrainConfig) -> None:
        from models.data.whole_recordings import check_sides, load_split

        try:
            check_sides(config.data, config.task, load_split(config.data, config.task))
        except ReadError as error:
            raise ConfigError("data.root", f"{error}; it is {config.data.root}") from error

    def check_teachers(self, config: RecordTrainConfig, teachers: Sequence[Checkpoint]) -> None:
        """Require the same labels, and that either all or none of the teachers read the student's input."""
        for teacher in teachers:
            if teacher.card.kind != self.card_kind or teacher.card.classes != config.task.classes:
                raise ConfigError(
                    "loss.teachers", f"{teacher.name} answers with other labels; choose one with the same target"
                )
        if len({teacher.task == config.task for teacher in teachers}) > 1:
            raise ConfigError("loss.teachers", "some read the student's input and some another; name those of one kind")

    def count(self, config: RecordTrainConfig) -> Cases:
        from models.data.whole_recordings import load_split

        task = config.task
        sides = load_split(config.data, task).sides
        train, validation = sides["train"], sides["validation"]
        samples = max(task.length, RECORDING_S * task.fs_out)
        windows = len(task.starts(round(samples))) * len(validation)
        return Cases(
            train=_tally(train, task),
            validation=_tally(validation, task),
            units=self.unit,
            data_bytes=4.0 * samples * task.in_channel * (len(train) + len(validation)),
            steps=max(1, len(train) // config.batch_size),
            validation_steps=math.ceil(windows / config.batch_size),
            sample=lambda most: _sample(config, train, most),
            items=(len(train), len(validation)),
        )

    def fit(self, config: RecordTrainConfig, context: RunContext) -> Path:
        from models.training.record_run import run_recordings

        return run_recordings(config, context)

    def split(self, config: RecordTrainConfig, side: str) -> SplitNames:
        from models.data.whole_recordings import load_split

        found = load_split(config.data, config.task).sides
        return SplitNames(
            trained=frozenset(row.name for row in found["train"]), side=tuple(row.name for row in found[side])
        )

    def predict(
        self,
        checkpoint: Checkpoint,
        config: RecordTrainConfig,
        names: Sequence[str],
        *,
        progress: Progress | None = None,
    ) -> Predictions:
        """Predictions with each label of each recording as a binary case."""
        from models.data.whole_recordings import load_split, prepare
        from models.evaluation.records import predict_prepared
        from models.metrics.records import calibrated

        sides, wanted = load_split(config.data, config.task).sides, set(names)
        data = prepare([row for rows in sides.values() for row in rows if row.name in wanted], config.task)
        prob = calibrated(predict_prepared(checkpoint, data, progress=progress), checkpoint.card.calibration)
        labels = checkpoint.card.classes
        return Predictions(
            prob=np.stack([1 - prob.ravel(), prob.ravel()], axis=1).astype(np.float32),
            truth=data.targets.ravel().astype(np.int64),
            case=[f"{row.name}: {label}" for row in data.rows for label in labels],
            group=np.repeat(np.array(data.groups), len(labels)),
            classes=("no", "yes"),
        )

    def score(self, checkpoint: Checkpoint, request: ScoreRequest, *, progress: Progress | None = None) -> Scores:
        from models.evaluation.records import evaluate_recordings, render_recordings

        for option in ("records", "lead"):
            if getattr(request, option):
                raise ConfigError(option, f"is for beats; {checkpoint.name} reads whole recordings")
        result = evaluate_recordings(
            checkpoint, request.root, request.split or "test", more=request.more, progress=progress
        )
        kept = ("data", "split", "referral", "calibration")
        return Scores(
            text=render_recordings(result),
            metrics=result,
            card_entry=result["pooled"] | {key: result[key] for key in kept},
        )

    def labels(self, checkpoint: Checkpoint, data: Data, *, progress: Progress | None = None) -> PredictedLabels:
        from models.data.whole_recording_split import SIDES
        from models.data.whole_recordings import prepare
        from models.evaluation.records import predict_prepared, require_record, split_of, thresholds
        from models.metrics.records import calibrated, record_metrics

        if data.split not in SIDES:
            raise ConfigError("split", f"there is no side {data.split!r}; choose {', '.join(SIDES)}")
        rows = split_of(checkpoint, data.root, data.more).sides[data.split]
        found = prepare(rows, require_record(checkpoint))
        prob = calibrated(predict_prepared(checkpoint, found, progress=progress), checkpoint.card.calibration)
        limits, classes = thresholds(checkpoint).tolist(), checkpoint.card.classes

        def score(chosen: np.ndarray) -> float:
            return record_metrics(prob[chosen], found.targets[chosen], limits, classes)["macro_auroc"]

        return PredictedLabels(
            metric="macro AUROC",
            cases=tuple(row.name for row in found.rows),
            groups=np.array(found.groups),
            labels=np.where(prob >= limits, "yes", "no"),
            truth=np.where(found.targets == 1, "yes", "no"),
            titles=classes,
            score=score,
        )

    def calibration_inputs(
        self, checkpoint: Checkpoint, root: str | Path, side: str, *, more: str | Path = "", most: int
    ) -> list[dict[str, np.ndarray]]:
        from models.data.whole_recordings import prepare
        from models.evaluation.records import require_record, split_of

        task = require_record(checkpoint)
        data = prepare(evenly(split_of(checkpoint, root, more).sides[side], most), task)
        return [{"x": task.window(signal, int(task.starts(signal.shape[1])[0])).numpy()} for signal in data.signals]

    def example_inputs(self, task: RecordTask, count: int, generator: torch.Generator) -> dict[str, torch.Tensor]:
        return {"x": torch.randn(count, task.in_channel, task.length, generator=generator)}


@register_task
class RecordPicturePlugin(RecordPlugin):
    """Whole recordings drawn as a picture: a matrix of leads and time, or ECG paper."""

    name = "record_picture"
    title = ""
    reads = "a whole recording as a picture"
    saliency = "grad_cam"
    usual_size = (3, 5)

    def suits(self, parameters: Mapping[str, Any]) -> bool:
        return not super().suits(parameters)

    def role_of(self, parameters: Mapping[str, Any]) -> str:
        return "paper" if parameters.get("form") == "paper" else self.role

    def example_inputs(self, task: RecordTask, count: int, generator: torch.Generator) -> dict[str, torch.Tensor]:
        return {"x": torch.randn(count, task.in_channel, *task.picture_size, generator=generator)}


def _tally(rows: Sequence[RecordingRow], task: RecordTask) -> dict[str, int]:
    return {name: int(sum(row.target[place] for row in rows)) for place, name in enumerate(task.classes)}


def _sample(config: RecordTrainConfig, rows: Sequence[RecordingRow], most: int) -> SampleBatches:
    from models.data.beats import Batch
    from models.data.record_dataset import CropDataset
    from models.data.whole_recordings import prepare

    chosen = evenly(rows, min(most, _SAMPLE))
    since = time.monotonic()
    found = prepare(chosen, config.task)
    read_s = (time.monotonic() - since) / max(len(chosen), 1)
    if not found.rows:
        raise ReadError(*next(iter(found.left_out.items())))
    data = CropDataset(found, config.task, config.augment, config.seed)

    def make(count: int) -> Batch:
        items = [data[0, place % len(data)] for place in range(count)]
        return Batch(torch.stack([x for x, _, _ in items]), {}, torch.stack([target for _, target, _ in items]))

    return SampleBatches(make=make, read_s=read_s)
