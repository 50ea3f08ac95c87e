"""The Train page under AppTest with jobs that nobody runs: the form, the check, the queue, and that nothing is lost."""

from __future__ import annotations

import json
import re
import time

import pytest
from streamlit.testing.v1 import AppTest

from models.data import catalogue
from models.data.survey import survey
from models.jobs import JobState
from tests.models.conftest import write_record
from tests.models.data.ptbxl_folder import write_ptbxl
from tests.pages.outline import metrics, outline, settle


@pytest.fixture
def records(own_home):
    """Three simulated records below the data root, registered and looked at."""
    folder = own_home / "data" / "simulated"
    folder.mkdir()
    for seed in (1, 2, 3):
        write_record(folder, f"sim{seed}", 60.0, seed)
    catalogue.register("simulated", folder)
    catalogue.note_survey("simulated", survey(folder))
    return folder


def _choose_data(app: AppTest) -> AppTest:
    box = next(one for one in app.selectbox if one.label == "Data")
    return box.set_value("simulated").run()


def _setting(app: AppTest, path: str):
    widgets = [*app.number_input, *app.selectbox, *app.text_input, *app.multiselect]
    return next(one for one in widgets if re.fullmatch(rf"train-set-\d+-{re.escape(path)}", str(one.key)))


def _start(app: AppTest) -> AppTest:
    return app.button(key="train-start").click().run()


def _table(app: AppTest):
    return app.dataframe[0].value


def test_empty_page(visit, jobs, snapshot):
    app = visit("train")
    assert not app.exception
    assert app.button(key="train-start").disabled
    snapshot("train_empty", outline(app))


def test_structure(visit, jobs, records, snapshot):
    app = _start(_choose_data(visit("train")))
    jobs.advance(2)
    app.run()
    assert not app.exception
    assert not app.error
    snapshot("train", outline(app))


def test_the_example_is_one_click(visit, jobs):
    app = visit("train")
    app.button(key="train-add-example").click()
    settle(app.run())
    assert not app.exception
    assert [one.name for one in catalogue.list_data_sets()] == ["simulated"]
    assert not app.button(key="train-start").disabled
    _start(app)
    assert jobs.list()[0].config["data"]["validation"] == ["sim5"]


def test_what_is_set_is_what_is_submitted(visit, jobs, records):
    app = _choose_data(visit("train"))
    _setting(app, "lr").set_value(0.02).run()
    _setting(app, "epochs").set_value(7).run()
    app.button_group(key="train-settings").set_value("loss").run()
    _setting(app, "loss.label_smoothing").set_value(0.1).run()
    assert any("Training 2" in one.value and "Loss 1" in one.value for one in app.caption)
    _start(app)
    (job,) = jobs.list()
    assert (job.config["lr"], job.config["epochs"], job.config["loss"]["label_smoothing"]) == (0.02, 7, 0.1)
    assert job.config["data"]["root"] == str(records)
    assert app.query_params["run"] in (job.id, [job.id])


def test_the_form_survives_a_reload_and_another_session(visit, visit_with, jobs, records):
    app = _choose_data(visit("train"))
    _setting(app, "lr").set_value(0.02).run()
    again = visit_with("train")
    assert _setting(again, "lr").value == 0.02
    assert _setting(again, "lr").label.startswith(":primary[●]")
    assert next(one for one in again.selectbox if one.label == "Data").value == "simulated"
    again.button(key="train-reset").click().run()
    assert _setting(again, "lr").value == 0.005


def test_another_task_brings_its_own_settings(visit, jobs, folder, records):
    folder("cells")
    catalogue.register("cells", records.parent / "cells")
    app = visit("train")
    next(one for one in app.selectbox if one.label == "Task").set_value("image").run()
    assert not app.exception
    app.button_group(key="train-settings").set_value("task").run()
    assert _setting(app, "task.image_size").value >= 32
    next(one for one in app.selectbox if one.label == "Data").set_value("cells").run()
    _start(app)
    assert jobs.list()[0].config["task"]["kind"] == "image"


def test_whole_recordings_are_checked_and_started(visit, jobs, own_home):
    write_ptbxl(own_home / "data" / "ptbxl")
    catalogue.register("ptbxl", own_home / "data" / "ptbxl")
    catalogue.note_survey("ptbxl", survey(own_home / "data" / "ptbxl"))
    app = visit("train")
    next(one for one in app.selectbox if one.label == "Task").set_value("record").run()
    next(one for one in app.selectbox if one.label == "Start from").set_value("ecg12_smoke").run()
    next(one for one in app.selectbox if one.label == "Data").set_value("ptbxl").run()
    app.button(key="train-check_button").click()
    settle(app.run())
    assert not app.exception and not app.error
    assert metrics(app)["Train"].endswith("recordings")
    _start(app)
    (job,) = jobs.list()
    assert job.config["task"]["kind"] == "record"
    assert job.config["data"]["train_folds"] == [1, 2, 3, 4, 5, 6, 7, 8]


@pytest.mark.parametrize(
    ("path", "group", "typed"),
    [("network.arguments", "network", "colour: 3"), ("augment.noise_snr_db", "augment", "loud")],
)
def test_a_wrong_setting_is_named_and_marked(visit, jobs, records, path, group, typed):
    app = _choose_data(visit("train"))
    app.button_group(key="train-settings").set_value(group).run()
    _setting(app, path).set_value(typed).run()
    assert app.button(key="train-start").disabled
    assert _setting(app, path).label.startswith(":red[▲]")
    assert not app.exception
    assert any(path in one.value for one in app.markdown)
    assert jobs.list() == []


