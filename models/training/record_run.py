"""Trains a network for whole recordings: from a configuration to a run folder with a checkpoint."""

from __future__ import annotations

import json
import logging
import time
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn.utils import parametrize
from torch.utils.data import DataLoader

from models.checkpoints import Checkpoint, TrainingRecord, load_checkpoint, save_checkpoint
from models.config import RecordTrainConfig
from models.core.errors import ConfigError
from models.data.image_dataset import EpochOrder
from models.data.process_shards import EveryNthBatch, ItemShares
from models.data.record_dataset import CropDataset, WindowDataset
from models.data.whole_recording_split import RecordingSplit
from models.data.whole_recordings import Prepared, check_sides, load_split, positive_weights, prepare, samples_sha256
from models.evaluation.record_pictures import save_out_of_distribution_detector
from models.evaluation.records import predict_prepared
from models.metrics.records import (
    best_thresholds,
    calibrated,
    calibration_error,
    fit_calibration,
    referral,
    summarise_records,
)
from models.networks.image.pretrained import freeze, load_pretrained
from models.networks.registry import create_model
from models.tasks.record import RecordTask
from models.training.context import CHECKPOINT, RunContext
from models.training.record_masked import labelled, pretrain, take_over
from models.training.record_module import RecordModule
from models.training.record_teachers import teaching
from models.training.resume import newest_whole
from models.training.trainer import fit, new_card
from readers.core.file_names import readable

_VALIDATION_BATCH = 64
logger = logging.getLogger(__name__)
LIMITS = {
    "superclasses": (
        "Trained on resting 12-lead recordings of 10 s from one German institute, recorded from 1989 to 1996.",
        "Says five diagnostic superclasses; rhythm disorders and pacemakers are none of them.",
    ),
    "abnormal": (
        "Trained on resting recordings of 10 s; abnormal is whatever is not a normal ECG alone.",
        "A normal answer excludes nothing: it says that the recording looks like those that were called normal.",
    ),
}
_SCALED = ("Hypertrophy shows in voltages, which the scaling of each lead takes away.",)
_PAPER = (
    "Trained on sheets of its own renderer, changed as scans and photographs are; real ones look different.",
    "Where each lead was scaled to SD 1 the sheets show 2 mm for an SD, so heights of real sheets tell it little.",
)


def _limits(task: RecordTask) -> tuple[str, ...]:
    scaled = _SCALED if task.scaling == "zscore" else ()
    return (*LIMITS[task.target], *scaled, *(_PAPER if task.reads_paper else ()))


def run_recordings(config: RecordTrainConfig, context: RunContext, *, start: nn.Module | None = None) -> Path:
    """Train a network for whole recordings; see :func:`models.training.run`.

    Args:
        config, context: as for every training.
        start: the network of the configuration with the weights to begin with; fresh ones by default. Its
            parametrizations, such as the mask of a pruned one, hold while it trains and are made permanent then.

    Raises:
        ConfigError: data that do not fit the configuration, or a side without recordings.
        ReadError: data that cannot be read.
    """
    started = time.monotonic()
    split, train, validation = read_sides(config)
    seen, train = train, labelled(train, config.data.label_share, config.seed)
    network = start or create_model(config.network.architecture, **config.network_arguments())
    source = _start(config, context, network, seen) if start is None else ""
    best = fit_recordings(config, context, network, split, train, validation)
    make_permanent(network)
    folder = context.run_dir / CHECKPOINT
    if context.rank:
        return folder
    known = seen if config.network.masked_epochs or config.network.masked_from else train
    card = new_card(
        config,
        network,
        training_records=tuple(TrainingRecord(name=row.name, sha256=samples_sha256(row)) for row in known.rows),
        initial_weights=source,
        config=_settings(config),
        metrics={"epoch": best, "data": _counts(train, validation, split)},
        licence=split.licence,
        citation=split.citation,
        limits=_limits(config.task),
    )
    card = save_checkpoint(folder, network, card)
    if validation.rows:
        card = save_checkpoint(folder, network, card.model_copy(update=validated(load_checkpoint(folder), validation)))
        if config.task.reads_paper:
            save_out_of_distribution_detector(
                load_checkpoint(folder), train, validation, config.augment.photograph, config.seed
            )
    metrics = card.metrics | {"seconds": round(time.monotonic() - started, 1)}
    (context.run_dir / "metrics.json").write_text(json.dumps(metrics, indent=1) + "\n")
    return folder


def read_sides(config: RecordTrainConfig) -> tuple[RecordingSplit, Prepared, Prepared]:
    """The split of a configuration, and its conditioned training and validation recordings.

    Raises:
        ConfigError, ReadError: as :func:`run_recordings`.
    """
    split = load_split(config.data, config.task)
    check_sides(config.data, config.task, split)
    train, validation = (_read(config, split, side) for side in ("train", "validation"))
    return split, train, validation


