"""Which slices of a cell are its roll, and verdicts that leave the ends out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecgviz.analysis.dispositions import Decisions, final_verdict, slice_verdict
from ecgviz.analysis.inspect import Judge, StackRule, judge_stack, stack_outputs
from ecgviz.analysis.overrides import override, standing
from ecgviz.analysis.regions import fine_layers, slice_regions
from ecgviz.analysis.score_cache import NetworkOutputs
from models import load_checkpoint
from models.evaluation.operating_point import OperatingPoint
from readers.images import open_images
from tests.ecgviz.spots import spot_checkpoint


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("ECGVIZ_HOME", str(tmp_path / "home"))


def cross_section(layers: float, side: int = 200, noise: float = 0.02) -> np.ndarray:
    """Rings about an axis: many thin ones are a roll, few thick ones a lid."""
    y, x = np.mgrid[:side, :side] - (side - 1) / 2
    radius = np.hypot(x, y) / (side / 2)
    rings = 0.6 + 0.25 * np.sin(2 * np.pi * layers * radius)
    rng = np.random.default_rng(int(layers * 10))
    return np.where(radius < 0.95, rings, 0) + rng.normal(0, noise, (side, side))


def test_thin_layers_are_told_from_thick_ones_at_any_level_and_size():
    for side in (160, 320):
        for gain in (1, 4000):
            roll, lid = (fine_layers(gain * cross_section(layers, side)) for layers in (30, 5))
            assert lid < 0.4
            assert roll > 0.8
    assert np.isnan(fine_layers(np.full((50, 50), 7)))


@given(st.lists(st.floats(0, 1), max_size=40))
def test_only_ends_are_left_out_and_never_everything(shares):
    found = slice_regions(np.array(shares))
    assert len(found) in {0, len(shares)}
    if found:
        rolls = [place for place, region in enumerate(found) if region == "roll"]
        assert rolls == list(range(rolls[0], rolls[-1] + 1)), "what lies between windings is judged"
        assert len(rolls) >= 3


def test_a_defect_within_the_roll_is_judged_and_a_stack_without_a_roll_too():
    shares = np.array([0.1] * 5 + [0.9] * 5 + [0.0] * 3 + [0.9] * 5 + [0.2] * 4)
    assert slice_regions(shares) == ("end",) * 5 + ("roll",) * 13 + ("end",) * 4
    assert slice_regions(np.full(20, 0.3)) == ()
    assert slice_regions(np.full(20, np.nan)) == ()


@pytest.fixture
def judge(tmp_path, monkeypatch) -> Judge:
    spots = spot_checkpoint(tmp_path, monkeypatch)
    task = spots.task.model_copy(update={"regions": ("roll",)})
    return Judge(replace(spots, task=task), OperatingPoint(threshold=0.5), StackRule())


def outputs(layers: list[float], scores: list[float]) -> NetworkOutputs:
    logits = np.log(np.array([[1 - score, score] for score in scores], np.float32))
    return NetworkOutputs(logits, np.full(len(scores), np.nan, np.float32), layers=np.array(layers, np.float32))


def test_a_lid_decides_nothing_and_is_told(judge):
    made = outputs([0.1, 0.1, 0.9, 0.9, 0.9, 0.9], [0.99, 0.2, 0.1, 0.3, 0.1, 0.1])
    verdict = judge.verdict("cell.tif", "a" * 64, made, 0.0, "")
    assert (verdict.verdict, verdict.slice_index, verdict.left_out) == ("normal", 3, (0, 1))
    assert any("2 slices are not judged" in one for one in verdict.warnings)
    assert verdict.slice_scores[0] == pytest.approx(0.99), "its score is shown all the same"
    whole = replace(made, layers=np.full(6, 0.1, np.float32))
    assert judge.verdict("weld.tif", "a" * 64, whole, 0.0, "").verdict == "defect", "no roll: nothing is left out"


def test_a_person_may_decide_about_what_the_network_leaves_out(judge):
    made = outputs([0.1, 0.9, 0.9, 0.9], [0.99, 0.1, 0.1, 0.1])
    verdict = judge.verdict("cell.tif", "a" * 64, made, 0.0, "")
    override(slice_verdict(verdict, 1), "normal", reason="seen", who="Ana", scope="slice", confirm=True)
    assert final_verdict(verdict, standing()).verdict == "normal", "the lid stays out"
    override(slice_verdict(verdict, 0), "defect", reason="cracked", who="Ana", scope="slice", confirm=True)
    assert final_verdict(verdict, standing()).verdict == "defect"
    assert final_verdict(verdict, Decisions()).verdict == "normal"


@pytest.mark.data
def test_a_healthy_cell_is_normal_whatever_its_lid(data_root):
    checkpoint = load_checkpoint("ct-lite0")
    stack = open_images(data_root / "battery_ct" / "stack")
    verdict = judge_stack(stack, checkpoint, stack_outputs(stack, checkpoint))
    assert max(verdict.slice_scores[:15]) > 0.9, "the lid is called a defect"
    assert set(range(15)) <= set(verdict.left_out)
    assert not set(range(24, 60)) & set(verdict.left_out)
    assert verdict.verdict == "normal"
