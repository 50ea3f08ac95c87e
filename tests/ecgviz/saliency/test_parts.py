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
from scipy.special import expit

from ecgviz.__main__ import main
from ecgviz.analysis import analyse_beats
from ecgviz.errors import ConfigError
from ecgviz.results import Beats
from ecgviz.saliency.beat import read_inputs
from ecgviz.saliency.donors import find_usual
from ecgviz.saliency.parts import Part, Reasons, ask, explain_parts
from ecgviz.saliency.parts_evidence import judge_parts
from ecgviz.saliency.parts_words import document, sentence
from ecgviz.saliency.population_beat import BEATS, among_its_like, population_usual
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
from ecgviz.saliency.wave_bounds import with_measured_waves
from ecgviz.saliency.window_parts import answer, read_strip, window_logits, window_ratios
from ecgviz.sources.address import open_address
from models import Checkpoint, load_checkpoint
from models.checkpoints import DEFAULT_BEAT_CHECKPOINT
from readers.recording import ArraySource, Recording
from tests.models.tasks.test_invariance import heart

SAMPLE = "sample:mitdb-208"


@pytest.fixture(scope="module")
def checkpoint() -> Checkpoint:
    return load_checkpoint(DEFAULT_BEAT_CHECKPOINT)


@pytest.fixture(scope="module")
def recording() -> Recording:
    return open_address(SAMPLE)


@pytest.fixture(scope="module")
def beats(recording: Recording, checkpoint: Checkpoint) -> Beats:
    return analyse_beats(recording, checkpoint)


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


@settings(max_examples=40, deadline=None)
@given(st.integers(41, 440), st.booleans(), st.booleans())
def test_another_rr_interval_moves_all_that_lies_further_and_nothing_else(
    recording: Recording, checkpoint: Checkpoint, beats: Beats, index: int, before: bool, after: bool
) -> None:
    strip = read_inputs(recording, checkpoint, beats, index)
    usual = usual_of(beats, strip, index)
    slot = int(np.flatnonzero(indices_of(strip) == index)[0])
    timed = with_usual_rr(strip, slot, usual, (before, after))
    (first, second), (moved_before, moved_after) = timed.cuts, timed.shifts
    assert timed.x.shape[-1] == strip.x.shape[-1] + moved_before + moved_after
    rr, old = np.diff(timed.beats), np.diff(strip.kwargs["beats"][0].numpy())
    if not before:
        assert abs(rr[slot - 1] - usual.rr) <= 2 or moved_before == -first
    if not after and slot < len(rr):
        assert abs(rr[slot] - usual.rr) <= 2 or moved_after == first - second
    others = np.setdiff1d(np.arange(len(rr)), [slot - 1, slot])
    np.testing.assert_array_equal(rr[others], old[others])
    x = strip.x[0]
    head = first + min(moved_before, 0)
    torch.testing.assert_close(timed.x[:, :head], x[:, :head])
    torch.testing.assert_close(timed.x[:, second + moved_before + moved_after :][:, -50:], x[:, -50:])


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


def told(
    target: str,
    contributions: dict[str, float],
    context: float,
    base: float,
    rr_s: tuple[float, float] = (0.8, 0.8),
    rival: str = "N",
) -> Reasons:
    """Reasons of a network that adds up: what ``rival`` has is what ``target`` has not."""
    values = [contributions.get(name, 0.0) for name in PARTS]
    answers = {own: base + context + float(np.dot(own, values)) for own in product((False, True), repeat=len(PARTS))}
    chance = {own: float(expit(value)) for own, value in answers.items()}
    said = {own: (target, p) if p >= 0.5 else (rival, 1 - p) for own, p in chance.items()}
    places = [(9.7, 9.9), (9.9, 10.1), (10.1, 10.4), (10 - rr_s[0], 10.0), (10.0, 10 + rr_s[1])]
    parts = tuple(Part(name, *place, value) for name, place, value in zip(PARTS, places, values, strict=True))
    return Reasons(
        beat=9, target=target, parts=parts, base=base, usual=np.zeros((1, 80), np.float32), usual_start_s=9.7,
        leads=("II",), usual_of=9, population=False, groups=((0,),),
        checkpoint="made", usual_rr_s=0.8, coalition_values=answers, coalition_labels=said,
    )  # fmt: skip


