"""Lighter forms as jobs: made in a process of their own, in the queue of the trainings, cancelled like them."""

from __future__ import annotations

from pathlib import Path

import pytest

from models import load_checkpoint
from models.compress.job import read_result
from models.compress.make import LighterConfig
from models.core.errors import CheckpointError, ConfigError
from models.jobs import JobState, JobStore, LocalBackend
from models.jobs.fake import FakeBackend
from tests.models.compress.conftest import make_record
from tests.models.jobs.conftest import wait_for, wait_until


@pytest.fixture
def tiny_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "checkpoints"
    make_record(root / "tiny")
    monkeypatch.setenv("ECGVIZ_CHECKPOINTS", str(root))
    return root


@pytest.mark.slow
def test_a_job_makes_judges_and_measures(store: JobStore, tiny_root: Path, ptbxl_root: Path) -> None:
    backend = LocalBackend(store)
    job_id = backend.submit(LighterConfig(checkpoint="tiny", method="int8", root=str(ptbxl_root)), who="ann")
    job = wait_for(backend, job_id, JobState.DONE)
    assert (job.name, job.lighter, job.progress, job.who) == ("tiny-int8", True, 1.0, "ann")
    assert load_checkpoint(job.checkpoint).card.original.name == "tiny"
    assert read_result(job.run_dir).rows[1]["bytes"] == (job.checkpoint / "model.onnx").stat().st_size


@pytest.mark.slow
def test_a_fine_tuning_is_cancelled_and_goes_on(store: JobStore, tiny_root: Path, ptbxl_root: Path) -> None:
    backend = LocalBackend(store)
    job_id = backend.submit(LighterConfig(checkpoint="tiny", method="l1", root=str(ptbxl_root), epochs=400))
    wait_until(lambda: backend.get(job_id).epoch >= 2, lambda: f"{backend.get(job_id)}\n{backend.logs(job_id)}")
    assert 0 < backend.get(job_id).progress < 0.6
    backend.cancel(job_id)
    job = wait_for(backend, job_id, JobState.CANCELLED)
    assert not (job.run_dir / "checkpoint").exists()
    assert list((job.run_dir / "tuning" / "resume").glob("*.ckpt"))
    backend.resume(job_id)
    wait_until(lambda: "goes on in epoch" in backend.logs(job_id), lambda: backend.logs(job_id))
    backend.cancel(job_id)
    wait_for(backend, job_id, JobState.CANCELLED)


def test_what_cannot_work_is_refused_at_submission(store: JobStore, tiny_root: Path, tmp_path: Path) -> None:
    backend = LocalBackend(store)
    with pytest.raises(CheckpointError, match="was not found"):
        backend.submit({"kind": "lighter", "checkpoint": "nobody", "method": "int8"})
    with pytest.raises(ConfigError, match="name labelled data"):
        backend.submit({"kind": "lighter", "checkpoint": "tiny", "method": "int8"})
    with pytest.raises(ConfigError, match="data"):
        backend.submit({"kind": "lighter", "checkpoint": "tiny", "method": "l1", "root": str(tmp_path)})
    assert store.list() == []


def test_the_fake_takes_them_too(tmp_path: Path) -> None:
    fake = FakeBackend(tmp_path)
    job_id = fake.submit(LighterConfig(checkpoint="tiny", method="onnx"))
    assert fake.get(job_id).lighter
    assert fake.get(job_id).name == "tiny-onnx"
