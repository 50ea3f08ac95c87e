"""Task ``good_only``: pictures of parts, of which only good ones were there to learn from."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from models.config.good_only import GoodOnlyTrainConfig
from models.core.errors import ConfigError, ReadError
from models.plugins.picture_base import PicturePlugin, sample_pictures, tally
from models.plugins.registry import register_task
from models.plugins.results import Cases, Monitor, Pace
from models.tasks.good_only import GoodOnlyTask

if TYPE_CHECKING:
    from models.checkpoints import Checkpoint
    from models.training.context import RunContext


@register_task
class GoodOnlyPlugin(PicturePlugin[GoodOnlyTrainConfig, GoodOnlyTask]):
    """Pictures of parts: like good ones, or not."""

    name = "good_only"
    title = "Pictures: good parts only"
    saliency = "patch_distance"
    smallest = "good_only"
    config_class = GoodOnlyTrainConfig
    task_class = GoodOnlyTask

    def monitor(self, values: Mapping[str, Any]) -> Monitor:
        return Monitor(metric="validation/auroc", mode="max")

    def check_data(self, config: GoodOnlyTrainConfig) -> None:
        from models.data.image_folder import load_split
        from models.evaluation.overkill import LEAST_PARTS, too_few

        try:
            sides, _ = load_split(config.data.root, config.data)
        except ReadError as error:
            raise ConfigError("data.root", f"{error}; it is {config.data.root}") from error
        good = sum(row.label == 0 for row in sides["train"])
        if good < LEAST_PARTS:
            raise too_few(good)

    def check_teachers(self, config: GoodOnlyTrainConfig, teachers: Sequence[Checkpoint]) -> None:
        """Its configuration names none."""

    def count(self, config: GoodOnlyTrainConfig) -> Cases:
        from models.data.image_folder import load_split

        sides, _ = load_split(config.data.root, config.data)
        train = [row for row in sides["train"] if row.label == 0]
        candidates = 4.0 * config.network.components * min(config.bank.candidates, 5_000_000)
        return Cases(
            train=tally(train),
            validation=tally(sides["validation"]),
            units=self.unit,
            data_bytes=candidates + min(config.data.cache_gb * 1e9, 3.0 * config.task.image_size**2 * len(train)),
            steps=math.ceil(len(train) / config.batch_size),
            validation_steps=math.ceil(len(sides["validation"]) / config.batch_size),
            sample=lambda most: sample_pictures(config, train, most),
        )

    def needed_classes(self, config: GoodOnlyTrainConfig) -> tuple[str, ...]:
        return config.task.classes[:1]

    def around_s(self, config: GoodOnlyTrainConfig, cases: Cases, pace: Pace) -> float:
        """The second pass over the pictures; the search for the coreset goes with what the steps are measured too
        long by, since nothing goes backward."""
        return pace.read_s * sum(cases.sizes) + pace.forward_s * (cases.steps + cases.validation_steps)

    def fit(self, config: GoodOnlyTrainConfig, context: RunContext) -> Path:
        from models.training.good_only_run import run_good_only

        return run_good_only(config, context)

    def example_inputs(self, task: GoodOnlyTask, count: int, generator: torch.Generator) -> dict[str, torch.Tensor]:
        return {"x": torch.randn(count, task.in_channel, task.image_size, task.image_size, generator=generator)}