BROUGHT = st.fixed_dictionaries({name: st.floats(-9, 9) for name in PARTS})


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from("NSVF"),
    BROUGHT,
    st.floats(-6, 6),
    st.floats(-7, 7),
    st.tuples(st.sampled_from([0.0, 0.3, 0.78, 0.8, 0.82, 1.4]), st.sampled_from([0.0, 0.3, 0.78, 0.8, 0.82, 1.4])),
)
def test_a_sentence_claims_what_was_measured_and_nothing_small(target, brought, context, base, rr_s) -> None:
    reasons = told(target, brought, context, base, rr_s, rival="V" if target == "N" else "N")
    words = sentence(reasons)
    assert words.endswith(".")
    assert "  " not in words
    assert "because ;" not in words
    assert "although ;" not in words
    assert "P wave" not in words, "a paced beat has none"
    for value in re.findall(r"\(([+-]\d+\.\d)\)", words):
        assert abs(float(value)) >= 0.5
    before = "it comes" in words.replace("next beat comes", "")
    assert not before or rr_s[0] > 0, "there is no RR interval at a gap"
    if before:
        assert ("it comes early" in words or "it comes slightly early" in words) == (rr_s[0] < 0.8)
        assert ("slightly" in words.split("it comes ")[1][:9]) == (0.72 < rr_s[0] < 0.88)
    if "a pause follows" in words:
        assert rr_s[1] >= 0.96
    likeliest, prob = reasons.label_without()
    assert words.startswith(f"{target} {reasons.prob:.2f}")
    assert (f"behind {likeliest} {prob:.2f}" in words) == (likeliest != target)
    assert ("because" in words) <= (likeliest == target != "N")
    if target == "N":
        assert "still be N" not in words
    json.dumps(document(reasons), allow_nan=False)


@pytest.mark.parametrize(
    ("reasons", "words"),
    [
        (
            told("V", {"QRS": 2.0, "RR before": 1.4}, -0.2, -5.0, (0.4, 0.8)),
            (
                "V 0.14, behind N 0.86 in the beat's own strip: for V, its QRS (+2.0) is unlike this patient's usual "
                "and it comes early (+1.4)."
            ),
        ),
        (told("V", {}, 0.1, -4.0), "V 0.02, behind N 0.98 in the beat's own strip: no part of the beat speaks for V."),
        (
            told("S", {"P and PR": 0.4}, 0.2, 0.0),
            "S 0.65: no part of the beat stands out; with all parts of the beat as usual it would still be S 0.55.",
        ),
        (
            told("N", {"RR before": -2.0}, 0.0, 3.0, (0.5, 0.8)),
            "N 0.73, although it comes early (-2.0); with the usual one it would be N 0.95.",
        ),
        (
            told("N", {}, -3.0, 4.0),
            "N 0.73: the beat is like this patient's usual ones, but the rest of the strip speaks against it (-3.0).",
        ),
        (
            told("V", {"P and PR": 2.0, "QRS": 6.0}, 0.0, -5.0),
            (
                "V 0.95, because its QRS (+6.0) and the stretch before the QRS (+2.0) are unlike this patient's usual; "
                "with the usual ones it would be N 0.99."
            ),
        ),
    ],
)
def test_sentences_as_a_cardiologist_reads_them(reasons: Reasons, words: str) -> None:
    assert sentence(reasons) == words


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


@pytest.mark.filterwarnings("error::RuntimeWarning")
@pytest.mark.parametrize("seconds", [1.6, 2.4, 5.0])
def test_a_recording_without_usual_beats_is_compared_with_those_of_others(
    seconds: float, checkpoint: Checkpoint
) -> None:
    recording = made(heart(360, seconds)[0][:, :1], 360)
    beats = analyse_beats(recording, checkpoint).take(slice(0, 2))
    for index in range(len(beats)):
        reasons = explain_parts(recording, checkpoint, beats, index)
        found, words = document(reasons), sentence(reasons)
        assert reasons.population
        assert found["usual_from"] == "normal recordings"
        assert found["usual_of"] > 100
        assert "no usual beat" in words
        assert "this patient" not in words
        total = sum(part["contribution"] for part in found["parts"]) + found["context"] + found["base"]
        assert total == pytest.approx(found["log_odds"], abs=1e-4)
        if reasons.target != "N":
            assert judge_parts(recording, checkpoint, beats, reasons).weak, "there is no sham"


