"""Trains an image network: from a configuration to a run folder with a checkpoint."""

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

from models.checkpoints import Card, Checkpoint, load_checkpoint, save_checkpoint
from models.config import ImageTrainConfig
from models.core.errors import ConfigError
from models.data.image_augment import ImageAugmenter
from models.data.image_dataset import EpochOrder, ImageDataset, left_out, with_levels
from models.data.image_folder import ImageRow, below_chance, class_weights, lacking_class, read_split, split_doubts
from models.data.marked_pictures import MarkedPictures
from models.data.process_shards import EveryNthBatch, ItemShares
from models.evaluation.images import MARK_LENGTH, ImagePredictions, predict_images, probability, require_pictures
from models.evaluation.out_of_distribution import OutOfDistributionDetector
from models.metrics.beats import expected_calibration_error, fit_temperature
from models.metrics.images import summarise_images
from models.networks.image.pretrained import StartingWeights, load_pretrained
from models.networks.registry import create_model
from models.training.context import CHECKPOINT, RunContext
from models.training.image_module import ImageModule
from models.training.trainer import fit, new_card

_DETECTOR_IMAGES = 1000
"""Training pictures that the out-of-distribution detector is fitted to, at most."""
_BYTES_PER_GB = 1e9
logger = logging.getLogger(__name__)


def run_images(config: ImageTrainConfig, context: RunContext) -> Path:
    """Train an image network; see :func:`models.training.run`.

    Raises:
        ConfigError: a split without normal or without defective pictures; pretrained weights that are not to be had.
        ReadError: data that cannot be read.
    """
    started = time.monotonic()
    network = create_model(config.network.architecture, **config.network_arguments())
    weights = load_pretrained(network, config.network.architecture, config.network.pretrained)
    _tell_start(config, weights)
    split = read_split(config.data.root, config.data)
    sides, hashes = split.sides, split.hashes
    if (fault := lacking_class(split.folder, sides, config.task.classes)) is not None:
        raise fault
    doubts = split_doubts(sides)
    for doubt in doubts:
        logger.warning("%s", doubt)
    # A state to go on from belongs to the configuration that was asked for, not to what its pictures add to it.
    asked, config = config, config.model_copy(update={"task": with_levels(config.task, sides["train"])})
    logger.info("the network reads %s", config.task.describe())
    train = _dataset(config, sides["train"], training=True)
    validation = _dataset(config, sides["validation"], training=False)
    unreadable = _check(config, train, validation)
    loaders = _loaders(config, context, _with_marks(config, network, train), validation)
    balance = class_weights(train.labels, len(config.task.classes), config.loss.class_weight_power)
    module = ImageModule(config, network, torch.tensor(balance, dtype=torch.float32), len(loaders[0]))
    best = fit(
        asked,
        context,
        module,
        loaders,
        monitor=f"validation/{config.choose_by}",
        mode="min" if config.choose_by == "loss" else "max",
        example=(train[0, 0][0][None], {}),
    )
    folder = context.run_dir / CHECKPOINT
    if context.rank:
        return folder
    card = new_card(
        config,
        network,
        training_images=tuple(sorted(hashes[row.file][:MARK_LENGTH] for row in train.rows if row.file in hashes)),
        initial_weights=weights.source,
        config=config.model_dump(mode="json", exclude={"data": {"root"}}),
        metrics={"epoch": best, "data": _counts(sides, unreadable)},
        licence=config.data.licence,
        citation=config.data.citation,
        limits=config.data.limits,
    )
    save_checkpoint(folder, network, card)
    card = _finish(config, folder, train.rows, validation.rows)
    doubts += filter(None, [below_chance(card.metrics["validation"]["scores"]["auroc"]["value"], "validation")])
    for doubt in doubts:
        logger.warning("%s", doubt)
    metrics = (
        card.metrics | {"doubts": doubts} | {"unreadable": unreadable, "seconds": round(time.monotonic() - started, 1)}
    )
    (context.run_dir / "metrics.json").write_text(json.dumps(metrics, indent=1) + "\n")
    return folder


def _tell_start(config: ImageTrainConfig, weights: StartingWeights) -> None:
    logger.info("%s starts from %s", config.network.architecture, weights.source)
    if weights.normalisation not in (None, config.task.normalisation):
        logger.warning(
            "these weights expect task.normalisation %s; it is %s, so the first epochs will learn the difference",
            weights.normalisation,
            config.task.normalisation,
        )


def _dataset(config: ImageTrainConfig, rows: Sequence[ImageRow], *, training: bool) -> ImageDataset:
    augmenter = ImageAugmenter(config.augment) if training else None
    share = config.data.shares[0 if training else 1] / (config.data.shares[0] + config.data.shares[1])
    return ImageDataset(rows, config.task, augmenter, config.seed, config.data.cache_gb * _BYTES_PER_GB * share)


