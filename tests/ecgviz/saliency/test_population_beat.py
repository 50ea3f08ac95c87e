"""The median beat of normal recordings where a recording has no usual one."""

from __future__ import annotations

import numpy as np
import pytest

from ecgviz.analysis import analyse_beats
from ecgviz.results import Beats
from ecgviz.saliency.beat import read_inputs
from ecgviz.saliency.parts import explain_parts
from ecgviz.saliency.parts_evidence import judge_parts
from ecgviz.saliency.parts_words import document, sentence
from ecgviz.saliency.population_beat import BEATS, among_its_like, population_usual
from ecgviz.saliency.window_parts import answer
from models import Checkpoint
from readers.recording import ArraySource, Recording
from tests.models.tasks.test_invariance import heart


def made(samples: np.ndarray, fs: float) -> Recording:
    source = ArraySource(samples.astype(np.float32))
    return Recording("made", fs, len(samples), ("MLII",), ("mV",), source, "array")


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
