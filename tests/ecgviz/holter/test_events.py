"""The list of events has each once, in time order."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecgviz.holter.events import KINDS, events_of, length_words
from ecgviz.holter.numbers import holter_numbers
from ecgviz.results import RhythmEpisode
from tests.ecgviz.holter.made import beats


def test_events_by_hand():
    rr = [0.8] * 9 + [0.5] * 3 + [0.8] * 10 + [2.5] + [0.8] * 9
    rhythms = [RhythmEpisode(0, 5, "SVTA", 0.9), RhythmEpisode(5, 20, "N", 0.9), RhythmEpisode(20, 35, "AFIB", 0.9)]
    made = beats("N" * 10 + "VVV" + "N" * 20, rr, rhythms=rhythms)
    found = {
        kind: [(one.what, one.length) for one in rows]
        for kind, rows in events_of(holter_numbers(made, 35.0), made).items()
    }
    assert found == {
        "runs": [("VT", "3 beats")], "pauses": [("pause after N", "2.50 s")], "rate": [],
        "AF": [("AFIB", "15 s")], "couplets": [], "bigeminy and trigeminy": [],
        "other rhythms": [("SVTA", "5 s")],
    }  # fmt: skip


@given(st.text("NNNSV", max_size=120))
def test_every_family_is_listed_once_and_in_order(labels):
    made = beats(labels, 0.7)
    numbers = holter_numbers(made, 100.0)
    found = events_of(numbers, made)
    assert tuple(found) == KINDS
    for rows in found.values():
        assert [row.time_s for row in rows] == sorted(row.time_s for row in rows)
    assert len(found["runs"]) == sum(len(one.runs) for one in numbers.ectopy.values())
    assert len(found["couplets"]) == sum(len(one.couplets) for one in numbers.ectopy.values())


@pytest.mark.parametrize(
    ("seconds", "words"), [(33.4, "33 s"), (119.0, "119 s"), (120.0, "2 min"), (11_520.0, "3.2 h")]
)
def test_lengths_in_words(seconds, words):
    assert length_words(seconds) == words
