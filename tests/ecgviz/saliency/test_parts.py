"""Reasons by parts of a beat: they sum up, they find what was planted, and what they leave out is left as it is."""

from __future__ import annotations

import copy
import json
import re
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ecgviz.__main__ import main
from ecgviz.analysis import analyse_beats
from ecgviz.errors import ConfigError
from ecgviz.results import Beats
from ecgviz.saliency.beat import read_inputs
from ecgviz.saliency.donors import find_usual
from ecgviz.saliency.parts import Reasons, ask, explain_parts
from ecgviz.saliency.parts_evidence import judge_parts
from ecgviz.saliency.parts_words import document, sentence
from ecgviz.saliency.shapley import shapley
from ecgviz.saliency.usual_beat import (
    INTERVALS,
    PARTS,
    WAVES_S,
    exchange,
    indices_of,
    usual_of,
    with_usual_rr,
    with_usual_waves,
)
from models import Checkpoint, load_checkpoint
from readers.recording import ArraySource, Recording
from tests.models.tasks.test_invariance import heart

SAMPLE = "sample:mitdb-208"


def made(samples: np.ndarray, fs: float) -> Recording:
    source = ArraySource(samples.astype(np.float32))
    return Recording("made", fs, len(samples), ("MLII",), ("mV",), source, "array")


@pytest.mark.parametrize("label", ["V", "F", "N"])
def test_contributions_context_and_base_sum_to_the_log_odds(
    label: str, recording: Recording, checkpoint: Checkpoint, beats: Beats
) -> None:
    for index in np.flatnonzero(beats.label == label)[:60:20]:
        reasons = explain_parts(recording, checkpoint, beats, int(index))
        total = sum(part.contribution for part in reasons.parts) + reasons.context + reasons.base
        assert total == pytest.approx(reasons.log_odds, abs=1e-4)
        alone = beats.network_prob[index, beats.classes.index(reasons.target)]
        assert reasons.prob == pytest.approx(float(alone), abs=1e-3)
        assert [part.name for part in reasons.parts] == list(PARTS)


def test_shapley_values_are_those_of_the_definition() -> None:
    sets = list(product((False, True), repeat=3))
    additive = {one: 2.0 * one[0] - 1.0 * one[1] + 0.5 * one[2] for one in sets}
    assert shapley(additive, 3) == pytest.approx([2.0, -1.0, 0.5])
    both = {one: float(one[0] and one[1]) for one in sets}
    assert shapley(both, 3) == pytest.approx([0.5, 0.5, 0.0])


@settings(max_examples=10, deadline=None)
@given(st.tuples(*(st.booleans() for _ in PARTS)), st.integers(0, 400))
def test_a_variant_is_answered_as_if_it_were_read_whole(
    recording: Recording, checkpoint: Checkpoint, beats: Beats, own: tuple[bool, ...], place: int
) -> None:
    index = 40 + place
    strip = read_inputs(recording, checkpoint, beats, index)
    usual = usual_of(beats, strip, index)
    slot = int(np.flatnonzero(indices_of(strip) == index)[0])
    timed = with_usual_rr(strip, slot, usual, own[3:])
    x = with_usual_waves(timed.x, int(timed.beats[slot]), usual, exchange(usual, [own[:3]], strip.fs))
    with torch.inference_mode():
        whole = checkpoint.network(x, beats=torch.from_numpy(timed.beats)[None])[0, slot].numpy()
    found = ask(checkpoint.network, strip, slot, usual)[own]
    np.testing.assert_allclose(found, whole, atol=0.05)


def test_the_answer_to_a_beat_as_it_is_is_that_of_the_forward_pass(
    recording: Recording, checkpoint: Checkpoint, beats: Beats
) -> None:
    for index in (0, 1, 150, len(beats) - 1):
        strip = read_inputs(recording, checkpoint, beats, index)
        usual = find_usual(recording, checkpoint, beats, index, strip)
        slot = int(np.flatnonzero(indices_of(strip) == index)[0])
        with torch.inference_mode():
            whole = checkpoint.network(strip.x, **strip.kwargs)[0, slot].numpy()
        np.testing.assert_allclose(ask(checkpoint.network, strip, slot, usual)[(True,) * 5], whole, atol=1e-4)


@pytest.mark.parametrize("index", [0, 2, 150])
def test_with_the_gates_of_each_variant_only_what_lies_far_is_left_out(
    index: int, recording: Recording, checkpoint: Checkpoint, beats: Beats
) -> None:
    """What is cut away around the beat, apart from the gates, counts for less than 1e-3 of a logit."""
    network = copy.deepcopy(checkpoint.network)
    for block in network.blocks:
        # Gates that follow no mean are the same in every variant.
        block.se.fc2.weight.data.zero_()
    strip = read_inputs(recording, checkpoint, beats, index)
    usual = find_usual(recording, checkpoint, beats, index, strip)
    slot = int(np.flatnonzero(indices_of(strip) == index)[0])
    found = ask(network, strip, slot, usual)
    for own in found:
        timed = with_usual_rr(strip, slot, usual, own[3:])
        x = with_usual_waves(timed.x, int(timed.beats[slot]), usual, exchange(usual, [own[:3]], strip.fs))
        with torch.inference_mode():
            whole = network(x, beats=torch.from_numpy(timed.beats)[None])[0, slot].numpy()
        np.testing.assert_allclose(found[own], whole, atol=1e-3)


