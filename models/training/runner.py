"""``run(config, context)``: from a configuration to a run folder with a checkpoint in it."""

from __future__ import annotations

import json
import logging
import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import lightning
import numpy as np
import torch
import yaml
from lightning.pytorch.callbacks import (
    Callback,
    EarlyStopping,
    EMAWeightAveraging,
    LearningRateMonitor,
    ModelCheckpoint,
)
from lightning.pytorch.loggers import CSVLogger, TensorBoardLogger
from torch import nn
from torch.utils.data import DataLoader

from models.checkpoints import Card, Checkpoint, TrainingRecord, load_checkpoint, save_checkpoint
from models.config import TrainConfig
from models.data import mitdb
from models.data.augment import Augmenter, load_noise
from models.data.beats import PreparedRecord, StripDataset, WindowDataset, class_weights, prepare_record
from models.errors import ConfigError
from models.evaluation import Predictions, predict_records
from models.registry import create_model
from models.tasks.beat_metrics import expected_calibration_error, fit_temperature, summarise
from models.training.context import RunContext
from models.training.module import BeatModule

logger = logging.getLogger(__name__)
logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
BEST, CHECKPOINT, LOG = "best.ckpt", "checkpoint", "log.txt"
LIMITS = (
    "Trained on 30 min two-lead Holter excerpts of 44 patients of one hospital, digitised in the 1980s.",
    "Never saw paced rhythm; class Q has a handful of beats and is not scored.",
    "Ectopic beats from above the ventricles (S) are missed more often than ventricular ones (V); see metrics.",
)


def run(config: TrainConfig, context: RunContext) -> Path:
    """Train a beat network and write config, metrics, log, TensorBoard events and a checkpoint into the run folder.

    Args:
        config: what to train on what.
        context: where to write, whom to tell, who may stop it.

    Returns:
        Folder of the checkpoint.

    Raises:
        ConfigError: records that are missing from the data, or on both sides.
        ReadError: data that cannot be read.
    """
    context.run_dir.mkdir(parents=True, exist_ok=True)
    with _log_file(context.run_dir / LOG):
        return _run(config, context)


def _run(config: TrainConfig, context: RunContext) -> Path:
    started = time.monotonic()
    (context.run_dir / "config.yaml").write_text(yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False))
    lightning.seed_everything(config.seed, workers=True, verbose=False)

    train_names, validation_names = _record_names(config)
    train_records = mitdb.load_records(config.data.root, train_names)
    validation_records = mitdb.load_records(config.data.root, validation_names)
    train = _dataset(config, [prepare_record(record, config.task) for record in train_records], training=True)
    validation = _dataset(
        config, [prepare_record(record, config.task) for record in validation_records], training=False
    )
    logger.info("%d training beats in %d records", len(train.labels), len(train_records))

    network = create_model(config.network.architecture, **config.network_arguments())
    weights = class_weights(train.labels, len(config.task.classes), config.loss.class_weight_power)
    module = BeatModule(config, network, torch.tensor(weights, dtype=torch.float32), len(train))
    best = _fit(config, context, module, train, validation)

    card = Card(
        architecture=config.network.architecture,
        arguments=config.network_arguments(),
        task=config.task.model_dump(mode="json"),
        classes=config.task.classes,
        parameters=sum(parameter.numel() for parameter in network.parameters()),
        training_records=tuple(_training_record(record) for record in train_records),
        config=config.model_dump(mode="json", exclude={"data": {"root", "noise_root"}}),
        metrics={"epoch": best},
        calibration={}
        if config.temperature is None
        else {"temperature": config.temperature, "records": "held-out run"},
        date=datetime.now(UTC).date().isoformat(),
        licence=mitdb.LICENCE,
        citation=mitdb.CITATION,
        limits=LIMITS,
    )
    folder = context.run_dir / CHECKPOINT
    card = save_checkpoint(folder, network, card)
    if validation_records:
        predictions = predict_records(load_checkpoint(folder), validation_records)
        card = save_checkpoint(folder, network, card.model_copy(update=_validated(card, predictions)))
    metrics = card.metrics | {"seconds": round(time.monotonic() - started, 1)}
    (context.run_dir / "metrics.json").write_text(json.dumps(metrics, indent=1) + "\n")
    return folder


