"""Task ``image``: a picture of a part as normal or defect."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from models.config.image import ImageTrainConfig
from models.core.errors import ConfigError, ReadError
from models.plugins.arrays import evenly
from models.plugins.picture_base import PicturePlugin, sample_pictures, tally
from models.plugins.registry import register_task
from models.plugins.results import Cases, Monitor, Pace
from models.tasks.image import IMAGE_CLASSES, ImageTask

if TYPE_CHECKING:
    from models.checkpoints import Checkpoint
    from models.training.context import RunContext

_LIKE_TRAINING = 2000
"""Training pictures that the out-of-distribution score is taken to rest on, at most."""


@register_task
class ImagePlugin(PicturePlugin[ImageTrainConfig, ImageTask]):
    """Pictures of parts: normal or defect."""

    name = "image"
    title = "Pictures: normal or defect"
    smallest = "ct_smoke"
    calibrates = True
    config_class = ImageTrainConfig
    task_class = ImageTask

    def monitor(self, values: Mapping[str, Any]) -> Monitor:
        chosen = values.get("choose_by", "loss")  # runs of before it could be chosen went by the loss
        return Monitor(metric=f"validation/{chosen}", mode="min" if chosen == "loss" else "max")

    def fitted(self, config: ImageTrainConfig) -> ImageTrainConfig:
        """With a class for each type of defect of the folder, where that is asked for and the folder can be read."""
        if config.data.types != "each" or config.task.defect_types:
            return config
        from models.data.image_folder import read_folder

        try:
            folder = read_folder(config.data.root, config.data)
        except (ReadError, ConfigError):
            return config  # the check of the data says what is wrong
        untyped = any(row.label and not row.defect_type for row in folder.rows)
        types = (*folder.types, *(IMAGE_CLASSES[1:] if untyped and folder.types else ()))
        return config.model_copy(update={"task": config.task.model_copy(update={"defect_types": types})})

    def check_data(self, config: ImageTrainConfig) -> None:
        from models.data.image_folder import lacking_class, read_folder, split_folder

        try:
            folder = read_folder(config.data.root, config.data)
        except ReadError as error:
            raise ConfigError("data.root", f"{error}; it is {config.data.root}") from error
        fault = lacking_class(folder, split_folder(folder, config.data, {}), config.task.classes)
        if fault is not None:
            raise fault

    def check_teachers(self, config: ImageTrainConfig, teachers: Sequence[Checkpoint]) -> None:
        """Accept: the configuration has no teachers."""

    def count(self, config: ImageTrainConfig) -> Cases:
        from models.data.image_folder import load_split, split_doubts

        sides, _ = load_split(config.data.root, config.data)
        train, validation = sides["train"], sides["validation"]
        drawn = config.images_per_epoch or len(train)
        planes = 3.0 * config.task.image_size**2
        return Cases(
            train=tally(train),
            validation=tally(validation),
            units=self.unit,
            data_bytes=min(config.data.cache_gb * 1e9, planes * (len(train) + len(validation))),
            steps=max(1, drawn // config.batch_size),
            validation_steps=math.ceil(len(validation) / config.batch_size),
            sample=lambda most: sample_pictures(config, train, most),
            doubts=tuple(split_doubts(sides)),
        )

    def around_s(self, config: ImageTrainConfig, cases: Cases, pace: Pace) -> float:
        scored = cases.sizes[1] + min(_LIKE_TRAINING, cases.sizes[0])
        return pace.read_s * sum(cases.sizes) + (pace.read_s + pace.forward_s / config.batch_size) * scored

    def fit(self, config: ImageTrainConfig, context: RunContext) -> Path:
        from models.training.image_run import run_images

        return run_images(config, context)

    def calibration_inputs(
        self, checkpoint: Checkpoint, root: str | Path, side: str, *, more: str | Path = "", most: int
    ) -> list[dict[str, np.ndarray]]:
        from models.data.image_folder import load_split
        from models.evaluation.images import data_settings, require_pictures

        task = require_pictures(checkpoint)
        inputs = []
        for row in evenly(load_split(root, data_settings(checkpoint))[0][side], most):
            try:
                inputs.append({"x": task.prepare(row.pixels()).numpy()})
            except ReadError:
                continue  # evaluation counts and names such files
        return inputs

    def example_inputs(self, task: ImageTask, count: int, generator: torch.Generator) -> dict[str, torch.Tensor]:
        return {"x": torch.randn(count, task.in_channel, task.image_size, task.image_size, generator=generator)}
