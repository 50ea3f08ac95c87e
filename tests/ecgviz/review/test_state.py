"""The edited beats are a pure function of the network's answer and the log, and every decision can be taken back."""

from __future__ import annotations

import random
import time
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecgviz.analysis.summary import summarise
from ecgviz.edits import How
from ecgviz.results import Beats, RhythmEpisode
from ecgviz.review import apply, editing, review_state
from ecgviz.review.events import Accept, Adapt, Add, Confirm, Delete, Event, Move, OnBeats, Reject, Relabel, live_edits
from tests.ecgviz.review.reviewed import Script, beats_at, redone, same, scripts, undo_all


def one_by_one(beats: Beats, events: list[Event]) -> dict[int, tuple[int, str, str]]:
    """(sample, label, "" or how) of each beat by its number: the events as a person would read them aloud."""
    found = {int(s): [int(s), str(label), ""] for s, label in zip(beats.sample, beats.label, strict=True)}
    adaptations = [event for event in live_edits(events) if isinstance(event, Adapt)]
    for event in adaptations[-1:]:  # people's decisions hold before it, whenever they were made
        for number, new in zip(event.beats, event.new, strict=True):
            found[number][1:] = [new, "adapted"]
    for event in live_edits(events):
        if isinstance(event, Add):
            found[-event.revision] = [event.sample, event.new, "added"]
        elif isinstance(event, Move) and event.beat in found:
            found[event.beat][0] = event.new
        elif isinstance(event, OnBeats):
            for number, old in zip(event.beats, event.old, strict=True):
                if number not in found:
                    continue
                if isinstance(event, Relabel):
                    found[number][1:] = [event.new, "relabelled"]
                elif isinstance(event, Confirm):  # accept is one, too
                    found[number][1:] = [old, "accepted" if isinstance(event, Accept) else "confirmed"]
                else:
                    assert isinstance(event, Delete | Reject)
                    found[number][2] = event.kind
    return {number: tuple(one) for number, one in found.items()}


@given(scripts())
def test_the_edited_beats_are_what_the_log_says_read_aloud(script):
    told = one_by_one(replace(script.beats, rhythms=script.state.beats.rhythms), script.events)
    beats = script.state.beats
    there = {number: one for number, one in told.items() if one[2] not in {"delete", "reject"}}
    assert sorted(beats.edits.number.tolist()) == sorted(there)
    assert (np.diff(beats.time_s) >= 0).all()
    words = [str(word).replace(" moved", "").removeprefix("moved") for word in beats.edits.words]
    for number, sample, label, word in zip(beats.edits.number.tolist(), beats.sample, beats.label, words, strict=True):
        assert there[number][:2] == (sample, label)
        assert word == ("added" if number < 0 else there[number][2])


@given(scripts())
def test_no_beat_is_lost(script):
    state = script.state
    adds = sum(isinstance(event, Add) for event in live_edits(script.events))
    gone = len(state.deleted_s) + len(state.rejected_s)
    assert len(state.beats) + gone == len(script.beats) + adds
    assert len(np.unique(state.beats.edits.number)) == len(state.beats)
    assert state.unknown == 0


@given(scripts(), st.integers(0, 1000))
def test_undo_then_redo_is_the_identity(script, choice):
    live = sorted(script.state.live)
    if live:
        again = redone(script, live[choice % len(live)])
        assert same(again.beats, script.state.beats)
        assert again.live == script.state.live


@given(scripts(), st.randoms(use_true_random=False))
def test_edits_may_be_undone_in_any_order(script, rng: random.Random):
    live = sorted(script.state.live)
    chosen = rng.sample(live, rng.randint(0, len(live)))
    first = undo_all(script, chosen)
    rng.shuffle(chosen)
    assert same(undo_all(script, chosen).beats, first.beats)
    nothing = undo_all(script, live)
    assert same(nothing.beats, apply(script.beats, []))
    assert np.array_equal(nothing.beats.label, script.beats.label)


@given(scripts())
def test_replaying_changes_nothing(script):
    """Neither the network's answer nor the events are touched, and an edited recording keeps the network's answer."""
    before = (script.beats.sample.copy(), script.beats.prob.copy(), list(script.events))
    first, second = apply(script.beats, script.events), apply(script.beats, script.events)
    assert same(first, second)
    assert np.array_equal(script.beats.sample, before[0])
    assert np.array_equal(script.beats.prob, before[1])
    assert script.events == before[2]
    found = ~first.edits.added
    place = np.searchsorted(script.beats.sample, first.edits.number[found])
    assert np.array_equal(first.prob[found][:, :5], script.beats.prob[place])
    assert np.array_equal(first.network_label[found], script.beats.network_label[place])
    assert (first.network_label[~found] == "").all()


