"""Trains a beat network: from a configuration to a run folder with a checkpoint."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.utils.data import DataLoader

from models.checkpoints import Card, TrainingRecord, load_checkpoint, save_checkpoint
from models.config import BeatTrainConfig
from models.data import heartbeat_csv, mitdb
from models.data.augment import Augmenter, load_noise
from models.data.beat_origin import beat_origin
from models.data.beats import BatchOrder, EpochDataset, class_weights, prepare_record
from models.data.mitdb import BeatRecord
from models.data.process_shards import BatchShares, EveryNthBatch
from models.data.record_names import record_names
from models.evaluation.beats import Predictions, predict_records
from models.metrics.beats import expected_calibration_error, fit_temperature, summarise
from models.networks.registry import create_model
from models.plugins.beat_data import strip_task
from models.training.context import CHECKPOINT, RunContext
from models.training.module import BeatModule
from models.training.prepared_run import Ask, Sides, sides_of_sets
from models.training.trainer import fit, new_card

if TYPE_CHECKING:
    from models.plugins.beats import BeatPlugin

logger = logging.getLogger(__name__)


def run_beats(config: BeatTrainConfig, context: RunContext, plugin: BeatPlugin[Any]) -> Path:
    """Train a beat network of a task; see :func:`models.training.run`.

    Raises:
        ConfigError: records that are missing from the data, or on both sides.
        ReadError: data that cannot be read.
    """
    started = time.monotonic()
    sides = sides_of_sets(config, strip_task(config)) if config.data.prepared else _sides(config, plugin)
    train, origin = sides.train, sides.origin
    logger.info("%d training beats in %d records", len(train.labels), len(sides.training_records))

    network = create_model(config.network.architecture, **config.network_arguments())
    plugin.check_network(config, network)
    weights = class_weights(train.labels, len(config.task.classes), config.loss.class_weight_power)
    module = BeatModule(config, network, torch.tensor(weights, dtype=torch.float32), len(train))
    best = _train(config, context, module, train, sides.validation)
    folder = context.run_dir / CHECKPOINT
    if context.rank:
        return folder

    shift_classes(network, config.prior_shift, config.temperature or 1.0)
    card = new_card(
        config,
        network,
        training_records=sides.training_records,
        rhythm_classes=getattr(network, "rhythm_classes", ()),
        unlearnt=absent(train.labels, config.task.classes),
        config=_settings(config),
        metrics={"epoch": best},
        calibration=_from_held_out_run(config),
        licence=origin.licence,
        citation=origin.citation,
        limits=origin.limits,
    )
    card = save_checkpoint(folder, network, card)
    if sides.ask_validation is not None:
        predictions = sides.ask_validation(load_checkpoint(folder))
        card = save_checkpoint(folder, network, card.model_copy(update=_validated(card, predictions)))
    elif config.loss.teachers and config.temperature is None:
        sure = _as_sure_as_teachers(config, folder, sides.ask_train)
        card = save_checkpoint(folder, network, card.model_copy(update=sure))
    metrics = card.metrics | {"seconds": round(time.monotonic() - started, 1)}
    (context.run_dir / "metrics.json").write_text(json.dumps(metrics, indent=1) + "\n")
    return folder


def absent(labels: np.ndarray, classes: Sequence[str]) -> tuple[str, ...]:
    """Classes that do not occur among labels, int (n,), of their numbers."""
    there = set(np.unique(labels).tolist())
    return tuple(name for index, name in enumerate(classes) if index not in there)


def _from_held_out_run(config: BeatTrainConfig) -> dict[str, Any]:
    """Calibration for the card from a run with held-out records, as the configuration names it."""
    if config.temperature is None:
        return {}
    usual = {"usual_shares": config.usual_shares} if config.usual_shares else {}
    return {"temperature": config.temperature, "records": "held-out run"} | usual


def shift_classes(network: torch.nn.Module, shift: Sequence[float], temperature: float) -> None:
    """Add log odds to the class logits of a trained network, valid after calibration by ``temperature``."""
    if shift:
        with torch.no_grad():
            network.classifier.bias += temperature * torch.tensor(shift, dtype=network.classifier.bias.dtype)


def _sides(config: BeatTrainConfig, plugin: BeatPlugin[Any]) -> Sides:
    train, validation = _records(config)
    return Sides(
        _dataset(plugin, config, train, training=True),
        _dataset(plugin, config, validation, training=False) if validation else None,
        tuple(map(_training_record, train)),
        beat_origin(config.data.root, train, config.task.classes),
        partial(predict_records, records=train),
        partial(predict_records, records=validation) if validation else None,
    )


def _records(config: BeatTrainConfig) -> tuple[list[BeatRecord], list[BeatRecord]]:
    """Training and validation records."""
    if heartbeat_csv.is_layout(config.data.root):
        return heartbeat_csv.load_sides(config.data.root, config.task)
    train, validation = record_names(config)
    return mitdb.load_records(config.data.root, train), mitdb.load_records(config.data.root, validation)


def _train(config: BeatTrainConfig, context: RunContext, module: BeatModule, train: Any, validation: Any) -> int:
    first = train[0]
    return fit(
        config,
        context,
        module,
        _loaders(train, validation, context),
        monitor="validation/macro_f1",
        mode="max",
        example=(first.x, first.kwargs),
        ema_decay=config.ema_decay,
    )


def _loaders(train: Any, validation: Any, context: RunContext) -> list[DataLoader]:
    place = (context.rank, context.world_size)
    shared = BatchShares(train, *place) if context.world_size > 1 else train
    loaders = [_loader(shared, BatchOrder(train))]
    if validation is not None:
        loaders.append(_loader(validation, EveryNthBatch(BatchOrder(validation), 1, *place)))
    return loaders


def _loader(data: Any, order: Any) -> DataLoader:
    # A generator of its own: an iterator that begins draws a number, and a resumed training begins one more.
    return DataLoader(data, batch_size=None, sampler=order, generator=torch.Generator())


def _as_sure_as_teachers(config: BeatTrainConfig, folder: Path, ask: Ask) -> dict[str, Any]:
    """Calibrate a student without held-out records to its teachers' probabilities on the same beats.

    The labels of the training records would make it far too sure; they are not asked.
    """
    student = ask(load_checkpoint(folder)).logits
    teacher_prob = []
    for name in config.loss.teachers:
        teacher = load_checkpoint(name)
        logits = torch.from_numpy(ask(teacher).logits)
        teacher_prob.append(torch.softmax(logits / teacher.card.temperature, dim=-1).numpy())
    temperature = fit_temperature(student, np.mean(teacher_prob, axis=0))
    return {
        "calibration": {
            "temperature": temperature,
            "records": [],
            "teachers": [Path(n).name for n in config.loss.teachers],
        }
    }


def _settings(config: BeatTrainConfig) -> dict[str, Any]:
    """The configuration for the card, without machine-specific folders, teachers by name."""
    settings = config.model_dump(mode="json", exclude={"data": {"root", "noise_root", "prepared"}})
    settings["loss"]["teachers"] = [Path(name).name for name in config.loss.teachers]
    return settings


def _dataset(
    plugin: BeatPlugin[Any], config: BeatTrainConfig, records: Sequence[BeatRecord], *, training: bool
) -> EpochDataset:
    augmenter = None
    if training:
        root = config.data.noise_root if config.augment.noise_probability else ""
        noise = load_noise(root, config.task.conditioner(360.0)) if root else None
        augmenter = Augmenter(config.augment, noise)
    return plugin.dataset(
        [prepare_record(record, config.task) for record in records],
        config.task,
        augmenter=augmenter,
        batch_size=config.batch_size,
        seed=config.seed,
        drawn=config.beats_per_epoch,
        balance=config.balance,
    )


def _training_record(record: BeatRecord) -> TrainingRecord:
    mark = record.fingerprint()
    return TrainingRecord(name=record.name, sha256=mark.sha256, landmarks=tuple(sorted(mark.landmarks)))


def _validated(card: Card, predictions: Predictions) -> dict[str, Any]:
    """Calibration and metrics on the validation records, for the card."""
    logits, target = predictions.logits, predictions.reference
    temperature = fit_temperature(logits, target)
    before, _ = expected_calibration_error(_softmax(logits), target)
    after, bins = expected_calibration_error(_softmax(logits / temperature), target)
    calibration = {
        "temperature": temperature,
        "records": list(predictions.confusions),
        "ece_before": before,
        "ece_after": after,
        "bins": bins,
    }
    return {
        "calibration": calibration,
        "metrics": card.metrics | {"validation": summarise(predictions.confusions, card.classes)},
    }


def _softmax(logits: np.ndarray) -> np.ndarray:
    prob: np.ndarray = torch.softmax(torch.from_numpy(logits), dim=-1).numpy()
    return prob
