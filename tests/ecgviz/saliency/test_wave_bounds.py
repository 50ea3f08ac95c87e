"""Bounds of waves: in order, of no voltage, and fixed where nothing is sure."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ecgviz.results import Beats
from ecgviz.saliency.beat import read_inputs
from ecgviz.saliency.usual_beat import (
    WAVES_S,
    indices_of,
    usual_of,
)
from ecgviz.saliency.wave_bounds import with_measured_waves
from models import Checkpoint
from readers.recording import Recording


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
