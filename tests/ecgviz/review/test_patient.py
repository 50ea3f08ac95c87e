"""The network adapted to a recording: an event like others, before which every decision of a person holds."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecgviz.edits import How
from ecgviz.results import RhythmEpisode
from ecgviz.review import editing
from ecgviz.review.events import Adapt, body, event_of
from ecgviz.review.patient import adapt_event, adapt_to_decided, in_force, revert, tried_document, view_of
from ecgviz.review.waves import Waves, beat_waves
from models.core.errors import ReviewError
from readers.recording import ArraySource, Recording
from tests.ecgviz.review.reviewed import FS, Script, adapted, beats_at, same, scripts, some_beats


@given(scripts(), st.integers(0, 999))
def test_an_adaptation_changes_no_decided_beat_and_is_undone_whole(script, seed):
    before = script.state
    script.enter(adapted(script.beats, np.random.default_rng(seed)))
    after = script.state
    decided = before.beats.edits.decided
    assert np.array_equal(after.beats.label[decided], before.beats.label[decided])
    assert np.array_equal(after.beats.edits.decided, decided)
    assert np.array_equal(after.beats.label_before_edits, before.beats.label_before_edits)
    script.enter(revert(script.state))
    earlier = in_force(before)
    assert in_force(script.state) == earlier
    assert same(script.state.beats, before.beats)


def test_an_adapted_label_has_its_probability_and_holds_in_atrial_fibrillation():
    beats = replace(beats_at(np.arange(1, 9) * 250), rhythms=(RhythmEpisode(0, 99, "AFIB", 0.9),))
    script = Script(beats)
    made = Adapt(beats=(1000,), old="N", new="S", per_mille=(840,), used=30, checked=30, wrong_before=9, wrong_after=1)
    script.enter(event_of("adapt", json.dumps(body(made))))
    edited = script.state.beats
    assert (edited.label[3], edited.edits.how[3], edited.edits.words[3]) == ("S", How.ADAPTED, "adapted")
    assert edited.confidence[3] == pytest.approx(0.84)
    assert not edited.edits.decided.any()


@pytest.mark.parametrize("fault", [{"new": "NX"}, {"new": "Z"}, {"per_mille": (1001,)}, {"beats": (), "old": ""}])
def test_an_adaptation_that_cannot_be_is_refused(fault):
    fields = {"beats": (9,), "old": "N", "new": "S", "per_mille": (840,)} | fault
    with pytest.raises(ReviewError):
        Adapt(**fields, used=30, checked=30, wrong_before=9, wrong_after=1)


@pytest.fixture(scope="module")
def two_shapes() -> tuple[Script, np.ndarray, Recording]:
    """Narrow beats, and wide ones that the network calls N as well."""
    sample = np.arange(1, 151) * 300
    wide = np.arange(150) % 4 == 3
    signal = np.random.default_rng(0).normal(0, 0.01, (150 * 300 + 400, 1)).astype(np.float32)
    time = np.arange(-40, 60) / FS
    for place, is_wide in zip(sample, wide, strict=True):
        signal[place - 40 : place + 60, 0] += 1.5 * np.sin(time / 0.05) if is_wide else np.exp(-((time / 0.015) ** 2))
    beats = beats_at(sample)
    prob = np.full_like(beats.prob, 0.02)
    prob[:, 0] = 0.92
    recording = Recording("r", FS, len(signal), ("MLII",), ("mV",), ArraySource(signal), "made")
    return Script(replace(beats, prob=prob)), wide, recording


def test_what_a_person_corrects_is_corrected_in_the_rest(two_shapes):
    script, wide, recording = two_shapes
    script = Script(script.beats)
    view = view_of(script.beats, beat_waves(recording, script.beats))
    with pytest.raises(ReviewError, match="at least 20"):
        adapt_to_decided(script.state, script.beats, view)
    script.enter(editing.relabel(script.state, np.flatnonzero(wide[:60]), "V"))
    script.enter(editing.confirm(script.state, np.flatnonzero(~wide[:60])))
    found = adapt_to_decided(script.state, script.beats, view)
    event = adapt_event(script.state, script.beats, view, found)
    assert event is not None
    assert set(event.beats) == set(script.beats.sample[60:][wide[60:]].tolist())
    script.enter(event)
    assert (script.state.beats.label == np.where(wide, "V", "N")).all()
    assert in_force(script.state).revision == script.state.revision
    assert tried_document(found, event)["labels_changed"] == len(event.beats)


def test_what_is_not_better_makes_no_event(two_shapes):
    script, _, recording = two_shapes
    script = Script(script.beats)
    view = view_of(script.beats, beat_waves(recording, script.beats))
    script.enter(editing.confirm(script.state, np.arange(40)))
    found = adapt_to_decided(script.state, script.beats, view)
    assert adapt_event(script.state, script.beats, view, found) is None
    assert tried_document(found, None)["applied"] is False
    with pytest.raises(ReviewError, match="no adaptation"):
        revert(script.state)


@given(some_beats())
def test_what_is_adapted_are_the_labels(beats):
    waves = Waves(np.zeros((len(beats), 1, 85), np.float32), np.zeros(85), ("MLII",), np.ones(len(beats), np.float32))
    view = view_of(beats, waves)
    assert np.array_equal(np.asarray(beats.classes)[view.log_prob.argmax(axis=1)], beats.label)


def test_a_network_without_n_is_not_adapted(two_shapes):
    script, _, recording = two_shapes
    beats = replace(script.beats, classes=("X", "S", "V", "F", "Q"))
    with pytest.raises(ReviewError, match="knows no class N"):
        view_of(beats, beat_waves(recording, beats))
