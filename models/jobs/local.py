"""Local job backend: starts its own runner processes, and only while there are jobs.

Whoever submits starts the runner of the device where none lives. It is a grandchild that belongs to nobody: no
terminal, no server and no pipe holds it, so a tab may be closed and a server may be killed.
"""

from __future__ import annotations

import logging
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models.core.errors import JobError
from models.jobs.outcome import OUTPUT, last_lines, settle
from models.jobs.processes import alive, send
from models.jobs.states import Job, JobState
from models.jobs.store import FILE, JobStore

if TYPE_CHECKING:
    from models.compress.make import LighterConfig
    from models.config import TrainConfig

TRAIN = (sys.executable, "-m", "models", "train", "--job")
GRACE_S = 30.0
_ROOT = Path(__file__).resolve().parents[2]
_LAUNCH = '"$@" </dev/null >>"$ECGVIZ_RUNNER_LOG" 2>&1 & echo $!'
_LAUNCH_S = 30.0
_LOCAL = {"cpu", "cuda", "mps"}
logger = logging.getLogger(__name__)


class LocalBackend:
    """Trains on this machine, one job per device at a time.

    Args:
        store: the jobs; those of the home folder by default.
        command: program that is run for a job, with the job's id as last argument. Put ``nice -n 10`` before the
            default to train in the background of other work; what is put there must become the program, or wait for it.
        grace_s: a job that is cancelled has so many seconds to write its checkpoint before it is killed.
    """

    def __init__(self, store: JobStore | None = None, *, command: Sequence[str] = TRAIN, grace_s: float = GRACE_S):
        self.store = store or JobStore()
        if self.store.path.name != FILE:
            raise ValueError(f"the jobs that run here are in a file named {FILE}, got {self.store.path.name}")
        self.command = tuple(command)
        self.grace_s = grace_s

    def submit(
        self, config: TrainConfig | LighterConfig | Mapping[str, Any], *, who: str = "", name: str | None = None
    ) -> str:
        """Queue a training, or the making of a lighter form; returns the job's id.

        Raises:
            ConfigError: the configuration cannot work; the message names the field.
        """
        from models.jobs.submission import prepare  # torch is loaded to submit, not to look

        job = self.store.add(prepare(config, self.store, who=who, name=name))
        self._serve(job.device)
        return job.id

    def get(self, job_id: str) -> Job:
        """Current state of a job."""
        self.look()
        return self.store.get(job_id)

    def list(self, state: JobState | None = None) -> list[Job]:
        """All jobs in order of submission, or those in one state."""
        self.look()
        return self.store.list(state)

    def cancel(self, job_id: str) -> None:
        """Remove a job from the queue, or ask its process to write a checkpoint and stop.

        Raises:
            JobError: it has ended already.
        """
        self.look()
        job = self.store.get(job_id)
        _refuse_foreign(job)
        if job.state is JobState.QUEUED:
            try:
                self.store.transition(job_id, JobState.CANCELLED)
                return
            except JobError:
                job = self.store.get(job_id)  # it was taken in that moment
        if job.state is not JobState.STOPPING:
            job = self.store.transition(job_id, JobState.STOPPING, note="stopping")
        if job.pid is not None:
            send(job.pid, job.pid_started, signal.SIGTERM)
        self._serve(job.device)  # a runner sees to it that the job does stop

    def resume(self, job_id: str) -> str:
        """Queue a failed or cancelled job again, from its last checkpoint; returns its id.

        Raises:
            JobError: it is at work, waits already, or is done.
        """
        self.look()
        job = self.store.get(job_id)
        _refuse_foreign(job)
        job = self.store.transition(job_id, JobState.QUEUED, device=job.device.partition(":")[0])
        self._serve(job.device)
        return job.id

    def logs(self, job_id: str, tail: int = 200) -> str:
        """Last lines of a job's output."""
        return last_lines(self.store.get(job_id).run_dir / OUTPUT, tail)

    def delete(self, job_id: str) -> None:
        """Delete an ended job and its run folder.

        Raises:
            JobError: it has not ended.
        """
        folder = self.store.get(job_id).run_dir
        self.store.delete(job_id)
        if folder.parent == self.store.run_dir(job_id).parent:
            shutil.rmtree(folder, ignore_errors=True)

    def look(self) -> None:
        """Update jobs whose process is gone, and start missing runners."""
        unserved = set()
        for job in (*self.store.list(JobState.RUNNING), *self.store.list(JobState.STOPPING)):
            if job.device.partition(":")[0] not in _LOCAL or self.store.runner(job.device) is not None:
                continue  # a runner that lives sees to its job itself
            if not alive(job.pid, job.pid_started):
                settle(self.store, job.id, None)
            elif job.state is JobState.STOPPING:
                unserved.add(job.device)
        unserved |= {job.device for job in self.store.list(JobState.QUEUED)} & _LOCAL
        for device in sorted(unserved):
            self._serve(device)

    def _serve(self, device: str) -> None:
        """Start a runner where one is missing."""
        wanted = sum(job.device == device for job in self.store.list(JobState.QUEUED))
        lanes = _lanes(device)
        for lane in lanes:
            if len(lanes) > 1 and wanted <= 0:
                return
            if self.store.runner(lane) is None:
                self._start(lane)
                wanted -= 1

    def _start(self, lane: str) -> None:
        with self.store.lease(lane) as lease:
            if lease is None:
                return
            program = [sys.executable, "-m", "models.jobs.runner", lane, "--home", str(self.store.home)]
            launched = subprocess.run(
                ["/bin/sh", "-c", _LAUNCH, "sh", *program, "--grace", str(self.grace_s), "--", *self.command],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                start_new_session=True,
                cwd=_ROOT,
                env=os.environ | {"ECGVIZ_RUNNER_LOG": str(self._log(lane))},
                timeout=_LAUNCH_S,
                check=False,
            )
            if launched.returncode or not launched.stdout.strip().isdigit():
                raise JobError(f"no runner could be started for {lane} ({launched.stderr.strip()})")
            lease.give(int(launched.stdout))

    def _log(self, lane: str) -> Path:
        return self.store.home / f"runner-{lane.replace(':', '-')}.txt"


def _refuse_foreign(job: Job) -> None:
    if job.device.partition(":")[0] not in _LOCAL:
        raise JobError(f"job {job.id} is not run on this machine but by {job.device}; set ECGVIZ_JOBS={job.device}")


def _lanes(device: str) -> list[str]:
    """Devices that a job for ``device`` may run on, each with its own runner."""
    if device != "cuda":
        return [device]
    import torch

    return [f"cuda:{number}" for number in range(torch.cuda.device_count())]
