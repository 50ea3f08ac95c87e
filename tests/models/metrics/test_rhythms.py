"""AF by time: seconds counted by hand, and against a count of samples."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.data.rhythms import RHYTHM_CLASSES
from models.metrics.rhythms import reference_episodes, summarise_time, time_counts, time_scores
from models.postprocessing.rhythm_episodes import RhythmEpisode


def episodes(*parts: tuple[float, float, str]) -> tuple[RhythmEpisode, ...]:
    return tuple(RhythmEpisode(start, end, label, 1.0) for start, end, label in parts)


def test_seconds_are_counted():
    reference = episodes((10, 50, "N"), (50, 80, "AFIB"), (80, 100, "AFL"))
    predicted = episodes((0, 40, "N"), (40, 70, "AFIB"), (90, 120, "AFL"))
    # AF 50-100, found 50-70 and 90-100; wrongly said 40-50; before 10 and after 100 nothing is known.
    assert time_counts(reference, predicted).tolist() == [[30.0, 10.0], [20.0, 30.0]]
    scores = time_scores(time_counts(reference, predicted))
    assert scores == pytest.approx({"se": 0.6, "sp": 0.75, "ppv": 0.75})
    assert time_counts(reference, predicted, {"AFL"}).tolist() == [[70.0, 0.0], [10.0, 10.0]]


def test_what_is_not_there_has_no_figure():
    assert time_counts((), episodes((0, 10, "AFIB"))).tolist() == [[0, 0], [0, 0]]
    scores = time_scores(time_counts(episodes((0, 10, "N")), ()))
    assert (math.isnan(scores["se"]), scores["sp"], math.isnan(scores["ppv"])) == (True, 1.0, True)
    assert time_scores(time_counts(episodes((0, 10, "AFIB")), ()))["se"] == 0, "a stretch without an answer is a miss"


@st.composite
def divided(draw):
    """Whole seconds divided into rhythms, with holes."""
    edges = sorted(draw(st.sets(st.integers(0, 60), min_size=2, max_size=8)))
    labels = draw(st.lists(st.sampled_from([*RHYTHM_CLASSES, ""]), min_size=len(edges) - 1, max_size=len(edges) - 1))
    return episodes(*((a, b, c) for a, b, c in zip(edges[:-1], edges[1:], labels, strict=True) if c))


@settings(deadline=None)
@given(divided(), divided())
def test_the_same_as_second_by_second(reference, predicted):
    counts = np.zeros((2, 2))
    for second in range(60):
        true, said = (
            next((one.label for one in found if one.start_s <= second < one.end_s), None)
            for found in (reference, predicted)
        )
        if true is not None:
            counts[int(true in {"AFIB", "AFL"}), int(said in {"AFIB", "AFL"})] += 1
    assert time_counts(reference, predicted) == pytest.approx(counts)


def test_rhythm_notes_become_episodes():
    found = reference_episodes(
        [0, 100, 300, 300, 700], ["+", "N", "+", "+", "+"], ["(N\0", "", "(VT", "(AFIB\0", "(N"], 100.0, 6.5
    )
    assert [(one.start_s, one.end_s, one.label) for one in found] == [(0, 3, "N"), (3, 6.5, "AFIB")]
    assert reference_episodes([], [], [], 100.0, 6.5) == ()


def test_the_pool_is_of_records_and_has_intervals():
    good = np.array([[3600.0, 0.0], [0.0, 3600.0]])
    bad = np.array([[1800.0, 1800.0], [3600.0, 0.0]])
    free = np.array([[3600.0, 0.0], [0.0, 0.0]])
    found = summarise_time({"a": good, "b": bad, "c": free})
    assert (found["hours"], found["hours_of_it"], found["records_with_it"]) == (5, 2, 2)
    assert found["scores"]["se"]["value"] == 0.5
    low, high = found["scores"]["se"]["interval95"]
    assert (low, high) == (0, 1)
    alone = summarise_time({"a": good})
    assert alone["scores"]["se"] == {"value": 1.0, "interval95": [None, None]}
    assert summarise_time({})["scores"]["se"]["value"] is None


@pytest.mark.data
def test_real_notes_against_themselves(data_root):
    import wfdb

    counts = {}
    for name in ("201", "219", "100"):
        marks = wfdb.rdann(str(data_root / "mitdb" / name), "atr")
        own = reference_episodes(marks.sample, marks.symbol, marks.aux_note, 360.0, 650_000 / 360)
        counts[name] = time_counts(own, own)
    found = summarise_time(counts)
    assert found["scores"]["se"]["value"] == found["scores"]["sp"]["value"] == 1.0
    assert found["hours"] == pytest.approx(3 * 650_000 / 360 / 3600, rel=1e-3)
