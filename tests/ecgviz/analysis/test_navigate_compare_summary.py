"""Steps through a recording, two analyses side by side, and the head of a report, on beats counted by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ecgviz.analysis import navigate
from ecgviz.analysis.compare import compare_beats
from ecgviz.analysis.summary import gaps_of, summarise
from ecgviz.results import Beats
from ecgviz.signals.quality import Quality

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
    usable = np.array([not reason for reason in reasons], bool)
    return Quality(np.arange(n) * 10.0, 10.0, *[nothing] * 6, usable, np.array(reasons, dtype="<U8"))


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
    assert len(summarise(beats("NNNNN", times)).pauses) == 1
    assert summarise(beats("NNNNN", times), quality("", "missing", "")).pauses == ()
    assert gaps_of(quality("", "missing", "flat", "noise", "flat")) == [(10.0, 30.0), (40.0, 50.0)]
    assert gaps_of(None) == []


def test_summary_of_nothing():
    found = summarise(beats(""))
    assert found.n_beats == 0
    assert found.share("V") == 0
    assert math.isnan(found.rate_median)
    assert math.isnan(found.usable_share)