def _check(config: ImageTrainConfig, train: ImageDataset, validation: ImageDataset) -> dict[str, str]:
    """Refuse data that cannot be trained on; returns the unreadable files with their faults."""
    unreadable = left_out(config.data.unreadable_share, train, validation)
    for name, data in (("training", train), ("validation", validation)):
        found = np.bincount(data.labels, minlength=len(config.task.classes))
        logger.info(
            "%s: %s", name, ", ".join(f"{n} {kind}" for n, kind in zip(found, config.task.classes, strict=True))
        )
        if not found[0] or not found[1:].any() or (name == "training" and not found.all()):
            lacking = config.task.classes[int(found.argmin())]
            raise ConfigError(
                "data.shares",
                f"the {name} split has no {lacking} picture; give more groups, other shares or another data.split_seed",
            )
    return unreadable


def _loaders(
    config: ImageTrainConfig, context: RunContext, train: ImageDataset | MarkedPictures, validation: ImageDataset
) -> list[DataLoader]:
    order = EpochOrder(len(train), shuffle=True, seed=config.seed, drawn=config.images_per_epoch)
    held_out = EpochOrder(len(validation), shuffle=False)
    place = (context.rank, context.world_size)
    if context.world_size == 1:
        first = _loader(config, train, order, config.batch_size, drop_last=len(order) >= config.batch_size)
    elif len(order) < config.batch_size:
        raise ConfigError("batch_size", f"an epoch has {len(order)} pictures; make it smaller, or train in one process")
    else:
        shares = ItemShares(order, config.batch_size, *place)
        first = _loader(config, train, shares, config.batch_size // context.world_size)
    return [
        first,
        _loader(config, validation, EveryNthBatch(held_out, config.batch_size, *place), config.batch_size),
    ]


def _loader(
    config: ImageTrainConfig,
    data: ImageDataset | MarkedPictures,
    order: Any,
    batch_size: int,
    *,
    drop_last: bool = False,
) -> DataLoader:
    return DataLoader(
        data,
        batch_size,
        sampler=order,
        num_workers=config.data.workers,
        drop_last=drop_last,
        pin_memory=config.device == "cuda",
        # Of its own: an iterator that begins draws a number, and a resumed training begins one more.
        generator=torch.Generator(),
    )


def _with_marks(config: ImageTrainConfig, network: nn.Module, train: ImageDataset) -> ImageDataset | MarkedPictures:
    """The training pictures with what masks or boxes say of their patches, where that is learned and anything does."""
    if not config.loss.patches or not hasattr(network, "patch_logits"):
        return train
    found = MarkedPictures(train)
    if not found.marked:
        return train
    logger.info("learning from the places of %d defects, too (loss.patches %g)", found.marked, config.loss.patches)
    return found


def _counts(sides: dict[str, list[ImageRow]], unreadable: dict[str, str]) -> dict[str, Any]:
    counts: dict[str, Any] = {
        name: {
            "images": len(rows),
            "defects": sum(row.label == 1 for row in rows),
            "groups": len({row.group for row in rows}),
        }
        for name, rows in sides.items()
    }
    return counts | {"unreadable": len(unreadable)}


def _finish(config: ImageTrainConfig, folder: Path, train: Sequence[ImageRow], validation: Sequence[ImageRow]) -> Card:
    """Calibrate on the validation pictures, score them, and fit the out-of-distribution detector.

    All of it with the checkpoint as it was written, in half precision: what a user will load.
    """
    on_cuda = config.device in {"auto", "cuda"} and torch.cuda.is_available()
    checkpoint = load_checkpoint(folder, "cuda" if on_cuda else "cpu")
    logger.info("calibrating on %d validation pictures", len(validation))
    held_out = predict_images(checkpoint, validation)
    chosen = np.random.default_rng(config.seed).permutation(len(train))[:_DETECTOR_IMAGES]
    seen = predict_images(checkpoint, [train[place] for place in sorted(chosen)])
    card = checkpoint.card.model_copy(update=_validated(checkpoint, held_out))
    save_checkpoint(folder, checkpoint.network, card)
    detector = OutOfDistributionDetector.fit(torch.from_numpy(seen.embeddings), torch.from_numpy(held_out.embeddings))
    detector.save(folder)
    return load_checkpoint(folder).card


def _validated(checkpoint: Checkpoint, held_out: ImagePredictions) -> dict[str, Any]:
    logits, target = held_out.logits, held_out.labels
    temperature = fit_temperature(logits, held_out.classes(require_pictures(checkpoint)))
    raw, scores = probability(logits, 1.0), probability(logits, temperature)
    before, _ = expected_calibration_error(np.stack([1 - raw, raw], axis=1), target)
    after, bins = expected_calibration_error(np.stack([1 - scores, scores], axis=1), target)
    calibration = {
        "temperature": temperature,
        "images": len(target),
        "ece_before": before,
        "ece_after": after,
        "bins": bins,
    }
    metrics = summarise_images(scores, target, held_out.groups, 0.5)
    return {"calibration": calibration, "metrics": checkpoint.card.metrics | {"validation": metrics}}