def fit_recordings(
    config: RecordTrainConfig,
    context: RunContext,
    network: nn.Module,
    split: RecordingSplit,
    train: Prepared,
    validation: Prepared,
    *,
    graph: bool = True,
) -> int:
    """Train a network with logits to the weights of the best epoch, whose number is returned.

    Args:
        graph: whether TensorBoard gets the network's graph, for which it must be one that torch can trace.
    """
    loaders = _loaders(config, context, train, validation)
    weights = positive_weights(train.targets, config.loss.pos_weight_power)
    teachers, taught = teaching(config, split, train)
    module = RecordModule(config, network, torch.from_numpy(weights), len(loaders[0]), teachers, taught)
    return fit(
        config,
        context,
        module,
        loaders,
        monitor=f"validation/{config.choose_by}",
        mode="min" if config.choose_by == "loss" else "max",
        example=(loaders[0].dataset[0, 0][0][None], {}) if graph else None,
        ema_decay=config.ema_decay,
    )


def _start(config: RecordTrainConfig, context: RunContext, network: nn.Module, seen: Prepared) -> str:
    """Load pretrained weights, or pre-train without labels, where configured; returns a sentence for the card."""
    if config.network.masked_epochs:
        if not (context.resume and newest_whole(context, config)):
            pretrain(config, context, network, seen)
        return f"{config.network.masked_epochs} epochs of hidden patches, without labels"
    if config.network.masked_from:
        take_over(config, network)
        return f"hidden patches, without labels, as learned in {Path(config.network.masked_from).name}"
    if not config.network.pretrained:
        return ""
    start = load_pretrained(network, config.network.architecture, config.network.pretrained)
    logger.info("%s starts from %s", config.network.architecture, start.source)
    if start.normalisation is not None:
        freeze(network, config.network.frozen)
    return start.source


def make_permanent(network: nn.Module) -> None:
    """Replace parametrized weights by plain ones of the same value."""
    for module in list(network.modules()):
        if parametrize.is_parametrized(module):
            for name in list(module.parametrizations):
                parametrize.remove_parametrizations(module, name)


def _read(config: RecordTrainConfig, split: RecordingSplit, side: str) -> Prepared:
    data = prepare(split.sides[side], config.task)
    for name, fault in list(data.left_out.items())[:10]:
        logger.warning("left out: %s: %s", readable(name), fault)
    logger.info("%s: %d recordings, %d left out", side, len(data.rows), len(data.left_out))
    if side == "train" and not data.rows:
        raise ConfigError("data.root", "no training recording can be read; see the log")
    return data


def _loaders(config: RecordTrainConfig, context: RunContext, train: Prepared, validation: Prepared) -> list[DataLoader]:
    data = CropDataset(train, config.task, config.augment, config.seed)
    order = EpochOrder(len(data), shuffle=True, seed=config.seed)
    place = (context.rank, context.world_size)
    if len(data) < config.batch_size and context.world_size > 1:
        raise ConfigError("batch_size", f"an epoch has {len(data)} windows; make it smaller, or train in one process")
    if context.world_size > 1:
        shares = ItemShares(order, config.batch_size, *place)
        loaders = [_loader(data, shares, config.batch_size // context.world_size)]
    else:
        loaders = [_loader(data, order, config.batch_size, drop_last=len(data) >= config.batch_size)]
    if validation.rows:
        windows = WindowDataset(validation, config.task)
        held_out = EpochOrder(len(windows), shuffle=False)
        loaders.append(_loader(windows, EveryNthBatch(held_out, _VALIDATION_BATCH, *place), _VALIDATION_BATCH))
    return loaders


def _loader(data: Any, order: Any, batch_size: int, *, drop_last: bool = False) -> DataLoader:
    # A generator of its own: an iterator that begins draws a number, and a resumed training begins one more.
    return DataLoader(data, batch_size, sampler=order, drop_last=drop_last, generator=torch.Generator())


def _settings(config: RecordTrainConfig) -> dict[str, Any]:
    """The configuration for the card: without the folders of one machine, the teachers by name."""
    settings = config.model_dump(mode="json", exclude={"data": {"root", "more"}})
    settings["loss"]["teachers"] = [Path(name).name for name in config.loss.teachers]
    settings["network"]["masked_from"] = Path(config.network.masked_from).name
    return settings


def _counts(train: Prepared, validation: Prepared, split: RecordingSplit) -> dict[str, Any]:
    return {
        "train": {"recordings": len(train.rows), "patients": len(set(train.groups))},
        "validation": {"recordings": len(validation.rows), "patients": len(set(validation.groups))},
        "left_out": split.left_out | {"unreadable or too short": len(train.left_out) + len(validation.left_out)},
    }


def validated(checkpoint: Checkpoint, held_out: Prepared) -> dict[str, Any]:
    """Calibration, thresholds and metrics on the validation recordings, with the weights as stored."""
    classes, target = checkpoint.card.classes, held_out.targets
    logits = predict_prepared(checkpoint, held_out)
    found = fit_calibration(logits, target)
    prob = calibrated(logits, found)
    limits = best_thresholds(prob, target)
    before, _ = calibration_error(calibrated(logits, {}), target)
    after, bins = calibration_error(prob, target)
    calibration = found | {
        "thresholds": dict(zip(classes, limits, strict=True)),
        # From this uncertainty on a person is asked: that of the least certain fifth.
        "refer_from": referral(prob, target, limits, classes)[-1]["uncertainty_from"],
        "recordings": len(target),
        "ece_before": before,
        "ece_after": after,
        "bins": bins,
    }
    scores = summarise_records(prob, target, held_out.groups, limits, classes)
    return {"calibration": calibration, "metrics": checkpoint.card.metrics | {"validation": scores}}
