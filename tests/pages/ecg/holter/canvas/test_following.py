"""Paper and page agree on where the view is, and nothing that a browser sends is trusted."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from pages.ecg import keys
from pages.ecg.holter.canvas import component, following
from pages.parts import keys as parts_keys
from pages.parts import view
from readers.recording import ArraySource, Recording

RECORDING = Recording("r", 100.0, 60_000, ("II",), ("mV",), ArraySource(np.zeros((60_000, 1))), "array")
TOLD = {
    "n": 1,
    "source": "s",
    "start": 40.0,
    "middle": 45.0,
    "seconds": 10.0,
    "gain": 10,
    "beat": 4480,
    "calipers": None,
}


@pytest.fixture
def state(monkeypatch) -> dict:
    """A session's state, with the paper's own where the tests put it."""
    found: dict = {parts_keys.START: 0.0, keys.GAIN: 10.0}
    fake = SimpleNamespace(session_state=found, query_params={})
    for module in (following, component, view):
        monkeypatch.setattr(module, "st", fake)
    return found


def _tell(state: dict, **told: object) -> None:
    state["paper"] = SimpleNamespace(view=TOLD | told)
    following.hear("paper", "s", RECORDING)


def test_a_place_that_the_paper_told_is_no_move_of_the_page(state):
    assert following.settled("paper", 0.0).moves == 1, "the first is where the link leads"
    _tell(state, calipers=[44.0, 42.5], gain=20)
    assert (state[parts_keys.START], state[parts_keys.BEAT], state[keys.GAIN]) == (40.0, 4480, 20.0)
    assert state[parts_keys.CALIPERS] == (42.5, 0.0, 44.0, 0.0)
    assert following.settled("paper", 40.0).moves == 1
    view.turn(RECORDING, 100.0)
    assert following.settled("paper", 100.0).moves == 2, "a button of the page"
    assert following.settled("paper", 100.0).moves == 2


def test_a_button_pressed_before_the_paper_was_heard_wins(state):
    following.settled("paper", 0.0)
    view.turn(RECORDING, 200.0)
    _tell(state)
    assert state[parts_keys.START] == 200.0
    assert following.settled("paper", 200.0).moves == 2


def test_what_was_heard_is_not_heard_again_nor_of_another_recording(state):
    following.settled("paper", 0.0)
    _tell(state, source="another")
    assert state[parts_keys.START] == 0.0
    _tell(state)
    view.turn(RECORDING, 100.0)
    following.settled("paper", 100.0)
    _tell(state)
    assert state[parts_keys.START] == 100.0


@pytest.mark.parametrize(("beat", "start_s"), [(4480, 39.8), (None, 295.0)])
def test_a_zoomed_paper_leads_the_page_to_its_beat_or_its_middle(state, beat, start_s):
    following.settled("paper", 0.0)
    _tell(state, start=0.0, middle=300.0, seconds=600.0, beat=beat)
    assert state[parts_keys.START] == pytest.approx(start_s)


@pytest.mark.parametrize(
    "told",
    [{"n": "1"}, {"start": None}, {"start": float("nan")}, {"beat": "4480"}, {"calipers": [1]}, {"calipers": "12"},
     {"calipers": [1, None]}, {"source": 3}, {"gain": float("inf")}],
)  # fmt: skip
def test_nonsense_moves_nothing(state, told):
    following.settled("paper", 0.0)
    _tell(state, **told)
    assert state[parts_keys.START] == 0.0 and parts_keys.BEAT not in state
    state["paper"] = SimpleNamespace(view=["x"])
    following.hear("paper", "s", RECORDING)
