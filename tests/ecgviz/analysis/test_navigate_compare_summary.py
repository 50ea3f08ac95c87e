"""Steps through a recording, two analyses side by side, and the head of a report, on beats counted by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecgviz.analysis import navigate
from ecgviz.analysis.compare import compare_beats
from ecgviz.analysis.summary import summarise
from ecgviz.figures.beat_marks import marks_in_view
from ecgviz.figures.overview import bin_beats
from ecgviz.reports.beat_list import list_beats
from ecgviz.reports.tables import beat_table
from ecgviz.results import Beats
from ecgviz.signals.quality import Quality
from ecgviz.signals.rr import heart_rate
from models.core.gaps import spans_gap

CLASSES = ("N", "S", "V", "F", "Q")
FS = 100.0


def beats(labels: str, times: list[float] | None = None, sure: list[float] | None = None, **more) -> Beats:
    times = list(range(1, len(labels) + 1)) if times is None else times
    sure = [0.9] * len(labels) if sure is None else sure
    prob = np.zeros((len(labels), 5), np.float32)
    for row, (letter, p) in enumerate(zip(labels, sure, strict=True)):
        prob[row] = (1 - p) / 4
        prob[row, CLASSES.index(letter)] = p
    return Beats(np.round(np.array(times) * FS).astype(np.int64), prob, CLASSES, FS, "x", ("MLII",), **more)


def quality(*reasons: str) -> Quality:
    n = len(reasons)
    nothing = np.zeros(n, np.float32)
    usable = np.array([not reason for reason in reasons], np.float32)
    return Quality(np.arange(n) * 10.0, np.full(n, 10.0), *[nothing] * 6, usable, np.array(reasons, dtype="<U8"))


def test_next_goes_on_and_round():
    found = beats("NVNVS")
    assert navigate.next_beat(found, "V", 0.0) == 1
    assert navigate.next_beat(found, "V", 2.0) == 3, "the beat at that very time is not the next one"
    assert navigate.next_beat(found, "V", 4.0) == 1, "from the last to the first"
    assert navigate.next_beat(found, ("V", "S"), 4.0) == 4
    assert navigate.next_beat(found, "F", 0.0) is None


def test_least_sure_in_order_of_probability():
    found = beats("NNNN", sure=[0.9, 0.5, 0.7, 0.5])
    assert [navigate.least_sure(found, rank) for rank in range(5)] == [1, 3, 2, 0, 1]
    assert navigate.least_sure(beats(""), 0) is None


@pytest.mark.parametrize(("labels", "first"), [("NSNV", 3), ("NFSN", 2), ("NFN", 1), ("NNN", 1), ("", None)])
def test_first_of_interest(labels, first):
    assert navigate.first_of_interest(beats(labels)) == first


def test_beat_in_view():
    found = beats("NNVNNNN")
    assert navigate.beat_in_view(found, 0, 7, chosen=5) == 5
    assert navigate.beat_in_view(found, 0, 7, chosen=None) == 2, "an ectopic beat goes before one nearer the middle"
    assert navigate.beat_in_view(found, 3.5, 7) == 4
    assert navigate.beat_in_view(found, 3.5, 7, chosen=2) == 4, "the chosen one is out of view"
    assert navigate.beat_in_view(found, 8, 9) is None


def test_index_of_sample():
    found = beats("NNN")
    assert [navigate.index_of_sample(found, s) for s in (100, 210, 299, 150, 10**9, -5)] == [0, 1, 2, None, None, None]
    assert navigate.index_of_sample(beats(""), 3) is None
    assert navigate.index_of_sample(beats("N"), 100) == 0


def test_comparison_counts_pairs_and_lone_beats():
    first = beats("NVNS", [1, 2, 3, 4])
    second = beats("NNNV", [1.01, 2.0, 3.1, 6.0])
    found = compare_beats(first, second)
    assert found.pairs.tolist() == [[0, 0], [1, 1], [2, 2]]
    assert found.differing.tolist() == [[1, 1]]
    assert found.counts[0, 0] == 2
    assert found.counts[2, 0] == 1
    assert found.counts.sum() == 3
    assert found.agreement == pytest.approx(2 / 3)
    assert (found.only_first.tolist(), found.only_second.tolist()) == ([3], [3])


def test_comparison_needs_the_same_classes():
    other = Beats(np.array([100]), np.ones((1, 1), np.float32), ("N",), FS, "y", ("MLII",))
    with pytest.raises(ValueError, match="same classes"):
        compare_beats(beats("N"), other)


def test_summary():
    found = summarise(beats("NNVNNVVVNN"), quality("", "noise", "", ""))
    assert (found.n_beats, found.counts["V"], found.share("V")) == (10, 4, 0.4)
    assert found.rate_median == pytest.approx(60)
    assert found.usable_share == 0.75
    assert [(family.kind, family.n_beats) for family in found.families] == [("run", 3)]


def test_a_gap_is_no_pause():
    times = [1.0, 2.0, 3.0, 24.0, 25.0]
    assert len(summarise(beats("NNVVN", times)).pauses) == len(summarise(beats("NNVVN", times)).families) == 1
    found = beats("NNVVN", times, gaps=((10.0, 20.0),))
    assert summarise(found).pauses == summarise(found).families == ()
    assert np.isnan(found.rr_before_ms).tolist() == [True, False, False, True, False]
    assert np.isnan(found.rr_after_ms).tolist() == [False, False, True, False, True]


@settings(max_examples=60, deadline=None)
@given(
    steps=st.lists(st.sampled_from([0.4, 0.8, 1.3]), min_size=0, max_size=40),
    gaps=st.lists(st.tuples(st.floats(0, 40), st.floats(0.6, 10)), max_size=4),
)
def test_all_who_tell_of_an_rr_interval_tell_the_same(steps: list[float], gaps: list[tuple[float, float]]) -> None:
    """Columns, list, marks on the paper, heart rate: none where a gap lies between two beats."""
    times = np.cumsum([0.5, *steps])
    found = beats("N" * len(times), times.tolist(), gaps=tuple((start, start + length) for start, length in gaps))
    rr_ms = found.rr_before_ms[1:]
    unknown = spans_gap(found.time_s, found.gaps)
    np.testing.assert_allclose(rr_ms, np.where(unknown, np.nan, np.diff(found.time_s) * 1000))
    np.testing.assert_array_equal(found.rr_after_ms, np.append(rr_ms, np.nan))
    table, listed = beat_table(found), list_beats(found, "N").table
    for frame in (table, listed):
        np.testing.assert_array_equal(frame["rr_before_ms"], found.rr_before_ms)
        np.testing.assert_array_equal(frame["rr_after_ms"], found.rr_after_ms)
    marks = marks_in_view(found, 0.0, 100.0)
    np.testing.assert_array_equal(marks.rr_ms, rr_ms)
    for index, text in enumerate(marks.hover):
        assert ("before" in text) == (index > 0 and not unknown[index - 1])
        assert ("after" in text) == (index < len(unknown) and not unknown[index])
    np.testing.assert_allclose(heart_rate(found.time_s, found.gaps).rr_s * 1000, rr_ms)
    assert np.nansum(bin_beats(found, 100.0).rate > 60 / 0.39) == 0


def test_summary_of_nothing():
    found = summarise(beats(""))
    assert found.n_beats == 0
    assert found.share("V") == 0
    assert math.isnan(found.rate_median)
    assert math.isnan(found.usable_share)
