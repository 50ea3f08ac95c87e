"""In-memory job backend without processes, for tests and demonstrations; follows the rules of the real ones.

Time passes when :meth:`FakeBackend.advance` is called. The metrics are a smooth curve and say so in the log.
"""

from __future__ import annotations

import csv
import hashlib
import math
import shutil
import tempfile
import threading
import time
import uuid
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models.core.errors import JobError
from models.jobs.states import Job, JobState, check_transition

if TYPE_CHECKING:
    from models.compress.make import LighterConfig
    from models.config import TrainConfig


class FakeBackend:
    """Jobs in memory.

    Args:
        folder: gets a run folder with curves for each job; a temporary one by default.
        device: the one device there is.
    """

    def __init__(self, folder: str | Path | None = None, device: str = "cpu"):
        self.folder = Path(folder) if folder is not None else Path(tempfile.mkdtemp(prefix="ecgviz-fake-jobs-"))
        self.device = device
        self._jobs: dict[str, Job] = {}
        self._lock = threading.RLock()

    def submit(
        self, config: TrainConfig | LighterConfig | Mapping[str, Any], *, who: str = "", name: str | None = None
    ) -> str:
        """Queue a job; settings are checked, data are not read."""
        from models.compress.make import LighterConfig
        from models.config import make_config
        from models.jobs.submission import lighter_request

        checked: TrainConfig | LighterConfig | None = lighter_request(config)
        if checked is None:
            checked = make_config(dict(config) if isinstance(config, Mapping) else config.model_dump(mode="json"))
        job_id = uuid.uuid4().hex[:12]
        values = checked.model_dump(mode="json")
        called = f"{checked.checkpoint}-{checked.method}" if isinstance(checked, LighterConfig) else checked.name
        with self._lock:
            self._jobs[job_id] = Job(
                id=job_id,
                name=name or called,
                config=values,
                config_hash=hashlib.sha256(checked.model_dump_json().encode()).hexdigest()[:16],
                epochs=checked.epochs or 1,
                device=self.device,
                run_dir=self.folder / job_id,
                who=who,
                created=time.time(),
            )
        return job_id

    def get(self, job_id: str) -> Job:
        """Current state of a job."""
        if job_id not in self._jobs:
            raise JobError(f"there is no job {job_id}")
        return self._jobs[job_id]

    def list(self, state: JobState | None = None) -> list[Job]:
        """All jobs in order of submission, or those in one state."""
        return [job for job in self._jobs.values() if state in {None, job.state}]

    def cancel(self, job_id: str) -> None:
        """Cancel a queued job, or let a running one begin to stop."""
        state = self.get(job_id).state
        if state is not JobState.STOPPING:
            self._change(job_id, JobState.CANCELLED if state is JobState.QUEUED else JobState.STOPPING)

    def resume(self, job_id: str) -> str:
        """Queue a failed or cancelled job again."""
        self._change(job_id, JobState.QUEUED, reason="", ended=None)
        return job_id

    def logs(self, job_id: str, tail: int = 200) -> str:
        """One line per epoch."""
        job = self.get(job_id)
        lines = [f"epoch {epoch} of {job.epochs}  (no training: a fake)" for epoch in range(1, job.epoch + 1)]
        return "\n".join(lines[-tail:])

    def delete(self, job_id: str) -> None:
        """Remove an ended job."""
        job = self.get(job_id)
        if not job.state.ended:
            raise JobError(f"job {job_id} is {job.state}; cancel it before it is deleted")
        with self._lock:
            del self._jobs[job_id]
        shutil.rmtree(job.run_dir, ignore_errors=True)

    def look(self) -> None:
        """Nothing to update."""

    def fail(self, job_id: str, reason: str) -> None:
        """Make a running job fail."""
        self._change(job_id, JobState.FAILED, reason=reason, ended=time.time())

    def advance(self, epochs: int = 1) -> None:
        """Advance by some epochs: start the first queued job, continue or stop the running one."""
        for _ in range(epochs):
            with self._lock:
                self._step()

    def _step(self) -> None:
        at_work = next((job for job in self._jobs.values() if job.state.active), None)
        if at_work is None:
            waiting = self.list(JobState.QUEUED)
            if waiting:
                job = waiting[0]
                self._change(job.id, JobState.RUNNING, started=time.time(), attempt=job.attempt + 1)
            return
        if at_work.state is JobState.STOPPING:
            self._change(at_work.id, JobState.CANCELLED, ended=time.time(), seconds_left=None)
            return
        epoch = at_work.epoch + 1
        loss, f1 = math.exp(-epoch / 5), 1 - math.exp(-epoch / 4)
        at_work = replace(
            at_work,
            epoch=epoch,
            progress=min(1.0, epoch / at_work.epochs),
            note=f"epoch {epoch} of {at_work.epochs}",
            figures={"train/loss": loss, "validation/loss": loss * 1.1, "validation/macro_f1": f1},
            heartbeat=time.time(),
            seconds_left=float(at_work.epochs - epoch),
        )
        self._jobs[at_work.id] = at_work
        self._draw(at_work)
        if epoch >= at_work.epochs:
            self._change(at_work.id, JobState.DONE, ended=time.time(), seconds_left=None, note="")

    def _draw(self, job: Job) -> None:
        file = job.run_dir / "curves" / "metrics.csv"
        file.parent.mkdir(parents=True, exist_ok=True)
        fresh = not file.is_file()
        row = {"epoch": job.epoch - 1, "step": job.epoch - 1} | job.figures
        with file.open("a", newline="", encoding="utf-8") as stream:
            writer = csv.DictWriter(stream, list(row))
            if fresh:
                writer.writeheader()
            writer.writerow(row)

    def _change(self, job_id: str, to: JobState, **fields: Any) -> None:
        with self._lock:
            job = self.get(job_id)
            check_transition(job_id, job.state, to)
            self._jobs[job_id] = replace(job, state=to, **fields)
