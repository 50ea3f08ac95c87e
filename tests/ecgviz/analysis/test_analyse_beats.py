"""From a recording to classified beats, with the shipped default checkpoint."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ecgviz.analysis import analyse_beats, choose_device
from ecgviz.analysis.beats import in_memory
from ecgviz.analysis.familiar import seen_in_training
from ecgviz.errors import CheckpointError, ConfigError
from ecgviz.readers import open_recording
from ecgviz.readers.samples import open_sample, simulate_holter
from ecgviz.recording import ArraySource, Recording
from models import Checkpoint, load_checkpoint
from models.checkpoints import DEFAULT_BEAT_CHECKPOINT, DEFAULT_IMAGE_CHECKPOINT, DEFAULT_RECORD_CHECKPOINT


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


def test_an_unknown_lead_is_replaced_with_a_warning_that_stays(sample: Recording, checkpoint: Checkpoint) -> None:
    strange = replace(sample, leads=("ECG1",), name="svdb")
    beats = analyse_beats(strange, checkpoint)
    assert beats.leads == ("ECG1",)
    assert any("trained on lead MLII; this analysis reads ECG1" in warning for warning in beats.warnings)


def test_stopping_keeps_what_is_done(checkpoint: Checkpoint) -> None:
    recording = simulate_holter(seconds=1200)
    stops = iter([False] * 3 + [True] * 1000)
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


def test_both_ways_of_reading_give_the_same_answer(sample: Recording, checkpoint: Checkpoint) -> None:
    one, other = analyse_beats(sample, checkpoint), analyse_beats(in_memory(sample), checkpoint)
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
def test_a_record_of_another_database_keeps_its_warning(data_root: Path, checkpoint: Checkpoint) -> None:
    beats = analyse_beats(open_recording(data_root / "svdb" / "801"), checkpoint)
    assert beats.leads == ("ECG1", "ECG2")
    assert any("ECG1" in warning for warning in beats.warnings)
    assert beats.seen_in_training is None
