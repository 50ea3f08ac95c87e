"""AUROC over pixels from counts in bins."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from models.evaluation.defect_maps import binned_auroc
from models.metrics.images import auroc


@given(
    good=st.lists(st.integers(0, 9), min_size=1, max_size=50), bad=st.lists(st.integers(0, 9), min_size=1, max_size=50)
)
def test_counts_in_bins_give_the_auroc_of_their_values(good, bad):
    counts = [np.bincount(side, minlength=10) for side in (good, bad)]
    values = np.array([*good, *bad], float)
    labels = np.array([0] * len(good) + [1] * len(bad))
    assert abs(binned_auroc(*counts) - auroc(values, labels)) < 1e-9


def test_one_side_alone_has_none():
    assert np.isnan(binned_auroc(np.zeros(3), np.ones(3)))
