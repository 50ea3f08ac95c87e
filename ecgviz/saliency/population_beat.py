"""What takes the place of a usual beat where a recording has none: the median beat of normal recordings.

It is the beat of ``normal_beat.json`` in the size in which the network sees beats: their QRS is 1 high, whatever the
voltage. It stands at the RR interval that is the rule in the strip.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from ecgviz.saliency.normal_beat import NormalBeat, normal_beat
from ecgviz.saliency.usual_beat import FROM_S, TO_S, Usual
from models.core.gaps import QRS_S
from models.tasks.inputs import BeatInputs
from models.tasks.leads import same_view

_FIRST, _FURTHER = "II", "V1"
"""What a lead of unknown name is taken for: the first that the network reads, and any further one."""
BEATS = 16
"""Beats of a strip of its like."""


def population_usual(strip: BeatInputs, leads: Sequence[str]) -> Usual:
    """The beat of normal recordings as the network would read it in a strip.

    Args:
        strip: one, B = 1.
        leads: names of the leads of its rows.
    """
    normal, position = normal_beat(), strip.kwargs["beats"][0].numpy()
    rr = float(np.median(np.diff(position))) if len(position) > 1 else normal.rr_s * strip.fs
    names = [_known(lead, normal, _FURTHER if row else _FIRST) for row, lead in enumerate(leads)]
    beat = normal.at("mV", tuple(names), strip.fs, rr / strip.fs)
    first, start, stop = (round(one * strip.fs) for one in (normal.start_s, FROM_S, TO_S))
    place = np.clip(np.arange(start, stop) - first, 0, beat.shape[1] - 1)
    wave = (beat - np.median(beat, axis=1, keepdims=True))[:, place]
    near = slice(-start - round(QRS_S * strip.fs), -start + round(QRS_S * strip.fs) + 1)
    wave /= np.ptp(wave[:, near], axis=1, keepdims=True)
    # A lead that is silent, or that the recording lacks, stays so.
    whole = np.zeros((strip.x.shape[1], wave.shape[1]), np.float32)
    whole[: len(wave)] = wave * (strip.size[0][: len(wave), None] != 0)
    return Usual(whole, start, rr, np.empty(0, np.int64), population=normal.count["mV"])


def among_its_like(usual: Usual) -> tuple[torch.Tensor, np.ndarray]:
    """A strip (C, L) of such a beat alone, and its R peaks, int64 (K,)."""
    step = max(round(usual.rr), 2)
    beats = -usual.start + step * np.arange(BEATS)
    x = np.zeros((len(usual.wave), int(beats[-1]) + usual.start + usual.wave.shape[1]), np.float32)
    for at in beats:
        # Where beats are close, the P wave of the next one stands in the end of a T wave.
        x[:, at + usual.start : at + usual.start + usual.wave.shape[1]] = usual.wave
    return torch.from_numpy(x), beats


def _known(lead: str, normal: NormalBeat, otherwise: str) -> str:
    return next((name for name in normal.leads if same_view(lead, name)), otherwise)
