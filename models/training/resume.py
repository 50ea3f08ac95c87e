"""Full training state on disk, for resuming an interrupted training exactly.

Weights and averages, optimiser, schedule, callbacks, random numbers and the place in the epoch are one file. What a
batch holds is a function of seed, epoch and number (:mod:`models.data`), so the place is enough to find the next one; a
resumed training ends with the weights of an uninterrupted one, bit for bit on a CPU. A state is taken between two
batches and before an epoch: never after the last batch of one, where the validation is still to come.
"""

from __future__ import annotations

import csv
import hashlib
import io
import logging
import random
import signal
import threading
import time
from pathlib import Path
from typing import Any

import lightning
import numpy as np
import torch
from lightning.fabric.plugins import TorchCheckpointIO
from lightning.pytorch.callbacks import Callback
from lightning.pytorch.loggers import CSVLogger

from models.config import TrainConfig
from models.core.errors import CheckpointError, StoppedError
from models.core.files import write_whole
from models.training import distributed
from models.training.context import RunContext

BEST = "best.ckpt"
VALIDATION_S = 10.0
"""A validation may go on for so long after the training was asked to stop; whoever asked kills it after 30 s."""
_PATTERN = "step-*.ckpt"
_KEPT = 2
_DIGEST = hashlib.sha256().digest_size
logger = logging.getLogger(__name__)


class WholeFiles(TorchCheckpointIO):
    """Lightning checkpoint plug-in with atomic writes: temporary name, fsync, rename, fsync of the folder.

    The last 32 bytes are the SHA-256 of those before them, which torch does not mind: it misses flipped bytes itself.
    The file of the best epoch holds its weights alone, a third of the whole state: nothing goes on from it.
    """

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None) -> None:
        """Write a Lightning checkpoint."""
        if Path(path).name == BEST:
            checkpoint = {name: checkpoint[name] for name in ("epoch", "global_step", "state_dict")}
        stream = io.BytesIO()
        torch.save(checkpoint, stream)
        stream.write(hashlib.sha256(stream.getbuffer()).digest())
        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, stream.getbuffer())


