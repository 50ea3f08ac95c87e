"""Task ``small_defects``: large pictures with defects of a few pixels, looked at in tiles."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import torch

from models.config.small_defects import SmallDefectsTrainConfig
from models.core.errors import ConfigError, ReadError
from models.plugins.picture_base import PicturePlugin, tally
from models.plugins.registry import register_task
from models.plugins.results import Cases, Monitor, Pace, SampleBatches
from models.tasks.small_defects import SmallDefectsTask

if TYPE_CHECKING:
    from models.checkpoints import Checkpoint
    from models.data.image_folder import ImageRow
    from models.training.context import RunContext

_SAMPLE = 8
"""Pictures that steps are measured with, at most."""


@register_task
class SmallDefectsPlugin(PicturePlugin[SmallDefectsTrainConfig, SmallDefectsTask]):
    """Pictures of parts at their own resolution: normal, or defective somewhere."""

    name = "small_defects"
    title = "Pictures: small defects in tiles"
    saliency = "defect_places"
    smallest = "small_defects"
    usual_size = (1, 2)
    batch_sizes = MappingProxyType({"cpu": 1, "other": 1})
    config_class = SmallDefectsTrainConfig
    task_class = SmallDefectsTask

    def monitor(self, values: Mapping[str, Any]) -> Monitor:
        chosen = values.get("choose_by", "loss")  # runs of before it could be chosen went by the loss
        return Monitor(
            metric="validation/auroc" if chosen == "auroc" else "validation/loss",
            mode="max" if chosen == "auroc" else "min",
        )

    def check_data(self, config: SmallDefectsTrainConfig) -> None:
        from models.data.image_folder import load_split

        try:
            sides, _ = load_split(config.data.root, config.data)
        except ReadError as error:
            raise ConfigError("data.root", f"{error}; it is {config.data.root}") from error
        rows = sides["train"]
        if not any(row.label for row in rows):
            raise ConfigError(
                "data.root",
                "has no defective picture on the training side; learn from good parts alone (good_only), or deal those "
                "of other sides out anew: --set data.split=dealt",
            )
        if all(row.label and not row.has_truth for row in rows):
            raise ConfigError(
                "data.root", "has neither good pictures nor masks or boxes, so no place is known to be good; add either"
            )

    def check_teachers(self, config: SmallDefectsTrainConfig, teachers: Sequence[Checkpoint]) -> None:
        """Its configuration names none."""

    def count(self, config: SmallDefectsTrainConfig) -> Cases:
        from models.data.image_folder import load_split

        sides, _ = load_split(config.data.root, config.data)
        return Cases(
            train=tally(sides["train"]),
            validation=tally(sides["validation"]),
            units=self.unit,
            data_bytes=config.data.cache_gb * 1e9 / 2,
            steps=max(1, config.tiles.count // config.batch_size),
            validation_steps=math.ceil(len(sides["validation"]) / config.batch_size),
            sample=lambda most: _sample(config, sides["train"]),
        )

    def around_s(self, config: SmallDefectsTrainConfig, cases: Cases, pace: Pace) -> float:
        """The validation pictures are scored whole at the end: some tiles each."""
        return pace.read_s * sum(cases.sizes) + 4 * pace.forward_s * cases.sizes[1] / config.batch_size

    def fit(self, config: SmallDefectsTrainConfig, context: RunContext) -> Path:
        from models.training.place_run import run_small_defects

        return run_small_defects(config, context)

    def example_inputs(self, task: SmallDefectsTask, count: int, generator: torch.Generator) -> dict[str, torch.Tensor]:
        return {"x": torch.randn(count, task.in_channel, task.image_size, task.image_size, generator=generator)}


def _sample(config: SmallDefectsTrainConfig, rows: Sequence[ImageRow]) -> SampleBatches:
    import time

    from models.data.beats import Batch
    from models.data.image_dataset import ImageDataset
    from models.data.tiles import Tiles
    from models.plugins.arrays import evenly

    since = time.monotonic()
    pictures = ImageDataset(evenly(rows, _SAMPLE), config.task, None, config.seed)
    tiles = Tiles(pictures, config.task, config.tiles)
    read_s = (time.monotonic() - since) / max(len(pictures), 1)

    def make(count: int) -> Batch:
        found = [tiles[0, place] for place in range(count)]
        labels = torch.tensor([int(target.any()) for _, target, _ in found])
        return Batch(torch.stack([x for x, _, _ in found]), {}, labels)

    return SampleBatches(make=make, read_s=read_s)