def test_a_normal_beat_of_others_is_called_normal_among_its_like(
    recording: Recording, checkpoint: Checkpoint, beats: Beats
) -> None:
    strip = read_inputs(recording, checkpoint, beats, 150)
    for leads in (("MLII", "V1"), ("II", "V5"), ("ECG", "ECG1"), ("MLII",)):
        x, places = among_its_like(population_usual(strip, leads))
        logits = answer(checkpoint, x, places, strip.fs, BEATS // 2)
        assert beats.classes[int(logits.argmax())] == "N"


@settings(max_examples=15, deadline=None)
@given(st.integers(41, 440), st.floats(0.2, 5.0), st.booleans())
def test_bounds_of_waves_follow_each_other_whatever_the_size_and_sign(
    recording: Recording, checkpoint: Checkpoint, beats: Beats, index: int, size: float, down: bool
) -> None:
    strip = read_inputs(recording, checkpoint, beats, index)
    strip = replace(strip, x=strip.x * (-size if down else size))
    usual = usual_of(beats, strip, index)
    slot = int(np.flatnonzero(indices_of(strip) == index)[0])
    found = with_measured_waves(usual, strip, slot)
    ends = [place for wave in found.waves_s.values() for place in wave]
    assert ends == sorted(ends)
    assert ends[1] == ends[2]
    assert ends[3] == ends[4]
    assert usual.start / strip.fs <= ends[0] + 0.01
    assert ends[-1] <= (usual.start + usual.wave.shape[1]) / strip.fs + 0.01
    plain = with_measured_waves(usual_of(beats, replace(strip, x=strip.x * 2), index), strip, slot)
    assert found.measured == plain.measured, "no voltage decides"


def test_noise_has_no_measured_bounds(recording: Recording, checkpoint: Checkpoint, beats: Beats) -> None:
    strip = read_inputs(recording, checkpoint, beats, 150)
    usual = usual_of(beats, strip, 150)
    slot = int(np.flatnonzero(indices_of(strip) == 150)[0])
    for x in (torch.zeros_like(strip.x), torch.rand(strip.x.shape, generator=torch.Generator().manual_seed(0))):
        found = with_measured_waves(usual, replace(strip, x=x), slot)
        assert "QRS" not in found.measured
        assert found.waves_s["QRS"] == WAVES_S["QRS"]


def test_donors_that_are_unlike_the_others_are_left_out(
    recording: Recording, checkpoint: Checkpoint, beats: Beats
) -> None:
    strip = read_inputs(recording, checkpoint, beats, 150)
    before = usual_of(beats, strip, 150)
    position, index = strip.kwargs["beats"][0].numpy(), indices_of(strip)
    noisy = before.beats[:3]
    x = strip.x.clone()
    for one in noisy:
        at = int(position[index == one][0])
        x[..., at - 40 : at + 40] += 5 * torch.randn(80, generator=torch.Generator().manual_seed(int(one)))
    after = usual_of(beats, replace(strip, x=x), 150)
    assert not set(noisy) & set(after.beats)
    np.testing.assert_allclose(after.wave, before.wave, atol=0.1)


@pytest.mark.parametrize("name", ["beat-dcrnn", "beat-se-resnet-lstm"])
def test_networks_of_windows_are_asked_by_the_same_parts(name: str, recording: Recording) -> None:
    windows = load_checkpoint(name)
    beats = analyse_beats(recording, windows)
    for index in (0, int(np.flatnonzero(beats.label == "V")[5]), len(beats) - 1):
        reasons = explain_parts(recording, windows, beats, index)
        assert [part.name for part in reasons.parts] == list(PARTS)
        total = sum(part.contribution for part in reasons.parts) + reasons.context + reasons.base
        assert total == pytest.approx(reasons.log_odds, abs=1e-4)
        alone = beats.network_prob[index, beats.classes.index(reasons.target)]
        assert reasons.prob == pytest.approx(float(alone), abs=1e-3)
    ventricular = explain_parts(recording, windows, beats, int(np.flatnonzero(beats.label == "V")[5]))
    [qrs] = [part for part in ventricular.parts if part.name == "QRS"]
    assert qrs.contribution > 0
    assert "strip" not in sentence(ventricular)
    judge_parts(recording, windows, beats, ventricular)


def test_a_window_of_the_strip_is_the_window_of_the_recording(recording: Recording) -> None:
    windows = load_checkpoint("beat-dcrnn")
    beats = analyse_beats(recording, windows)
    for index in (0, 3, 200, len(beats) - 1):
        strip = read_strip(recording, windows, beats, index)
        slot = int(np.flatnonzero(indices_of(strip) == index)[0])
        usual = usual_of(beats, strip, index)
        inputs = read_inputs(recording, windows, beats, index)
        timed = with_usual_rr(strip, slot, usual, (True, True))
        with torch.inference_mode():
            found = window_logits(
                windows, timed.x[None], int(timed.beats[slot]), window_ratios(beats, index, (0.0, 0.0))
            )
            whole = windows.network(inputs.x, **inputs.kwargs).numpy()
        np.testing.assert_allclose(found, whole, atol=1e-3)


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