def test_check(visit, jobs, records):
    app = visit("train")
    assert next(one for one in app.selectbox if one.label == "Data").value == "simulated", "the only one is chosen"
    app.button(key="train-check_button").click()
    settle(app.run())
    deadline = time.monotonic() + 120
    while metrics(app)["Train"] == "–" and time.monotonic() < deadline:
        time.sleep(0.2)
        app.run()
    assert not app.exception
    assert metrics(app)["Train"].endswith("beats")
    assert metrics(app)["Memory"].endswith("GB")
    assert any("steps an epoch" in one.value for one in app.caption)
    assert metrics(app)["Test"] == "none"
    app.text_area(key="train-sweep_text").set_value("lr=1e-3,3e-4\nseed=1..9").run()
    assert any("has a range" in one.value for one in app.error)
    app.text_area(key="train-sweep_text").set_value("lr=1e-3,3e-4").run()
    app.button(key="train-sweep_start").click().run()
    assert sorted(job.config["lr"] for job in jobs.list()) == [3e-4, 1e-3]


def test_the_check_tells_each_warning_on_a_line_of_its_own(visit, jobs, records):
    app = _choose_data(visit("train"))
    _setting(app, "mixed_precision").set_value(True).run()
    app.button_group(key="train-settings").set_value("data").run()
    _setting(app, "data.validation").set_value([]).run()
    app.button(key="train-check_button").click()
    settle(app.run())
    [told] = [one.value for one in app.warning]
    lines = told.split("\n")
    assert len(lines) >= 2 and all(line.startswith("- ") and line.count(". ") == 0 for line in lines)
    assert any("bfloat16" in line for line in lines)


def test_queue_progress_cancel_resume(visit, jobs, records):
    app = _choose_data(visit("train"))
    first = _start(app) and jobs.list()[0].id
    _start(app)
    assert list(_table(app)["State"].str[2:]) == ["waiting", "waiting"]
    jobs.advance(2)
    app.run()  # the browser has heard of the newest
    app.query_params["run"] = first
    app.run()
    assert metrics(app)["Done"] == "50%"
    assert app.query_params["run"] in (first, [first])
    _start(app)
    assert list(_table(app)["State"].str[2:]) == ["running", "waiting", "waiting"], "a start beside one at work counts"
    app.run()
    app.query_params["run"] = first
    app.run()
    app.button(key="workshop-run_cancel").click().run()
    assert jobs.get(first).state is JobState.STOPPING
    assert app.button(key="workshop-run_cancel").disabled
    jobs.advance(1)
    app.run()
    assert jobs.get(first).state is JobState.CANCELLED
    app.button(key="workshop-run_resume").click().run()
    assert jobs.get(first).state is JobState.QUEUED


def test_the_run_of_a_link_is_shown_in_a_new_session(visit, visit_with, jobs, records):
    app = _start(_choose_data(visit("train")))
    first = jobs.list()[0].id
    _start(app)
    jobs.advance(2)
    again = visit_with("train", run=first)
    assert metrics(again)["Done"] == "50%"
    figure = json.loads(again.get("plotly_chart")[0].proto.spec)
    assert figure["data"][0]["y"]


def test_a_failure_is_told(visit, jobs, records):
    app = _start(_choose_data(visit("train")))
    jobs.advance(1)
    jobs.fail(jobs.list()[0].id, "the loss became nan in epoch 1; lower lr")
    app.run()
    assert [one.value for one in app.error] == ["the loss became nan in epoch 1; lower lr"]
    assert not app.button(key="workshop-run_resume").disabled


def test_clone_brings_the_settings_back(visit, jobs, records):
    app = _choose_data(visit("train"))
    _setting(app, "lr").set_value(0.03).run()
    _start(app)
    app.button(key="train-reset").click().run()
    assert _setting(app, "lr").value == 0.005
    app.button(key="workshop-run_clone").click().run()
    assert not app.exception
    assert _setting(app, "lr").value == 0.03
    _setting(app, "lr").set_value(0.04).run()
    _start(app)
    assert jobs.list()[-1].config["lr"] == 0.04


def test_log_and_settings_of_a_run(visit, jobs, records):
    app = _start(_choose_data(visit("train")))
    jobs.advance(3)
    app.button_group(key="workshop-view").set_value("Log").run()
    assert "epoch 2" in app.code[0].value.splitlines()[0]
    app.button_group(key="workshop-view").set_value("Settings").run()
    assert "batch_size: 128" in app.code[0].value


@pytest.mark.parametrize("setting", ["off", "users:ann", "nonsense"])
def test_strangers_start_nothing(visit, jobs, records, monkeypatch, setting):
    monkeypatch.setenv("ECGVIZ_TRAINING", setting)
    for page in ("train", "data"):
        app = visit(page)
        assert not app.exception
        assert len(app.info) == 1
        assert not app.text_input
        assert not any(str(one.key).startswith(("train-", "workshop-run", "train-add-example")) for one in app.button)


def test_turned_off_while_a_page_is_open(visit, jobs, records, monkeypatch):
    app = _choose_data(visit("train"))
    monkeypatch.setenv("ECGVIZ_TRAINING", "off")
    _start(app)
    assert jobs.list() == []


def test_data_outside_of_the_roots_are_refused(visit, jobs, records, monkeypatch, tmp_path):
    app = _choose_data(visit("train"))
    monkeypatch.setenv("ECGVIZ_DATA_ROOTS", str(tmp_path / "elsewhere"))
    app.run()
    assert app.button(key="train-start").disabled
    assert jobs.list() == []
