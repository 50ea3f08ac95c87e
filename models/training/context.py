"""Run context of a training: run folder, callbacks and resume state."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from models.checkpoints import CARD
from models.core.callbacks import ShouldStop
from models.core.errors import ConfigError

CHECKPOINT = "checkpoint"
"""Folder of the checkpoint inside the run's."""
RESUME = "resume"
"""Folder inside the run's with the whole state of the training, to go on from."""
Stage = Literal["reading", "training", "finishing"]


@dataclass(frozen=True)
class TrainingProgress:
    """Progress of a training.

    Attributes:
        stage: "reading" the data, "training", or "finishing": calibration and metrics of the chosen epoch.
        epoch: the epoch at work, from 1; 0 before the first.
        epochs: how many there will be at most.
        step: batches done of this epoch.
        steps: batches of an epoch.
    """

    stage: Stage
    epoch: int = 0
    epochs: int = 0
    step: int = 0
    steps: int = 0

    @property
    def share(self) -> float:
        """Completed share of all batches, 0 to 1; slightly below 1 until it has ended."""
        if self.stage != "training" or not self.epochs:
            return 0.99 if self.stage == "finishing" else 0.0
        within = self.step / self.steps if self.steps else 0.0
        return min(0.99, 0.99 * (self.epoch - 1 + within) / self.epochs)

    def __str__(self) -> str:
        if self.stage == "training":
            return f"epoch {self.epoch} of {self.epochs}, step {self.step} of {self.steps}"
        return "reading the data" if self.stage == "reading" else "calibrating and scoring"


def refuse_finished(run_dir: Path) -> None:
    """Refuse a run folder that holds a checkpoint, so that none is lost to a name that was used before.

    Raises:
        ConfigError: it holds one.
    """
    if (run_dir / CHECKPOINT / CARD).is_file():
        raise ConfigError(
            "run_dir",
            f"{run_dir.name} holds the checkpoint of a finished training; name another folder, or give --overwrite to "
            "replace it, or --resume to go on with one that was stopped",
        )


def _silent(epoch: int, epochs: int, metrics: Mapping[str, float]) -> None:
    """Ignore the report."""


def _unwatched(progress: TrainingProgress) -> None:
    """Ignore the progress."""


def _never() -> bool:
    return False


@dataclass(frozen=True)
class RunContext:
    """Run folder, callbacks and stop request of a training.

    Attributes:
        run_dir: folder of the run: config, metrics, log, curves, checkpoint, TensorBoard events.
        report: called after each epoch with its number from 1, the epochs wanted and the metrics so far.
        should_stop: asked after each batch; True writes the whole state into ``resume_dir`` and ends the training at
            once with :class:`models.core.errors.StoppedError`.
        progress: called at each change of stage and after each batch; what it does must be quick.
        resume: go on from the last whole checkpoint of ``resume_dir``, where there is one.
        checkpoint_every_s: the state is written when so many seconds have passed since it was last written.
        checkpoint_dir: where the whole state is written; ``run_dir/resume`` by default.
        rank: number of this process among those that train together; rank 0 alone writes.
        world_size: how many there are.
    """

    run_dir: Path
    report: Callable[[int, int, Mapping[str, float]], None] = _silent
    should_stop: ShouldStop = _never
    progress: Callable[[TrainingProgress], None] = _unwatched
    resume: bool = False
    checkpoint_every_s: float = 60.0
    checkpoint_dir: Path | None = None
    rank: int = 0
    world_size: int = 1

    def muted(self) -> RunContext:
        """The same without callbacks, for processes of a distributed training that do not report."""
        return replace(self, report=_silent, progress=_unwatched)

    @property
    def resume_dir(self) -> Path:
        """Folder of the full checkpoints."""
        return self.checkpoint_dir or self.run_dir / RESUME
