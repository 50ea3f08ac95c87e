"""Job backend for an existing Ray cluster: the same training, on several workers.

The jobs are kept in the same store as those of this machine, as device "ray", which no local runner serves. Ray is
asked how they are whenever somebody looks. Data and run folders lie on storage that this machine and the cluster have
at the same path; the program itself is sent along.
"""

from __future__ import annotations

import importlib.util
import logging
import os
import shlex
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models.core.errors import ConfigError, JobError
from models.jobs.local import LocalBackend
from models.jobs.outcome import OUTPUT, last_lines
from models.jobs.ray_cluster import authentication_fault, program, use_token
from models.jobs.ray_run import RunFiles
from models.jobs.states import Job, JobState
from models.jobs.store import JobStore
from models.jobs.worker import CHECKPOINT_EVERY, checkpoint_every_s

if TYPE_CHECKING:
    from models.compress.make import LighterConfig
    from models.config import TrainConfig

ADDRESS = "ECGVIZ_RAY_ADDRESS"
WORKERS = "ECGVIZ_RAY_WORKERS"
RUNS = "ECGVIZ_RAY_RUNS"
DEVICE = "ray"
_STOP_WAIT_S = 60
"""What Ray grants a job that is stopped; its own 3 s are not enough to write a checkpoint."""
_UPLOAD_S = 600.0
logger = logging.getLogger(__name__)


