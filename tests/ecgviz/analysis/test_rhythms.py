"""Rhythm beside the beats: what a network with a head for it answers, and what becomes of its answer."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ecgviz.analysis import analyse_beats
from ecgviz.analysis.compare import compare_beats
from ecgviz.analysis.navigate import beats_of, next_beat
from ecgviz.analysis.rhythms import (
    atrial_fibrillation,
    beat_of_episode_before,
    beat_of_next_episode,
    with_rhythms,
)
from ecgviz.analysis.summary import summarise
from ecgviz.beat_command import beats_document
from ecgviz.reports.tables import beat_table, episode_table, episodes_csv
from ecgviz.results import Beats, RhythmEpisode
from ecgviz.saliency import explain_beat
from models import Checkpoint, load_checkpoint
from models.checkpoints import CARD, DEFAULT_BEAT_CHECKPOINT
from models.core.errors import CheckpointError
from models.data.rhythms import RHYTHM_CLASSES, rhythm_of_beats
from models.evaluation.beats import classify
from models.metrics.rhythms import reference_episodes, time_counts, time_scores
from models.plugins import plugin_of
from readers.recording import Recording
from tests.ecgviz.rhythmic import AF_S, fibrillating, registered, rhythm_checkpoint

CLASSES = tuple("NSVFQ")


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory) -> Checkpoint:
    return rhythm_checkpoint(tmp_path_factory.mktemp("checkpoints") / "rhythm")


@pytest.fixture(scope="module")
def recording() -> Recording:
    return fibrillating()


@pytest.fixture(scope="module")
def analysed(recording, checkpoint) -> Beats:
    return analyse_beats(recording, checkpoint, positions="reference")


def beats(labels: str, rhythms: tuple[RhythmEpisode, ...] = (), sure: float = 0.8) -> Beats:
    """A beat a second, of these classes by the network."""
    prob = np.full((len(labels), 5), (1 - sure) / 4, np.float32)
    prob[np.arange(len(labels)), [CLASSES.index(letter) for letter in labels]] = sure
    sample = 100 * np.arange(1, len(labels) + 1)
    return Beats(sample, prob, CLASSES, 100.0, "x", ("I",), rhythms=rhythms, rhythm_classes=RHYTHM_CLASSES)


def episode(start_s: float, end_s: float, label: str) -> RhythmEpisode:
    return RhythmEpisode(start_s, end_s, label, 0.9)


def test_the_rhythm_of_a_recording_is_found(analysed, recording):
    assert [one.label for one in analysed.rhythms] == ["N", "AFIB", "N"]
    found = analysed.rhythms[1]
    assert (found.start_s, found.end_s) == pytest.approx(AF_S, abs=5)
    assert (analysed.rhythms[0].start_s, analysed.rhythms[-1].end_s) == (0.0, recording.duration_s)
    assert all(0.5 < one.prob <= 1 for one in analysed.rhythms)
    assert analysed.rhythm_prob.shape == (len(analysed), len(RHYTHM_CLASSES))
    np.testing.assert_allclose(analysed.rhythm_prob.sum(axis=1), 1, atol=1e-5)
    marks = recording.annotations
    scores = time_scores(
        time_counts(
            reference_episodes(marks.sample, marks.symbol, marks.aux, recording.fs, recording.duration_s),
            analysed.rhythms,
        )
    )
    assert min(scores["se"], scores["sp"]) > 0.9


def test_in_af_early_is_not_s(analysed, recording):
    """The network calls early beats S wherever they are; only those outside AF stay so."""
    early = analysed.network_label == "S"
    in_af = analysed.rhythm == "AFIB"
    assert (early & in_af).sum() > 10
    assert set(analysed.label[in_af]) == {"N"}
    assert (analysed.label[~in_af] == analysed.network_label[~in_af]).all()
    true = recording.annotations.symbol[np.isin(recording.annotations.symbol, ["N", "A"])]
    at_its_edges = np.abs(analysed.time_s[:, None] - AF_S).min(axis=1) < 5
    assert np.array_equal(analysed.label[~at_its_edges] == "S", true[~at_its_edges] == "A")
    [warning] = [one for one in analysed.warnings if "early" in one]
    assert warning.startswith(f"{(early & in_af).sum()} early beats within atrial fibrillation or flutter count as N")


def test_the_networks_own_answer_is_kept(analysed, recording, checkpoint):
    logits = classify(checkpoint, recording.signal_mV, recording.fs, recording.n_samples, analysed.sample)
    assert np.array_equal(analysed.prob, torch.softmax(torch.from_numpy(logits.classes), dim=-1).numpy())
    assert np.array_equal(analysed.network_label, np.array(CLASSES)[analysed.prob.argmax(axis=1)])


def test_batches_of_another_size_say_the_same(analysed, recording, checkpoint, monkeypatch):
    monkeypatch.setattr(type(plugin_of(checkpoint)), "batch_sizes", {"cpu": 1, "other": 1})
    again = analyse_beats(recording, checkpoint, positions="reference")
    assert [(one.label, one.start_s, one.end_s) for one in again.rhythms] == [
        (one.label, one.start_s, one.end_s) for one in analysed.rhythms
    ]
    np.testing.assert_allclose(again.rhythm_prob, analysed.rhythm_prob, atol=1e-5)


def test_the_temperature_of_the_rhythms_is_their_own(recording, tmp_path):
    mild = analyse_beats(recording, rhythm_checkpoint(tmp_path / "mild", rhythm_temperature=3.0))
    usual = analyse_beats(recording, rhythm_checkpoint(tmp_path / "usual"))
    assert np.array_equal(mild.prob, usual.prob)
    assert mild.rhythm_prob.max(axis=1).mean() < usual.rhythm_prob.max(axis=1).mean() - 0.05


def test_a_checkpoint_without_rhythms_says_nothing_of_them(recording):
    found = analyse_beats(recording, load_checkpoint(DEFAULT_BEAT_CHECKPOINT))
    if found.rhythm_classes:
        pytest.skip("the default checkpoint knows rhythms")
    assert (found.rhythms, found.rhythm_prob) == ((), None)
    assert np.array_equal(found.label, found.network_label)
    assert set(found.rhythm) == {""}
    document = beats_document(recording, found)
    assert (document["rhythms"], document["af_burden"]) == (None, None)
    assert "rhythm" not in document["beats"][0]
    assert "rhythm" not in beat_table(found)
    assert summarise(found).af is None


def test_maps_explain_the_class_that_the_network_said(analysed, recording, checkpoint):
    ruled = int(np.flatnonzero(analysed.not_early)[0])
    assert explain_beat(recording, checkpoint, analysed, ruled).target == "S"


def test_a_card_that_names_other_rhythms_is_refused(tmp_path):
    with registered():
        rhythm_checkpoint(tmp_path / "one")
        assert load_checkpoint(tmp_path / "one").card.rhythm_classes == RHYTHM_CLASSES
        card = json.loads((tmp_path / "one" / CARD).read_text())
        (tmp_path / "one" / CARD).write_text(json.dumps(card | {"rhythm_classes": ["N", "AFIB"]}))
        with pytest.raises(CheckpointError, match="does not fit the network it names"):
            load_checkpoint(tmp_path / "one")


def test_the_document_holds_episodes_and_both_labels(analysed, recording):
    document = json.loads(json.dumps(beats_document(recording, analysed)))
    assert [one["label"] for one in document["rhythms"]] == ["N", "AFIB", "N"]
    assert set(document["rhythms"][0]) == {"start_s", "end_s", "label", "prob"}
    assert document["af_burden"] == pytest.approx((AF_S[1] - AF_S[0]) / 180, abs=0.04)
    rows = document["beats"]
    ruled = [row for row in rows if row["label"] != row["network_label"]]
    assert len(ruled) == analysed.not_early.sum()
    assert {(row["label"], row["network_label"], row["rhythm"]) for row in ruled} == {("N", "S", "AFIB")}
    table = beat_table(analysed)
    assert table["rhythm"].tolist() == [row["rhythm"] for row in rows]
    assert table["network_label"].tolist() == [row["network_label"] for row in rows]
    assert episode_table(analysed)["rhythm"].tolist() == ["N", "AFIB", "N"]
    assert episodes_csv(analysed).splitlines()[0] == "rhythm,start_s,end_s,duration_s,prob"


def test_what_is_counted_compared_and_looked_for_follows_the_rule():
    plain, ruled = beats("NSVSN"), beats("NSVSN", (episode(0, 2.5, "N"), episode(2.5, 9, "AFL")))
    assert summarise(ruled).counts == {"N": 3, "S": 1, "V": 1, "F": 0, "Q": 0}
    assert beats_of(ruled, "S").tolist() == [1]
    assert next_beat(ruled, "S", 2.5) == 1
    compared = compare_beats(plain, ruled)
    assert compared.differing.tolist() == [[3, 3]]
    assert (compared.counts[1, 0], compared.counts[1, 1]) == (1, 1)
    assert ruled.confidence == pytest.approx([0.8, 0.8, 0.8, 0.85, 0.8]), (
        "N and S together where they are not told apart"
    )


@settings(deadline=None)
@given(
    labels=st.text(st.sampled_from("NSVFQ"), max_size=30),
    names=st.lists(st.sampled_from(RHYTHM_CLASSES), min_size=1, max_size=4),
    cut=st.tuples(st.integers(0, 30), st.integers(0, 30)),
)
def test_only_s_within_af_changes_and_parts_say_what_the_whole_says(labels, names, cut):
    edges = np.linspace(0.5, len(labels) + 0.5, len(names) + 1)
    rhythms = tuple(episode(a, b, name) for a, b, name in zip(edges[:-1], edges[1:], names, strict=True))
    found = beats(labels, rhythms if labels else ())
    changed = found.label != found.network_label
    assert np.array_equal(changed, (found.network_label == "S") & np.isin(found.rhythm, ["AFIB", "AFL"]))
    assert set(found.label[changed]) <= {"N"}
    part = found.take(slice(*sorted(cut)))
    for name in ("label", "network_label", "rhythm", "confidence", "class_index"):
        assert np.array_equal(getattr(part, name), getattr(found, name)[slice(*sorted(cut))])


def test_one_beat_is_told_in_the_singular():
    prob = np.zeros((20, 9), np.float32)
    prob[:, 1] = 1
    found = with_rhythms(replace(beats("N" * 19 + "S"), warnings=("kept.",)), prob, RHYTHM_CLASSES, 21.0)
    assert found.warnings[0] == "kept."
    assert found.warnings[1].startswith("1 early beat within atrial fibrillation or flutter counts as N")
    assert len(with_rhythms(beats("N" * 20), prob, RHYTHM_CLASSES, 21.0).warnings) == 0


def test_fibrillation_and_flutter_that_follow_each_other_are_one():
    rhythms = [
        episode(0, 100, "AFIB"),
        episode(100, 120, "AFL"),
        episode(120, 180, "N"),
        episode(180, 200, "AFIB"),
        episode(230, 250, "AFIB"),
    ]
    found = atrial_fibrillation(rhythms)
    assert (found.episodes, found.clinical, found.longest_s) == (3, 1, 120)
    assert found.burden == pytest.approx(160 / 220)
    none = atrial_fibrillation([episode(0, 50, "N")])
    assert (none.burden, none.episodes, none.longest_s) == (0, 0, 0)


def test_steps_between_episodes():
    rhythms = [episode(0, 10, "N"), episode(10, 20, "AFIB"), episode(20, 30, "N"), episode(30, 40, "VT")]
    found = beats("N" * 39, tuple(rhythms))  # a beat each second from 1 s on, so the beat at 10 s has index 9
    assert [beat_of_next_episode(found, at) for at in (-1, 5, 10, 29, 30, 99)] == [9, 9, 29, 29, 9, 9]
    assert [beat_of_episode_before(found, at) for at in (99, 39, 30, 29, 15, 10, 0)] == [29, 9, 9, 9, 29, 29, 29]
    assert beat_of_next_episode(beats("NNN", (episode(0, 5, "N"),)), 0) is None
    assert beat_of_episode_before(beats("NNN"), 0) is None
    assert beat_of_next_episode(beats(""), 0) is None


def test_stepping_on_visits_every_episode_and_back_again():
    """Also those at the ends of the recording, where the view cannot bring them into its middle."""
    names = ["AFIB", "N", "VT", "AFL", "N", "B"]
    found = beats("N" * 59, tuple(episode(10 * n, 10 * n + 10, name) for n, name in enumerate(names)))
    starts, at = [], beat_of_next_episode(found, -1)
    for _ in range(5):
        starts.append(at)
        at = beat_of_next_episode(found, found.time_s[at])
    assert starts == [0, 19, 29, 49, 0]
    back, at = [], 49
    for _ in range(5):
        back.append(at)
        at = beat_of_episode_before(found, found.time_s[at])
    assert back == [49, 29, 19, 0, 49]


def test_notes_and_episodes_agree_at_the_beats(recording, analysed):
    marks = recording.annotations
    reference = np.array(rhythm_of_beats(marks.sample, marks.symbol, marks.aux, analysed.sample))
    assert (analysed.rhythm == reference).mean() > 0.9