@pytest.fixture(scope="module")
def planted(checkpoint: Checkpoint) -> dict[str, Reasons]:
    """Reasons for V of a wide beat among drawn narrow ones, and for S of one that comes early."""
    fs, seconds = 360, 60
    signal, peak_s = heart(fs, seconds)
    signal, peaks = signal[:, 0], np.rint(peak_s * fs).astype(int)
    wide = signal.copy()
    time = np.arange(-round(0.08 * fs), round(0.08 * fs))
    wide[peaks[30] + time] = 1.4 * np.exp(-((time / fs / 0.04) ** 2))
    cut = round(0.3 * np.diff(peaks).mean())
    early = np.delete(signal, np.arange(peaks[29] + round(0.36 * fs), peaks[29] + round(0.36 * fs) + cut))
    found = {}
    for target, samples in (("V", wide), ("S", early)):
        recording = made(np.column_stack([samples]), fs)
        beats = analyse_beats(recording, checkpoint)
        nearest = int(np.abs(beats.sample - (peaks[30] - (cut if target == "S" else 0))).argmin())
        found[target] = explain_parts(recording, checkpoint, beats, nearest, target=target)
    return found


def test_what_was_planted_is_the_strongest_part(planted: dict[str, Reasons]) -> None:
    assert planted["V"].strongest[0].name == "QRS"
    assert planted["S"].strongest[0].name == "RR before"
    assert "it comes early" in sentence(planted["S"])


def test_reasons_that_belong_to_other_parts_do_not_hold(
    recording: Recording, checkpoint: Checkpoint, beats: Beats
) -> None:
    index = int(np.flatnonzero((beats.label == "V") & (beats.network_prob[:, 2] > 0.95))[4])
    reasons = explain_parts(recording, checkpoint, beats, index)
    own = judge_parts(recording, checkpoint, beats, reasons)
    turned = [part.contribution for part in reasons.parts][::-1]
    other = judge_parts(recording, checkpoint, beats, reasons, dict(zip(PARTS, turned, strict=True)))
    assert not own.weak, own.reasons
    assert other.weak
    assert other.additive < own.additive


def test_a_network_without_recordings_and_an_unknown_class_are_one_sentence(
    recording: Recording, checkpoint: Checkpoint, beats: Beats
) -> None:
    with pytest.raises(ConfigError, match="reads neither strips nor windows"):
        explain_parts(recording, load_checkpoint("heartbeat-rows"), beats, 3)
    with pytest.raises(ConfigError, match="there is no class 'X'"):
        explain_parts(recording, checkpoint, beats, 3, target="X")


def test_the_command_line_writes_what_the_sentence_says(beats: Beats, tmp_path, capsys) -> None:
    file, at = tmp_path / "reasons.json", f"{beats.time_s[beats.label == 'V'][3]:.3f}"
    assert main(["explain", SAMPLE, "--at", at, "--parts", "--json", str(file)]) == 0
    found = json.loads(file.read_text())
    assert found["sentence"] in capsys.readouterr().out
    total = sum(part["contribution"] for part in found["parts"]) + found["context"] + found["base"]
    assert total == pytest.approx(found["log_odds"], abs=1e-4)
    assert 0 <= found["top_two_replaced_prob"] <= 1
    assert found["label"] == found["target"] == "V"
    assert found["usual_from"] == "this recording"
    assert main(["explain", SAMPLE, "--at", at, "--parts", "--each-lead", "--json", str(file)]) == 0
    assert len(json.loads(file.read_text())["parts"]) == 5  # of one lead
    assert main(["explain", SAMPLE, "--at", at, "--each-lead"]) == 2


def test_a_usual_beat_says_so(recording: Recording, checkpoint: Checkpoint, beats: Beats) -> None:
    index = int(np.flatnonzero(beats.network_prob[:, 0] > 0.98)[10])
    reasons = explain_parts(recording, checkpoint, beats, index)
    assert sentence(reasons).endswith("the beat is like this patient's usual ones.")
    assert document(reasons)["replaced_prob"] > 0.9


def test_at_a_gap_and_at_the_ends_there_is_no_rr_interval(checkpoint: Checkpoint) -> None:
    signal, _ = heart(360, 60)
    signal[20 * 360 : 24 * 360] = np.nan
    recording = made(signal[:, :1], 360)
    beats = analyse_beats(recording, checkpoint)
    behind = int(np.flatnonzero(beats.time_s > 24)[0])
    for index, name in (
        (0, "RR before"),
        (behind, "RR before"),
        (behind - 1, "RR after"),
        (len(beats) - 1, "RR after"),
    ):
        [part] = [one for one in explain_parts(recording, checkpoint, beats, index).parts if one.name == name]
        assert part.start_s == part.end_s
        assert abs(part.contribution) < 0.2


