"""The threshold where there are good parts only."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.core.errors import ConfigError
from models.evaluation.overkill import choose_by_overkill, upper_end


@pytest.mark.parametrize("share", [0.2, 0.05, 0.01])
def test_about_the_stated_share_of_new_good_parts_is_rejected(share):
    generator = np.random.default_rng(0)
    rejected = []
    for _ in range(8):
        known, new = generator.normal(-3, 1, 200), generator.normal(-3, 1, 5000)
        point = choose_by_overkill(known, share)
        rejected.append(np.mean(1 / (1 + np.exp(-new)) >= point.threshold))
    assert share / 2.5 < np.mean(rejected) < share * 2.5


@settings(max_examples=15, deadline=None)
@given(st.lists(st.floats(-20, 20), min_size=3, max_size=40), st.floats(0.001, 0.5))
def test_no_larger_share_than_stated_of_the_known_parts_is_rejected(values, share):
    point = choose_by_overkill(np.array(values), share)
    assert 0 <= point.threshold <= 1
    assert (np.array(values) > upper_end(np.array(values), share) + 1e-9).mean() <= share
    if point.grey_zone is not None:
        assert point.grey_zone[0] <= point.threshold <= point.grey_zone[1]


def test_a_point_knows_how_it_was_chosen():
    point = choose_by_overkill(np.linspace(-4, -1, 60), 0.02, groups=[f"g{n // 3}" for n in range(60)], chosen_on="set")
    assert point.overkill == 0.02
    assert point.escape_cost is None
    assert "60 good parts" in point.chosen_on
    assert point.grey_zone is not None
    assert point.decide(0.999) == "defect"
    assert point.decide(0.001) == "normal"


@pytest.mark.parametrize(("values", "share"), [([-1.0, -2.0], 0.01), ([-1.0, -2.0, np.nan], 0.01), ([1, 2, 3], 0.0)])
def test_what_says_nothing_is_refused(values, share):
    with pytest.raises(ConfigError):
        choose_by_overkill(np.array(values, float), share)
