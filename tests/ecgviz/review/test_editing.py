"""From what a person wants to an event: what cannot be is refused in a sentence, and nothing is guessed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ecgviz.results import RhythmEpisode
from ecgviz.review import editing
from ecgviz.review.words import event_words, log_lines
from ecgviz.sources.samples import open_sample
from models.core.errors import ReviewError
from tests.ecgviz.review.reviewed import Script, beats_at

N_SAMPLES = 4000


@pytest.fixture
def script() -> Script:
    beats = replace(beats_at(np.arange(1, 11) * 360), rhythms=(RhythmEpisode(0, 11, "N", 0.9),))
    return Script(beats)


def test_accept_leaves_what_was_decided_singly(script):
    script.enter(editing.relabel(script.state, [2, 3], "V"))
    made = editing.accept(script.state, [1, 2, 3, 4])
    assert made.beats == (720, 1800)
    script.enter(editing.accept_rest(script.state))
    with pytest.raises(ReviewError, match="decided already"):
        editing.accept_rest(script.state)
    script.enter(editing.undo(script.state, 1))
    assert script.state.beats.edits.decided.tolist() == [True, True, False, False, *[True] * 6]


@pytest.mark.parametrize("sample", [-1, N_SAMPLES, 360, 360 + 35, 3600 - 35])
def test_no_beat_is_added_outside_or_onto_another(script, sample):
    with pytest.raises(ReviewError):
        editing.add(script.state, sample, "N", N_SAMPLES)


def test_a_beat_may_be_moved_by_little_and_not_onto_another(script):
    script.enter(editing.move(script.state, 0, 370, N_SAMPLES))
    assert script.state.beats.sample[0] == 370
    assert script.state.beats.edits.words[0] == "moved"
    with pytest.raises(ReviewError, match="within 100 ms"):
        editing.move(script.state, 0, 719, N_SAMPLES)


def test_a_deleted_beat_may_be_added_again_and_the_deletion_undone(script):
    script.enter(editing.delete(script.state, [0]))
    script.enter(editing.add(script.state, 360, "V", N_SAMPLES))
    assert script.state.beats.label[0] == "V"
    script.enter(editing.undo(script.state, 1))
    assert script.state.beats.sample[:2].tolist() == [360, 360]
    assert len(script.state.beats) == 11


@pytest.mark.parametrize("indices", [[], [-1], [10], [0, 99]])
def test_beats_that_are_not_there_are_refused(script, indices):
    for call in (editing.confirm, editing.delete, editing.reject, editing.split):
        with pytest.raises(ReviewError):
            call(script.state, indices)


@pytest.mark.parametrize("letter", ["", "n", "X", "NS", "é"])
def test_classes_are_those_of_aami(script, letter):
    with pytest.raises(ReviewError, match="no class"):
        editing.relabel(script.state, [0], letter)


@pytest.mark.parametrize(("time_s", "index"), [(1.0, 0), (0.86, 0), (2.149, 1), (9.9, 9)])
def test_a_time_means_the_beat_near_it(script, time_s, index):
    assert editing.beat_at(script.beats, time_s) == index


@pytest.mark.parametrize("time_s", [0.0, 1.5, 10.2, float("nan"), float("inf")])
def test_a_time_without_a_beat_means_none(script, time_s):
    with pytest.raises(ReviewError, match="no beat within 150 ms"):
        editing.beat_at(script.beats, time_s)


@pytest.mark.parametrize("span", [(-1, 3, "AFIB"), (3, 3, "AFIB"), (3, 2, "AFIB"), (3, 99, "AFIB"), (3, 4, "FLUTTER")])
def test_an_episode_lies_in_the_recording_and_has_a_name(script, span):
    with pytest.raises(ReviewError):
        editing.rhythm(script.state, None, span, 12.0)


def test_an_episode_that_is_not_there_cannot_be_taken_away(script):
    with pytest.raises(ReviewError, match="no episode"):
        editing.rhythm(script.state, RhythmEpisode(0, 11, "AFIB", 0.9), None, 12.0)


def test_undo_goes_back_edit_by_edit_and_redo_comes_again_until_a_new_edit(script):
    for letter in "VSF":
        script.enter(editing.relabel(script.state, [0], letter))
    seen = []
    for action in ("undo", "undo", "redo", "undo", "undo", "redo", "redo", "redo"):
        script.enter(getattr(editing, action)(script.state))
        seen.append(str(script.state.beats.label[0]))
    first = str(script.beats.label[0])
    assert seen == ["S", "V", "S", "V", first, "V", "S", "F"]
    with pytest.raises(ReviewError, match="nothing to redo"):
        editing.redo(script.state)
    script.enter(editing.undo(script.state))
    script.enter(editing.confirm(script.state, [5]))
    with pytest.raises(ReviewError, match="nothing to redo"):
        editing.redo(script.state)
    script.enter(editing.redo(script.state, 3))
    assert script.state.beats.label[0] == "F"


def test_a_point_at_a_qrs_means_its_r_peak():
    recording = open_sample("mitdb-208")
    from ecgviz.signals.r_peaks import detect_r_peaks

    def first_lead(start: int, stop: int) -> np.ndarray:
        return recording.signal_mV(start, stop)[:, :1]

    peaks = detect_r_peaks(first_lead, recording.fs, 36_000)[5:40]
    away = round(0.06 * recording.fs)
    found = [
        editing.snapped(recording, recording.leads[0], int(peak) + step) for peak in peaks for step in (-away, away)
    ]
    near = abs(np.array(found) - np.repeat(peaks, 2)) <= 0.04 * recording.fs
    assert near.mean() > 0.9
    for edge in (0, recording.n_samples - 1):
        assert 0 <= editing.snapped(recording, recording.leads[0], edge) < recording.n_samples


def test_the_log_reads_as_sentences(script):
    script.enter(editing.relabel(script.state, [0, 1], "V"))
    script.enter(editing.add(script.state, 3800, "S", N_SAMPLES))
    script.enter(editing.delete(script.state, [10]))
    script.enter(editing.move(script.state, 0, 400, N_SAMPLES))
    script.enter(editing.rhythm(script.state, None, (2, 5, "AFIB"), 12.0))
    script.enter(editing.split(script.state, [1, 2]))
    script.enter(editing.undo(script.state, 1))
    lines = log_lines(script.state, 12.0)
    assert lines[0].startswith("    1  2026-11-30 12:00:00  A: relabel 2 beats: ")
    assert lines[0].endswith(" to V (undone)")
    said = [event_words(event, 360, 12.0) for event in script.events[1:]]
    assert said == [
        "add S at 00:10.56",
        "delete 1 beat that was added: S",
        "move the beat at 00:01.00 to 00:01.11",
        "enter rhythm AFIB, 00:02 to 00:05",
        "split off 2 beats",
        "undo 1",
    ]
