"""Where no beat can be seen: found, joined, asked about, and left out of what is read."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.core.gaps import EDGE_S, GAP_S, PAUSE_S, QRS_S, find_gaps, long_gaps, spans_gap, within_gap, without_gaps

FS = 100.0
SPANS = st.lists(st.tuples(st.floats(0, 50), st.floats(0.6, 10)).map(lambda one: (one[0], one[0] + one[1])), max_size=5)


@given(st.lists(st.floats(0, 60), max_size=40).map(sorted), SPANS)
def test_spans_are_those_that_each_gap_gives_alone(times: list[float], gaps: list[tuple[float, float]]) -> None:
    time_s = np.array(times)
    spans = [
        any(one < end - EDGE_S and other > start + EDGE_S for start, end in gaps) for one, other in pairwise(times)
    ]
    assert spans_gap(time_s, gaps).tolist() == spans
    within = [any(start + QRS_S < one < end - QRS_S for start, end in _joined(gaps)) for one in times]
    assert within_gap(time_s, gaps).tolist() == within


def _joined(gaps: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """As a gap counts that begins before the one before has ended: both together."""
    joined: list[tuple[float, float]] = []
    for start, end in sorted(gaps):
        joined.append((start, max([end, *(stop for _, stop in joined)])))
    return joined


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 5000), st.integers(1, 400)), max_size=5),
    st.sampled_from([np.nan, np.inf, 7.0]),
    st.integers(1, 3),
)
def test_gaps_are_where_no_lead_has_a_signal(runs: list[tuple[int, int]], level: float, n_leads: int) -> None:
    signal = np.random.default_rng(0).standard_normal((6000, n_leads)).astype(np.float32)
    lost = np.zeros(6000, bool)
    for start, length in runs:
        lost[start : start + length] = True
    signal[lost] = level
    gaps = find_gaps(signal, FS)
    for start, end in gaps:
        assert round((end - start) * FS) >= GAP_S * FS
        inside = lost[round(start * FS) : round(end * FS)]
        assert inside[0]
        assert inside[-1]
        assert inside.mean() > 0.5
    covered = np.zeros(6000, bool)
    for start, end in gaps:
        covered[round(start * FS) : round(end * FS)] = True
    edges = np.flatnonzero(np.diff(np.pad(lost.astype(np.int8), 1)))
    for start, stop in zip(edges[::2], edges[1::2], strict=True):
        if stop - start >= (PAUSE_S if np.isfinite(level) else GAP_S) * FS:  # a flat line may lie between two beats
            assert covered[start:stop].all()
    if n_leads > 1:
        signal[:, 0] = np.random.default_rng(1).standard_normal(6000)
        assert find_gaps(signal, FS) == ()


def test_islands_of_signal_divide_no_gap() -> None:
    assert long_gaps([(150, 300), (0, 100), (309, 400), (420, 430)], FS) == ((0.0, 1.0), (1.5, 4.0))
    assert long_gaps([(0, 30), (40, 80)], FS) == ((0.0, 0.8),)
    assert long_gaps([], FS) == ()


@given(SPANS, st.lists(st.tuples(st.integers(0, 5999), st.integers(1, 900)), min_size=1, max_size=5))
def test_a_range_is_read_as_the_whole(gaps: list[tuple[float, float]], ranges: list[tuple[int, int]]) -> None:
    signal = np.arange(12000, dtype=np.float32).reshape(6000, 2)
    kept = signal.copy()
    read = without_gaps(lambda start, stop: signal[start:stop], FS, gaps)
    whole = read(0, 6000)
    for start, end in gaps:
        assert np.isnan(whole[round(start * FS) : round(end * FS)]).all()
    for start, length in ranges:
        np.testing.assert_array_equal(read(start, min(start + length, 6000)), whole[start : start + length])
    np.testing.assert_array_equal(signal, kept)


@pytest.mark.parametrize("n", [0, 1])
def test_no_beats_span_nothing(n: int) -> None:
    assert len(spans_gap(np.arange(n) * 1.0, [(0.0, 5.0)])) == 0
    assert len(within_gap(np.empty(0), [(0.0, 5.0)])) == 0
