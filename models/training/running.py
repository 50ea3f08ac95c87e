"""What every training does alike: the log, the trainer, progress and stopping, the best weights."""

from __future__ import annotations

import logging
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
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

from models.config import TrainConfig
from models.training.context import RunContext

BEST = "best.ckpt"
_LOG_EVERY_STEPS = 20
logger = logging.getLogger(__name__)
logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)


@contextmanager
def log_file(path: Path) -> Iterator[None]:
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


class Watch(Callback):
    """Tells the caller of each epoch, logs every so many steps, and stops when asked.

    Args:
        context: whom to tell and who may stop.
        new_epoch: called with the number of each epoch before it starts.
    """

    def __init__(self, context: RunContext, new_epoch: Callable[[int], None] | None = None):
        self.context = context
        self.new_epoch = new_epoch
        self._since = (0, time.monotonic())

    def on_train_epoch_start(self, trainer: lightning.Trainer, module: lightning.LightningModule) -> None:
        if self.new_epoch is not None:
            self.new_epoch(trainer.current_epoch)
        self._since = (0, time.monotonic())

    def on_train_batch_end(
        self, trainer: lightning.Trainer, module: lightning.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        if self.context.should_stop():
            trainer.should_stop = True
        step = batch_idx + 1
        if step % _LOG_EVERY_STEPS == 0:
            last, then = self._since
            now = time.monotonic()
            loss = float(outputs["loss"] if isinstance(outputs, dict) else outputs)
            logger.info(
                "epoch %d step %d of %s  loss %.3f  %.2f s a step",
                trainer.current_epoch + 1,
                step,
                trainer.num_training_batches,
                loss,
                (now - then) / (step - last),
            )
            self._since = (step, now)

    def on_train_epoch_end(self, trainer: lightning.Trainer, module: lightning.LightningModule) -> None:
        figures = {name: float(value) for name, value in trainer.callback_metrics.items()}
        self.context.report(trainer.current_epoch + 1, trainer.max_epochs or 0, figures)


def fit(
    config: TrainConfig,
    context: RunContext,
    module: lightning.LightningModule,
    loaders: Sequence[Any],
    *,
    monitor: str,
    mode: str,
    example: tuple[torch.Tensor, dict[str, torch.Tensor]],
    new_epoch: Callable[[int], None] | None = None,
    ema_decay: float = 0.0,
) -> int:
    """Train; the module's ``network`` ends with the weights of the best epoch, whose number (from 1) is returned.

    Args:
        config: the configuration.
        context: where to write, whom to tell, who may stop it.
        module: has the network as ``network``.
        loaders: of the training data, and of the validation data where there is any.
        monitor: figure that the epoch is chosen by; without validation data the last one is kept.
        mode: "min" or "max" of it is best.
        example: an input and keyword arguments of the network, batch first, for the graph.
        new_epoch: called with the number of each epoch before it starts.
        ema_decay: decay of the running average of the weights that is validated and kept; 0 for none.
    """
    validated = len(loaders) > 1
    keep = ModelCheckpoint(
        context.run_dir,
        filename=BEST.removesuffix(".ckpt"),
        monitor=monitor if validated else None,
        mode=mode,
        enable_version_counter=False,
    )
    callbacks: list[Callback] = [Watch(context, new_epoch), keep, LearningRateMonitor()]
    if validated and config.early_stopping:
        callbacks.append(EarlyStopping(monitor, patience=config.early_stopping, mode=mode))
    if ema_decay:
        callbacks.append(EMAWeightAveraging(decay=ema_decay))
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
    _log_graph(board, module.network, *example)
    trainer.fit(module, *loaders)
    module.network.cpu().eval()
    if keep.best_model_path:
        return _restore(module.network, keep.best_model_path)
    return trainer.current_epoch


def _restore(network: nn.Module, file: str | Path) -> int:
    """Put the weights of a Lightning checkpoint of our own into the network; returns its epoch, from 1."""
    state = torch.load(file, map_location="cpu", weights_only=True)
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
    """A network with its keyword arguments by position, as the tracer of TensorBoard wants them."""

    def __init__(self, network: nn.Module, names: Sequence[str]):
        super().__init__()
        self.network = network
        self.names = names

    def forward(self, x: torch.Tensor, *values: torch.Tensor) -> torch.Tensor:
        return self.network(x, **dict(zip(self.names, values, strict=True)))
