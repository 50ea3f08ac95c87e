"""Episodes with a person's decisions: in order, without overlap, and nothing invented."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecgviz.review.events import RhythmEdit, Span
from ecgviz.review.rhythms import edited_rhythms
from models.postprocessing.rhythm_episodes import RhythmEpisode, rhythm_at

END = 100
LABELS = ("N", "AFIB", "VT")
N, AF = RhythmEpisode(0, 40, "N", 0.9), RhythmEpisode(40, 100, "AFIB", 0.7)


@st.composite
def episodes(draw) -> tuple[RhythmEpisode, ...]:
    """Some episodes of a recording, with stretches of which nothing is told."""
    edges = sorted(draw(st.sets(st.integers(0, END), min_size=2, max_size=8)))
    pairs = itertools.pairwise(edges)
    made = [RhythmEpisode(a, b, draw(st.sampled_from(LABELS)), draw(st.floats(0.1, 1))) for a, b in pairs]
    return edited_rhythms([one for one in made if draw(st.booleans())], [])


@st.composite
def spans(draw) -> Span:
    start = draw(st.integers(0, END - 1))
    return Span(start, draw(st.integers(start + 1, END)), draw(st.sampled_from(LABELS)))


def told(found) -> list[str]:
    """The rhythm of each second."""
    names = np.array([*(one.label for one in found), ""])
    return names[rhythm_at(found, np.arange(END) + 0.5)].tolist()


@given(episodes(), st.lists(spans(), max_size=5))
def test_what_was_entered_last_holds_and_the_rest_stays(before, entered):
    found = edited_rhythms(before, [RhythmEdit(new=span) for span in entered])
    wanted = told(before)
    for span in entered:
        wanted[span.start_s : span.end_s] = [span.label] * (span.end_s - span.start_s)
    assert told(found) == wanted
    assert all(one.end_s <= after.start_s for one, after in itertools.pairwise(found))
    assert all(0 <= one.prob <= 1 and one.duration_s > 0 for one in found)


@given(episodes(), spans())
def test_what_is_taken_away_falls_to_what_is_around_it_or_to_nobody(before, span):
    found = edited_rhythms(before, [RhythmEdit(old=span)])
    then, now = told(before), told(found)
    inside = set(now[span.start_s : span.end_s])
    assert len(inside) == 1
    assert now[: span.start_s] == then[: span.start_s]
    assert now[span.end_s :] == then[span.end_s :]
    beside = {then[span.start_s - 1] if span.start_s else "", then[span.end_s] if span.end_s < END else ""} - {""}
    assert inside == (beside if len(beside) == 1 else {""})


def test_an_episode_is_altered():
    edit = RhythmEdit(old=Span(40, 100, "AFIB"), new=Span(60, 90, "VT"))
    assert [(one.start_s, one.end_s, one.label) for one in edited_rhythms([N, AF], [edit])] == [
        (0, 60, "N"),
        (60, 90, "VT"),
        (90, 100, "N"),
    ]


def test_neighbours_of_one_rhythm_are_one_episode_with_the_mean_of_their_time():
    found = edited_rhythms([N, AF], [RhythmEdit(old=Span(40, 100, "AFIB"))])
    assert [(one.start_s, one.end_s, one.label) for one in found] == [(0, 100, "N")]
    assert found[0].prob == pytest.approx(0.9)
    assert edited_rhythms([N, AF], [RhythmEdit(new=Span(0, 40, "AFIB"))])[0].prob == pytest.approx(0.4 + 0.6 * 0.7)
