"""Strips lie inside their recording, cover it with context on both sides, and hold no gap."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from models.core.gaps import GAP_S
from models.tasks.cut_strips import SHORTEST_S, cut_at_gaps, strip_numbers, strip_range

FS = 100.0


@settings(deadline=None)
@given(st.integers(1, 5000), st.integers(0, 100), st.integers(1, 400))
def test_every_position_lies_in_its_strip_with_its_context(n_samples, margin, hop):
    length = hop + 2 * margin
    position = np.arange(n_samples)
    number = strip_numbers(position, n_samples, length, hop)
    for one in np.unique(number):
        start, stop = strip_range(int(one), n_samples, length, hop)
        own = position[number == one]
        assert 0 <= start <= own[0] and own[-1] < stop <= n_samples
        assert stop - start == min(length, n_samples)
        assert start == 0 or own[0] - start >= margin or stop == n_samples
        assert stop == n_samples or stop - 1 - own[-1] >= margin or start == 0


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 900), st.integers(1, 300)), max_size=4),
    st.lists(st.integers(0, 999), min_size=1, max_size=12, unique=True),
)
def test_parts_divide_the_beats_and_hold_no_long_gap(runs, beats):
    signal, lost = np.zeros((2, 1000)), np.zeros(1000, bool)
    for start, length in runs:
        lost[start : start + length] = True
    signal[:, lost] = np.nan
    places = np.array(sorted(beats))
    parts = cut_at_gaps(signal, places, FS)
    assert (np.sum([here for _, _, here in parts], axis=0) == 1).all(), "each beat is in one part"
    for low, high, here in parts:
        assert 0 <= low < high <= 1000 and high - low >= SHORTEST_S * FS
        inside = places[here & ~lost[places]]
        between = lost[inside.min() : inside.max() + 1] if len(inside) else np.zeros(0, bool)
        edges = np.flatnonzero(np.diff(np.r_[False, between, False].astype(int)))
        assert (np.diff(edges)[::2] < GAP_S * FS).all(), "no long gap between two beats of a part"