def test_a_base_of_probabilities_rounded_to_nothing_is_a_number(
    recording: Recording, checkpoint: Checkpoint, beats: Beats
) -> None:
    sure = np.zeros_like(beats.prob)
    sure[np.arange(len(beats)), beats.class_index] = 1.0
    index = int(np.flatnonzero(beats.label == "V")[5])
    reasons = explain_parts(recording, checkpoint, replace(beats, prob=sure, alone=sure), index)
    assert np.isfinite(reasons.base)
    json.dumps(document(reasons), allow_nan=False)


def test_leads_one_by_one_sum_up_to_the_same(checkpoint: Checkpoint) -> None:
    signal = heart(360, 40)[0][:, 0]
    source = ArraySource(np.column_stack([signal, -0.4 * signal]).astype(np.float32))
    recording = Recording("made", 360, len(signal), ("MLII", "V1"), ("mV", "mV"), source, "array")
    beats, index = analyse_beats(recording, checkpoint), 20
    together = explain_parts(recording, checkpoint, beats, index)
    each = explain_parts(recording, checkpoint, beats, index, each_lead=True)
    assert [part.name for part in each.parts] == [
        *(f"{wave} in {lead}" for lead in beats.leads for wave in WAVES_S),
        *INTERVALS,
    ]
    total = sum(part.contribution for part in each.parts) + each.context + each.base
    assert total == pytest.approx(each.log_odds, abs=1e-4)
    assert each.log_odds == pytest.approx(together.log_odds, abs=1e-4)
    assert each.replaced_prob == pytest.approx(together.replaced_prob, abs=1e-4)
    assert {part.leads for part in each.parts} == {("MLII",), ("V1",), ()}
    named = document(each)["parts"]
    assert [part.get("leads") for part in named[:3]] == [[beats.leads[0]]] * 3
    assert {part["bounds"] for part in named[:3]} <= {"measured", "fixed"}
    judge_parts(recording, checkpoint, beats, each)


def test_where_no_usual_beat_is_nearby_reasons_are_told_and_called_weak(
    recording: Recording, checkpoint: Checkpoint, beats: Beats
) -> None:
    """A minute of ventricular beats: the usual beat comes from elsewhere, and nothing in the strip can be a sham."""
    prob = beats.prob.copy()
    near = indices_of(read_inputs(recording, checkpoint, beats, 150))
    v, n = beats.classes.index("V"), beats.classes.index("N")
    prob[near] = 0
    prob[near, v], prob[near, n] = 0.9, 0.1
    forced = replace(beats, prob=prob)
    index = int(near[np.flatnonzero(beats.network_label[near] == "V")[2]])
    reasons = explain_parts(recording, checkpoint, forced, index)
    found = judge_parts(recording, checkpoint, forced, reasons)
    assert found.sham_share is None
    assert found.weak
    assert "no beat called N nearby" in " ".join(found.reasons)


@pytest.mark.parametrize("at", range(0, 400, 40))
def test_shares_told_are_shares(at: int, recording: Recording, checkpoint: Checkpoint, beats: Beats) -> None:
    for target in ("S", "F"):
        reasons = explain_parts(recording, checkpoint, beats, at, target=target)
        for share in re.findall(r"(-?\d+)%", " ".join(judge_parts(recording, checkpoint, beats, reasons).reasons)):
            assert 0 <= int(share) <= 100


def test_the_command_line_says_what_must_be_seen_beside_reasons(beats: Beats, tmp_path, capsys) -> None:
    file = tmp_path / "reasons.json"
    assert main(["explain", SAMPLE, "--at", "60", "--parts", "--json", str(file)]) == 0
    out = capsys.readouterr()
    found = json.loads(file.read_text())
    assert found["seen_in_training"] == beats.seen_in_training
    assert ("seen in training" in out.out) == bool(beats.seen_in_training)
    assert found["warnings"] == list(beats.warnings)
    assert main(["explain", SAMPLE, "--at", "60", "--parts", "--method", "occlusion"]) == 2
    assert "method" in capsys.readouterr().err


def test_what_was_not_tested_has_not_passed(
    recording: Recording, checkpoint: Checkpoint, beats: Beats, tmp_path, capsys
) -> None:
    index = int(np.flatnonzero(beats.network_prob[:, 0] > 0.98)[10])
    found = judge_parts(recording, checkpoint, beats, explain_parts(recording, checkpoint, beats, index))
    assert found.share is None
    assert not found.tested
    assert not found.weak
    file = tmp_path / "reasons.json"
    assert main(["explain", SAMPLE, "--at", f"{beats.time_s[index]:.3f}", "--json", str(file)]) == 0
    assert "passed" not in capsys.readouterr().out
    assert json.loads(file.read_text())["evidence"]["share"] is None
