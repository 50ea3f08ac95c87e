"""The process of a job: ``python -m models train --job ID``.

It trains, or makes a lighter form of a checkpoint, as the store says, tells the store how far it is, and has the last
word on what became of it. A store that cannot be written to for a moment (a full disk) does not end a training.
"""

from __future__ import annotations

import errno
import logging
import math
import os
import signal
import sqlite3
import threading
import time
from collections.abc import Mapping
from types import FrameType
from typing import TYPE_CHECKING, Any

from models.core.errors import ConfigError, EcgvizError, JobError, StoppedError
from models.jobs.states import Job, JobState
from models.jobs.store import JobStore

if TYPE_CHECKING:
    from models.jobs.ray_run import RunFiles
    from models.training import RunContext, TrainingProgress

CHECKPOINT_EVERY = "ECGVIZ_CHECKPOINT_EVERY_S"
_REPORT_EVERY_S = 1.0
_BEAT_EVERY_S = 10.0
_MIN_SHARE = 0.01
logger = logging.getLogger(__name__)


class Stop:
    """SIGTERM handler: stops at once while data are read or results scored, else after the batch."""

    def __init__(self) -> None:
        self.asked = False
        self.training = False

    def __call__(self, number: int, frame: FrameType | None) -> None:
        first, self.asked = not self.asked, True
        if first and not self.training:
            raise StoppedError("stopped before the training began, or after it ended")


class Reporter:
    """Reports the progress of a job to the store, at most once a second.

    Args:
        store: the jobs, or what stands for them on a cluster.
        job_id: which.
        stop: told whether batches are at work.
        part: share of the whole that the training is.
    """

    def __init__(self, store: JobStore | RunFiles, job_id: str, stop: Stop, part: float = 1.0):
        self.store = store
        self.job_id = job_id
        self.stop = stop
        self.part = part
        self._stage = ""
        self._told = -math.inf
        self._began: tuple[float, float] | None = None

    def progress(self, place: TrainingProgress) -> None:
        """Called after each batch."""
        self.stop.training = place.stage == "training"
        now = time.monotonic()
        if place.stage == self._stage and now - self._told < _REPORT_EVERY_S:
            return
        self._stage, self._told = place.stage, now
        share = place.share * self.part
        fields: dict[str, Any] = {"note": str(place), "seconds_left": self._seconds_left(share, now)}
        if place.stage != "reading":
            fields |= {"progress": share, "epoch": place.epoch, "epochs": place.epochs}
        self._tell(fields)

    def other(self, share: float, note: str) -> None:
        """Progress of work that is no training, as a share of the whole."""
        now = time.monotonic()
        if note != self._stage or now - self._told >= _REPORT_EVERY_S:
            self._stage, self._told, self.stop.training = note, now, False
            self._tell({"progress": share, "note": note, "seconds_left": None})

    def epoch(self, epoch: int, epochs: int, metrics: Mapping[str, float]) -> None:
        """Called after each epoch."""
        shown = [f"{key} {value:.3f}" for key, value in metrics.items() if key.endswith(("f1", "loss", "auroc"))]
        logging.getLogger("models.training").info("epoch %d of %d  %s", epoch, epochs, "  ".join(shown))
        self._tell({"figures": {key: value for key, value in metrics.items() if math.isfinite(value)}})

    def _seconds_left(self, share: float, now: float) -> float | None:
        if self._began is None or self._stage != "training":
            self._began = (now, share)
        then, first = self._began
        done = share - first
        return None if done < _MIN_SHARE else (now - then) * (1 - share) / done

    def _tell(self, fields: dict[str, Any]) -> None:
        try:
            self.store.report(self.job_id, **fields)
        except sqlite3.Error as error:
            logger.warning("the store cannot be told: %s", error)


def run_job(job_id: str) -> int:
    """Train the job that its runner has taken; returns the exit status.

    Raises:
        JobError: the job is not this process's to run.
    """
    stop = Stop()
    signal.signal(signal.SIGTERM, stop)
    store = JobStore()
    try:
        job = store.claim(job_id, os.getpid())
        if job.state is JobState.STOPPING:
            raise StoppedError("stopped before it began")
        beat = threading.Thread(target=_beat, args=(store, job_id), daemon=True)
        beat.start()
        fields = (_lighten if job.lighter else _train)(job, store, stop)
        return _end(store, job_id, JobState.DONE, **fields)
    except StoppedError as error:
        logger.info("%s", error)
        return _end(store, job_id, JobState.CANCELLED)
    except JobError:
        raise
    except Exception as error:  # whatever ends a training is told
        logger.exception("the training ended")
        return _end(store, job_id, JobState.CANCELLED if stop.asked else JobState.FAILED, reason=reason(error))


def _train(job: Job, store: JobStore, stop: Stop) -> dict[str, Any]:
    from models.config import make_config

    config = make_config(job.config)
    from models.training import run  # Lightning takes seconds to load: a signal is answered meanwhile

    folder = run(config, _context(job, Reporter(store, job.id, stop), stop))
    return {"checkpoint": folder, "progress": 1.0, "note": "", "epochs": config.epochs}


def _lighten(job: Job, store: JobStore, stop: Stop) -> dict[str, Any]:
    from models.compress.job import TUNING_PART, run_lighter
    from models.compress.make import make_request

    told = Reporter(store, job.id, stop, TUNING_PART)
    folder = run_lighter(make_request(job.config), _context(job, told, stop), told.other)
    return {"checkpoint": folder, "progress": 1.0, "note": ""}


def _context(job: Job, told: Reporter, stop: Stop) -> RunContext:
    """Run context of this process: progress, stop request, resume state."""
    from models.training import RunContext

    return RunContext(
        job.run_dir,
        report=told.epoch,
        should_stop=lambda: stop.asked,
        progress=told.progress,
        resume=True,
        checkpoint_every_s=checkpoint_every_s(),
    )


def checkpoint_every_s() -> float:
    """Seconds between full checkpoints: the work that a killed job may lose.

    Raises:
        ConfigError: the setting is no number.
    """
    wanted = os.environ.get(CHECKPOINT_EVERY) or "60"
    try:
        return float(wanted)
    except ValueError as error:
        raise ConfigError(CHECKPOINT_EVERY, f"must be a number of seconds, got {wanted!r}") from error


def reason(error: Exception) -> str:
    """Failure reason of a training in a sentence or two for the user."""
    if isinstance(error, EcgvizError):
        return str(error)
    if isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
        return f"the disk is full ({error.strerror}); free some space and resume it"
    first = next(iter(str(error).splitlines()), "")
    if type(error).__name__ == "OutOfMemoryError" or "out of memory" in first:
        return f"memory ran out; lower batch_size ({first})"
    return f"{type(error).__name__}: {first}; its log has the whole of it"


def _end(store: JobStore, job_id: str, to: JobState, **fields: Any) -> int:
    try:
        state = store.get(job_id).state
        if to is JobState.CANCELLED and state is JobState.RUNNING:
            # SIGTERM from somebody else than the store: a shutdown, or a person.
            store.transition(job_id, JobState.STOPPING)
        elif to is JobState.FAILED and state is JobState.STOPPING:
            to = JobState.CANCELLED
        store.transition(job_id, to, **fields)
    except sqlite3.Error as error:
        logger.warning("the store cannot be told: %s", error)
        return os.EX_IOERR
    return 0 if to is not JobState.FAILED else 1


def _beat(store: JobStore, job_id: str) -> None:
    while True:
        try:
            store.heartbeat(job_id)
        except sqlite3.Error as error:
            logger.warning("the store cannot be told: %s", error)
        time.sleep(_BEAT_EVERY_S)
