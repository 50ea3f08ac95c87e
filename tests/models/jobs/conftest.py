"""A home folder of its own for each test, and nothing left running behind it."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import psutil
import pytest

from models.config import TrainConfig, load_config
from models.jobs import Backend, Job, JobState, JobStore, LocalBackend
from models.jobs.processes import send

PATIENCE_S = 90.0


def wait_until(condition: Callable[[], object], what: str | Callable[[], str], patience_s: float = PATIENCE_S) -> None:
    """Wait for a condition; a loaded machine has all the time it needs."""
    until = time.monotonic() + patience_s
    while not condition():
        assert time.monotonic() < until, f"waited in vain: {what() if callable(what) else what}"
        time.sleep(0.05)


def wait_for(backend: Backend, job_id: str, *states: JobState, patience_s: float = PATIENCE_S) -> Job:
    """The job once it is in one of the states."""
    wait_until(
        lambda: _is_in(backend, job_id, states),
        lambda: f"{job_id} should be {' or '.join(states)}, is {backend.get(job_id)}\n{backend.logs(job_id)}",
        patience_s,
    )
    return backend.get(job_id)


def _is_in(backend: Backend, job_id: str, states: Sequence[JobState]) -> bool:
    job = backend.get(job_id)
    assert job.state in states or not job.state.ended, f"{job}\n{backend.logs(job_id)}"
    return job.state in states


def kill(pid: int) -> None:
    """kill -9, and wait until it is gone."""
    process = psutil.Process(pid)
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not process.is_running() or process.status() == psutil.STATUS_ZOMBIE, f"{pid} should be dead")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The home folder of a test; runners and jobs that still live at its end are ended."""
    folder = tmp_path / "home"
    monkeypatch.setenv("ECGVIZ_HOME", str(folder))
    monkeypatch.setenv("ECGVIZ_CHECKPOINT_EVERY_S", "0.2")
    monkeypatch.delenv("ECGVIZ_JOBS", raising=False)
    yield folder
    store = JobStore()
    runner = store.runner("cpu")
    if runner is not None:
        send(*runner, signal.SIGKILL)
    for job in store.list():
        if job.state.active and job.pid is not None:
            send(job.pid, job.pid_started, signal.SIGKILL)


@pytest.fixture
def store(home: Path) -> JobStore:
    return JobStore()


@pytest.fixture(scope="session")
def tiny(simulated_root: Path) -> Callable[..., TrainConfig]:
    """A configuration of seconds on simulated records."""
    base = [
        f"data.root={simulated_root}",
        "data.train=[sim1, sim2]",
        "data.validation=[sim3]",
        "device=cpu",
        "batch_size=32",
        "epochs=3",
    ]
    return lambda *changes: load_config("beat_smoke", [*base, *changes])


@pytest.fixture
def script(store: JobStore) -> Callable[..., LocalBackend]:
    """A backend whose jobs are a shell script; ``$1`` is the job's id."""

    def make(text: str, grace_s: float = 30.0) -> LocalBackend:
        command: Sequence[str] = ("/bin/sh", "-c", text, "sh")
        return LocalBackend(store, command=command, grace_s=grace_s)

    return make
