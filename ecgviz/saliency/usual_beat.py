"""Parts of a beat made usual: where they lie, a strip's usual beat, and a strip in which it stands instead."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from scipy.ndimage import uniform_filter1d

from ecgviz.results import NORMAL, Beats
from ecgviz.saliency.shapley import Kept
from models.data.usual_parts import WAVES_S
from models.tasks.inputs import BeatInputs

FROM_S, TO_S = -0.3, 0.5
"""Of a usual beat: a wave that is longer than usual ends within."""
INTERVALS = ("RR before", "RR after")
PARTS = (*WAVES_S, *INTERVALS)
Groups = Sequence[tuple[int, ...]]
"""Rows of the leads whose waves are exchanged together."""
FEWEST_USUAL, MOST_USUAL = 3, 30
_FADE_S = 0.025
_LIKE = 0.2
"""An RR interval within this share of the strip's median is no early or late one."""
_UNLIKE = 2.0
"""A beat that is so many times as far from the median as most are is no donor."""


@dataclass(frozen=True)
class Usual:
    """A usual beat of a recording.

    Attributes:
        wave: float32 (n_leads, n), as the network reads the strip of the beat that is explained.
        start: where it begins beside the R peak, samples.
        rr: RR interval before it, samples of the strip.
        beats: indices of the beats that it is the median of, int64 (n,); empty for that of a population.
        population: normal recordings that it is the median of where this one has no usual beat, else 0.
        waves_s: where the waves that it takes the place of lie beside R, s.
        measured: the waves whose bounds were measured.
    """

    wave: np.ndarray
    start: int
    rr: float
    beats: np.ndarray
    population: int = 0
    waves_s: Mapping[str, tuple[float, float]] = field(default_factory=lambda: WAVES_S)
    measured: frozenset[str] = frozenset()

    def span(self, fs: float) -> tuple[int, int]:
        """First and past-the-last sample of its waves beside R."""
        return round(self.waves_s["P and PR"][0] * fs), round(self.waves_s["ST and T"][1] * fs)


def usual_of(beats: Beats, strip: BeatInputs, left_out: int) -> Usual | None:
    """The sample-wise median of a strip's beats called N, neither early nor late, whole, and alike; None of fewer than
    three, and where they are further from it than it is from a line: noise has no usual beat.

    Args:
        beats: of the recording.
        strip: one, B = 1.
        left_out: index of the beat to be explained.
    """
    position, index = strip.kwargs["beats"][0].numpy(), indices_of(strip)
    rr = np.diff(position)
    if not len(rr):
        return None
    typical = np.median(rr)
    before, after = np.append(typical, rr), np.append(rr, typical)
    start, stop = round(FROM_S * strip.fs), round(TO_S * strip.fs)
    whole = (position + start >= 0) & (position + stop <= strip.x.shape[-1])
    column = beats.classes.index(NORMAL)
    answered = np.isfinite(beats.network_prob[index]).all(axis=1)
    normal = (beats.class_index[index] == column) & answered & whole & (index != left_out)
    steady = normal & (abs(before - typical) < _LIKE * typical) & (abs(after - typical) < _LIKE * typical)
    # The network itself should say so, in the beat's own strip: its answers are what the reasons start from.
    sure = steady & (beats.network_prob[index].argmax(axis=1) == column)
    chosen = np.flatnonzero(next((one for one in (sure, steady) if one.sum() >= FEWEST_USUAL), normal))
    if len(chosen) < FEWEST_USUAL:
        return None
    chosen = chosen[np.argsort(abs(index[chosen] - left_out), kind="stable")][:MOST_USUAL]
    around = strip.x[0].numpy()[:, position[chosen][:, None] + np.arange(start, stop)]
    alike = _alike(around)
    wave = np.median(around[:, alike], axis=1).astype(np.float32)
    if np.median(_off(around[:, alike])) >= np.sqrt(wave.var(axis=1).mean()):
        return None
    return Usual(wave, start, float(np.median(before[chosen])), index[chosen[alike]])


def _alike(around: np.ndarray) -> np.ndarray:
    """Which of the beats (n_leads, n, m) are like their median, bool (n,): noise and beats of another shape are not.
    Three are at least."""
    off = _off(around)
    limit = max(_UNLIKE * float(np.median(off)), float(np.sort(off)[FEWEST_USUAL - 1]))
    return off <= limit


def _off(around: np.ndarray) -> np.ndarray:
    """How far beats (n_leads, n, m) are from their median, RMS (n,)."""
    off: np.ndarray = np.sqrt(((around - np.median(around, axis=1, keepdims=True)) ** 2).mean(axis=(0, 2)))
    return off


def indices_of(strip: BeatInputs) -> np.ndarray:
    """Index of each beat of a strip, int64 (K,), those of its margins, too: they follow each other."""
    slot = int(np.flatnonzero(strip.beat[0] >= 0)[0])
    index: np.ndarray = strip.beat[0][slot] - slot + np.arange(strip.beat.shape[1])
    return index


