"""Families and the queue: every beat in one, the same each time, pure enough to be judged at once."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecgviz.analysis import analyse_beats
from ecgviz.figures.family_picture import alt_text, as_image, family_svg
from ecgviz.review import editing, review_state
from ecgviz.review.families import Shapes, beat_shapes, families, membership, part_to_split
from ecgviz.review.grouping import FEWEST, MOST, early, features, group_beats, halves
from ecgviz.review.queue import Doubts, beats_first, doubt, families_first, why_doubted
from ecgviz.review.waves import Waves
from models import load_checkpoint
from models.data import mitdb
from models.metrics.beats import match_beats
from readers.recording import ArraySource, Recording
from tests.ecgviz.review.reviewed import CLASSES, Script, beats_at

FS = 360.0


def recorded(kinds: str, noise: float = 0.02, seed: int = 0) -> tuple[Recording, np.ndarray]:
    """A recording of one lead whose beats have the shapes of ``kinds``: n narrow, w wide, u wide and upside down."""
    rng = np.random.default_rng(seed)
    peaks = (1 + np.arange(len(kinds))) * 290
    signal = rng.normal(0, noise, peaks[-1] + 400)
    time = np.arange(-120, 160)
    for peak, kind in zip(peaks, kinds, strict=True):
        width, height = {"n": (9, 1.0), "w": (28, 1.4), "u": (28, -1.2)}[kind]
        signal[peak - 120 : peak + 160] += height * np.exp(-0.5 * (time / width) ** 2)
    samples = signal.astype(np.float32)[:, None]
    return Recording("r", FS, len(samples), ("MLII",), ("mV",), ArraySource(samples), "test"), peaks


def reviewed(kinds: str, label: str) -> tuple[Recording, Script, Shapes]:
    """A review of such a recording whose network called its beats so."""
    recording, peaks = recorded(kinds)
    prob = np.full((len(kinds), 5), 0.02, np.float32)
    prob[np.arange(len(kinds)), [CLASSES.index(one) for one in label]] = 0.92
    beats = replace(beats_at(peaks), prob=prob)
    return recording, Script(beats), beat_shapes(recording, beats)


def test_beats_of_other_shapes_are_of_other_families_whatever_the_network_called_them():
    kinds = "nnnwnnnunnwn" * 8
    recording, script, shapes = reviewed(kinds, "N" * len(kinds))
    family = membership(script.state, shapes)
    for one in np.unique(family):
        assert len({kinds[index] for index in np.flatnonzero(family == one)}) == 1
    found = families(recording, script.state, shapes)
    assert [len(one) for one in found] == sorted((len(one) for one in found), reverse=True)
    assert sorted(np.concatenate([one.members for one in found]).tolist()) == list(range(len(kinds)))
    upside_down = [one for one in found if kinds[one.members[0]] == "u"]
    assert all(abs(one.median.min()) > one.median.max() for one in upside_down)
    for one in found:
        assert (one.low <= one.median).all()
        assert (one.median <= one.high).all()
        assert one.label == "N"
        assert one.agreement == 1
        assert one.confidence == pytest.approx(0.92)
        assert one.first_s == script.beats.time_s[one.members[0]]
        assert one.spread < 0.5


@settings(max_examples=25)
@given(st.integers(0, 400), st.integers(1, 6), st.integers(0, 99))
def test_any_points_fall_into_few_groups_of_one_label_each_time_the_same(n, kinds, seed):
    rng = np.random.default_rng(seed)
    points = (rng.normal(0, 0.3, (n, 6)) + 4 * rng.integers(0, kinds, n)[:, None]).astype(np.float32)
    label = np.array(list("NVS"))[rng.integers(0, 3, n)]
    group = group_beats(label, points)
    assert np.array_equal(group, group_beats(label, points))
    assert sorted(set(group)) == list(range(len(set(group))))
    assert len(set(group)) <= MOST
    assert len(set(group)) >= min(FEWEST, len({*label}))
    for one in set(group):
        assert len(set(label[group == one])) == 1


def test_halves_are_the_two_clouds_and_one_cloud_of_one_point_has_none():
    rng = np.random.default_rng(0)
    points = np.concatenate([rng.normal(0, 0.1, (60, 3)), rng.normal(5, 0.1, (20, 3))]).astype(np.float32)
    assert np.flatnonzero(halves(points)).tolist() == list(range(60, 80))
    assert halves(points[:1]) is None
    assert halves(np.zeros((9, 3), np.float32)) is None


def test_a_beat_that_comes_early_is_told_by_how_much_and_a_pause_is_late():
    rr = np.full(40, 360)
    rr[20], rr[30] = 216, 700
    beats = beats_at(np.cumsum(rr))
    found = early(beats)
    assert found[20] == pytest.approx(0.4)
    assert found[30] == pytest.approx(-0.3)
    assert np.allclose(np.delete(found, [0, 20, 30]), 0, atol=1e-9)


def test_families_are_split_merged_and_hold_added_and_moved_beats():
    kinds = "nnwnnnnwnn" * 6
    recording, script, shapes = reviewed(kinds, "N" * len(kinds))
    wide = np.flatnonzero([kind == "w" for kind in kinds])
    before = membership(script.state, shapes)
    script.enter(editing.merge(script.state, wide, 0))
    assert set(membership(script.state, shapes)[wide]) == {before[0]}
    everyone = np.flatnonzero(membership(script.state, shapes) == before[0])
    part = part_to_split(script.state, shapes, everyone)
    assert set(part) == set(wide), "it falls into what it was merged of"
    script.enter(editing.split(script.state, part))
    after = membership(script.state, shapes)
    assert len(set(after[wide])) == 1
    assert not set(after[wide]) & set(np.delete(after, wide))
    script.enter(editing.add(script.state, int(script.beats.sample[3] + 145), "V", recording.n_samples))
    script.enter(editing.move(script.state, 7, int(script.state.beats.sample[7] + 20), recording.n_samples))
    state = script.state
    found = families(recording, state, shapes)
    assert sorted(np.concatenate([one.members for one in found]).tolist()) == list(range(len(state.beats)))
    [added] = [one for one in found if state.beats.edits.added[one.members].any()]
    assert (added.label, len(added)) == ("V", 1)
    script.enter(editing.merge(script.state, added.members, 0))
    assert membership(script.state, shapes)[added.members[0]] == membership(script.state, shapes)[0]
    for revision in sorted(script.state.live, reverse=True):
        script.enter(editing.undo(script.state, revision))
    assert np.array_equal(membership(script.state, shapes), before)


def test_a_relabelled_family_has_its_new_label_and_is_whole():
    recording, script, shapes = reviewed("nnwnnnnwnn" * 4, "N" * 40)
    family = membership(script.state, shapes)
    members = np.flatnonzero(family == family[2])
    script.enter(editing.relabel(script.state, members, "V"))
    [found] = [one for one in families(recording, script.state, shapes) if 2 in one.members]
    assert (found.label, found.agreement, found.confidence, found.whole) == ("V", 1, 1, True)


def test_the_queue_begins_with_what_the_network_is_least_sure_of_and_what_speaks_against_it():
    _, script, shapes = reviewed("n" * 20, "N" * 20)
    prob = script.beats.prob.copy()
    prob[4], prob[9] = [0.5, 0.44, 0.02, 0.02, 0.02], [0.7, 0.24, 0.02, 0.02, 0.02]
    beats = replace(script.beats, prob=prob)
    script, shapes = Script(beats), replace(shapes, beats=beats)
    assert beats_first(doubt(script.state, shapes), 2).tolist() == [4, 9]
    other = np.array(["N"] * 20)
    other[15] = "V"
    known = Doubts(other=other, weak=np.arange(20) == 16)
    found = doubt(script.state, shapes, known)
    assert beats_first(found, 4).tolist() == [4, 15, 9, 16]
    assert why_doubted(script.state, shapes, 15, known) == "another network says V"
    assert why_doubted(script.state, shapes, 4) == "probability 0.50"
    assert why_doubted(script.state, shapes, 0) == ""


def test_a_mistake_that_was_found_brings_its_kind_to_the_front_and_what_was_looked_at_does_not_come_again():
    kinds = "nnwn" * 20
    _, script, shapes = reviewed(kinds, "N" * len(kinds))
    wide = np.flatnonzero([kind == "w" for kind in kinds])
    for index in wide[:3]:
        script.enter(editing.relabel(script.state, [index], "V"))
    order = beats_first(doubt(script.state, shapes))
    assert set(order[: len(wide) - 3]) == set(wide[3:])
    assert not set(order) & set(wide[:3])
    family = membership(script.state, shapes)
    first = families_first(doubt(script.state, shapes), family, script.state.beats.edits.decided)
    assert family[wide[5]] == first[0]
    script.enter(editing.accept_rest(script.state))
    assert not len(families_first(doubt(script.state, shapes), family, script.state.beats.edits.decided))
    assert len(beats_first(doubt(script.state, shapes))) > 0, "what was accepted together may still be looked at"


@pytest.mark.parametrize("n", [0, 1, 2, 3])
def test_few_beats_are_families_too(n):
    recording, peaks = recorded("nwn")
    beats = beats_at(peaks[:n])
    shapes = beat_shapes(recording, beats)
    state = review_state(beats, ())
    assert sum(map(len, families(recording, state, shapes))) == n
    assert len(doubt(state, shapes)) == n


def test_a_lead_without_signal_does_not_count():
    beats = beats_at(np.arange(1, 30) * 300)
    rng = np.random.default_rng(0)
    samples = rng.normal(0, 1, (29, 2, 40)).astype(np.float32)
    samples[:, 1] = 0
    waves = Waves(samples, np.arange(-15, 25) / 120, ("I", "II"), np.ones(29, np.float32))
    assert np.isfinite(features(beats, waves)).all()


def test_the_picture_shows_the_median_in_its_band_and_says_what_it_is():
    recording, script, shapes = reviewed("nnwn" * 5, "N" * 20)
    [found, *_] = families(recording, script.state, shapes)
    for theme in ("light", "dark"):
        svg = family_svg(found, shapes.waves.time_s, theme=theme, chosen=True)
        assert svg.count("<polyline") == svg.count("<polygon") == len(found.median)
        assert len(svg) < 8000
    image = as_image(svg, 'a "b" <c>')
    assert image.startswith('<img src="data:image/svg+xml;base64,')
    assert "<c>" not in image
    assert "N beats" in alt_text(found)


@pytest.mark.data
def test_families_of_records_that_were_not_trained_on_are_pure(data_root):
    """223, a validation record: ventricular tachycardia and bigeminy, atrial and fusion beats, ectopic beats of many
    shapes. The share of beats whose reference class is that of most of their family is far above the network's."""
    checkpoint = load_checkpoint("beat-se-resnet-lstm")
    for name in ("223",):
        recording = mitdb.open_record(data_root / "mitdb", name)
        record = mitdb.load_record(data_root / "mitdb", name)
        beats = analyse_beats(recording, checkpoint)
        group = beat_shapes(recording, beats).group
        _, to_reference = match_beats(record.sample / record.fs, beats.time_s)
        known = to_reference >= 0
        truth = record.label[to_reference[known]]
        right = (beats.class_index[known] == truth).mean()
        counts = np.zeros((group.max() + 1, 5), int)
        np.add.at(counts, (group[known], truth), 1)
        assert counts.max(axis=1).sum() / known.sum() > max(0.93, right + 0.05)
        assert FEWEST <= len(set(group)) <= MOST


def test_what_is_kept_of_a_review_does_not_hold_more_than_it_shows():
    """A page keeps families and queue of several states: views would keep the arrays that they were cut from."""
    recording, script, shapes = reviewed("nnwnnnunnnwn" * 20, "N" * 240)
    for family in families(recording, script.state, shapes):
        assert all(one.base is None for one in (family.low, family.median, family.high))
    assert beats_first(doubt(script.state, shapes), 5).base is None
    script.enter(editing.relabel(script.state, [3], "V"))
    state = script.state
    assert state.beats.prob is script.beats.prob
    assert state.beats.sample is script.beats.sample