class RayBackend:
    """Trains on a Ray cluster through Ray Jobs and Ray Train.

    Jobs of this machine in the same store are shown too, and handled as :class:`LocalBackend` does.

    Args:
        store: the jobs; those of the home folder by default.
        address: of the cluster's dashboard; ``ECGVIZ_RAY_ADDRESS`` by default, else ``http://127.0.0.1:8265``.
        workers: how many train together; ``ECGVIZ_RAY_WORKERS`` by default, else 1.

    Raises:
        ConfigError: Ray is not installed, or a setting is none.
    """

    def __init__(self, store: JobStore | None = None, *, address: str | None = None, workers: int | None = None):
        if importlib.util.find_spec("ray") is None:
            raise ConfigError("ECGVIZ_JOBS", "Ray is not installed; pip install -r requirements-scale.txt")
        self.store = store or JobStore()
        self.address = address or os.environ.get(ADDRESS) or "http://127.0.0.1:8265"
        self.workers = _workers() if workers is None else workers
        self._local = LocalBackend(self.store)

    def submit(
        self, config: TrainConfig | LighterConfig | Mapping[str, Any], *, who: str = "", name: str | None = None
    ) -> str:
        """Submit a training to the cluster; returns the job's id. Lighter forms are made and timed on this machine.

        Raises:
            ConfigError: the configuration cannot work; the message names the field.
            JobError: the cluster cannot be reached, or refuses the token.
        """
        from models.jobs.submission import lighter_request, prepare  # torch is loaded to submit, not to look

        if lighter_request(config) is not None:
            return self._local.submit(config, who=who, name=name)
        job = prepare(config, self.store, who=who, name=name, device=DEVICE)
        if self.workers > 1 and job.config["batch_size"] % self.workers:
            raise ConfigError("batch_size", f"must be a multiple of the {self.workers} workers ({WORKERS})")
        runs = os.environ.get(RUNS)
        if runs:
            job = replace(job, run_dir=Path(runs).expanduser().absolute() / job.id)
        with self._asked():
            self._client  # noqa: B018  a cluster that cannot be reached gets no job
        job = self.store.add(job)
        try:
            self._send(job)
        except JobError:
            self.store.transition(job.id, JobState.CANCELLED)
            self.store.delete(job.id)
            raise
        return job.id

    def get(self, job_id: str) -> Job:
        """Current state of a job, or its last known one, as the note says."""
        fault = self._try_look()
        return _noted(self.store.get(job_id), fault)

    def list(self, state: JobState | None = None) -> list[Job]:
        """All jobs in order of submission, or those in one state."""
        fault = self._try_look()
        return [_noted(job, fault) for job in self.store.list(state)]

    def cancel(self, job_id: str) -> None:
        """Ask Ray to stop a job; it writes a checkpoint first.

        Raises:
            JobError: it has ended already, or the cluster cannot be reached.
        """
        if not self._is_ours(job_id):
            self._local.cancel(job_id)
            return
        self.look()
        job = self.store.get(job_id)
        with self._asked():
            self._client  # noqa: B018  what cannot be stopped is not shown as stopping
        if job.state is JobState.QUEUED:
            self.store.transition(job_id, JobState.CANCELLED)
            submission = _submission(job.id, job.attempt + 1)
        else:
            if job.state is not JobState.STOPPING:
                job = self.store.transition(job_id, JobState.STOPPING, note="stopping")
            submission = _submission(job.id, job.attempt)
        with self._asked():
            self._client.stop_job(submission)

    def resume(self, job_id: str) -> str:
        """Submit a failed or cancelled job again, from its last checkpoint; returns its id.

        Raises:
            JobError: it is at work, waits already, or is done; or the cluster cannot be reached.
        """
        if not self._is_ours(job_id):
            return self._local.resume(job_id)
        self.look()
        job = self.store.get(job_id)
        if job.state in {JobState.FAILED, JobState.CANCELLED}:
            job = replace(job, attempt=self._free_attempt(job))
            self._send(job)
        return self.store.transition(job_id, JobState.QUEUED, attempt=job.attempt).id

    def logs(self, job_id: str, tail: int = 200) -> str:
        """Last lines of a job's output."""
        job = self.store.get(job_id)
        if job.device == DEVICE and job.state.active:
            with self._asked():
                found = self._client.get_job_logs(_submission(job.id, job.attempt))
            return "\n".join(found.splitlines()[-tail:])
        return last_lines(job.run_dir / OUTPUT, tail)

    def delete(self, job_id: str) -> None:
        """Delete an ended job and its run folder.

        Raises:
            JobError: it has not ended.
        """
        self._local.delete(job_id)

    def look(self) -> None:
        """Update the jobs of the cluster and of this machine.

        Raises:
            JobError: the cluster cannot be reached, or refuses the token.
        """
        self._local.look()
        ours = [job for job in self.store.list() if job.device == DEVICE and not job.state.ended]
        if not ours:
            return
        with self._asked():
            told = {info.submission_id: info for info in self._client.list_jobs()}
        for job in ours:
            attempt = job.attempt + (job.state is JobState.QUEUED)
            try:
                self._see(replace(job, attempt=attempt), told.get(_submission(job.id, attempt)))
            except JobError as error:
                logger.info("%s", error)  # somebody else has seen it too

    def _see(self, job: Job, info: Any) -> None:
        """Store Ray's state of a job; ``job.attempt`` is the attempt asked for."""
        status = "UNKNOWN" if info is None else str(info.status.value)
        if job.state is JobState.QUEUED and status == "UNKNOWN":
            if job.attempt > 1 or time.time() - job.created > _UPLOAD_S:
                self.store.transition(job.id, JobState.CANCELLED, reason="the cluster does not know it; resume it")
            return
        if status == "PENDING":
            return
        files = RunFiles(job.run_dir, _submission(job.id, job.attempt))
        if job.state is JobState.QUEUED:
            job = self.store.transition(job.id, JobState.RUNNING, attempt=job.attempt)
        progress = files.progress()
        if progress and progress["heartbeat"] != job.heartbeat:
            self.store.report(job.id, **{key: value for key, value in progress.items() if key != "heartbeat"})
        if status != "RUNNING":
            self._settle(job, files, status, info)

    def _settle(self, job: Job, files: RunFiles, status: str, info: Any) -> None:
        outcome = files.outcome()
        if outcome.get("state") == "done":
            checkpoint = Path(outcome["checkpoint"])
            self.store.transition(job.id, JobState.DONE, checkpoint=checkpoint, progress=1.0, note="")
        elif job.state is JobState.STOPPING:
            self.store.transition(job.id, JobState.CANCELLED)
        elif status == "STOPPED":  # by somebody at the cluster
            self.store.transition(job.id, JobState.STOPPING)
            self.store.transition(job.id, JobState.CANCELLED)
        else:
            self.store.transition(job.id, JobState.FAILED, reason=_reason(outcome, info))
        if info is not None:
            # The cluster forgets; the run folder keeps what was printed.
            with self._asked(), (job.run_dir / OUTPUT).open("a", encoding="utf-8") as output:
                output.write(self._client.get_job_logs(files.submission))

    def _send(self, job: Job) -> None:
        submission = _submission(job.id, job.attempt + 1)
        order = {
            "job": job.id,
            "config": _with_teachers(job.config),
            "workers": self.workers,
            "checkpoint_every_s": checkpoint_every_s(),
        }
        RunFiles(job.run_dir, submission).order(order)
        command = ["python", "-m", "models.jobs.ray_train", str(job.run_dir), submission]
        with self._asked():
            self._client.submit_job(
                entrypoint=shlex.join(command),
                submission_id=submission,
                metadata={"name": job.name, "who": job.who},
                runtime_env=program()
                | {
                    "env_vars": {
                        "RAY_JOB_STOP_WAIT_TIME_S": str(_STOP_WAIT_S),
                        "PYTHONUNBUFFERED": "1",
                        CHECKPOINT_EVERY: str(order["checkpoint_every_s"]),
                    },
                },
            )

    def _free_attempt(self, job: Job) -> int:
        """Number of attempts known to the cluster; one cancelled in the queue was never counted."""
        with self._asked():
            known = {info.submission_id for info in self._client.list_jobs()}
        attempt = job.attempt
        while _submission(job.id, attempt + 1) in known:
            attempt += 1
        return attempt

    @cached_property
    def _client(self) -> Any:
        from ray.job_submission import JobSubmissionClient

        # Ray lets RAY_ADDRESS, which is another port, override what it is given; this alone goes before it.
        os.environ["RAY_API_SERVER_ADDRESS"] = self.address

        return JobSubmissionClient(self.address)

    @contextmanager
    def _asked(self) -> Iterator[None]:
        """Translate Ray's exceptions into JobError."""
        use_token()
        import requests
        from ray.exceptions import RayError

        try:
            yield
        except (RayError, RuntimeError, ConnectionError, requests.RequestException, ValueError) as error:
            self.__dict__.pop("_client", None)
            fault = authentication_fault(error)
            if fault:
                raise JobError(fault) from error
            first = next(iter(str(error).splitlines()), type(error).__name__).strip()
            raise JobError(
                f"the Ray cluster at {self.address} does not do what was asked ({first}); see that it runs, and that "
                f"{ADDRESS} is the address of its dashboard"
            ) from error

    def _try_look(self) -> str:
        try:
            self.look()
        except JobError as error:
            logger.warning("%s", error)
            return str(error)
        return ""

    def _is_ours(self, job_id: str) -> bool:
        return self.store.get(job_id).device == DEVICE


