"""Training of networks with scores per place: shared steps, and the run of ``small_defects``."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader

from models.checkpoints import Checkpoint, load_checkpoint, save_checkpoint
from models.config.small_defects import SmallDefectsTrainConfig
from models.core.errors import ConfigError, TrainingError
from models.data.defect_marks import with_scale
from models.data.image_augment import ImageAugmenter
from models.data.image_dataset import EpochOrder, ImageDataset, left_out, with_levels
from models.data.image_folder import ImageRow, load_split
from models.data.tiles import Tiles
from models.evaluation.images import MARK_LENGTH, ImagePredictions, predict_images
from models.metrics.images import summarise_images
from models.networks.image.base import ImageNetwork
from models.networks.image.places import PlaceNetwork
from models.networks.image.pretrained import load_pretrained
from models.networks.registry import create_model
from models.training.context import CHECKPOINT, RunContext
from models.training.place_module import PlaceModule
from models.training.tile_budget import affordable
from models.training.trainer import fit, new_card

BYTES_PER_GB = 1e9
TILE_WEIGHT = 0.1
_VALIDATED = 400
"""Most validation tiles per epoch."""
logger = logging.getLogger(__name__)


def run_small_defects(config: SmallDefectsTrainConfig, context: RunContext) -> Path:
    """Train a network that finds small defects in tiles; see :func:`models.training.run`.

    Raises:
        ConfigError: a side of the split without defects or good places, or pretrained weights not available.
        ReadError: unreadable data. StoppedError: stopped on request.
    """
    started = time.monotonic()
    network = create_model(config.network.architecture, **config.network_arguments())
    source = load_backbone(network, config.network.backbone, config.network.pretrained)
    sides, hashes = load_split(config.data.root, config.data)
    # A resumable state is matched to the configuration as given, without values derived from the pictures.
    asked = config
    task = with_scale(with_levels(config.task, sides["train"]), sides["train"])
    config = config.model_copy(update={"task": task})
    logger.info("the network reads %s", task.describe())
    train, held_out = (_dataset(config, sides[side], share) for side, share in (("train", 0.8), ("validation", 0.2)))
    unreadable = left_out(config.data.unreadable_share, train, held_out)
    tiles = Tiles(train, config.task, config.tiles, ImageAugmenter(config.augment), config.seed)
    _check(tiles)
    tiles.settings = affordable(config, context, network, tiles)
    logger.info(
        "learning from %d pictures, %d with defects, of which %d without mask or boxes; %d held out",
        *(len(train), int(train.labels.sum()), len(tiles.bags), len(held_out)),
    )
    best = _fit(asked, context, network, tiles, held_out)
    folder = context.run_dir / CHECKPOINT
    if context.rank:
        return folder
    card = new_card(
        config,
        network,
        training_images=tuple(sorted(hashes[row.file][:MARK_LENGTH] for row in train.rows if row.file in hashes)),
        initial_weights=source,
        config=config.model_dump(mode="json", exclude={"data": {"root"}}),
        metrics={"epoch": best, "data": {name: _counts(rows) for name, rows in sides.items()}},
        licence=config.data.licence,
        citation=config.data.citation,
        limits=config.data.limits,
    )
    save_checkpoint(folder, network, card)
    metrics = _finish(folder, sides["validation"], train.rows)
    metrics |= {"unreadable": unreadable, "seconds": round(time.monotonic() - started, 1)}
    (context.run_dir / "metrics.json").write_text(json.dumps(metrics, indent=1) + "\n")
    return folder


def load_backbone(network: nn.Module, backbone: str, wanted: Any) -> str:
    """Load ImageNet weights into the ``trunk`` of a network; returns a sentence for the log.

    Raises:
        ConfigError: weights are required but not available.
    """
    whole = ImageNetwork(backbone, 2, 3)
    weights = load_pretrained(whole, backbone, wanted)
    lacking = network.trunk.load_state_dict(whole.trunk.state_dict(), strict=False).missing_keys
    if lacking:
        raise TrainingError(f"{backbone} has no {lacking[0]} when it is whole; choose another network.backbone")
    logger.info("%s starts from %s", backbone, weights.source)
    return weights.source


def _fit(
    config: SmallDefectsTrainConfig, context: RunContext, network: PlaceNetwork, tiles: Tiles, held_out: ImageDataset
) -> int:
    order = EpochOrder(len(tiles), shuffle=False, seed=config.seed)
    loaders = [DataLoader(tiles, config.batch_size, sampler=order, drop_last=True, generator=torch.Generator())]
    module = PlaceModule(config, network, len(loaders[0]), TILE_WEIGHT)
    module.before_epoch = lambda epoch: tiles.look(
        lambda x: network.forward_features(x.to(next(network.parameters()).device))[:, 0].cpu(), epoch
    )
    count = min(_VALIDATED, 8 * len(held_out))
    if count:
        settings = tiles.settings.model_copy(update={"count": count, "defect_share": 0.5})
        tried = Tiles(held_out, tiles.task, settings)
        if tried.others and tried.defective and not tried.bags:
            loaders.append(DataLoader(tried, config.batch_size, sampler=EpochOrder(count, shuffle=False)))
    monitor = "" if config.choose_by == "last" else f"validation/{config.choose_by}"
    mode = "min" if config.choose_by == "loss" else "max"
    return fit(config, context, module, loaders, monitor=monitor, mode=mode, example=None)


def _dataset(config: SmallDefectsTrainConfig, rows: Sequence[ImageRow], share: float) -> ImageDataset:
    return ImageDataset(rows, config.task, None, config.seed, config.data.cache_gb * BYTES_PER_GB * share)


def _check(tiles: Tiles) -> None:
    if not tiles.defective:
        raise ConfigError(
            "data.root",
            "has no defective picture to learn from; learn from good parts alone (good_only), or deal those of other "
            "sides out anew: --set data.split=dealt",
        )
    if not tiles.others:
        raise ConfigError(
            "data.root", "has neither good pictures nor masks or boxes, so no place is known to be good; add either"
        )


def _counts(rows: Sequence[ImageRow]) -> dict[str, int]:
    return {
        "images": len(rows),
        "defects": sum(row.label == 1 for row in rows),
        "marked": sum(row.has_truth for row in rows),
        "groups": len({row.group for row in rows}),
    }


def _finish(folder: Path, held_out: Sequence[ImageRow], trained: Sequence[ImageRow]) -> dict[str, Any]:
    """Calibrate on the validation pictures and score them; on training pictures if a class is missing there."""
    checkpoint = load_checkpoint(folder, "cuda" if torch.cuda.is_available() else "cpu")
    found = predict_images(checkpoint, held_out)
    calibrating, what = found, "validation"
    if len(set(found.labels.tolist())) < 2:
        calibrating, what = predict_images(checkpoint, trained), "training: the validation pictures lack a class"
    _calibrate(checkpoint, calibrating)
    logger.info("calibrated on %d pictures of %s", len(calibrating.rows), what)
    with torch.inference_mode():
        logits = checkpoint.network.cpu().classifier(torch.from_numpy(found.embeddings)).double().numpy()
    prob = 1 / (1 + np.exp(logits[:, 0] - logits[:, 1]))
    validation = summarise_images(prob, found.labels, found.groups, 0.5)
    metrics = checkpoint.card.metrics | {"validation": validation}
    calibration = {"temperature": 1.0, "images": len(calibrating.rows), "on": what}
    card = checkpoint.card.model_copy(update={"metrics": metrics, "calibration": calibration})
    save_checkpoint(folder, checkpoint.network, card)
    return metrics


def _calibrate(checkpoint: Checkpoint, found: ImagePredictions) -> None:
    scores, labels = torch.from_numpy(found.embeddings), torch.from_numpy(found.labels)
    classifier = checkpoint.network.cpu().classifier
    if bool((labels == 0).any()):
        classifier.settle(scores[labels == 0], 2.0)
    if len(labels.unique()) == 2:
        classifier.calibrate(scores, labels)
