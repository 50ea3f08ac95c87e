"""Reasons by parts of a beat: they sum up, they find what was planted, and what they leave out is left as it is."""

from __future__ import annotations

import json
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
from ecgviz.saliency.parts import Reasons, ask, explain_parts, shapley
from ecgviz.saliency.parts_evidence import judge_parts
from ecgviz.saliency.parts_words import document, sentence
from ecgviz.saliency.usual_beat import PARTS, indices_of, usual_of, with_usual_rr, with_usual_waves
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
    timed = with_usual_rr(strip, slot, usual.rr, own[3:])
    x = with_usual_waves(timed.x, int(timed.beats[slot]), usual, own[:3], strip.fs)
    with torch.inference_mode():
        whole = checkpoint.network(x[None], beats=torch.from_numpy(timed.beats)[None])[0, slot].numpy()
    found = ask(checkpoint.network, strip, slot, usual)[own]
    np.testing.assert_allclose(found, whole, atol=0.1)


@settings(max_examples=40, deadline=None)
@given(st.integers(41, 440), st.booleans(), st.booleans())
def test_another_rr_interval_moves_all_that_lies_further_and_nothing_else(
    recording: Recording, checkpoint: Checkpoint, beats: Beats, index: int, before: bool, after: bool
) -> None:
    strip = read_inputs(recording, checkpoint, beats, index)
    usual = usual_of(beats, strip, index)
    slot = int(np.flatnonzero(indices_of(strip) == index)[0])
    timed = with_usual_rr(strip, slot, usual.rr, (before, after))
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


def test_a_network_of_windows_and_a_recording_without_usual_beats_are_one_sentence(
    recording: Recording, checkpoint: Checkpoint, beats: Beats
) -> None:
    with pytest.raises(ConfigError, match="reads no strips"):
        explain_parts(recording, load_checkpoint("beat-dcrnn"), beats, 3)
    with pytest.raises(ConfigError, match="there is no class 'X'"):
        explain_parts(recording, checkpoint, beats, 3, target="X")
    few = beats.take(slice(0, 2))
    with pytest.raises(ConfigError, match="too few beats called N"):
        explain_parts(recording, checkpoint, few, 1)


def test_the_command_line_writes_what_the_sentence_says(beats: Beats, tmp_path, capsys) -> None:
    file, at = tmp_path / "reasons.json", f"{beats.time_s[beats.label == 'V'][3]:.3f}"
    assert main(["explain", SAMPLE, "--at", at, "--parts", "--json", str(file)]) == 0
    found = json.loads(file.read_text())
    assert found["sentence"] in capsys.readouterr().out
    total = sum(part["contribution"] for part in found["parts"]) + found["context"] + found["base"]
    assert total == pytest.approx(found["log_odds"], abs=1e-4)
    assert 0 <= found["top_two_replaced_prob"] <= 1
    assert found["label"] == found["target"] == "V"


def test_a_usual_beat_says_so(recording: Recording, checkpoint: Checkpoint, beats: Beats) -> None:
    index = int(np.flatnonzero(beats.network_prob[:, 0] > 0.98)[10])
    reasons = explain_parts(recording, checkpoint, beats, index)
    assert sentence(reasons).endswith("the beat is like this patient's usual ones.")
    assert document(reasons)["replaced_prob"] > 0.9
