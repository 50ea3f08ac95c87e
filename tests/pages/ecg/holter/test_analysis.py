"""A long recording on the Holter page while it is analysed: what is there already, what can be done, the way out."""

from __future__ import annotations

import importlib
import json
import re
import threading
import time
from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from models.checkpoints import DEFAULT_BEAT_CHECKPOINT
from tests.pages.conftest import PAGES
from tests.pages.gate import WAIT_S
from tests.pages.outline import link_of, metrics, paper_of, settle, view_of

RECORD = "sample:synthetic-holter"


@pytest.fixture
def halfway(app, gate, monkeypatch) -> AppTest:
    """The page of a recording whose analysis has got somewhere and is held there."""
    gate.hold(monkeypatch, DEFAULT_BEAT_CHECKPOINT)
    app.switch_page(PAGES["holter"])
    app.query_params["record"] = RECORD
    app.run()
    assert gate.reached.wait(WAIT_S)
    return _until(app, lambda: re.search(r"[1-9]\d*%", _bar(app)) is not None)


def _until(app: AppTest, condition: Callable[[], bool]) -> AppTest:
    deadline = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < deadline, "it never came to that"
        time.sleep(0.1)
        app.run()
    return app


def _bar(app: AppTest) -> str:
    """What the bar says; empty without one."""
    return next((one.proto.text for one in app.get("progress")), "")


def _counts(app: AppTest) -> dict[str, str]:
    """Beats of S, V and F by the head of the page."""
    found = metrics(app)
    return {label[0]: value.partition(" ")[0] for label, value in found.items() if label[1:2] == ":"}


def _overview_counts(app: AppTest) -> dict[str, str]:
    """The same by the overview."""
    notes = json.loads(app.get("plotly_chart")[0].proto.spec)["layout"]["annotations"]
    rows = (re.fullmatch(r"(\d+) <b>([SVF])</b>", note["text"]) for note in notes)
    return {row[2]: f"{int(row[1]):,}" for row in rows if row}


def test_a_bar_beside_the_paper_while_it_goes_on(halfway):
    assert not halfway.exception
    assert re.match(r"Analysing: classifying beats, \d+%", _bar(halfway))
    assert not halfway.button(key="holter-analysis-cancel").disabled
    assert metrics(halfway)["Beats"] == "–"
    paper = paper_of(halfway)
    assert [lane["lead"] for lane in paper["lanes"]] == ["MLII", "V1"], "the paper is there before any beat is"
    assert paper["tiles"]["arrays"] and "beats" not in paper


def test_the_pages_turn_while_it_goes_on(halfway):
    before = paper_of(halfway)
    halfway.button(key="ecg-on").click().run()
    assert float(link_of(halfway)["t"]) == 10
    after = paper_of(halfway)
    assert (before["view"]["start"], after["view"]["start"]) == (0, 10)
    assert after["view"]["move"] == before["view"]["move"] + 1, "the browser is to follow"
    assert set(after["tiles"]["arrays"]) != set(before["tiles"]["arrays"]), "and has the signal of the new view"
    slider = next(one for one in halfway.slider if str(one.key).startswith("holter-position"))
    slider.set_value(slider.value.replace(minute=20)).run()
    assert float(link_of(halfway)["t"]) == 1210
    halfway.button(key="ecg-gain-1").click().run()
    assert "20 mm/mV" in " ".join(paper_of(halfway)["printed"])
    assert _bar(halfway), "it still goes on"


def test_the_beats_come_to_the_view_that_was_turned_to(halfway, gate):
    halfway.button(key="ecg-on").click().run()
    gate.opened.set()
    settle(halfway)
    assert metrics(halfway)["Beats"] == "2,265"
    start_s, sample = view_of(halfway)
    assert start_s == 10, "a person who reads already is not taken to the first beat of interest"
    assert 10 <= sample / 250 <= 20
    assert not halfway.button(key="ecg-next-S").disabled


def test_what_was_cancelled_says_so_and_can_be_done_again(halfway, gate):
    halfway.button(key="holter-analysis-cancel").click().run()
    assert "stopping" in _bar(halfway)
    assert halfway.button(key="holter-analysis-cancel").disabled
    gate.opened.set()
    settle(halfway)
    assert not halfway.exception
    found = int(metrics(halfway)["Beats"].replace(",", ""))
    assert 0 < found < 2265
    assert any(f"{found} of 2265 beats are classified" in one.value for one in halfway.warning)
    assert _overview_counts(halfway) == _counts(halfway)
    halfway.button(key="holter-again").click()
    settle(halfway.run())
    assert metrics(halfway)["Beats"] == "2,265"
    assert not any(one.key == "holter-again" for one in halfway.button)
    assert _overview_counts(halfway) == _counts(halfway)


def test_what_was_cancelled_before_the_first_beat_says_so(app, gate, monkeypatch):
    """The search for R peaks comes first; it is asked to stop before it has read anything."""
    module = importlib.import_module("ecgviz.analysis.beat_positions")
    detect, begun = module.detect_r_peaks, threading.Event()

    def held(*arguments, should_stop, **more):
        begun.set()
        deadline = time.monotonic() + WAIT_S
        while not should_stop() and time.monotonic() < deadline:
            time.sleep(0.01)
        return detect(*arguments, should_stop=should_stop, **more)

    monkeypatch.setattr(module, "detect_r_peaks", held)
    gate.opened.set()
    gate.hold(monkeypatch, DEFAULT_BEAT_CHECKPOINT)
    app.switch_page(PAGES["holter"])
    app.query_params["record"] = RECORD
    app.run()
    assert begun.wait(WAIT_S)
    app.button(key="holter-analysis-cancel").click()
    settle(app.run())
    assert not app.exception
    assert metrics(app)["Beats"] == "0"
    assert any("The analysis was stopped before its end." in one.value for one in app.warning)
    assert not app.button(key="holter-again").disabled


@pytest.mark.data
def test_the_overview_is_that_of_the_lead_that_was_chosen(visit, data_root, monkeypatch):
    """A real record: on drawn beats the network says the same on either lead."""
    monkeypatch.setenv("ECGVIZ_DATA_ROOTS", str(data_root))
    app = visit("holter", record="path:mitdb/208")
    first = _counts(app)
    settle(app.selectbox(key="lead").set_value("V1").run())
    assert _counts(app) != first, "else this shows nothing"
    assert _overview_counts(app) == _counts(app)
