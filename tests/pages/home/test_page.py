"""The home page: understood in a minute, and a sample away from a finished view."""

from __future__ import annotations

import subprocess
import sys
import threading
import time

import pytest
from streamlit.testing.v1 import AppTest

from ecgviz.sources.samples import list_samples
from models.checkpoints import DEFAULT_BEAT_CHECKPOINT, STATEMENT
from models.compress.make import make_request
from models.config import load_config
from models.core.home import home_folder
from models.jobs import Job, JobState, JobStore
from models.jobs.processes import started
from pages.inspection.batch import runs
from tests.pages.conftest import PAGES
from tests.pages.gate import WAIT_S
from tests.pages.outline import metrics, outline, settle


def test_structure(app, snapshot):
    assert not app.exception
    assert not app.error
    snapshot("home", outline(app))


def test_states_what_it_is_not_for(app):
    assert any(STATEMENT in one.value for one in app.sidebar.caption)


@pytest.mark.parametrize("sample", [sample.name for sample in list_samples()])
def test_one_click_opens_a_finished_view(app, sample):
    app.button(key=f"home-open-{sample}").click()
    settle(app.run())
    assert not app.exception
    assert not app.error
    assert app.query_params["record"] in (f"sample:{sample}", [f"sample:{sample}"])
    if sample == "dicom-12-lead":
        assert metrics(app)["Rate"] == "61 /min"
        assert app.toggle(key="map12").value
    else:
        assert int(metrics(app)["Beats"].replace(",", "")) >= 10
        assert app.toggle(key="map").value


def test_opens_at_a_ventricular_beat(app):
    app.button(key="home-open-mitdb-208").click()
    settle(app.run())
    assert any("ventricular ectopic (V)" in one.value for one in app.markdown)


_TOLD = ("markdown", "page_link", "error")


def _running(app: AppTest) -> list[str]:
    """What stands below the heading Running, links by their labels."""
    told = [one.label if one.type == "page_link" else one.value for one in app.main if one.type in _TOLD]
    return told[told.index("## Running") + 1 :]


def _until_nothing_runs(app: AppTest) -> None:
    deadline = time.monotonic() + WAIT_S
    while _running(app.run()) != ["Nothing runs."]:
        assert time.monotonic() < deadline, "it never ended"
        time.sleep(0.1)


def _training() -> dict:
    return load_config("beat_smoke", ["data.root=anywhere"]).model_dump(mode="json")


def test_nothing_runs_and_nothing_is_made_to_say_so(app):
    assert _running(app) == ["Nothing runs."]
    assert not home_folder().exists()


def test_jobs_are_counted_and_led_to(jobs, app):
    first = jobs.submit(_training())
    assert _running(app.run()) == ["1 training waits.", "To the page Train"]
    for _ in range(2):
        jobs.submit(_training())
    jobs.advance(1)
    assert _running(app.run())[0] == "1 training runs, 2 wait."
    jobs.submit(make_request({"checkpoint": "tiny", "method": "onnx", "root": "anywhere"}))
    assert _running(app.run())[2:] == ["1 lighter form waits.", "To the page Experiments"]
    jobs.cancel(first)
    assert _running(app.run())[0] == "1 training runs, 2 wait.", "until it has written its checkpoint"
    for job in jobs.list():
        if job.state is JobState.QUEUED:
            jobs.cancel(job.id)
    jobs.advance(1)
    assert jobs.get(first).state is JobState.CANCELLED
    assert _running(app.run()) == ["Nothing runs."]


def test_jobs_are_not_shown_to_who_may_not_train(jobs, app, monkeypatch):
    jobs.submit(_training())
    monkeypatch.setenv("ECGVIZ_TRAINING", "off")
    assert _running(app.run()) == ["Nothing runs."]


def test_looking_starts_no_runner_and_believes_no_dead_process(app):
    store = JobStore()
    store.add(Job("aaaaaaaaaaaa", "waits", _training()))
    assert _running(app.run())[0] == "1 training waits."
    assert store.runner("cpu") is None
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        works = {"state": JobState.RUNNING, "pid": process.pid, "pid_started": started(process.pid)}
        store.add(Job("bbbbbbbbbbbb", "works", _training(), **works))
        assert _running(app.run())[0] == "1 training runs, 1 waits."
        process.communicate(b"\n")
    assert _running(app.run())[0] == "1 training waits."
    assert store.get("bbbbbbbbbbbb").state is JobState.RUNNING, "what became of it is for the page Train to find out"


def test_a_store_that_cannot_be_read_is_one_sentence(app):
    JobStore()
    (home_folder() / "ecgviz.db").write_bytes(b"no database")
    app.run()
    assert not app.exception
    assert ["cannot be opened" in one.value for one in app.error] == [True]


def test_an_analysis_that_goes_on_is_told_until_it_ends(visit_with, gate, monkeypatch, app):
    gate.free = 3  # two small ones, by which the folded network is held against the plain one, and a batch
    gate.hold(monkeypatch, DEFAULT_BEAT_CHECKPOINT)
    app.switch_page(PAGES["holter"])
    app.query_params["record"] = "sample:mitdb-208"
    app.run()
    assert gate.reached.wait(WAIT_S)
    app.switch_page(PAGES["home"]).run()
    told, link = _running(app)
    assert told.startswith("The analysis of 208 (19:34 to 24:34): classifying beats, ")
    assert link == "To the recording"
    assert _running(visit_with("home")) == ["Nothing runs."], "it is this session's"
    gate.opened.set()
    _until_nothing_runs(app)


def test_a_batch_that_goes_on_is_told_until_it_ends(inspect, folder, monkeypatch):
    inspect_files, opened = runs.inspect_files, threading.Event()

    def held(*arguments, **more):
        for number, verdict in enumerate(inspect_files(*arguments, **more)):
            assert number < 2 or opened.wait(WAIT_S)
            yield verdict

    monkeypatch.setattr(runs, "inspect_files", held)
    folder("cells", good=4, bad=4)
    app = inspect("batch", folder="path:cells")
    app.button(key="batch-start").click().run()
    app.switch_page(PAGES["home"]).run()
    told, link = _running(app)
    assert told.startswith("The inspection of cells: ")
    assert link == "To the batch"
    opened.set()
    _until_nothing_runs(app)