@given(scripts())
def test_the_rr_of_deleted_beats_is_bridged_and_that_of_rejected_ones_is_not(script):
    state = script.state
    beats = state.beats
    time_s, rr = beats.time_s, beats.rr_before_ms[1:]
    for i in range(len(beats) - 1):
        between = (state.rejected_s >= time_s[i]) & (state.rejected_s < time_s[i + 1])
        gap = any(start < time_s[i + 1] - 0.02 and end > time_s[i] + 0.02 for start, end in script.beats.gaps)
        if between.any() or gap:
            assert np.isnan(rr[i])
        else:
            assert rr[i] == pytest.approx((time_s[i + 1] - time_s[i]) * 1000)


def test_a_deleted_beat_leaves_one_long_rr_and_a_rejected_one_leaves_none():
    beats = beats_at(np.arange(1, 6) * 360)
    script = Script(beats)
    script.enter(editing.delete(script.state, [2]))
    assert script.state.beats.rr_before_ms[1:].tolist() == [1000, 2000, 1000]
    script.enter(editing.undo(script.state))
    script.enter(editing.reject(script.state, [2]))
    edited = script.state.beats
    assert np.isnan(edited.rr_before_ms[2])
    assert edited.rr_before_ms[[1, 3]].tolist() == [1000, 1000]
    assert summarise(edited).pauses == ()


@given(scripts())
def test_what_the_network_said_stays_whatever_is_decided(script):
    said = dict(zip(script.beats.sample.tolist(), script.beats.label.tolist(), strict=True))
    edited = script.state.beats
    before = [said.get(number, "") for number in edited.edits.number.tolist()]
    assert edited.label_before_edits.tolist() == before
    assert script.state.network.label.tolist() == script.beats.label.tolist()


def test_a_class_that_a_person_gave_holds_in_atrial_fibrillation():
    beats = replace(beats_at(np.arange(1, 9) * 250), rhythms=(RhythmEpisode(0, 99, "AFIB", 0.9),))
    script = Script(beats)
    script.enter(editing.relabel(script.state, [3], "S"))
    edited = script.state.beats
    assert edited.label[3] == "S"
    assert edited.confidence[3] == 1
    assert edited.edits.how[3] == How.RELABELLED
    assert edited.label_before_edits.tolist() == beats.label.tolist()
    assert summarise(edited).counts["S"] == summarise(beats).counts["S"] + (beats.label[3] != "S")


def test_a_decision_about_a_beat_that_the_network_no_longer_finds_is_told_and_changes_no_other():
    script = Script(beats_at(np.arange(1, 9) * 250))
    script.enter(editing.relabel(script.state, [3, 4], "V"))
    fewer = script.beats.take(np.array([0, 1, 2, 4, 5, 6, 7]))
    state = review_state(fewer, script.events)
    assert state.unknown == 1
    assert state.beats.edits.decided.tolist() == [False, False, False, True, False, False, False]


def test_a_class_that_the_network_does_not_know_may_be_given():
    beats = beats_at(np.arange(1, 9) * 250)
    beats = replace(beats, prob=beats.prob[:, :2] / beats.prob[:, :2].sum(axis=1, keepdims=True), classes=("N", "V"))
    script = Script(beats)
    script.enter(editing.relabel(script.state, [1], "S"))
    edited = script.state.beats
    assert edited.classes == ("N", "V", "S")
    assert edited.label[1] == "S"
    assert edited.prob.shape == (8, 3)


def test_a_recording_without_beats_can_be_given_some():
    script = Script(beats_at(np.empty(0, np.int64)))
    script.enter(editing.add(script.state, 500, "V", 1000))
    assert script.state.beats.label.tolist() == ["V"]
    assert script.state.beats.edits.words.tolist() == ["added"]


def a_day(n_beats: int = 100_000, n_edits: int = 1000) -> Script:
    """A day of beats and a long review of it, families of thousands among its edits."""
    rng = np.random.default_rng(1)
    script = Script(beats_at(np.cumsum(rng.integers(250, 370, n_beats)), seed=1))
    state = script.state
    for place in range(n_edits):
        size = 5000 if place % 100 == 0 else 1
        chosen = rng.choice(n_beats, size, replace=False)
        made = (editing.relabel(state, chosen, "V"), editing.reject(state, chosen[:1]), editing.confirm(state, chosen))
        script.enter(made[place % 3])
    return script


def test_a_day_with_a_thousand_edits_follows_at_once():
    """The reach is 0.3 s on a quiet machine for state, counts, runs and burden; here with room for a busy one."""
    script = a_day()
    best = min(_seconds(lambda: summarise(apply(script.beats, script.events))) for _ in range(3))
    assert best < 1.5


def _seconds(call) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started
