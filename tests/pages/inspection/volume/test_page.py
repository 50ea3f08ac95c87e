"""The Volume page under AppTest: what it shows, where its controls go, and how it answers nonsense."""

from __future__ import annotations

import json
import time

import numpy as np
import pytest

from ecgviz.figures.window_level import window_between
from pages.inspection.volume import keys, view
from readers.volumes.opening import open_volume
from tests.pages.conftest import battery
from tests.pages.outline import settle
from tests.readers.volumes.written import by_hand, by_itk


@pytest.fixture
def cell(own_home) -> np.ndarray:
    """A volume of nine slices below the data root, as cell.nii.gz; the sixth has a defect."""
    rng = np.random.default_rng(5)
    cube = np.stack([battery(rng, defect=index == 5) for index in range(9)])
    by_itk(own_home / "data" / "cell.nii.gz", cube)
    return cube


def message(app) -> dict:
    """Header of what the canvases were sent."""
    sent = [one.proto.bytes for one in app.get("bidi_component") if one.proto.bytes]
    length = int.from_bytes(sent[-1][:4], "little")
    return json.loads(sent[-1][4 : 4 + length])


def test_planes_measures_verdict_and_winding(inspect, cell):
    app = inspect("volume", picture="path:cell.nii.gz", slice="5", overlay="true", unrolled="true")
    assert not app.exception
    assert not app.error
    for _ in range(200):
        if message(app)["scores"] is not None:
            break
        time.sleep(0.1)
        app.run()
    head = message(app)
    assert head["shape"] == list(cell.shape)
    assert head["at"] == [4, 36, 36]
    assert [one["name"] for one in head["planes"]] == ["axial", "coronal", "sagittal"]
    assert len(head["scores"]["kinds"]) == 9
    assert any("9 × 72 × 72 voxels" in one.value for one in app.markdown)
    assert any("Mandrel found at" in one.value for one in app.caption)
    assert len(app.get("image")) == 2
    next(one for one in app.number_input if one.label == "y").set_value(20)
    app = settle(app.run())
    assert message(app)["at"] == [4, 20, 36]
    shown = app.session_state[keys.STATE]
    app.session_state[keys.STATE] = view.View(shown.key, shown.at, None, ((2, 0, 0), (2, 30, 40)))
    app = settle(app.run())
    assert message(app)["label"] == f"{np.hypot(30 * 0.2, 40 * 0.1):.3f} mm"
    worst = app.button(key="volume-worst")
    place = int(worst.label.removeprefix("Worst slice (z ").removesuffix(")"))
    assert message(app)["scores"]["kinds"][place] == "d"
    app = settle(worst.click().run())
    assert message(app)["at"][0] == place
    assert str(place + 1) in app.query_params["slice"]


def test_values_without_a_header_get_a_form(inspect, own_home):
    cube = np.arange(4 * 5 * 6, dtype=np.uint16).reshape(4, 5, 6)
    by_hand(own_home / "data" / "scan.raw", cube)
    (own_home / "data" / "scan.raw.json").unlink()
    app = inspect("volume", picture="path:scan.raw")
    assert "values without a header" in app.error[0].value
    app.text_input[0].set_value("4, 5, 6")
    app.button[-1].click()
    app = settle(app.run())
    assert not app.error
    assert message(app)["shape"] == [4, 5, 6]


NONSENSE = [
    None, 3, "x", [], {}, {"at": 5}, {"at": [1, 2]}, {"at": ["a", 1, 2]}, {"at": [float("nan"), 1, 2]},
    {"window": [5, 5]}, {"window": [9, 1]}, {"points": "abc"}, {"points": [[1, 2, 3]] * 9}, {"points": [[1, 2]]},
]  # fmt: skip


@pytest.fixture
def state(monkeypatch) -> dict:
    """The session's values, in place of a server's."""
    held: dict = {}
    monkeypatch.setattr(view.st, "session_state", held)
    return held


@pytest.mark.parametrize("said", NONSENSE)
def test_nonsense_of_a_browser_changes_nothing(tmp_path, state, said):
    volume = open_volume(by_itk(tmp_path / "a.nrrd", np.ones((4, 5, 6), np.uint8)))
    before = view.current(volume, "a", 0)
    view.told(volume, before, said, 0, "distance")
    after = state[keys.STATE]
    assert (after.at, after.window, after.points) == (before.at, before.window, ())


def test_what_a_browser_tells_is_followed_within_the_volume(tmp_path, state):
    volume = open_volume(by_itk(tmp_path / "a.nrrd", np.ones((4, 5, 6), np.uint8)))
    view.told(volume, view.current(volume, "a", 0), {"at": [1.6, -3, 99]}, 0, "move")
    assert state[keys.STATE].at == (2, 0, 5)
    assert state["slice"] == 2
    view.told(volume, state[keys.STATE], {"window": [10.0, 90.0]}, 0, "move")
    assert state[keys.STATE].window == window_between(10.0, 90.0, np.dtype(np.uint8))
    view.told(volume, state[keys.STATE], {"points": [[1, 2.5, 3], [0, 0, 0]]}, 0, "distance")
    assert state[keys.STATE].points == ((1, 2.5, 3), (0, 0, 0))
