"""Pointing game and mass inside, beside maps that know nothing."""

from __future__ import annotations

import numpy as np
import pytest

from ecgviz.errors import ConfigError
from ecgviz.saliency.localisation import Case, Found, baseline_maps, localise, score_map, summarise
from tests.ecgviz.spots import picture, spot_checkpoint


def test_scores_of_a_map():
    truth = np.zeros((4, 4), bool)
    truth[:2] = True
    values = np.zeros((4, 4), np.float32)
    values[0, 0], values[3, 3] = 3, 1
    assert score_map(values, truth) == (1.0, 0.75)
    values[3, 3] = 3
    assert score_map(values, truth) == (0.5, 0.5), "of several highest pixels the share inside counts"
    assert score_map(np.ones((4, 4), np.float32), truth) == (0.5, 0.5)
    assert score_map(np.zeros((4, 4), np.float32), truth) == (0.0, 0.0)


def test_baselines_know_the_middle_and_the_brightness():
    maps = baseline_maps(picture(True, 0, (64, 64), (4, 4)))
    assert np.unravel_index(maps["centre"].argmax(), (64, 64)) in {(r, c) for r in (31, 32) for c in (31, 32)}
    assert maps["bright"][6, 6] == maps["bright"].max()
    assert maps["dark"][6, 6] == 0


def test_a_network_that_knows_beats_the_middle(tmp_path, monkeypatch):
    checkpoint = spot_checkpoint(tmp_path, monkeypatch)
    cases = []
    for index in range(8):
        at = (4 + 6 * index, 50 - 6 * index)
        truth = np.zeros((64, 64), bool)
        truth[at[0] : at[0] + 8, at[1] : at[1] + 8] = True
        cases.append(Case(str(index), f"cell {index // 2}", picture(True, index, at=at), truth))
    cases.append(Case("without truth", "cell 0", picture(False), np.zeros((64, 64), bool)))
    result = summarise(localise(cases, checkpoint))
    assert (result["pictures"], result["groups"]) == (8, 4)
    assert result["cover"]["value"] == pytest.approx(64 / 4096)
    ours = result["maps"]["grad_cam"]
    assert ours["pointing"]["value"] == 1.0
    assert ours["ratio"]["value"] == pytest.approx(64)
    assert ours["mass"]["value"] > 3 * result["maps"]["centre"]["mass"]["value"]
    low, high = result["maps"]["centre"]["pointing"]["interval95"]
    assert low <= result["maps"]["centre"]["pointing"]["value"] <= high


def test_one_group_has_no_interval_and_nothing_no_figures():
    found = Found("a", "g", 0.1, {"grad_cam": 1.0}, {"grad_cam": 0.5})
    assert summarise([found])["maps"]["grad_cam"]["pointing"] == {"value": 1.0, "interval95": None}
    with pytest.raises(ConfigError, match="no picture with a mask"):
        summarise([])
