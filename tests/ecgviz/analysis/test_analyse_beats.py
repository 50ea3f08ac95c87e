"""From a recording to classified beats, with the shipped default checkpoint."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from ecgviz.analysis import analyse_beats, choose_device
from ecgviz.analysis.seen_in_training import seen_in_training
from ecgviz.errors import CheckpointError, ConfigError
from ecgviz.readers import open_recording
from ecgviz.sources.samples import open_sample, simulate_holter
from models import Checkpoint, load_checkpoint
from models.checkpoints import DEFAULT_BEAT_CHECKPOINT, DEFAULT_IMAGE_CHECKPOINT, DEFAULT_RECORD_CHECKPOINT
from models.data.mitdb import BeatRecord
from models.evaluation.beats import predict_records
from readers.recording import Annotations, ArraySource, Recording


@pytest.fixture(scope="module")
def checkpoint() -> Checkpoint:
    return load_checkpoint(DEFAULT_BEAT_CHECKPOINT)


@pytest.fixture(scope="module")
def sample() -> Recording:
    return open_sample("mitdb-208")


def test_the_sample_is_analysed_from_end_to_end(sample: Recording, checkpoint: Checkpoint) -> None:
    told: list[tuple[int, int, str]] = []
    beats = analyse_beats(sample, checkpoint, progress=lambda *step: told.append(step))
    counts = {name: int((beats.label == name).sum()) for name in beats.classes}
    assert 420 < len(beats) < 520
    assert 80 < counts["V"] < 110, "the annotations count 93 ventricular beats in these five minutes"
    assert counts["N"] > 300
    np.testing.assert_allclose(beats.prob.sum(axis=1), 1.0, atol=1e-5)
    assert (np.diff(beats.sample) > 0).all()
    assert told[-1][0] == told[-1][1] == len(beats)
    assert set(beats.seconds) == {"detect", "classify"}


def test_a_training_record_is_announced_by_name_and_by_its_samples(sample: Recording, checkpoint: Checkpoint) -> None:
    assert seen_in_training(sample, checkpoint) == "208"
    assert seen_in_training(replace(sample, name="somebody"), checkpoint) == "208", "known by its samples"
    assert seen_in_training(simulate_holter(seconds=300), checkpoint) is None


def test_reference_beats_are_taken_as_they_are(checkpoint: Checkpoint) -> None:
    recording = simulate_holter(seconds=120)
    beats = analyse_beats(recording, checkpoint, positions="reference")
    assert np.array_equal(beats.sample, recording.annotations.sample)
    assert beats.source == "reference"


@pytest.mark.parametrize("level", [np.nan, 5.0])
@pytest.mark.parametrize("fault", ["unsorted", "twice", "beyond the ends", "where nothing is"])
def test_marks_of_any_kind_give_each_beat_once(fault: str, level: float, checkpoint: Checkpoint) -> None:
    """Positions of a file may stand in any order, twice, beyond its ends, or where the electrode was off."""
    whole = simulate_holter(seconds=60)
    marks, samples = whole.annotations, whole.signal_mV().copy()
    expected = analyse_beats(whole, checkpoint, positions="reference")
    at, n = marks.sample, whole.n_samples
    if fault == "unsorted":
        at = np.random.default_rng(0).permutation(at)
    elif fault == "twice":
        at = np.repeat(at, 2)
    elif fault == "beyond the ends":
        at = np.concatenate([[-700, -1], at, [n, n + 10**9]])
    else:
        samples[round(20 * whole.fs) : round(25 * whole.fs)] = level
    annotations = Annotations(at, np.full(len(at), "N"), np.full(len(at), ""))
    found = analyse_beats(
        replace(whole, annotations=annotations, source=ArraySource(samples)), checkpoint, positions="reference"
    )
    kept = np.isin(expected.sample, found.sample)
    lost_s = expected.time_s[~kept]
    assert len(lost_s) == 0 or (fault == "where nothing is" and 20 < lost_s.min() < lost_s.max() < 25)
    assert np.array_equal(found.sample, expected.sample[kept])
    assert (found.label == expected.label[kept]).mean() > 0.98
    told = [one for one in found.warnings if "left out" in one]
    lost = len(at) - len(found)
    why = "marked twice, beyond its ends, or where it has no signal"
    assert told == ([f"{whole.name}: {lost} marked beats are left out: {why}."] if lost else [])


@pytest.mark.parametrize("name", [DEFAULT_BEAT_CHECKPOINT, "beat-strip", "beat-dcrnn", "beat-se-resnet-lstm"])
@pytest.mark.parametrize("level", [np.nan, 5.0])
def test_what_is_scored_is_what_is_analysed_across_gaps(name: str, level: float) -> None:
    """At the same beats `evaluate` and `analyze` give the same classes, and those of a side as if it were alone."""
    whole, network = simulate_holter(seconds=110), load_checkpoint(name)
    samples, at = whole.signal_mV().copy(), whole.annotations.sample
    start, end = round(40 * whole.fs), round(70 * whole.fs)
    samples[start:end] = level
    at = at[(at < start) | (at >= end)]
    marks = Annotations(at, np.full(len(at), "N"), np.full(len(at), ""))
    found = analyse_beats(
        replace(whole, annotations=marks, source=ArraySource(samples)), network, positions="reference"
    )
    record = BeatRecord(whole.name, whole.fs, whole.leads, samples, at, np.zeros(len(at), np.int64))
    scored = predict_records(network, [record])
    logits = torch.from_numpy(scored.logits) / network.card.temperature
    np.testing.assert_allclose(torch.softmax(logits, dim=-1), found.prob, atol=1e-5)

    before = replace(
        whole,
        n_samples=start,
        source=ArraySource(samples[:start]),
        annotations=Annotations(at[at < start], np.full((at < start).sum(), "N"), np.full((at < start).sum(), "")),
    )
    alone = analyse_beats(before, network, positions="reference")
    inside = alone.time_s < 37  # beside the gap, filters end as the recording does, but for rounding
    np.testing.assert_allclose(found.network_prob[: len(alone)][inside], alone.network_prob[inside], atol=0.02)


def test_an_unknown_lead_is_replaced_with_a_warning_that_stays(sample: Recording, checkpoint: Checkpoint) -> None:
    strange = replace(sample, leads=("ECG7",), name="strange")
    beats = analyse_beats(strange, checkpoint)
    assert beats.leads == ("ECG7",)
    assert any("trained on lead MLII; this analysis reads ECG7" in warning for warning in beats.warnings)


def test_stopping_keeps_what_is_done(checkpoint: Checkpoint) -> None:
    recording = simulate_holter(seconds=1200)
    stops = iter([False] * 7 + [True] * 1000)  # four of them while it reads
    beats = analyse_beats(recording, checkpoint, positions="reference", should_stop=lambda: next(stops))
    assert 0 < len(beats) < len(recording.annotations)
    assert any("Stopped before the end" in warning for warning in beats.warnings)


@pytest.mark.parametrize("level", [0.0, 1.0, np.nan])
def test_a_recording_without_signal_has_no_beats(level: float, checkpoint: Checkpoint) -> None:
    samples = np.full((20_000, 2), level, np.float32)
    recording = Recording("flat", 360.0, 20_000, ("MLII", "V1"), ("mV", "mV"), ArraySource(samples), "made")
    beats = analyse_beats(recording, checkpoint)
    assert len(beats) == 0
    assert beats.label.shape == beats.confidence.shape == (0,)
    fault = "were not recorded" if np.isnan(level) else "are flat lines"
    assert beats.warnings == (f"flat: leads MLII, V1 {fault} from beginning to end; choose another recording or lead.",)


@pytest.mark.parametrize(("level", "fault"), [(np.nan, "was not recorded"), (0.5, "is a flat line")])
@pytest.mark.parametrize("positions", ["detected", "reference"])
def test_a_stretch_without_signal_is_told(level: float, fault: str, positions: str, checkpoint: Checkpoint) -> None:
    recording = simulate_holter(seconds=700)
    samples = recording.signal_mV()
    fs = recording.fs
    samples[round(290 * fs) : round(320 * fs), 0] = level  # across the edge of a block
    broken = replace(recording, name="made", source=ArraySource(samples))
    beats = analyse_beats(broken, checkpoint, positions=positions)
    told = [warning for warning in beats.warnings if warning not in recording.warnings]
    assert told == [f"made: lead {recording.leads[0]} {fault} from 04:50 to 05:20 (30 s)."]
    samples[round(400 * fs) : round(410 * fs), 0] = level
    told = analyse_beats(broken, checkpoint, positions=positions).warnings[-1]
    assert told == f"made: lead {recording.leads[0]} {fault} in 2 stretches, 40 s in all, first at 04:50."


def test_a_lead_without_signal_is_not_the_likeliest(sample: Recording, checkpoint: Checkpoint) -> None:
    signal = sample.signal_mV()[:, :1]
    both = np.concatenate([np.zeros_like(signal), signal], axis=1)
    alone = analyse_beats(sample, checkpoint)
    for leads, said in ((("ECG8", "ECG9"), "MLII; this"), (("MLII", "ECG9"), "MLII, which has no signal here; this")):
        recording = replace(sample, leads=leads, units=("mV", "mV"), source=ArraySource(both))
        beats = analyse_beats(recording, checkpoint)
        assert beats.leads == (leads[1],)
        assert np.array_equal(beats.sample, alone.sample)
        assert beats.warnings[-1] == f"{sample.name}: no signal on {leads[0]}."
        assert any(f"trained on lead {said} analysis reads {leads[1]}" in warning for warning in beats.warnings)
    pressure = replace(recording, leads=("ABP", "V"), source=ArraySource(np.concatenate([signal, signal], axis=1)))
    assert analyse_beats(pressure, checkpoint).leads == ("V",)
    asked = analyse_beats(recording, checkpoint, lead="MLII")
    assert len(asked) == 0
    assert asked.warnings[-1].startswith("208 (19:34 to 24:34): lead MLII is a flat line from beginning to end")


def test_both_ways_of_reading_give_the_same_answer(sample: Recording, checkpoint: Checkpoint) -> None:
    one, other = analyse_beats(sample, checkpoint), analyse_beats(sample.in_memory(), checkpoint)
    assert np.array_equal(one.sample, other.sample)
    assert np.array_equal(one.prob, other.prob)


def test_what_cannot_be_is_said_in_words(sample: Recording, checkpoint: Checkpoint) -> None:
    with pytest.raises(ConfigError, match="no lead V9"):
        analyse_beats(sample, checkpoint, lead="V9")
    with pytest.raises(ConfigError, match="without beat annotations"):
        analyse_beats(sample, checkpoint, positions="reference")
    with pytest.raises(ConfigError, match="no device 'abacus'"):
        choose_device("abacus")


@pytest.mark.gpu
def test_the_gpu_gives_the_labels_of_the_cpu(sample: Recording) -> None:
    import torch

    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    on_cpu, on_gpu = (analyse_beats(sample, load_checkpoint(DEFAULT_BEAT_CHECKPOINT, d)) for d in ("cpu", "cuda"))
    assert (on_cpu.label == on_gpu.label).mean() > 0.99
    np.testing.assert_allclose(on_cpu.prob, on_gpu.prob, atol=0.05)


@pytest.mark.data
def test_both_file_formats_of_208_give_the_same_beats(data_root: Path, checkpoint: Checkpoint) -> None:
    one, other = (
        analyse_beats(open_recording(data_root / folder / "208"), checkpoint) for folder in ("mitdb", "mitdb_212")
    )
    assert np.array_equal(one.sample, other.sample)
    assert np.array_equal(one.prob, other.prob)
    assert one.seen_in_training == "208"


@pytest.mark.parametrize("name", [DEFAULT_RECORD_CHECKPOINT, DEFAULT_IMAGE_CHECKPOINT])
def test_a_checkpoint_for_something_else_is_refused_in_words(sample: Recording, name: str) -> None:
    with pytest.raises(CheckpointError, match="does not classify beats"):
        analyse_beats(sample, load_checkpoint(name))


@pytest.mark.data
def test_swapped_leads_are_chosen_by_name(data_root: Path, checkpoint: Checkpoint) -> None:
    beats = analyse_beats(open_recording(data_root / "mitdb" / "114"), checkpoint)
    assert beats.leads == ("MLII", "V5")


@pytest.mark.data
def test_a_record_of_another_database_is_read_without_a_false_warning(data_root: Path, checkpoint: Checkpoint) -> None:
    """The network has learnt from leads of this name, of other records of the database."""
    beats = analyse_beats(open_recording(data_root / "svdb" / "801"), checkpoint)
    assert beats.leads == ("ECG1", "ECG2")
    assert not any("trained on lead" in warning for warning in beats.warnings)
    assert beats.seen_in_training is None
