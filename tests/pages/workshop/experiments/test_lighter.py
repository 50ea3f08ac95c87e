"""Lighter forms on the Experiments page: the request, the table, the verdict with what changed, promotion."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from models import load_checkpoint
from models.compress.job import run_lighter
from models.compress.make import make_request
from models.data import catalogue
from models.jobs import JobState
from models.training import RunContext
from pages.parts import caching
from tests.models.compress.conftest import make_record
from tests.models.data.ptbxl_folder import write_ptbxl
from tests.pages.outline import outline


@pytest.fixture
def checkpoints(tmp_path, monkeypatch) -> Path:
    root = tmp_path / "checkpoints"
    make_record(root / "tiny")
    monkeypatch.setenv("ECGVIZ_CHECKPOINTS", str(root))
    caching.checkpoints.clear()
    return root


@pytest.fixture
def data(own_home) -> Path:
    folder = own_home / "data" / "ptbxl"
    folder.mkdir()
    write_ptbxl(folder)
    catalogue.register("ptbxl", folder)
    return folder


def _ended(jobs, method: str, data: Path, **values):
    """A form that a job has made, and left in the store."""
    wanted = make_request({"checkpoint": "tiny", "method": method, "root": str(data)} | values)
    job = jobs.get(jobs.submit(wanted))
    folder = run_lighter(wanted, RunContext(job.run_dir), lambda share, note: None)
    jobs._jobs[job.id] = replace(jobs.get(job.id), state=JobState.DONE, progress=1.0, checkpoint=folder)
    return jobs.get(job.id)


def test_a_form_is_asked_for_and_watched(visit_with, jobs, checkpoints, data):
    app = visit_with("experiments")
    assert not app.exception
    assert any("No lighter form of tiny yet" in one.value for one in app.caption)
    app.selectbox(key="experiments-lighter_method-record").set_value("qat")
    app.run().button(key="experiments-lighter_start").click()
    app.run()
    assert not app.exception
    [job] = jobs.list()
    assert job.lighter
    assert (job.config["checkpoint"], job.config["method"], job.config["root"]) == ("tiny", "qat", str(data.resolve()))
    assert app.get("progress")
    assert not any("No training yet" in one.value for one in app.error)
    app.button(key="experiments-lighter_cancel").click().run()
    assert jobs.get(job.id).state is JobState.CANCELLED
    app.button(key="experiments-lighter_delete").click().run()
    assert jobs.list() == []


def test_the_table_the_verdict_and_the_promotion(visit_with, jobs, checkpoints, data, snapshot):
    job = _ended(jobs, "onnx", data)
    app = visit_with("experiments")
    assert not app.exception
    table = next(one.value for one in app.dataframe if "Form" in one.value)
    assert list(table["Form"]) == ["tiny (original)", "tiny-onnx"]
    assert list(table["State"]) == ["", "passes"]
    assert all(" x" in cell for cell in table["One case"])
    snapshot("experiments_lighter", outline(app))
    app.button(key="experiments-lighter_promote").click().run()
    assert not app.exception
    assert any("is one of the checkpoints now" in one.value for one in app.success)
    assert load_checkpoint("tiny-onnx").card.original.sha256 == load_checkpoint("tiny").sha256
    assert load_checkpoint("tiny-onnx").card.metrics["gate"]["labels"] == 30
    assert job.run_dir.is_dir()


def test_a_refused_form_lists_what_changed(visit_with, jobs, checkpoints, data):
    _ended(jobs, "l1", data, epochs=1, most_changed=0, tolerance=0.0)
    app = visit_with("experiments")
    assert not app.exception
    assert any("The gate refuses it" in one.value for one in app.warning)
    changed = next(one.value for one in app.dataframe if "Label, then and now" in one.value)
    assert changed.iloc[0, 0].startswith("ptbxl ")
    app.button(key="experiments-lighter_promote").click().run()
    assert any("is refused" in one.value and changed.iloc[0, 0] in one.value for one in app.error)
    assert not (checkpoints / "tiny-l1").exists()


def test_strangers_start_and_promote_nothing(visit_with, jobs, checkpoints, data, monkeypatch):
    _ended(jobs, "onnx", data)
    monkeypatch.setenv("ECGVIZ_TRAINING", "off")
    app = visit_with("experiments")
    assert not app.exception
    assert any("Form" in one.value for one in app.dataframe)
    assert not any(str(one.key).startswith("experiments-lighter") for one in app.button)
