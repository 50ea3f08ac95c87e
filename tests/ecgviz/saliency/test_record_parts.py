"""Reasons by parts of a whole recording: they sum up, they find what was planted, and an exchange changes its part
alone."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit

from ecgviz.__main__ import main
from ecgviz.analysis.records import analyse_record
from ecgviz.errors import ConfigError
from ecgviz.saliency.normal_beat import normal_beat
from ecgviz.saliency.parts import Part
from ecgviz.saliency.record_exchange import WAVES_S, exchange, own_beat
from ecgviz.saliency.record_parts import RecordReasons, ask, explain_record_parts, has_record_parts
from ecgviz.saliency.record_parts_evidence import judge_record_parts, random_contributions
from ecgviz.saliency.record_parts_words import document, sentence
from ecgviz.saliency.records import read_stretch
from models import Checkpoint, load_checkpoint
from models.checkpoints import DEFAULT_RECORD_CHECKPOINT
from readers.core.lead_names import TWELVE_LEADS
from readers.recording import ArraySource, Recording

FS, SECONDS = 250.0, 10.0


@pytest.fixture(scope="module")
def checkpoint() -> Checkpoint:
    return load_checkpoint(DEFAULT_RECORD_CHECKPOINT)


def made(samples: np.ndarray, fs: float = FS) -> Recording:
    source = ArraySource(samples.astype(np.float32))
    return Recording("made", fs, len(samples), TWELVE_LEADS, ("mV",) * 12, source, "array")


def normal_ecg(rr_s: float = 0.88, fs: float = FS) -> tuple[np.ndarray, np.ndarray]:
    """Twelve leads of normal beats with a little noise, (n, 12) in mV, and the R peaks."""
    wave = normal_beat().at("mV", TWELVE_LEADS, fs, rr_s).T
    wave = wave - np.linspace(wave[0], wave[-1], len(wave))
    n = round(SECONDS * fs)
    samples = 0.01 * np.random.default_rng(3).standard_normal((n, 12))
    peaks = np.arange(round(0.5 * fs), n - len(wave), round(rr_s * fs))
    for peak in peaks:
        first = peak + round(normal_beat().start_s * fs)
        samples[first : first + len(wave)] += wave
    return samples, peaks


def with_deep_st(samples: np.ndarray, peaks: np.ndarray, leads: tuple[str, ...]) -> np.ndarray:
    """ST depressed and T inverted in some leads, as a STTC recording has it."""
    samples, columns = samples.copy(), [TWELVE_LEADS.index(lead) for lead in leads]
    time_s = np.arange(round(0.1 * FS), round(0.45 * FS)) / FS
    dip = -0.5 * np.exp(-(((time_s - 0.26) / 0.08) ** 2))
    for peak in peaks:
        samples[np.ix_(peak + np.round(time_s * FS).astype(int), columns)] += dip[:, None]
    return samples


@pytest.fixture(scope="module")
def planted(checkpoint: Checkpoint) -> RecordReasons:
    samples, peaks = normal_ecg()
    return explain_record_parts(made(with_deep_st(samples, peaks, ("I", "aVL", "V5", "V6"))), checkpoint, target="STTC")


def test_normal_beats_are_normal_to_the_network(checkpoint: Checkpoint) -> None:
    samples, _ = normal_ecg()
    assert analyse_record(made(samples), checkpoint).positive_labels == ("NORM",)


@pytest.mark.parametrize("name", [DEFAULT_RECORD_CHECKPOINT, "ecg12-voltages", "eight-lead-small"])
def test_contributions_context_and_base_sum_to_the_headline(name: str) -> None:
    samples, peaks = normal_ecg()
    recording, checkpoint = made(with_deep_st(samples, peaks, ("V3", "V4"))), load_checkpoint(name)
    reasons = explain_record_parts(recording, checkpoint)
    total = sum(part.contribution for part in reasons.parts) + reasons.context + reasons.base
    assert total == pytest.approx(reasons.log_odds, abs=1e-4)
    answer = analyse_record(recording, checkpoint).answer
    assert reasons.prob == pytest.approx(answer.probability[answer.classes.index(reasons.target)], abs=1e-4)


def test_what_was_planted_is_the_strongest_part_and_holds(planted: RecordReasons, checkpoint: Checkpoint) -> None:
    assert planted.strongest[0].name == "ST and T, lateral leads"
    assert planted.replaced_prob < 0.1
    found = judge_record_parts(checkpoint, planted)
    assert not found.weak, found.reasons
    assert abs(found.sham_share) < 0.2


def test_reasons_that_belong_to_other_parts_do_not_hold(planted: RecordReasons, checkpoint: Checkpoint) -> None:
    moved = np.roll([part.contribution for part in planted.parts], 5)
    for values in (moved, random_contributions(checkpoint, planted)):
        claimed = dict(zip((part.name for part in planted.parts), values, strict=True))
        assert judge_record_parts(checkpoint, planted, claimed).weak


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.booleans(), min_size=12, max_size=12),
    st.floats(0.35, 1.6),
    st.sampled_from([100.0, 128.0, 250.0, 500.0]),
)
def test_an_exchange_changes_its_waves_in_its_leads_alone(
    checkpoint: Checkpoint, own: list[bool], rr_s: float, fs: float
) -> None:
    samples, _ = normal_ecg(rr_s, fs)
    task = checkpoint.task
    part = read_stretch(made(samples, fs), task)
    found = exchange(task, part)
    assert found is not None
    changed = found.made([tuple(own)])[0] != part.signal
    for place, (rows, union) in enumerate(zip(found.groups, found.unions, strict=True)):
        kept = [own[player] for player in union]
        assert not changed[list(rows)].any() or not all(kept), place
        for wave, keeps in enumerate(kept):
            middle = found.peaks + round((found.ends[wave] + found.ends[wave + 1]) / 2)
            middle = middle[(middle >= 0) & (middle < changed.shape[1])]
            if keeps and rr_s > 0.9:
                assert not changed[np.ix_(rows, middle)].any()
    assert np.isfinite(found.made([tuple(own)])).all()
    np.testing.assert_array_equal(found.made([(True,) * 12])[0], part.signal)


def test_another_size_of_a_scaled_lead_makes_no_difference(checkpoint: Checkpoint, planted: RecordReasons) -> None:
    samples, peaks = normal_ecg()
    samples = with_deep_st(samples, peaks, ("I", "aVL", "V5", "V6")) * np.linspace(0.3, 4, 12)
    larger = explain_record_parts(made(samples), checkpoint, target="STTC")
    for one, other in zip(planted.parts, larger.parts, strict=True):
        assert one.contribution == pytest.approx(other.contribution, abs=0.05)


def test_the_own_median_beat_changes_next_to_nothing(checkpoint: Checkpoint) -> None:
    samples, peaks = normal_ecg()
    part = read_stretch(made(with_deep_st(samples, peaks, ("II", "III", "aVF"))), checkpoint.task)
    found = exchange(checkpoint.task, part)
    sham = replace(found, instead=own_beat(found)).made([(False,) * 12])
    before, after = ask(checkpoint, part, np.concatenate([part.signal[None], sham]))
    assert np.abs(after - before).max() < 0.5


def test_what_cannot_be_explained_is_one_sentence(checkpoint: Checkpoint) -> None:
    assert not has_record_parts(load_checkpoint("ecg12-vit-small"))
    assert not has_record_parts(load_checkpoint("beat-dcrnn"))
    samples, _ = normal_ecg()
    with pytest.raises(ConfigError, match="there is no label 'X'"):
        explain_record_parts(made(samples), checkpoint, target="X")
    with pytest.raises(ConfigError, match="reads no samples"):
        explain_record_parts(made(samples), load_checkpoint("ecg12-vit-small"))
    with pytest.raises(ConfigError, match="no beat was found"):
        explain_record_parts(made(np.zeros_like(samples)), checkpoint)


def test_an_int8_checkpoint_is_explained_by_the_one_it_was_made_of(planted: RecordReasons) -> None:
    samples, peaks = normal_ecg()
    recording = made(with_deep_st(samples, peaks, ("I", "aVL", "V5", "V6")))
    light = explain_record_parts(recording, load_checkpoint("ecg12-xresnet-int8"), target="STTC")
    assert light.log_odds == pytest.approx(planted.log_odds, abs=1e-6)


def test_the_command_line_writes_what_the_sentence_says(tmp_path, capsys) -> None:
    samples, _ = normal_ecg(fs=100)
    table = tmp_path / "made.csv"
    np.savetxt(table, samples, delimiter=",", header=",".join(TWELVE_LEADS), comments="")
    file = tmp_path / "why.json"
    assert main(["explain", str(table), "--fs", "100", "--unit", "mV", "--target", "MI", "--json", str(file)]) == 0
    found, said = json.loads(file.read_text()), capsys.readouterr()
    assert found["sentence"] in said.out
    total = sum(part["contribution"] for part in found["parts"]) + found["context"] + found["base"]
    assert total == pytest.approx(found["log_odds"], abs=1e-4)
    assert found["target"] == "MI"
    assert set(found["parts"][0]) == {"name", "start_s", "end_s", "contribution", "leads"}
    assert 0 <= found["top_two_replaced_prob"] <= 1
    assert main(["explain", str(table), "--fs", "100", "--method", "occlusion"]) == 2
    assert "--at" in capsys.readouterr().err
    assert main(["explain", str(table), "--fs", "100", "--checkpoint", "beat-strip"]) == 2
    assert "give the time" in capsys.readouterr().err


NAMES = [f"{wave}, {group}" for group in ("inferior leads", "V1 and V2") for wave in WAVES_S]


def told(
    planted: RecordReasons, target: str, values: list[float], context: float, base: float, threshold: float
) -> RecordReasons:
    """Reasons of a network that adds up."""
    parts = tuple(Part(name, -0.1, 0.1, value) for name, value in zip(NAMES, values, strict=True))
    sets = {tuple(bool(number >> bit & 1) for bit in range(6)) for number in range(64)}
    answers = {own: base + context + float(np.dot(own, values)) for own in sets}
    return replace(
        planted,
        target=target,
        parts=parts,
        leads=(("II",),) * 6,
        coalition_values=answers,
        base=base,
        threshold=threshold,
    )


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from(["NORM", "MI", "STTC"]),
    st.lists(st.floats(-5, 5), min_size=6, max_size=6),
    st.floats(-6, 6),
    st.floats(-7, 7),
    st.floats(0.1, 0.9),
)
def test_a_sentence_claims_what_was_measured_and_nothing_small(planted, target, values, context, base, threshold):
    reasons = told(planted, target, values, context, base, threshold)
    words = sentence(reasons)
    assert words.startswith(f"{target} {reasons.prob:.2f}")
    assert words.endswith(".")
    assert ("below its threshold" in words) == (reasons.prob < threshold)
    named = [float(value) for value in re.findall(r"\(([+-]\d+\.\d)\)", words)]
    assert all(abs(value) >= 0.5 for value in named)
    assert all((value < 0) == (target == "NORM") for value in named)
    if "because" in words:
        assert reasons.prob >= threshold
        top = sorted(values)[::-1][: len(named)]
        assert f"{expit(reasons.log_odds - sum(top)):.2f}." in words
    json.dumps(document(reasons), allow_nan=False)
