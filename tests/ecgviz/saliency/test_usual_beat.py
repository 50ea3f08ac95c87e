"""Usual beats and RR intervals: donors are alike, and what lies further only moves."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ecgviz.results import Beats
from ecgviz.saliency.beat import read_inputs
from ecgviz.saliency.usual_beat import (
    indices_of,
    usual_of,
    with_usual_rr,
)
from models import Checkpoint
from readers.recording import Recording


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
