"""The training loop shared by all tasks: log, Lightning trainer, progress, non-finite loss, best weights."""

from __future__ import annotations

import logging
import math
import signal
import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import lightning
import torch
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

from models.checkpoints import Card
from models.config import TrainConfig
from models.core.errors import TrainingError
from models.training import distributed
from models.training.context import RunContext, TrainingProgress
from models.training.mlflow_curves import MlflowCurves
from models.training.resume import (
    BEST,
    KeepState,
    WholeFiles,
    continue_curves,
    forget,
    newest_whole,
    read_curves,
    read_whole,
)
from models.training.tracking import check_mlflow

CURVES = "curves"
_LOG_EVERY_STEPS = 20
_FLUSH_EVERY_S = 2.0
logger = logging.getLogger(__name__)
logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)


@contextmanager
def log_file(path: Path) -> Iterator[None]:
    """Copy the log of ``models`` into the run folder."""
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


class Watch(Callback):
    """Callback that reports batches and epochs, logs periodically, and stops at a non-finite loss.

    Args:
        context: whom to tell.
        config: the configuration.
        curves: written out every few seconds, so that a page can draw them.
    """

    def __init__(self, context: RunContext, config: TrainConfig, curves: CSVLogger):
        self.context = context
        self.config = config
        self.curves = curves
        self._since = (0, time.monotonic())
        self._flushed = time.monotonic()

    def on_train_epoch_start(self, trainer: lightning.Trainer, module: lightning.LightningModule) -> None:
        self._since = (0, time.monotonic())
        epoch, steps = trainer.current_epoch + 1, int(trainer.num_training_batches)
        self.context.progress(TrainingProgress("training", epoch, trainer.max_epochs or 0, 0, steps))

    def on_train_batch_end(
        self, trainer: lightning.Trainer, module: lightning.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        step, steps = batch_idx + 1, int(trainer.num_training_batches)
        loss = outputs["loss"] if isinstance(outputs, dict) else outputs
        # Reading a number from a GPU waits for it; on a CPU it costs nothing.
        if loss.device.type == "cpu" or step % _LOG_EVERY_STEPS == 0 or step == steps:
            self._check(float(loss), trainer.current_epoch + 1, step)
        self.context.progress(
            TrainingProgress("training", trainer.current_epoch + 1, trainer.max_epochs or 0, step, steps)
        )
        if step % _LOG_EVERY_STEPS == 0:
            last, then = self._since
            now = time.monotonic()
            logger.info(
                "epoch %d step %d of %d  loss %.3f  %.2f s a step",
                trainer.current_epoch + 1,
                step,
                steps,
                float(loss),
                (now - then) / max(step - last, 1),
            )
            self._since = (step, now)
        if time.monotonic() - self._flushed > _FLUSH_EVERY_S:
            self.curves.save()
            self._flushed = time.monotonic()

    def _check(self, loss: float, epoch: int, step: int) -> None:
        if not math.isfinite(loss):
            raise TrainingError(
                f"the loss became {loss} in epoch {epoch}, step {step}; lower lr (it is {self.config.lr:g}), "
                "and look for values in the data that are no numbers"
            )

    def on_train_epoch_end(self, trainer: lightning.Trainer, module: lightning.LightningModule) -> None:
        metrics = {name: float(value) for name, value in trainer.callback_metrics.items()}
        self.context.report(trainer.current_epoch + 1, trainer.max_epochs or 0, metrics)


def fit(
    config: TrainConfig,
    context: RunContext,
    module: lightning.LightningModule,
    loaders: Sequence[Any],
    *,
    monitor: str,
    mode: str,
    example: tuple[torch.Tensor, dict[str, torch.Tensor]] | None,
    ema_decay: float = 0.0,
) -> int:
    """Train; the module's ``network`` gets the weights of the best epoch, whose number (from 1) is returned.

    Of several processes the first alone gets them; the others get 0.

    Args:
        config: the configuration.
        context: where to write, whom to tell, who may stop it.
        module: has the network as ``network``.
        loaders: of the training data, and of the validation data where there is any. The sampler of the first has
            ``start_at(epoch, items)``, to go on in the middle of an epoch.
        monitor: metric that the epoch is chosen by; the last one is kept where it is empty or validation data lack.
        mode: "min" or "max" of it is best.
        example: an input and keyword arguments of the network, batch first, for the graph; None for no graph.
        ema_decay: decay of the running average of the weights that is validated and kept; 0 for none.

    Raises:
        StoppedError: the caller asked it to stop; the whole state is in ``context.resume_dir``.
        TrainingError: the loss became infinite or no number.
        CheckpointError: it is to go on from the state of another configuration.
    """
    state, place, rows = _begin(config, context, loaders[0])
    validated = len(loaders) > 1
    keep = ModelCheckpoint(
        context.run_dir,
        filename=BEST.removesuffix(".ckpt"),
        monitor=monitor if validated and monitor else None,
        mode=mode,
        enable_version_counter=False,
    )
    board = TensorBoardLogger(
        context.run_dir, name="", version="tensorboard", purge_step=place["global_step"] if place else None
    )
    curves = CSVLogger(context.run_dir, name="", version=CURVES)
    callbacks: list[Callback] = [Watch(context, config, curves), keep, LearningRateMonitor()]
    if validated and monitor and config.early_stopping:
        callbacks.append(EarlyStopping(monitor, patience=config.early_stopping, mode=mode))
    if ema_decay:
        callbacks.append(EMAWeightAveraging(decay=ema_decay))
    if config.mlflow and context.rank == 0:
        check_mlflow(config)
        callbacks.append(MlflowCurves(config, context))
    callbacks.append(KeepState(context, config))  # after all whose state it keeps
    trainer = _trainer(config, context, [board, curves], callbacks)
    if not (place and place["finished"]):
        if state is None and context.rank == 0 and example is not None:
            _log_graph(board, module.network, *example)
        with warnings.catch_warnings():
            # What was on disk is deleted with a word, and written again by the next line.
            warnings.filterwarnings("ignore", message="Experiment logs directory")
            warnings.filterwarnings("ignore", message="Checkpoint directory .* exists and is not empty")
            warnings.filterwarnings("ignore", message="You're resuming from a checkpoint that ended before the epoch")
            continue_curves(curves, rows)
            with _interrupted_as_any_command():
                trainer.fit(module, *loaders, ckpt_path=state, weights_only=True)
    context.progress(TrainingProgress("finishing", config.epochs, config.epochs))
    module.network.cpu().eval()
    if context.rank:
        return 0
    return _restore(module.network, context.run_dir / BEST)


@contextmanager
def _interrupted_as_any_command() -> Iterator[None]:
    """Hand Ctrl-C on, which Lightning would make an exit without a word, deaf to a second one."""
    before = signal.getsignal(signal.SIGINT)
    try:
        yield
    except SystemExit as end:
        if not isinstance(end.__context__, KeyboardInterrupt):
            raise
        signal.signal(signal.SIGINT, before)
        raise KeyboardInterrupt from None


def _trainer(
    config: TrainConfig, context: RunContext, loggers: list[TensorBoardLogger | CSVLogger], callbacks: list[Callback]
) -> lightning.Trainer:
    """Lightning's trainer, as the configuration says."""
    processes = distributed.trainer_arguments(config)
    return lightning.Trainer(
        accelerator=config.device,
        max_epochs=config.epochs,
        precision="bf16-mixed" if config.mixed_precision else "32-true",
        logger=loggers,
        callbacks=callbacks,
        plugins=[WholeFiles(), *processes.pop("plugins", [])],
        gradient_clip_val=1.0,
        num_sanity_val_steps=0,
        log_every_n_steps=1,
        enable_progress_bar=False,
        enable_model_summary=False,
        default_root_dir=context.run_dir,
        **processes,
    )


def new_card(config: TrainConfig, network: nn.Module, /, **rest: Any) -> Card:
    """The card of a newly trained network; ``rest`` are the fields that depend on its data."""
    return Card(
        architecture=config.network.architecture,
        arguments=config.network_arguments(),
        task=config.task.model_dump(mode="json"),
        classes=config.task.classes,
        parameters=sum(parameter.numel() for parameter in network.parameters()),
        date=datetime.now(UTC).date().isoformat(),
        **rest,
    )


def _begin(
    config: TrainConfig, context: RunContext, loader: DataLoader
) -> tuple[Path | None, dict[str, Any] | None, list[dict[str, Any]]]:
    """The state to resume from, its metadata, and the curves so far; positions the loader."""
    found = distributed.broadcast(newest_whole(context, config) if context.resume and context.rank == 0 else None)
    if found is None:
        if context.rank == 0:
            forget(context)
        return None, None, []
    path, place = found
    loader.sampler.start_at(place["epoch"], place["seen"] * (loader.batch_size or 1))
    if context.rank:
        return path, place, []
    logger.info("goes on in epoch %d after step %d, from %s", place["epoch"] + 1, place["seen"], path.name)
    return path, place, read_curves(context.run_dir / CURVES / "metrics.csv", place["global_step"])


def _restore(network: nn.Module, file: Path) -> int:
    """Load the weights of one of our Lightning checkpoints; returns its epoch, from 1."""
    state = read_whole(file)
    prefix = "network."
    weights = {key.removeprefix(prefix): value for key, value in state["state_dict"].items() if key.startswith(prefix)}
    network.load_state_dict(weights)
    return int(state["epoch"]) + 1


def _log_graph(board: TensorBoardLogger, network: nn.Module, x: torch.Tensor, kwargs: dict[str, torch.Tensor]) -> None:
    network.eval()
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the trace is a picture for TensorBoard; its shapes may be those of this batch
        trace = _Positional(network, list(kwargs))
        board.experiment.add_graph(trace, [x[:1], *(value[:1] for value in kwargs.values())])
    network.train()


class _Positional(nn.Module):
    """A network with positional arguments, for TensorBoard's tracer."""

    def __init__(self, network: nn.Module, names: Sequence[str]):
        super().__init__()
        self.network = network
        self.names = names

    def forward(self, x: torch.Tensor, *values: torch.Tensor) -> torch.Tensor:
        return self.network(x, **dict(zip(self.names, values, strict=True)))