def read_whole(path: Path) -> dict[str, Any]:
    """Read a checkpoint written by :class:`WholeFiles`.

    Raises:
        CheckpointError: it is missing or damaged.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise CheckpointError(path.name, f"cannot be read ({error.strerror}); train again") from error
    if hashlib.sha256(content[:-_DIGEST]).digest() != content[-_DIGEST:]:
        raise CheckpointError(path.name, "is damaged; train again")
    state: dict[str, Any] = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    return state


def settings_digest(config: TrainConfig) -> str:
    """Hash of a configuration, which a stored state must match."""
    return hashlib.sha256(config.model_dump_json().encode()).hexdigest()


def newest_whole(context: RunContext, config: TrainConfig) -> tuple[Path, dict[str, Any]] | None:
    """The newest readable state and its metadata; None where there is none.

    A damaged file is named in the log, and the one before it is taken.

    Raises:
        CheckpointError: the states were written under another configuration.
    """
    for path in sorted(context.resume_dir.glob(_PATTERN), reverse=True):
        try:
            content = read_whole(path)
        except CheckpointError:
            logger.warning("%s is damaged; the state before it is used", path.name)
            continue
        place = content["callbacks"][KeepState.__qualname__]
        if place["settings"] != settings_digest(config):
            raise CheckpointError(
                context.run_dir.name, "cannot go on: its state is of another configuration; use a new run folder"
            )
        return path, place | {"global_step": int(content["global_step"])}
    return None


def forget(context: RunContext) -> None:
    """Remove the state and results of an earlier training in the folder."""
    for path in (*context.resume_dir.glob(_PATTERN), context.run_dir / BEST):
        path.unlink(missing_ok=True)


class KeepState(Callback):
    """Callback that writes the full state periodically and on a stop request; keeps the last two.

    Args:
        context: where to write, how often, and who may stop it.
        config: the configuration that the state belongs to.
    """

    def __init__(self, context: RunContext, config: TrainConfig):
        self.context = context
        self.settings = settings_digest(config)
        self._written = time.monotonic()
        self._place = (0, 0)
        self._finished = False
        self._between_epochs = False
        self._random: dict[str, Any] | None = None
        self._asked: float | None = None
        self._on_sigterm: Any = None

    @property
    def state_key(self) -> str:
        """Key of this callback in a checkpoint."""
        return type(self).__qualname__

    def state_dict(self) -> dict[str, Any]:
        """Position in the training, and the random state."""
        epoch, seen = self._place
        return {
            "epoch": epoch,
            "seen": seen,
            "finished": self._finished,
            "settings": self.settings,
            "random": random_state(),
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Store the random state until the training starts."""
        self._random = state_dict["random"]

    def on_fit_start(self, trainer: lightning.Trainer, module: lightning.LightningModule) -> None:
        self._on_sigterm = signal.getsignal(signal.SIGTERM)

    def on_train_start(self, trainer: lightning.Trainer, module: lightning.LightningModule) -> None:
        # Lightning puts a handler before the caller's, which leaves the process at the end of an epoch without a word.
        if callable(self._on_sigterm) and threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, self._on_sigterm)
        if self._random is not None:
            set_random_state(self._random)
            self._random = None
        distributed.seed_by_rank()

    def on_train_epoch_start(self, trainer: lightning.Trainer, module: lightning.LightningModule) -> None:
        stop, due = distributed.all_reduce_any(self.context.should_stop(), self._due())
        if trainer.current_epoch == 0:
            return
        if stop or due:
            self._between_epochs = True
            self._write(trainer, trainer.current_epoch, 0)
            self._between_epochs = False
        if stop:
            raise StoppedError(f"stopped before epoch {trainer.current_epoch + 1}")

    def on_train_batch_end(
        self, trainer: lightning.Trainer, module: lightning.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        if batch_idx + 1 == trainer.num_training_batches:
            return
        stop, due = distributed.all_reduce_any(self.context.should_stop(), self._due())
        if stop or due:
            self._write(trainer, trainer.current_epoch, batch_idx + 1)
        if stop:
            raise StoppedError(f"stopped in epoch {trainer.current_epoch + 1} after step {batch_idx + 1}")

    def on_validation_batch_end(self, trainer: lightning.Trainer, *_: Any, **__: Any) -> None:
        """On a stop request, end a long validation; a short one is completed, since states are written before an
        epoch."""
        # Several processes validate different numbers of batches; they can only end together when all have ended.
        if trainer.world_size > 1 or not self.context.should_stop():
            return
        now = time.monotonic()
        self._asked = self._asked or now
        if now - self._asked >= VALIDATION_S:
            raise StoppedError(f"stopped while epoch {trainer.current_epoch + 1} was validated")

    def on_train_end(self, trainer: lightning.Trainer, module: lightning.LightningModule) -> None:
        self._finished = True
        self._write(trainer, trainer.current_epoch, 0)

    def on_save_checkpoint(
        self, trainer: lightning.Trainer, module: lightning.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Correct Lightning's epoch counter, which counts an epoch before it begins."""
        if self._between_epochs:
            progress = checkpoint["loops"]["fit_loop"]["epoch_progress"]
            for counts in (progress["total"], progress["current"]):
                counts["ready"] -= 1

    def _due(self) -> bool:
        return time.monotonic() - self._written >= self.context.checkpoint_every_s

    def _write(self, trainer: lightning.Trainer, epoch: int, seen: int) -> None:
        self._place = (epoch, seen)
        folder = self.context.resume_dir
        trainer.save_checkpoint(folder / f"step-{trainer.global_step:09d}.ckpt", weights_only=False)
        if trainer.is_global_zero:
            for path in sorted(folder.glob(_PATTERN))[:-_KEPT]:
                path.unlink(missing_ok=True)
        self._written = time.monotonic()


def random_state() -> dict[str, Any]:
    """Random state of torch, numpy and Python, as tensors and plain values."""
    name, keys, *rest = np.random.get_state()  # noqa: NPY002 (libraries draw from the global generator)
    state = {
        "torch": torch.get_rng_state(),
        "numpy": [str(name), [int(key) for key in keys], *(value for value in rest)],
        "python": random.getstate(),
    }
    if torch.cuda.is_available():
        state["cuda"] = torch.cuda.get_rng_state_all()
    return state


def set_random_state(state: dict[str, Any]) -> None:
    """Restore a random state."""
    torch.set_rng_state(state["torch"])
    name, keys, *rest = state["numpy"]
    np.random.set_state((name, np.array(keys, np.uint32), *rest))  # noqa: NPY002
    random.setstate(state["python"])
    if "cuda" in state and torch.cuda.is_available():
        torch.cuda.set_rng_state_all(state["cuda"])


def read_curves(file: Path, steps: int) -> list[dict[str, Any]]:
    """Rows of a run's metrics.csv before ``steps`` optimiser steps, which a resumed training does not repeat."""
    if not file.is_file():
        return []
    with file.open(newline="", encoding="utf-8") as stream:
        rows = [{key: value for key, value in row.items() if key and value} for row in csv.DictReader(stream)]
    return [row for row in rows if str(row.get("step", "")).isdigit() and int(row["step"]) < steps]


def continue_curves(curves: CSVLogger, rows: list[dict[str, Any]]) -> None:
    """Write the earlier rows into the new file, which Lightning begins empty."""
    if rows:
        curves.experiment.metrics.extend(rows)
        curves.save()
