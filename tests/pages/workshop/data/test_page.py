"""The Data page under AppTest: registering, what a set holds, its problems, and paths that may not be read."""

from __future__ import annotations

import pytest

from models.data import catalogue
from tests.models.conftest import write_record
from tests.models.data.ptbxl_folder import write_ptbxl
from tests.pages.outline import metrics, outline, settle


@pytest.fixture
def records(own_home):
    """Three simulated records below the data root."""
    root = own_home / "data" / "simulated"
    root.mkdir()
    for seed in (1, 2, 3):
        write_record(root, f"sim{seed}", 60.0, seed)
    return root


def _add(app, path: str, name: str = ""):
    boxes = {one.label: one for one in app.text_input}
    boxes["Folder on the server"].set_value(path)
    boxes["Name"].set_value(name)
    next(one for one in app.button if one.label == "Add folder").click()
    return settle(app.run())


def test_empty_page(visit, snapshot):
    app = visit("data")
    assert not app.exception
    snapshot("data_empty", outline(app))


def test_nothing_entered_is_said(visit):
    app = _add(visit("data"), "  ")
    assert [one.value for one in app.info if "first" in one.value] == ["Enter a folder first."]
    assert not catalogue.list_data_sets()


def test_recordings(visit, records, snapshot):
    app = _add(visit("data"), "simulated")
    assert not app.exception
    assert not app.error
    assert metrics(app)["Recordings"] == "3"
    assert metrics(app)["Problems"] == "0"
    snapshot("data", outline(app))


def test_pictures_with_problems(visit, folder):
    root = folder("cells")
    (root / "normal" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(40))
    app = _add(visit("data"), "cells", "my-cells")
    assert not app.exception
    assert metrics(app)["Pictures"] == "12"
    table = next(one.value for one in app.dataframe if "What" in one.value)
    assert set(table["What"]) == {"unreadable", "no groups"}
    assert [one.name for one in catalogue.list_data_sets()] == ["my-cells"]


@pytest.mark.parametrize("path", ["/etc", "../..", "nowhere", "."])
def test_folders_that_may_not_or_cannot_be_used(visit, own_home, path):
    (own_home / "secret").mkdir()
    app = _add(visit("data"), path)
    assert not app.exception
    assert len(app.error) == 1
    assert catalogue.list_data_sets() == []


def test_forget_and_look_again(visit, records):
    app = _add(visit("data"), "simulated")
    write_record(records, "sim4", 60.0, 4)
    app.button(key="data-again").click()
    settle(app.run())
    assert metrics(app)["Recordings"] == "4"
    app.button(key="data-forget").click()
    app.run()
    assert catalogue.list_data_sets() == []
    assert not app.exception


def test_whole_recordings(visit, own_home):
    write_ptbxl(own_home / "data" / "ptbxl")
    app = _add(visit("data"), "ptbxl")
    assert not app.exception and not app.error
    found = metrics(app)
    assert (found["Recordings"], found["Patients"], found["NORM"]) == ("60", "31", "12 (20.0%)")
    app.button(key="data-train").click().run()
    assert not app.exception
    assert next(one for one in app.selectbox if one.label == "Task").value == "record"


def test_train_on_it(visit, records):
    app = _add(visit("data"), "simulated")
    app.button(key="data-train").click().run()
    assert not app.exception
    assert next(one for one in app.selectbox if one.label == "Data").value == "simulated"
