"""Networks of windows are asked by the parts of the strip that their windows lie in."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ecgviz.analysis import analyse_beats
from ecgviz.saliency.beat import read_inputs
from ecgviz.saliency.parts import explain_parts
from ecgviz.saliency.parts_evidence import judge_parts
from ecgviz.saliency.parts_words import sentence
from ecgviz.saliency.usual_beat import (
    PARTS,
    indices_of,
    usual_of,
    with_usual_rr,
)
from ecgviz.saliency.window_parts import read_strip, window_logits, window_ratios
from models import load_checkpoint
from readers.recording import Recording


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
