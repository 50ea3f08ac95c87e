"""Two networks on the same cases."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom

from models.core.errors import ConfigError
from models.experiments.paired import compare, mcnemar
from models.experiments.predictions import Predictions
from models.metrics.beats import confusion, scores

CLASSES = ("N", "S", "V", "F", "Q")


def _answers(accuracy: float, seed: int, groups: int = 12) -> Predictions:
    truth = np.random.default_rng(0).integers(0, 3, 600)
    generator = np.random.default_rng(seed)
    said = np.where(generator.random(600) < accuracy, truth, (truth + 1) % 3)
    prob = np.full((600, 5), 0.05, np.float32)
    prob[np.arange(600), said] = 0.8
    group = np.repeat(np.arange(groups), 600 // groups).astype(str)
    case = [str(place) for place in range(600)]
    return Predictions(prob=prob, truth=truth, case=case, group=group, classes=CLASSES)


def test_a_better_network_is_found_better():
    first, second = _answers(0.7, 1), _answers(0.95, 2)
    found = compare(first, second, resamplings=300)
    assert found.both_right + found.only_first + found.only_second + found.both_wrong == 600
    assert found.interval[0] > 0
    assert found.interval[0] < found.difference < found.interval[1]
    assert found.p_value < 1e-6
    wanted = scores(confusion(second.truth, second.predicted, 5), CLASSES)["macro_f1"]
    assert found.second == pytest.approx(wanted)
    assert len(found.changed) == int((first.predicted != second.predicted).sum())


def test_equal_networks_do_not_differ():
    found = compare(_answers(0.8, 1), _answers(0.8, 2), resamplings=300)
    assert found.interval[0] < 0 < found.interval[1]
    assert found.p_value > 0.01


def test_one_group_has_no_interval():
    assert compare(_answers(0.7, 1, groups=1), _answers(0.9, 2, groups=1)).interval is None


def test_mcnemar_is_the_binomial_test():
    assert mcnemar(2, 10) == pytest.approx(2 * binom.cdf(2, 12, 0.5))
    assert mcnemar(0, 0) == 1.0


def test_other_cases_are_refused():
    first, second = _answers(0.7, 1), _answers(0.7, 2)
    second.case[0] = "another"
    with pytest.raises(ConfigError):
        compare(first, second)
