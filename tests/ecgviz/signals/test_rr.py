"""Rates, pauses and families against cases counted by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecgviz.signals.rr import MAX_RR_S, counts_per_minute, ectopic_families, heart_rate, pauses


def families(labels: str, **options):
    found = ectopic_families(np.arange(len(labels)) * 0.5, np.array(list(labels)), **options)
    return [(f.kind, f.label, f.first, f.last) for f in found]


def test_steady_rhythm_has_one_rate():
    rate = heart_rate(np.arange(30) * 0.8)
    assert rate.minimum == pytest.approx(75)
    assert rate.mean == pytest.approx(75)
    assert rate.maximum == pytest.approx(75)
    assert rate.median == pytest.approx(75)
    assert len(rate.time_s) == len(rate.rr_s) == len(rate.rate) == len(rate.smooth) == 29
    assert np.isfinite(rate.smooth).sum() == 29 - 7


def test_one_early_beat_does_not_make_the_maximum():
    times = np.arange(40) * 1.0
    times[20] -= 0.7
    rate = heart_rate(times)
    assert np.nanmax(rate.rate) == pytest.approx(200)
    assert rate.maximum == pytest.approx(60 / (7.3 / 8))
    assert rate.mean == pytest.approx(60)


@given(st.lists(st.sampled_from([0.248, 0.252, 0.6, 1.1, 1.9, 40.0]), min_size=1, max_size=60))
def test_the_median_lies_between_the_extremes(rr_s):
    rate = heart_rate(np.cumsum([0.0, *rr_s]))
    if np.isfinite(rate.minimum):
        assert rate.minimum <= rate.median <= rate.maximum
    else:
        assert np.isfinite(rate.median) == any(one <= MAX_RR_S for one in rr_s)


def test_a_gap_is_no_pause_and_no_rate():
    times = np.concatenate([np.arange(20), 30 + np.arange(20)]).astype(float)
    assert [(p.time_s, p.rr_s, p.beat) for p in pauses(times)] == [(19.0, 11.0, 19)]
    assert pauses(times, gaps=[(19.5, 29.5)]) == ()
    assert np.isnan(heart_rate(times, gaps=[(19.5, 29.5)]).rr_s[19])
    assert heart_rate(times).mean == pytest.approx(60)


@pytest.mark.parametrize("n", [0, 1, 2])
def test_few_beats_have_no_rate_of_eight(n):
    rate = heart_rate(np.arange(n) * 1.0)
    assert np.isnan(rate.minimum)
    assert np.isnan(rate.maximum)
    assert len(rate.rr_s) == max(0, n - 1)
    assert [p.rr_s for p in pauses(np.arange(n) * 3.0)] == ([3.0] if n == 2 else [])
    found = ectopic_families(np.arange(n) * 1.0, np.full(n, "V"))
    assert [f.kind for f in found] == (["couplet"] if n == 2 else [])


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ("NNVNN", []),
        ("NVVN", [("couplet", "V", 1, 2)]),
        ("VVVN", [("run", "V", 0, 2)]),
        ("NNVVVV", [("run", "V", 2, 5)]),
        ("NSSVVN", [("couplet", "S", 1, 2), ("couplet", "V", 3, 4)]),
        ("NVNVN", []),
        ("NVNVNVN", [("bigeminy", "V", 1, 5)]),
        ("VNNVNNVN", [("trigeminy", "V", 0, 6)]),
        ("VNVVNVN", [("couplet", "V", 2, 3)]),
        ("VNVNVVNVNV", [("bigeminy", "V", 0, 4), ("couplet", "V", 4, 5), ("bigeminy", "V", 5, 9)]),
    ],
)
def test_families_counted_by_hand(labels, expected):
    assert families(labels) == expected


def test_a_gap_ends_a_family():
    assert families("VVVVN", gaps=[(0.6, 0.9)]) == [("couplet", "V", 0, 1), ("couplet", "V", 2, 3)]
    assert families("VNVNVN", gaps=[(0.6, 0.9)]) == []


def test_rate_of_a_run():
    (run,) = ectopic_families(np.array([0, 1, 1.4, 1.8, 2.2, 3.2]), np.array(list("NVVVVN")))
    assert run.rate == pytest.approx(150)
    assert run.n_beats == 4


def test_counts_per_minute_add_up():
    rng = np.random.default_rng(0)
    times = np.sort(rng.uniform(0, 1000, 500))
    labels = rng.choice(list("NSVFQ"), 500)
    counts = counts_per_minute(times, labels, "NSVFQ", 1000)
    assert all(len(row) == 17 for row in counts.values())
    assert sum(row.sum() for row in counts.values()) == 500
    assert counts["V"][3] == ((labels == "V") & (times >= 180) & (times < 240)).sum()
    assert len(counts_per_minute(np.empty(0), np.empty(0, "<U1"), "NV", 0)["N"]) == 0
