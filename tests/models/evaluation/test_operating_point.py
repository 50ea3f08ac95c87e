"""The threshold of least cost, its grey zone, its versions; and what it does on labelled pictures."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from models.core.errors import CheckpointError, ConfigError
from models.evaluation.operating_point import OperatingPoint, choose, default_point, given_point, history, load, save
from models.evaluation.operating_scores import cost_curve, performance, precision_recall, rate, roc, wilson
from models.metrics.images import auroc


def scores_and_labels(n: int = 300, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % 5 == 0
    return np.where(labels, rng.beta(5, 2, n), rng.beta(2, 5, n)), labels


def expected_cost(scores, labels, threshold, escape, overkill, prevalence) -> float:
    said = scores >= threshold
    return prevalence * escape * (~said[labels]).mean() + (1 - prevalence) * overkill * said[~labels].mean()


@pytest.mark.parametrize("costs", [(200, 3, 0.005), (1, 1, 0.5), (10, 1, 0.02)])
def test_no_threshold_costs_less(costs):
    scores, labels = scores_and_labels()
    point = choose(scores, labels, *costs)
    best = expected_cost(scores, labels, point.threshold, *costs)
    others = [expected_cost(scores, labels, t, *costs) for t in np.linspace(0, 1, 2001)]
    assert best <= min(others) + 1e-12


def test_dear_escapes_lower_the_threshold_and_rare_defects_raise_it():
    scores, labels = scores_and_labels()
    usual = choose(scores, labels, 100, 1, 0.01).threshold
    assert choose(scores, labels, 10_000, 1, 0.01).threshold < usual
    assert choose(scores, labels, 100, 1, 0.0001).threshold > usual


def test_separable_scores_are_cut_in_the_middle_of_their_gap():
    point = choose(np.array([0.1, 0.2, 0.8, 0.9]), np.array([0, 0, 1, 1]), 5, 1, 0.5)
    assert point.threshold == pytest.approx(0.5)
    assert point.grey_zone[0] <= 0.5 <= point.grey_zone[1]


def test_grey_zone_shrinks_with_data_and_follows_groups():
    few, many = (choose(*scores_and_labels(n), 10, 1, 0.1) for n in (40, 1000))
    assert np.diff(many.grey_zone) < np.diff(few.grey_zone)
    scores, labels = scores_and_labels(400)
    by_group = choose(scores, labels, 10, 1, 0.1, groups=np.arange(400) // 100)
    assert by_group.threshold == choose(scores, labels, 10, 1, 0.1).threshold


@pytest.mark.parametrize(
    ("labels", "costs", "field"),
    [
        ([0, 0, 0], (1, 1, 0.1), "labels"),
        ([1, 1, 1], (1, 1, 0.1), "labels"),
        ([0, 1], (1, 1, 0.1), "labels"),
        ([0, 1, 1], (0, 1, 0.1), "escape_cost"),
        ([0, 1, 1], (1, float("nan"), 0.1), "overkill_cost"),
        ([0, 1, 1], (1, 1, 1.0), "prevalence"),
    ],
)
def test_what_cannot_be_weighed_is_refused(labels, costs, field):
    with pytest.raises(ConfigError) as caught:
        choose(np.array([0.1, 0.5, 0.9]), np.array(labels), *costs)
    assert caught.value.field == field


def test_scores_that_are_no_probabilities_are_refused():
    with pytest.raises(ConfigError, match="scores"):
        choose(np.array([0.1, np.nan, 0.9]), np.array([0, 1, 1]), 1, 1, 0.1)


def test_verdicts_follow_threshold_zone_and_distribution():
    point = OperatingPoint(threshold=0.4, grey_zone=(0.2, 0.5))
    assert [point.decide(score) for score in (0.19, 0.2, 0.49, 0.5)] == ["normal", "review", "review", "defect"]
    assert point.decide(0.99, in_distribution=False) == "review"
    assert point.decide(0.01, in_distribution=True) == "normal"
    assert point.decide(float("nan")) == "review"
    assert default_point().decide(0.5) == "defect"
    assert given_point(0.7).decide(0.69) == "normal"
    with pytest.raises(ConfigError, match="threshold"):
        given_point(1.2)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "card.json").write_text(json.dumps({"weights_sha256": "a" * 64}))
    return tmp_path


def test_versions_are_kept_and_belong_to_their_weights(folder):
    assert load(folder) is None
    first, second = (save(folder, given_point(t)) for t in (0.3, 0.6))
    assert first.version.startswith("1-")
    assert second.version.startswith("2-")
    assert load(folder) == second
    assert [point.threshold for point in history(folder)] == [0.3, 0.6]
    (folder / "card.json").write_text(json.dumps({"weights_sha256": "b" * 64}))
    assert load(folder) is None, "other weights give other scores"
    save(folder, given_point(0.9))
    assert len(history(folder)) == 3


def test_two_who_save_at_once_get_two_versions(folder):
    with ThreadPoolExecutor(8) as pool:
        saved = list(pool.map(lambda i: save(folder, given_point(i / 20)), range(16)))
    assert len({point.version.split("-")[0] for point in saved}) == 16
    assert len(history(folder)) == 16


def test_damage_is_said(folder):
    (folder / "operating_point.json").write_text('{"points": [{"threshold": 7}]}')
    with pytest.raises(CheckpointError, match="damaged"):
        load(folder)
    with pytest.raises(CheckpointError, match="card"):
        save(folder / "elsewhere", given_point(0.5))


def test_wilson_agrees_with_scipy():
    from scipy.stats import binomtest

    for count, of in ((0, 10), (1, 40), (7, 9), (40, 40)):
        theirs = binomtest(count, of).proportion_ci(method="wilson")
        assert wilson(count, of) == pytest.approx((theirs.low, theirs.high), abs=1e-6)


def test_cases_of_one_group_widen_the_interval():
    hit = np.repeat([True, False], 50)
    alone, grouped = rate(hit), rate(hit, np.repeat(["a", "b"], 50))
    assert grouped.high - grouped.low > 2 * (alone.high - alone.low)
    assert rate(np.zeros(0, bool)).of == 0


def test_counts_are_of_the_parts():
    scores = np.array([0.1, 0.3, 0.9, 0.1, 0.3, 0.9])
    labels = np.array([0, 0, 0, 1, 1, 1])
    point = OperatingPoint(
        threshold=0.4, grey_zone=(0.2, 0.5), escape_cost=100, overkill_cost=1, prevalence=0.1, version="1"
    )
    result = performance(scores, labels, point)
    assert result.counts.tolist() == [[1, 1, 1], [1, 1, 1]]
    assert (result.escapes.count, result.overkill.count) == (1, 1)
    assert result.cost == pytest.approx(0.1 * 100 / 3 + 0.9 / 3)
    unlike = performance(scores, labels, point, in_distribution=np.zeros(6, bool))
    assert unlike.counts.tolist() == [[0, 3, 0], [0, 3, 0]]


def test_curves_say_what_happens_at_their_thresholds():
    scores, labels = scores_and_labels()
    curve = roc(scores, labels)
    assert np.trapezoid(curve.y, curve.x) == pytest.approx(auroc(scores, labels))
    assert (curve.x[0], curve.y[0], curve.x[-1], curve.y[-1]) == (0, 0, 1, 1)
    for x, y, threshold in list(zip(curve.x, curve.y, curve.threshold, strict=True))[1::20]:
        said = scores >= threshold
        assert (x, y) == pytest.approx((said[~labels].mean(), said[labels].mean()))
    curve = precision_recall(scores, labels)
    for recall, precision, threshold in list(zip(curve.x, curve.y, curve.threshold, strict=True))[::20]:
        said = scores >= threshold
        assert (recall, precision) == pytest.approx((said[labels].mean(), labels[said].mean()))
    assert precision_recall(scores, labels, 0.001).y[-1] == pytest.approx(0.001)


def test_the_cost_curve_has_its_minimum_at_the_chosen_threshold():
    scores, labels = scores_and_labels()
    point = choose(scores, labels, 50, 2, 0.05)
    total, escaped = cost_curve(scores, labels, 50, 2, 0.05)
    assert total.x[total.y.argmin()] == pytest.approx(point.threshold)
    assert (escaped.y <= total.y + 1e-12).all()
