"""Moving through a recording on the Holter page: jumps by button and key, pages that turn, the slider."""

from __future__ import annotations

import re
from datetime import timedelta
from types import SimpleNamespace

import numpy as np
import pytest

from ecgviz.analysis import events
from ecgviz.figures.geometry import CLASS_WORDS
from ecgviz.results import Beats
from pages.parts import keys, view
from readers.recording import ArraySource, Recording
from tests.pages.outline import metrics, view_of

SAMPLE = "sample:mitdb-208"
SIMULATED = "sample:synthetic-holter"


def _beats_of(app, letter: str) -> list[int]:
    """Numbers of the beats of a class, by the table below the paper."""
    table = app.dataframe[0].value
    return list(table["beat"][table["label"] == letter])


def _beat(app) -> int:
    """Number of the beat that the panel tells of."""
    return next(int(m[1].replace(",", "")) for one in app.markdown if (m := re.match(r"\*\*Beat ([\d,]+)", one.value)))


@pytest.mark.parametrize(("letter", "record", "fs"), [("S", SIMULATED, 250), ("V", SAMPLE, 360), ("F", SAMPLE, 360)])
def test_jumps_to_the_next_of_a_class(visit, letter, record, fs):
    app = visit("holter", record=record, t="0")
    wanted = [number for number in _beats_of(app, letter) if number > _beat(app)][:3]
    assert wanted, "the record is here for such beats"
    seen = []
    for _ in wanted:
        app.button(key=f"ecg-next-{letter}").click().run()
        start_s, sample = view_of(app)
        assert start_s <= sample / fs <= start_s + 10, "the beat is in view"
        assert any(f"{CLASS_WORDS[letter]} ({letter})" in one.value for one in app.markdown)
        seen.append(_beat(app))
    assert seen == wanted, "each in turn, and none left out"


def test_what_a_recording_lacks_cannot_be_jumped_to(visit):
    app = visit("holter", record=SIMULATED)
    counts = {label[0]: value for label, value in metrics(app).items() if label[1:2] == ":"}
    assert set(counts) == set("SVF")
    for letter, count in counts.items():
        assert app.button(key=f"ecg-next-{letter}").disabled == count.startswith("0 "), count


def test_every_move_has_a_key_of_its_own(visit):
    """Plain letters are few: C and R are Streamlit's, N, S, V, F, Q and U are kept for the review of beats."""
    app = visit("holter", record=SAMPLE)
    found = {str(one.key): one.proto.shortcut for one in app.button if one.proto.shortcut}
    wanted = {
        "ecg-next_event": "j",
        "ecg-previous_event": "k",
        "ecg-next-S": "shift+s",
        "ecg-next-V": "shift+v",
        "ecg-next-F": "shift+f",
        "ecg-least_sure": "l",
    }
    assert wanted.items() <= found.items()
    assert len(set(found.values())) == len(found)
    assert not set(found.values()) & set("crnsvfqu")
    told = next(one.value for one in app.markdown if "**Keys**" in one.value)
    for key in ("J", "K", "Shift+S", "Shift+V", "Shift+F", "L"):
        assert f"`{key}`" in told


def test_the_slider_moves_the_view(visit):
    def slider():
        return next(one for one in app.slider if str(one.key).startswith("holter-position"))

    app = visit("holter", record=SAMPLE, t="30")
    at_30_s = slider().value
    app.session_state[keys.CALIPERS] = (31.0, 0.0, 32.0, 1.0)
    slider().set_value(at_30_s + timedelta(seconds=95)).run()
    start_s, sample = view_of(app)
    assert start_s == 125
    assert 125 <= sample / 360 <= 135, "about a beat in the new view"
    assert app.session_state[keys.CALIPERS] is None, "they belong to the view before"
    assert slider().value == at_30_s + timedelta(seconds=95), "the thumb stays where it was put"
    app.button(key="ecg-back").click().run()
    assert view_of(app)[0] == 115
    assert slider().value == at_30_s + timedelta(seconds=85), "and follows the other ways to move"


