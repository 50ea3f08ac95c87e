"""Real trainings as jobs, and what may happen to them: kills, a damaged checkpoint, a full disk, a cancellation."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from models import load_checkpoint
from models.__main__ import main
from models.config import TrainConfig
from models.core.errors import JobError, TrainingError
from models.jobs import Job, JobState, JobStore, LocalBackend
from models.jobs.local import TRAIN
from models.jobs.submission import prepare
from models.jobs.worker import run_job
from tests.models.jobs.conftest import kill, wait_for, wait_until

ROOT = Path(__file__).resolve().parents[3]
SERVER = """
import sys, time
from models.config import load_config
from models.jobs import backend
print(backend().submit(load_config(sys.argv[1])), flush=True)
time.sleep(1000)
"""
OWN_MOUNTS = ("unshare", "--mount", "--map-root-user", "/bin/sh", "-c")
LONG = ("epochs=20", "early_stopping=0", "network.arguments={conv_channels: [16, 16], lstm_hidden: 16}")


def reached(backend: LocalBackend, job_id: str, epoch: int) -> Job:
    """The job once it has come to an epoch."""

    def there() -> bool:
        job = backend.get(job_id)
        assert not job.state.ended, f"{job}\n{backend.logs(job_id)}"
        return job.epoch >= epoch

    wait_until(there, lambda: f"epoch {epoch}: {backend.get(job_id)}\n{backend.logs(job_id)}")
    return backend.get(job_id)


def weights(run_dir: Path) -> bytes:
    return (run_dir / "checkpoint" / "weights.safetensors").read_bytes()


@pytest.fixture(scope="session")
def long(tiny: Callable[..., TrainConfig]) -> TrainConfig:
    """A training that leaves time to kill it."""
    return tiny(*LONG)


@pytest.fixture(scope="session")
def whole(long: TrainConfig, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Weights of the same training by the pure function, which nobody stopped."""
    from models.training import RunContext, run

    folder = tmp_path_factory.mktemp("whole")
    run(long, RunContext(folder))
    return weights(folder)


@pytest.mark.slow
def test_kill_9_of_server_runner_and_job_and_a_damaged_state(store: JobStore, long, whole: bytes, tmp_path) -> None:
    file = tmp_path / "long.yaml"
    file.write_text(yaml.safe_dump(long.model_dump(mode="json")))
    server = subprocess.Popen(
        [sys.executable, "-c", SERVER, str(file)], stdout=subprocess.PIPE, text=True, cwd=ROOT, start_new_session=True
    )
    job_id = server.stdout.readline().strip()
    os.killpg(server.pid, signal.SIGKILL)
    server.wait()
    server.stdout.close()
    backend = LocalBackend(store)
    reached(backend, job_id, 1)
    kill(store.runner("cpu")[0])
    job = reached(backend, job_id, 3)
    assert job.state is JobState.RUNNING, "neither the server nor the runner takes it along"
    assert 0 < job.progress < 1
    assert job.heartbeat is not None
    kill(job.pid)
    job = backend.get(job_id)
    assert job.state is JobState.FAILED
    assert "its process is gone" in job.reason
    last = sorted((job.run_dir / "resume").glob("step-*.ckpt"))[-1]
    last.write_bytes(last.read_bytes()[:-1000])
    backend.resume(job_id)
    job = wait_for(backend, job_id, JobState.DONE)
    assert f"{last.name} is damaged; the state before it is used" in backend.logs(job_id)
    assert weights(job.run_dir) == whole, "bit for bit as if nothing had happened"
    assert job.checkpoint == job.run_dir / "checkpoint"
    assert job.attempt == 2
    assert load_checkpoint(job.checkpoint).card.config["name"] == "beat-smoke"
    assert {"config.yaml", "log.txt", "output.txt", "curves", "metrics.json", "tensorboard"} <= {
        path.name for path in job.run_dir.iterdir()
    }


@pytest.mark.slow
def test_cancel_writes_a_state_frees_the_queue_and_resumes(store: JobStore, long, tiny, whole: bytes) -> None:
    backend = LocalBackend(store)
    first, second = backend.submit(long), backend.submit(tiny("epochs=1"))
    reached(backend, first, 2)
    backend.cancel(first)
    job = wait_for(backend, first, JobState.CANCELLED)
    assert re.search(r"stopped (in|before) epoch \d", backend.logs(first))
    assert list((job.run_dir / "resume").glob("step-*.ckpt"))
    assert not (job.run_dir / "checkpoint").exists(), "a cancelled run is not shown as trained"
    assert wait_for(backend, second, JobState.DONE).checkpoint is not None
    backend.resume(first)
    job = wait_for(backend, first, JobState.DONE)
    assert "goes on in epoch" in backend.logs(first)
    assert weights(job.run_dir) == whole


@pytest.mark.slow
def test_a_full_disk_fails_the_job_with_the_reason_and_it_resumes(store: JobStore, tiny) -> None:
    limited = ("/bin/bash", "-c", 'ulimit -f 120; exec "$@"', "bash", *TRAIN)
    config = tiny("network.arguments={conv_channels: [64, 64], lstm_hidden: 64}", "epochs=2")
    backend = LocalBackend(store, command=limited)
    job = wait_for(backend, backend.submit(config), JobState.FAILED)
    assert "the disk is full" in job.reason
    assert "free some space and resume it" in job.reason
    assert not list(job.run_dir.rglob(".*.ckpt*")), "nothing half-written is left"
    wait_until(lambda: store.runner("cpu") is None, "the limited runner ends")
    backend = LocalBackend(store)
    backend.resume(job.id)
    assert wait_for(backend, job.id, JobState.DONE).reason == ""