def _submission(job_id: str, attempt: int) -> str:
    return f"ecgviz-{job_id}-{attempt}"


def _noted(job: Job, fault: str) -> Job:
    return replace(job, note=fault) if fault and job.device == DEVICE and not job.state.ended else job


def _reason(outcome: Mapping[str, Any], info: Any) -> str:
    if outcome.get("reason"):
        return str(outcome["reason"])
    if info is None:
        return "the cluster does not know it any more (was it restarted?); resume goes on from the last checkpoint"
    first = next(iter(str(info.message or "").splitlines()), "it ended without a word")
    return f"{first}; see its log"


def _with_teachers(config: dict[str, Any]) -> dict[str, Any]:
    """The configuration with teachers by folder, since the cluster has no folder of checkpoints."""
    from models.checkpoints import checkpoint_folder
    from models.config import make_config

    if not config["loss"].get("teachers"):
        return config
    folders = [name if Path(name).is_dir() else str(checkpoint_folder(name)) for name in config["loss"]["teachers"]]
    values = config | {"loss": config["loss"] | {"teachers": folders}}
    return make_config(values).model_dump(mode="json")


def _workers() -> int:
    wanted = os.environ.get(WORKERS) or "1"
    if not wanted.isdigit() or int(wanted) < 1:
        raise ConfigError(WORKERS, f"must be a number of workers, 1 or more, got {wanted!r}")
    return int(wanted)
