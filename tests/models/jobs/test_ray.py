"""Jobs on a real Ray cluster of this machine, which wants a token. Skipped where Ray is not installed."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
import torch

from models.config import TrainConfig
from models.core.errors import ConfigError, JobError
from models.jobs import JobState, JobStore, LocalBackend, RayBackend, backend
from models.jobs.ray_train import MAX_FAILURES
from models.jobs.states import Job
from tests.models.jobs import conftest
from tests.models.jobs.conftest import wait_until
from tests.models.jobs.ray_cluster import START_S, cluster, free_ports  # noqa: F401  a fixture

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.skipif(
        importlib.util.find_spec("ray") is None, reason="Ray is not installed: pip install -r requirements-scale.txt"
    ),
]
ROOT = Path(__file__).resolve().parents[3]
LONG = ("epochs=60", "early_stopping=0", "network.arguments={conv_channels: [16, 16], lstm_hidden: 16}")


@pytest.fixture
def two(cluster: str, store: JobStore) -> Iterator[RayBackend]:  # noqa: F811
    """Jobs of two workers; those that still run at the end of a test are stopped, or the next one would wait."""
    ray = RayBackend(store, address=cluster, workers=2)
    yield ray
    for job in ray.list():
        if not job.state.ended:
            ray.cancel(job.id)


def command(*arguments: str, **environment: str) -> subprocess.CompletedProcess:
    """``python -m models jobs`` in a process of its own: Ray reads its token once."""
    return subprocess.run(
        [sys.executable, "-m", "models", "jobs", *arguments],
        cwd=ROOT,
        env=os.environ | {"ECGVIZ_JOBS": "ray"} | environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def last_state(run_dir: Path) -> dict[str, torch.Tensor]:
    path = sorted((run_dir / "resume").glob("step-*.ckpt"))[-1]
    return torch.load(path, weights_only=True)["state_dict"]


def assert_close(one: Path, two: Path) -> None:
    first, second = last_state(one), last_state(two)
    farthest = max(float((first[name].float() - second[name].float()).abs().max()) for name in first)
    assert farthest < 2e-3, f"a weight differs by {farthest:g}"


def wait_for(ray: RayBackend, job_id: str, *states: JobState) -> Job:
    """As for local jobs, with time to start a dozen processes."""
    return conftest.wait_for(ray, job_id, *states, patience_s=START_S)


def reached(ray: RayBackend, job_id: str, epoch: int) -> Job:
    def there() -> bool:
        job = ray.get(job_id)
        assert not job.state.ended, f"{job}\n{ray.logs(job_id)}"
        return job.epoch >= epoch

    wait_until(there, lambda: f"epoch {epoch}: {ray.get(job_id)}\n{ray.logs(job_id)}", START_S)
    return ray.get(job_id)


@pytest.fixture
def plain(tiny: Callable[..., TrainConfig]) -> TrainConfig:
    return tiny("epochs=2", "lr=0.001")


def test_two_workers_end_where_one_process_does(two: RayBackend, plain: TrainConfig, tmp_path: Path) -> None:
    from models.training import RunContext, run

    job_id = two.submit(plain, who="somebody")
    job = two.get(job_id)
    assert job.device == "ray"
    assert job.state in {JobState.QUEUED, JobState.RUNNING}
    LocalBackend(two.store).look()
    assert two.store.runner("ray") is None, "no local runner takes it"
    with pytest.raises(JobError, match="ECGVIZ_JOBS=ray"):
        LocalBackend(two.store).cancel(job_id)
    job = wait_for(two, job_id, JobState.DONE)
    assert job.progress == 1
    assert job.checkpoint == job.run_dir / "checkpoint"
    assert job.figures["validation/macro_f1"] > 0
    assert "epoch 2 of 2" in two.logs(job_id), "the log outlives the cluster"
    run(plain, RunContext(tmp_path / "one"))
    assert_close(tmp_path / "one", job.run_dir)
    assert Path(os.environ["RAY_AUTH_TOKEN_PATH"]).stat().st_mode & 0o777 == 0o600


def test_cancel_writes_a_state_and_resume_goes_on_from_it(two: RayBackend, tiny, tmp_path: Path) -> None:
    job_id = two.submit(tiny(*LONG))
    reached(two, job_id, 2)
    assert "epoch 1 of 60" in two.logs(job_id, tail=1000), "the log of a job at work"
    two.cancel(job_id)
    job = wait_for(two, job_id, JobState.CANCELLED)
    assert re.search(r"stopped (in|before) epoch \d", two.logs(job_id, 1000))
    assert list((job.run_dir / "resume").glob("step-*.ckpt"))
    assert not (job.run_dir / "checkpoint").exists()
    two.resume(job_id)
    job = reached(two, job_id, job.epoch + 1)
    assert job.attempt == 2
    two.cancel(job_id)
    job = wait_for(two, job_id, JobState.CANCELLED)
    assert "goes on in epoch" in (job.run_dir / "log.txt").read_text()
    two.delete(job_id)
    assert not job.run_dir.exists()


def kill_a_worker() -> None:
    """kill -9 of one of the processes that train on the cluster of this test."""
    found = [one for one in psutil.Process().children(recursive=True) if "RayTrainWorker" in " ".join(one.cmdline())]
    assert len(found) == 2, found
    conftest.kill(found[-1].pid)


@pytest.mark.timeout(1200)  # four times a dozen processes come up
def test_a_lost_worker_is_replaced_and_too_many_are_a_failure_that_resumes(two: RayBackend, tiny) -> None:
    job_id = two.submit(tiny(*LONG, "epochs=1000"))
    log = reached(two, job_id, 2).run_dir / "log.txt"
    for lost in range(1, MAX_FAILURES + 1):
        kill_a_worker()
        wait_until(lambda n=lost: log.read_text().count("goes on in epoch") == n, lambda: two.logs(job_id), START_S)
        reached(two, job_id, two.get(job_id).epoch + 1)
    kill_a_worker()
    job = wait_for(two, job_id, JobState.FAILED)
    assert re.search(r"worker( \d)? was lost .* more than 2 times in all; resume goes on", job.reason), job.reason
    assert job.reason in two.logs(job_id, 1000)
    two.resume(job_id)
    assert reached(two, job_id, job.epoch + 1).attempt == 2
    two.cancel(job_id)
    wait_for(two, job_id, JobState.CANCELLED)


def test_a_failure_tells_its_reason(two: RayBackend, tiny, simulated_root: Path, tmp_path: Path) -> None:
    data = shutil.copytree(simulated_root, tmp_path / "data")
    (data / "sim2.dat").unlink()
    job_id = two.submit(tiny(f"data.root={data}"))
    job = wait_for(two, job_id, JobState.FAILED)
    assert "sim2" in job.reason
    assert job.reason in two.logs(job_id, 1000)


@pytest.mark.parametrize("token", ["wrong" * 8, ""], ids=["wrong", "missing"])
def test_a_wrong_token_is_named_as_such(cluster: str, home: Path, simulated_root: Path, tmp_path: Path, token) -> None:  # noqa: F811
    file = tmp_path / "token"
    if token:
        file.write_text(token)
    settings = ["data.train=[sim1]", "data.validation=[sim3]", f"data.root={simulated_root}"]
    changes = [word for setting in settings for word in ("--set", setting)]
    ended = command(
        "submit", "beat_smoke", *changes, ECGVIZ_RAY_ADDRESS=cluster, RAY_AUTH_TOKEN_PATH=str(file), HOME=str(tmp_path)
    )
    assert ended.returncode == 2, ended.stdout + ended.stderr
    assert "error: authentication with the Ray cluster failed" in ended.stderr
    assert "RAY_AUTH_TOKEN_PATH" in ended.stderr
    assert not JobStore().list(), "a job that was refused is not left in the queue"


def test_a_cluster_that_is_not_there_is_named(cluster: str, store: JobStore, plain: TrainConfig) -> None:  # noqa: F811
    (port,) = free_ports(1)
    away = RayBackend(store, address=f"http://127.0.0.1:{port}")
    with pytest.raises(JobError, match=rf"127.0.0.1:{port}.*ECGVIZ_RAY_ADDRESS"):
        away.submit(plain)
    assert not store.list()


def test_settings(cluster: str, store: JobStore, tiny, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    monkeypatch.setenv("ECGVIZ_JOBS", "ray")
    monkeypatch.setenv("ECGVIZ_RAY_WORKERS", "3")
    ray = backend()
    assert isinstance(ray, RayBackend)
    with pytest.raises(ConfigError, match=r"batch_size.*multiple of the 3 workers"):
        ray.submit(tiny())
    monkeypatch.setenv("ECGVIZ_RAY_WORKERS", "none")
    with pytest.raises(ConfigError, match="ECGVIZ_RAY_WORKERS"):
        backend()