@contextmanager
def _log_file(path: Path) -> Iterator[None]:
    """What the models log goes into the run folder too."""
    handler = logging.FileHandler(path, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    ours = logging.getLogger("models")
    ours.setLevel(logging.INFO)
    ours.addHandler(handler)
    try:
        yield
    finally:
        ours.removeHandler(handler)
        handler.close()


def _record_names(config: TrainConfig) -> tuple[Sequence[str], Sequence[str]]:
    data = config.data
    train = mitdb.SPLITS[data.train] if isinstance(data.train, str) else data.train
    validation = mitdb.SPLITS[data.validation] if isinstance(data.validation, str) else data.validation
    both = sorted(set(train) & set(validation))
    if both:
        raise ConfigError(
            "data.validation", f"records {', '.join(both)} are in data.train too; a patient never crosses"
        )
    if not train:
        raise ConfigError("data.train", "names no record")
    return train, validation


def _dataset(config: TrainConfig, records: list[PreparedRecord], *, training: bool) -> Any:
    if not records:
        return None
    augmenter = None
    if training:
        root = config.data.noise_root if config.augment.noise_probability else ""
        noise = load_noise(root, config.task.conditioner(360.0)) if root else None
        augmenter = Augmenter(config.augment, noise)
    if config.task.kind == "strip":
        return StripDataset(records, config.task, config.batch_size, augmenter, config.balance, config.seed)
    return WindowDataset(
        records, config.task, config.batch_size, augmenter, config.beats_per_epoch, config.balance, config.seed
    )


class _Watch(Callback):
    """Draws each epoch anew, tells the caller, and stops when asked."""

    def __init__(self, context: RunContext, train: Any):
        self.context = context
        self.train = train

    def on_train_epoch_start(self, trainer: lightning.Trainer, module: lightning.LightningModule) -> None:
        self.train.set_epoch(trainer.current_epoch)

    def on_train_batch_end(self, trainer: lightning.Trainer, module: lightning.LightningModule, *_: Any) -> None:
        if self.context.should_stop():
            trainer.should_stop = True

    def on_train_epoch_end(self, trainer: lightning.Trainer, module: lightning.LightningModule) -> None:
        figures = {name: float(value) for name, value in trainer.callback_metrics.items()}
        self.context.report(trainer.current_epoch + 1, trainer.max_epochs or 0, figures)


def _fit(config: TrainConfig, context: RunContext, module: BeatModule, train: Any, validation: Any) -> int:
    """Train; the module ends with the weights of the best epoch, whose number (from 1) is returned."""
    keep = ModelCheckpoint(
        context.run_dir,
        filename=BEST.removesuffix(".ckpt"),
        monitor="validation/macro_f1" if validation else None,
        mode="max",
        enable_version_counter=False,
    )
    callbacks: list[Callback] = [_Watch(context, train), keep, LearningRateMonitor()]
    if validation and config.early_stopping:
        callbacks.append(EarlyStopping("validation/macro_f1", patience=config.early_stopping, mode="max"))
    if config.ema_decay:
        callbacks.append(EMAWeightAveraging(decay=config.ema_decay))
    board = TensorBoardLogger(context.run_dir, name="", version="tensorboard")
    trainer = lightning.Trainer(
        accelerator=config.device,
        devices=1,
        max_epochs=config.epochs,
        precision="bf16-mixed" if config.mixed_precision else "32-true",
        logger=[board, CSVLogger(context.run_dir, name="", version="curves")],
        callbacks=callbacks,
        gradient_clip_val=1.0,
        num_sanity_val_steps=0,
        log_every_n_steps=1,
        enable_progress_bar=False,
        enable_model_summary=False,
        default_root_dir=context.run_dir,
    )
    _log_graph(board, module.network, train)
    loaders = [DataLoader(data, batch_size=None, shuffle=False) for data in (train, validation) if data is not None]
    trainer.fit(module, *loaders)
    module.network.cpu().eval()
    if keep.best_model_path:
        state = torch.load(keep.best_model_path, map_location="cpu", weights_only=True)
        prefix = "network."
        weights = {
            key.removeprefix(prefix): value for key, value in state["state_dict"].items() if key.startswith(prefix)
        }
        module.network.load_state_dict(weights)
        return int(state["epoch"]) + 1
    return trainer.current_epoch


def _log_graph(board: TensorBoardLogger, network: nn.Module, train: Any) -> None:
    batch = train[0]
    network.eval()
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the trace is a picture for TensorBoard; its shapes may be those of this batch
        trace = _Positional(network, list(batch.kwargs))
        board.experiment.add_graph(trace, [batch.x[:1], *(value[:1] for value in batch.kwargs.values())])
    network.train()


class _Positional(nn.Module):
    """A network with its keyword arguments by position, as the tracer of TensorBoard wants them."""

    def __init__(self, network: nn.Module, names: Sequence[str]):
        super().__init__()
        self.network = network
        self.names = names

    def forward(self, x: torch.Tensor, *values: torch.Tensor) -> torch.Tensor:
        return self.network(x, **dict(zip(self.names, values, strict=True)))


def _training_record(record: mitdb.BeatRecord) -> TrainingRecord:
    mark = record.fingerprint()
    return TrainingRecord(name=record.name, sha256=mark.sha256, landmarks=tuple(sorted(mark.landmarks)))


def _validated(card: Card, predictions: Predictions) -> dict[str, Any]:
    """Calibration and figures on the validation records, for the card."""
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
    return torch.softmax(torch.from_numpy(logits), dim=-1).numpy()


__all__ = ["CHECKPOINT", "Checkpoint", "run"]
