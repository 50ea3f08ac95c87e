"""Where events of each kind lie, and the one before and after any place."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecgviz.analysis import events
from ecgviz.analysis.navigate import index_of_sample
from ecgviz.analysis.summary import summarise
from ecgviz.holter.ectopy import ectopy_of
from ecgviz.results import Beats, RhythmEpisode
from readers.recording import Annotations, ArraySource, Recording

FS = 100.0
LETTERS = "NNVNSNVF"
SAMPLES = np.array([100, 200, 270, 400, 480, 600, 900, 1000])


def _recording(symbols: str = "", samples: np.ndarray = SAMPLES) -> Recording:
    marks = None
    if symbols:
        nothing = np.zeros(len(symbols), "<U1")
        marks = Annotations(samples[: len(symbols)].astype(np.int64), np.array(list(symbols), "<U1"), nothing)
    source = ArraySource(np.zeros((1200, 1), np.float32))
    return Recording("r", FS, 1200, ("II",), ("mV",), source, "array", annotations=marks)


def _beats(letters: str = LETTERS, samples: np.ndarray = SAMPLES) -> Beats:
    classes = tuple("NSVFQ")
    prob = np.eye(5, dtype=np.float32)[[classes.index(letter) for letter in letters]]
    return Beats(samples.astype(np.int64), prob, classes, FS, "x", ("II",))


@pytest.mark.parametrize(
    ("kind", "wanted"),
    [("ectopic", [270, 480, 900, 1000]), ("V", [270, 900]), ("S", [480]), ("F", [1000]), ("pause", [600])],
)
def test_each_kind_has_its_beats(kind, wanted):
    assert events.samples_of(kind, _recording(), _beats()).tolist() == wanted


def test_what_is_not_as_annotated_is_another_class_one_too_many_and_one_missing():
    truth = np.array([100, 200, 270, 400, 480, 700, 900, 1000])
    found = events.disagreements(_recording("NNVNNNVF", truth), _beats())
    assert found.tolist() == [480, 600, 700]
    assert not len(events.disagreements(_recording("NNVNSNVF"), _beats()))
    assert not len(events.disagreements(_recording(), _beats()))


@given(st.lists(st.integers(-14, 14), min_size=8, max_size=8), st.booleans())
def test_every_disagreement_is_reached_though_no_annotation_is_on_its_r_peak(shifts, onwards):
    recording, beats = _recording("SSVSNVVF", SAMPLES + shifts), _beats()
    found = events.disagreements(recording, beats)
    assert found.tolist() == [100, 200, 400, 480, 600]
    at, seen = int(found[0]), set()
    for _ in found:
        index = index_of_sample(beats, events.around(found, at)[int(onwards)])
        at = int(beats.sample[index])
        seen.add(at)
    assert seen == set(found.tolist())


def test_an_escape_beat_is_normal_in_both_rows():
    recording = _recording("NNVNSeVF")
    time_s, letters = events.reference_letters(recording, 2.0, 9.0)
    assert time_s.tolist() == [2.0, 2.7, 4.0, 4.8, 6.0, 9.0] and letters.tolist() == list(LETTERS[1:7])
    assert events.reference_letters(_recording(), 0.0, 9.0) is None
    assert not len(events.disagreements(recording, _beats()))


def test_kinds_are_those_that_network_and_file_can_have():
    assert "disagreement" not in events.kinds(_recording(), tuple("NSVFQ"), ())
    assert "disagreement" in events.kinds(_recording("N"), tuple("NSVFQ"), ())
    assert "S" not in events.kinds(_recording(), ("N", "V"), ())
    assert "rhythm" in events.kinds(_recording(), tuple("NSVFQ"), ("N", "AFIB"))


def test_a_rhythm_begins_at_its_first_beat():
    episodes = (
        RhythmEpisode(label="N", start_s=0.0, end_s=2.5, prob=0.9),
        RhythmEpisode(label="AFIB", start_s=2.5, end_s=9.5, prob=0.9),
        RhythmEpisode(label="N", start_s=9.5, end_s=12.0, prob=0.9),
    )
    beats = replace(_beats(), rhythms=episodes)
    assert events.rhythm_changes(beats).tolist() == [270]


@given(st.sets(st.integers(0, 200), max_size=12), st.integers(0, 200))
def test_the_ones_around_are_the_nearest_or_go_around(places, at):
    found = np.array(sorted(places), np.int64)
    before, after = events.around(found, at)
    if not places:
        assert before is None and after is None
        return
    assert before == max((one for one in places if one < at), default=max(places))
    assert after == min((one for one in places if one > at), default=min(places))


def test_a_class_that_the_network_never_saw_is_not_counted_unless_a_person_found_some():
    none = _beats("NNVNNNVF")
    assert "S" in ectopy_of(none)
    assert "S" not in ectopy_of(replace(none, unlearnt=("S", "Q")))
    assert ectopy_of(replace(_beats(), unlearnt=("S",)))["S"].count == 1


def test_beats_in_signal_that_cannot_be_read_are_counted_apart():
    quality = SimpleNamespace(
        time_s=np.array([0.0, 5.0]), reason=np.array(["", "noise"]), usable_share=0.5, length_s=np.array([5.0, 5.0])
    )
    found = summarise(_beats(), quality)
    assert (found.n_beats, found.in_unusable) == (8, 3)
    assert summarise(_beats()).in_unusable == 0
