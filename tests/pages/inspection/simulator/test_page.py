"""The page that lays real and simulated slices side by side."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from models.data.battery_ct_sim import DEFECTS
from pages.inspection.simulator import comparison, keys
from tests.pages.conftest import battery
from tests.pages.outline import outline, settle


@pytest.fixture
def real_slices(own_home) -> str:
    """Address of a folder whose pictures lie in folders, a mask and a broken file among them."""
    rng = np.random.default_rng(1)
    inner = own_home / "data" / "cells" / "stack"
    inner.mkdir(parents=True)
    for number in range(4):
        Image.fromarray(battery(rng, defect=False)).save(inner / f"slice_{number}.png")
    Image.fromarray(np.zeros((20, 20), np.uint8)).save(inner / "mask_1.png")
    return "path:cells"


def _images(app) -> list:
    return [one for one in app.main if one.type == "image"]


def test_without_a_folder_only_the_simulated_ones(inspect, snapshot):
    app = inspect("simulator")
    assert not app.exception
    assert len(_images(app)) == 1
    snapshot("simulator", outline(app))


def test_both_sides_and_others(inspect, real_slices):
    app = inspect("simulator")
    app.session_state[keys.REAL] = real_slices
    settle(app.run())
    assert len(_images(app)) == 2
    assert sum("slice_" in one.value for one in app.caption) == 1
    assert not any("mask" in one.value for one in app.caption)
    before = [one.value for one in app.caption]
    app.button_group(key=keys.KIND).set_value(comparison.DEFECTIVE)
    app.button(key="simulator-draw_others").click()
    settle(app.run())
    after = [one.value for one in app.caption]
    assert before != after
    assert any(name in one for one in after for name in DEFECTS)
    assert any("with a defect, drawing 2" in one.value for one in app.markdown)


def test_a_folder_without_pictures_is_one_sentence(inspect, own_home):
    (own_home / "data" / "empty").mkdir()
    app = inspect("simulator")
    app.session_state[keys.REAL] = "path:empty"
    settle(app.run())
    assert not app.exception
    assert [one.value for one in app.error] == ["empty: there are no pictures in it; give a folder of CT slices."]


def test_the_same_drawing_twice_is_the_same_and_stops_when_asked():
    told = []
    arguments = {"progress": lambda *state: told.append(state), "should_stop": lambda: False}
    one = comparison.simulated(comparison.DEFECTIVE, 3, **arguments)
    assert told[-1] == (comparison.COUNT, comparison.COUNT, "simulated slices")
    assert len(one.words) == comparison.COUNT
    assert Image.open(io.BytesIO(one.png)).size[0] > 600
    with pytest.raises(Exception, match="stopped"):
        comparison.simulated(comparison.DEFECTIVE, 3, progress=arguments["progress"], should_stop=lambda: True)
