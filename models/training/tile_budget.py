"""Limits the number of tiles per epoch so that a training ends in time on this computer with these pictures."""

from __future__ import annotations

import json
import logging
import time

import torch

from models.config.small_defects import SmallDefectsTrainConfig, TileConfig
from models.data.place_dataset import stacked
from models.data.tiles import LOOK_PX, Tiles
from models.networks.image.places import PlaceNetwork
from models.training.context import RunContext
from models.training.place_module import place_loss

FILE = "tiles.json"
"""File in the run folder with the number of tiles per epoch, which a resumed training keeps."""
LEAST_STEPS = 20
_MEASURED = 4
_LOOK_SHARE = 0.1
"""Share of an epoch's time for the search for false positives."""
_FORWARD = 1 / 3
"""Share of a step's time that its forward pass takes."""
_SHARE = 0.85
"""Share of the time for training steps; the rest is for the search, validation and the final scores."""
logger = logging.getLogger(__name__)


def affordable(config: SmallDefectsTrainConfig, context: RunContext, network: PlaceNetwork, tiles: Tiles) -> TileConfig:
    """The tile settings, with fewer tiles if ``tiles.minutes`` would not suffice.

    The time of a few steps is measured. On a fast enough computer the configured number is used, so the training is
    reproducible; a resumed training keeps its first number.

    Args:
        config: the configuration.
        context: context of the run; ``tiles.json`` is written to its folder.
        network: the network, not changed.
        tiles: training tiles; their ``look_px`` is set.
    """
    settings, file = config.tiles, context.run_dir / FILE
    if not settings.minutes:
        return settings
    if context.resume and file.exists():
        return settings.model_copy(update={"count": int(json.loads(file.read_text())["count"])})
    step_s = _measured(config, network, tiles)
    steps = int(60 * settings.minutes * _SHARE / step_s / config.epochs)
    count = min(settings.count, max(steps, LEAST_STEPS) * config.batch_size)
    pixel_s = step_s * _FORWARD / (config.batch_size * settings.side**2)
    tiles.look_px = min(LOOK_PX, _LOOK_SHARE * count / config.batch_size * step_s / pixel_s)
    if count < settings.count:
        logger.info(
            "a step takes %.2f s: %d tiles an epoch instead of %d, to end within %g minutes (tiles.minutes)",
            *(step_s, count, settings.count, settings.minutes),
        )
    if context.rank == 0:
        file.write_text(json.dumps({"count": count, "step_s": round(step_s, 4)}) + "\n")
    return settings.model_copy(update={"count": count})


def _measured(config: SmallDefectsTrainConfig, network: PlaceNetwork, tiles: Tiles) -> float:
    """Median time of a few steps, s, including the preparation of their tiles."""
    network.eval()
    found = []
    for number in range(_MEASURED):
        since = time.monotonic()
        x, target, weight = stacked([tiles[0, number * config.batch_size + one] for one in range(config.batch_size)])
        place_loss(network.place_logits(x.contiguous(memory_format=torch.channels_last)), target, weight).backward()
        found.append(time.monotonic() - since)
    network.zero_grad(set_to_none=True)
    network.train()
    return sorted(found[1:])[len(found[1:]) // 2]