@dataclass(frozen=True)
class Timed:
    """A strip in which a beat comes after another RR interval, and is followed after another one.

    Attributes:
        x: (C, L + the two changes).
        beats: R peaks, int64 (K,).
        cuts: first sample of the part from the beat on and of that from the next beat on, in the strip as it was.
        shifts: by how much both parts moved further, samples, even.
    """

    x: torch.Tensor
    beats: np.ndarray
    cuts: tuple[int, int]
    shifts: tuple[int, int]

    @property
    def changed(self) -> tuple[int, int]:
        """Samples between which ``x`` is other than the strip moved."""
        (first, second), (before, after) = self.cuts, self.shifts
        return first + min(before, 0), second + before + after


def with_usual_rr(strip: BeatInputs, slot: int, usual: Usual, own: Kept) -> Timed:
    """The strip with the RR before and the RR after a beat its ``own``, or usual.

    Time is put in or taken out between the T wave before and the P wave, where the heart rests: all that lies further
    moves on as it is.
    """
    beats = strip.kwargs["beats"][0].numpy()
    at, last = int(beats[slot]), len(beats) - 1
    before = 0 if own[0] or slot == 0 else _even(usual.rr - (at - beats[slot - 1]))
    after = 0 if own[1] or slot == last else _even(usual.rr - (beats[slot + 1] - at))
    start, end = usual.span(strip.fs)
    first = at + start
    if slot:
        first = max(first, beats[slot - 1] + WAVES_S["ST and T"][1] * strip.fs)
        first = min(first, at + usual.waves_s["QRS"][0] * strip.fs)
    second = at + end
    if slot < last:
        second = max(second, beats[slot + 1] + WAVES_S["P and PR"][0] * strip.fs)
        second = min(second, beats[slot + 1] + WAVES_S["QRS"][0] * strip.fs)
    cuts = _even(min(max(first, 0), at)), _even(min(max(second, at), strip.x.shape[-1]))
    # No more can be taken out than there is before the cut.
    before, after = max(before, -cuts[0]), max(after, cuts[0] - cuts[1])
    moved = beats + before * (np.arange(len(beats)) >= slot) + after * (np.arange(len(beats)) > slot)
    return Timed(_moved(strip.x, cuts, (before, after))[0], moved, cuts, (before, after))


def _moved(samples: torch.Tensor, cuts: tuple[int, int], shifts: tuple[int, int]) -> torch.Tensor:
    """Samples (1, C, n) with time put in (a straight line) or taken out before each cut."""
    first, second = cuts
    pieces = [samples[..., : first + min(shifts[0], 0)]]
    for start, stop, shift in ((first, second + min(shifts[1], 0), shifts[0]), (second, samples.shape[-1], shifts[1])):
        piece = samples[..., start : max(stop, start)]
        if shift > 0:
            left = pieces[-1][..., -1:] if pieces[-1].shape[-1] else piece[..., :1]
            right = piece[..., :1] if piece.shape[-1] else left
            pieces.append(left + (right - left) * torch.linspace(0, 1, shift + 2)[1:-1])
        pieces.append(piece)
    return torch.cat(pieces, dim=-1)


def _even(samples: float) -> int:
    return 2 * round(samples / 2)


def with_usual_waves(x: torch.Tensor, at: int, usual: Usual, exchanged: torch.Tensor) -> torch.Tensor:
    """The strip (C, L) with waves of the beat at sample ``at`` made usual, (n, C, L).

    Args:
        x: the strip.
        at: R peak of the beat.
        usual: what takes their place.
        exchanged: by how much it does so in each of n sets of waves, from :func:`exchange`.
    """
    start, length = at + usual.start, usual.wave.shape[1]
    low, high = max(start, 0), min(start + length, x.shape[1])
    mix = exchanged[..., low - start : high - start]
    found = x.repeat(len(exchanged), 1, 1)
    found[..., low:high] += mix * (torch.from_numpy(usual.wave[:, low - start : high - start]) - x[:, low:high])
    return found


def exchange(usual: Usual, sets: Sequence[Kept], fs: float, groups: Groups | None = None) -> torch.Tensor:
    """How much of each sample of a usual beat takes the beat's place, float32 (len(sets), n_leads, n): 1 within the
    waves that are not the beat's own, faded at their ends.

    Args:
        usual: the beat.
        sets: for each, which waves are the beat's own; those of the first group of leads first.
        fs: Hz.
        groups: rows of the leads that are exchanged together; all when None.
    """
    groups = groups or (tuple(range(len(usual.wave))),)
    own = np.array(sets, bool).reshape(len(sets), len(groups), len(usual.waves_s))
    fade = max(round(_FADE_S * fs), 1)
    weight = np.zeros((len(sets), len(groups), usual.wave.shape[1] + 2 * fade))
    for number, (begin_s, end_s) in enumerate(usual.waves_s.values()):
        places = np.arange(*(fade + round(one * fs) - usual.start for one in (begin_s, end_s)))
        weight[..., places] = ~own[:, :, number, None]
    smooth = uniform_filter1d(weight, 2 * fade + 1, mode="constant")
    faded = np.minimum(weight, smooth)[..., fade:-fade].astype(np.float32)
    whole = np.zeros((len(sets), *usual.wave.shape), np.float32)
    for number, rows in enumerate(groups):
        whole[:, rows] = faded[:, number, None]
    return torch.from_numpy(whole)