def test_pages_turn_and_stop_at_the_ends(visit):
    app = visit("holter", record=SAMPLE, t="0")
    assert app.button(key="ecg-back").disabled
    app.button(key="ecg-on").click().run()
    assert view_of(app)[0] == 10
    app.query_params["t"] = "290"
    app.run()
    assert app.button(key="ecg-on").disabled


def test_least_sure_goes_up(visit):
    app = visit("holter", record=SAMPLE)

    def probability() -> float:
        return next(float(m[1]) for one in app.markdown if (m := re.search(r"probability \*\*([\d.]+)\*\*", one.value)))

    app.button(key="ecg-least_sure").click().run()
    first = probability()
    app.button(key="ecg-least_sure").click().run()
    assert first <= probability() < 0.9


def test_each_kind_of_event_goes_on_and_back(visit):
    app = visit("holter", record=SAMPLE, t="0")
    app.selectbox(key="holter-kind_of_event").select("F").run()
    seen = [_beat(app)]
    for _ in range(2):
        app.button(key="ecg-next_event").click().run()
        seen.append(_beat(app))
    assert seen[1:] == [number for number in _beats_of(app, "F") if number > seen[0]][:2]
    app.button(key="ecg-previous_event").click().run()
    assert _beat(app) == seen[1]
    app.selectbox(key="holter-kind_of_event").select("confidence").run()
    for _ in range(2):
        app.button(key="ecg-next_event").click().run()
        seen.append(_beat(app))
    app.button(key="ecg-previous_event").click().run()
    assert _beat(app) == seen[-2]
    assert app.button(key="ecg-previous_event").disabled, "there is none of lower confidence"


def test_a_jump_called_twice_goes_once(monkeypatch):
    """Streamlit may call back twice for one key, so the target is fixed when the page is drawn."""
    state = {"parts-jump_to_first": False, "t": 0.0}
    monkeypatch.setattr(view, "st", SimpleNamespace(session_state=state, query_params={}, toast=lambda text: None))
    prob = np.eye(5, dtype=np.float32)[[0, 2, 0, 2, 0, 2]]
    beats = Beats(np.arange(1, 7) * 3600, prob, tuple("NSVFQ"), 360.0, "x", ("MLII",))
    recording = Recording("r", 360.0, 30000, ("MLII",), ("mV",), ArraySource(np.zeros((30000, 1))), "array")
    target = view.next_of(recording, beats, ("V",), 0)
    for _ in range(2):
        view.jump(recording, beats, target, 0)
    assert target == 1 and state["beat"] == beats.sample[1]
    for _ in range(2):
        view.to_least_sure(recording, beats, 3)
    assert state["parts-least_sure_rank"] == 3


@pytest.mark.parametrize("step", [1, -1])
def test_an_event_without_a_beat_is_gone_on_from(monkeypatch, step):
    """Beats that the network missed: the current beat is another one in view, and would lead there again."""
    state = {"t": 0.0}
    monkeypatch.setattr(view, "st", SimpleNamespace(session_state=state, query_params={}, toast=lambda text: None))
    prob = np.eye(5, dtype=np.float32)[[0, 2, 0, 2, 0, 2]]
    beats = Beats(np.arange(1, 7) * 3600, prob, tuple("NSVFQ"), 360.0, "x", ("MLII",))
    recording = Recording("r", 360.0, 30000, ("MLII",), ("mV",), ArraySource(np.zeros((30000, 1))), "array")
    missed, seen = np.array([5000, 5400, 9000, 21000]), []
    for _ in missed:
        _, about = view.settle(recording, beats)
        here = view.here(recording, beats, about)
        seen.append(events.around(missed, here)[step > 0])
        view.to_sample(recording, beats, seen[-1], step, here)
    assert sorted(seen) == missed.tolist()
    view.to_beat(recording, beats, 4)
    assert view.here(recording, beats, 4) == beats.sample[4], "a beat that is chosen counts again"