def mounts_allowed(tmp_path: Path) -> bool:
    """Whether a process may have a file system of its own, as root or in a user namespace."""
    if shutil.which(OWN_MOUNTS[0]) is None:
        return False
    tried = subprocess.run(
        [*OWN_MOUNTS, "mount -t tmpfs -o size=1m tmpfs $0", tmp_path], capture_output=True, check=False
    )
    return tried.returncode == 0


@pytest.mark.slow
def test_a_full_file_system_fails_the_job_with_the_reason(store: JobStore, tiny, tmp_path: Path) -> None:
    if not mounts_allowed(tmp_path):
        pytest.skip("no file system may be mounted here")
    runs = store.run_dir("any").parent
    small = f'mount -t tmpfs -o size=400k tmpfs {runs} && exec "$@"'
    config = tiny("network.arguments={conv_channels: [64, 64], lstm_hidden: 64}", "epochs=2")
    backend = LocalBackend(store, command=(*OWN_MOUNTS, small, "sh", *TRAIN))
    job = wait_for(backend, backend.submit(config), JobState.FAILED)
    assert "the disk is full (No space left on device)" in job.reason
    assert job.checkpoint is None


def take(store: JobStore, config: TrainConfig) -> str:
    """A job that this process is to run, as its runner would have it."""
    job = store.add(prepare(config, store))
    with store.lease("cpu") as lease:
        lease.give(os.getpid())
    store.take("cpu")
    return job.id


def end_lease(store: JobStore) -> None:
    assert store.release("cpu")


@pytest.fixture
def unsignalled(monkeypatch) -> None:
    """Leaves the handlers of the test's own process alone."""
    monkeypatch.setattr("models.jobs.worker.signal.signal", lambda *_: None)


@pytest.mark.usefixtures("unsignalled")
def test_a_loss_that_is_no_number_is_a_failure_with_what_to_do(store: JobStore, tiny, monkeypatch) -> None:
    monkeypatch.setattr(
        "models.training.module.CombinedLoss.forward", lambda self, logits, *_: logits.sum() * float("nan")
    )
    job_id = take(store, tiny())
    assert run_job(job_id) == 1
    job = store.get(job_id)
    assert job.state is JobState.FAILED
    assert job.reason.startswith("the loss became nan in epoch 1, step 1; lower lr")
    assert job.checkpoint is None
    end_lease(store)


@pytest.mark.usefixtures("unsignalled")
@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (TrainingError("what to do"), "what to do"),
        (OSError(28, "No space left on device"), "the disk is full (No space left on device); free some space"),
        (RuntimeError("CUDA out of memory. Tried"), "memory ran out; lower batch_size"),
        (KeyError("lead"), "KeyError: 'lead'; its log has the whole of it"),
    ],
)
def test_whatever_ends_a_training_is_told(store: JobStore, tiny, monkeypatch, error, reason: str) -> None:
    def broken(*_) -> None:
        raise error

    monkeypatch.setattr("models.training.run", broken)
    job_id = take(store, tiny())
    assert run_job(job_id) == 1
    assert store.get(job_id).reason.startswith(reason)
    end_lease(store)


@pytest.mark.usefixtures("unsignalled")
def test_an_error_on_the_way_out_is_still_the_cancellation(store: JobStore, tiny, monkeypatch) -> None:
    job_id = take(store, tiny())

    def broken(*_) -> None:
        store.transition(job_id, JobState.STOPPING)
        raise KeyError("lead")

    monkeypatch.setattr("models.training.run", broken)
    run_job(job_id)
    assert store.get(job_id).state is JobState.CANCELLED
    end_lease(store)


@pytest.mark.usefixtures("unsignalled")
def test_a_job_is_not_run_twice(store: JobStore, tiny) -> None:
    job = store.add(prepare(tiny(), store))
    with pytest.raises(JobError, match="is queued"):
        run_job(job.id)
    store.take("cpu")
    with pytest.raises(JobError, match="was not started by its runner"):
        run_job(job.id)
    store.report(job.id, pid=1, pid_started="x")
    with pytest.raises(JobError, match="is run by process 1"):
        run_job(job.id)
    store.transition(job.id, JobState.FAILED)


@pytest.mark.slow
@pytest.mark.data
def test_the_command_line_trains_on_two_real_records_in_seconds(store: JobStore, data_root: Path, capsys) -> None:
    begun = time.monotonic()
    assert main(["jobs", "submit", "beat_smoke", "--set", f"data.root={data_root / 'mitdb'}"]) == 0
    job_id = capsys.readouterr().out.splitlines()[-1]
    backend = LocalBackend(store)
    job = wait_for(backend, job_id, JobState.DONE)
    assert time.monotonic() - begun < 60, "20 s on two free cores; a loaded machine has more"
    assert main(["jobs", "show", job_id, "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["state"] == "done"
    assert shown["progress"] == 1.0
    assert shown["run_dir"] == str(job.run_dir)
    assert shown["figures"]["validation/macro_f1"] > 0.5
    assert main(["jobs", "logs", job_id]) == 0
    assert "epoch 2 of 2" in capsys.readouterr().out
