"""What the tasks on pictures of parts have in common: words, the split, predictions and scores."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from models.core.errors import ConfigError
from models.core.words import counted
from models.plugins.arrays import evenly, probabilities
from models.plugins.base import ConfigT, TaskPlugin, TaskT
from models.plugins.results import (
    Data,
    Fact,
    PredictedLabels,
    Predictions,
    SampleBatches,
    ScoreRequest,
    Scores,
    SplitNames,
    shares,
)
from models.tasks.image import IMAGE_CLASSES

if TYPE_CHECKING:
    from models.checkpoints import Checkpoint
    from models.core.callbacks import Progress
    from models.data.image_folder import ImageRow
    from models.data.survey_result import Survey

_SAMPLE = 16
"""Pictures that steps are measured with, at most."""


class PicturePlugin(TaskPlugin[ConfigT, TaskT]):
    """A task on pictures whose answer is normal or defect; its configuration has ``data`` of an
    :class:`models.config.image.ImageDataConfig`."""

    reads = "a picture"
    role = "pictures"
    unit = "pictures"
    case = "picture"
    data_kind = "pictures"
    metric = "auroc"
    changes_data = True
    usual_size = (3, 2)
    batch_sizes = MappingProxyType({"cpu": 8, "other": 128})

    def reads_words(self, task: TaskT) -> str:
        return f"one picture, {task.describe()}"

    def cases_words(self, validation: Mapping[str, Any]) -> str:
        if "images" not in validation:
            return ""
        return f"{counted(validation['images'], 'picture')} of {counted(validation.get('groups', 0), 'group')}"

    def data_facts(self, survey: Survey) -> list[Fact]:
        cases = sum(survey.classes.values())
        return [
            Fact(label="Pictures", value=f"{cases:,}"),
            *shares(survey.classes, cases),
            Fact(label="Groups", value=f"{survey.groups:,}", help="Cells, boards or welds: each on one side."),
        ]

    def split(self, config: ConfigT, side: str) -> SplitNames:
        from models.data.image_folder import load_split

        sides, _ = load_split(config.data.root, config.data)
        return SplitNames(
            trained=frozenset(row.file for row in sides["train"]), side=tuple(row.file for row in sides[side])
        )

    def predict(
        self,
        checkpoint: Checkpoint,
        config: ConfigT,
        names: Sequence[str],
        *,
        progress: Progress | None = None,
    ) -> Predictions:
        from models.data.image_folder import load_split
        from models.evaluation.images import predict_images, require_pictures

        sides, _ = load_split(config.data.root, config.data)
        wanted = set(names)
        rows = [row for side in sides.values() for row in side if row.file in wanted]
        found = predict_images(checkpoint, rows, progress=progress)
        return Predictions(
            prob=probabilities(found.logits, checkpoint.card.temperature),
            truth=found.classes(require_pictures(checkpoint)),
            case=[row.file for row in found.rows],
            group=np.array(found.groups),
            classes=checkpoint.card.classes,
        )

    def score(self, checkpoint: Checkpoint, request: ScoreRequest, *, progress: Progress | None = None) -> Scores:
        from models.evaluation.images import evaluate_images, render_images

        for option in ("records", "lead"):
            if getattr(request, option):
                raise ConfigError(option, f"is for recordings; {checkpoint.name} reads pictures")
        result = evaluate_images(
            checkpoint, request.root, request.split or "test", changes=request.changes, progress=progress
        )
        return Scores(
            text=render_images(result),
            metrics=result,
            card_entry=result["pooled"] | {"data": result["data"], "split": result["split"]},
        )

    def labels(self, checkpoint: Checkpoint, data: Data, *, progress: Progress | None = None) -> PredictedLabels:
        from models.data.image_folder import SPLITS, load_split
        from models.evaluation.images import data_settings, predict_images, probability
        from models.evaluation.operating_point import in_force
        from models.metrics.images import auroc

        if data.split not in SPLITS:
            raise ConfigError("split", f"there is no side {data.split!r}; choose {', '.join(SPLITS)}")
        rows = load_split(data.root, data_settings(checkpoint))[0][data.split]
        found = predict_images(checkpoint, rows, progress=progress)
        prob, truth = probability(found.logits, checkpoint.card.temperature), found.labels
        names = np.array(IMAGE_CLASSES)
        return PredictedLabels(
            metric="AUROC",
            cases=tuple(row.file for row in found.rows),
            groups=np.array(found.groups),
            labels=names[(prob >= in_force(checkpoint.folder).threshold).astype(int)][:, None],
            truth=names[truth][:, None],
            titles=("",),
            score=lambda chosen: auroc(prob[chosen], truth[chosen]),
        )


def tally(rows: Sequence[ImageRow]) -> dict[str, int]:
    """Pictures of each class."""
    return {name: sum(row.label == label for row in rows) for label, name in enumerate(IMAGE_CLASSES)}


def sample_pictures(config: Any, rows: Sequence[ImageRow], most: int) -> SampleBatches:
    """Batches of a few training pictures of one shape, to measure steps with; see :class:`Cases`.

    Args:
        config: with ``task``, ``augment`` and ``seed``.
        rows: the training pictures.
        most: pictures to read, at most.
    """
    from models.data.beats import Batch
    from models.data.image_augment import ImageAugmenter
    from models.data.image_dataset import ImageDataset

    chosen = evenly(rows, min(most, _SAMPLE))
    since = time.monotonic()
    data = ImageDataset(chosen, config.task, ImageAugmenter(config.augment), config.seed)
    read_s = (time.monotonic() - since) / max(len(chosen), 1)

    def make(count: int) -> Batch:
        pairs = [data[0, place % len(data)] for place in range(count)]
        pairs = [pair for pair in pairs if pair[0].shape == pairs[0][0].shape]
        return Batch(torch.stack([x for x, _ in pairs]), {}, torch.tensor([int(label) for _, label in pairs]))

    return SampleBatches(make=make, read_s=read_s)
