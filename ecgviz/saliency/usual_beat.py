"""Parts of a beat made usual: where they lie, this patient's usual beat, and a strip in which it stands instead."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch

from ecgviz.results import NORMAL, Beats
from ecgviz.saliency.beat import read_inputs
from ecgviz.saliency.shapley import Kept
from models import Checkpoint
from models.tasks.inputs import BeatInputs
from readers.recording import Recording

WAVES_S = {"P and PR": (-0.28, -0.07), "QRS": (-0.07, 0.09), "ST and T": (0.09, 0.36)}
"""Where each wave lies beside the R peak, s."""
INTERVALS = ("RR before", "RR after")
PARTS = (*WAVES_S, *INTERVALS)
FEWEST_USUAL, MOST_USUAL = 3, 30
_FADE_S = 0.025
_LIKE = 0.2
"""An RR interval within this share of the strip's median is no early or late one."""
_STRIPS_TRIED = 20
_T_END_S = 0.36


@dataclass(frozen=True)
class Usual:
    """A usual beat of a recording.

    Attributes:
        wave: float32 (n_leads, n), as the network reads the strip of the beat that is explained.
        start: where it begins beside the R peak, samples.
        rr: RR interval before it, samples of the strip.
        beats: indices of the beats that it is the median of, int64 (n,).
    """

    wave: np.ndarray
    start: int
    rr: float
    beats: np.ndarray


def find_usual(
    recording: Recording, checkpoint: Checkpoint, beats: Beats, index: int, strip: BeatInputs
) -> Usual | None:
    """The usual beat: of the beat's own strip, else of the strips of the nearest beats called N; None without any."""
    found = usual_of(beats, strip, index)
    if found is not None:
        return found
    normal = np.flatnonzero(beats.label == NORMAL)
    for other in normal[np.argsort(abs(normal - index))][:: FEWEST_USUAL * 2][:_STRIPS_TRIED]:
        elsewhere = read_inputs(recording, checkpoint, beats, int(other))
        # A lead that is off there says nothing of how the beat would be here.
        found = None if ((elsewhere.size == 0) & (strip.size != 0)).any() else usual_of(beats, elsewhere, index)
        if found is not None:
            # In mV a beat is the same in both strips, which divide by a size of their own.
            here = np.where(strip.size[0] != 0, strip.size[0], np.inf)
            return replace(found, wave=found.wave * (elsewhere.size[0] / here)[:, None].astype(np.float32))
    return None


def usual_of(beats: Beats, strip: BeatInputs, left_out: int) -> Usual | None:
    """The sample-wise median of a strip's beats called N, neither early nor late, whole; None of fewer than three.

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
    start, stop = round(WAVES_S["P and PR"][0] * strip.fs), round(WAVES_S["ST and T"][1] * strip.fs)
    whole = (position + start >= 0) & (position + stop <= strip.x.shape[-1])
    normal = (beats.label[index] == NORMAL) & whole & (index != left_out)
    steady = normal & (abs(before - typical) < _LIKE * typical) & (abs(after - typical) < _LIKE * typical)
    chosen = np.flatnonzero(steady if steady.sum() >= FEWEST_USUAL else normal)
    if len(chosen) < FEWEST_USUAL:
        return None
    chosen = chosen[np.argsort(abs(index[chosen] - left_out), kind="stable")][:MOST_USUAL]
    around = strip.x[0].numpy()[:, position[chosen][:, None] + np.arange(start, stop)]
    return Usual(np.median(around, axis=1), start, float(np.median(before[chosen])), index[chosen])


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
        return first + min(before, 0), second + before + max(after, 0)

    def maps_of(self, maps: torch.Tensor) -> torch.Tensor:
        """The strip's maps (1, width, L / 2) moved alike; right beyond ``changed`` and what reaches there."""
        (first, second), (before, after) = self.cuts, self.shifts
        return _moved(maps, (first // 2, second // 2), (before // 2, after // 2))


def with_usual_rr(strip: BeatInputs, slot: int, usual_rr: float, own: Kept) -> Timed:
    """The strip with the RR before and the RR after a beat its ``own``, or usual.

    Time is put in or taken out between the T wave before and the P wave, where the heart rests: all that lies further
    moves on as it is.
    """
    beats = strip.kwargs["beats"][0].numpy()
    at, last = int(beats[slot]), len(beats) - 1
    before = 0 if own[0] or slot == 0 else _even(usual_rr - (at - beats[slot - 1]))
    after = 0 if own[1] or slot == last else _even(usual_rr - (beats[slot + 1] - at))
    first = at + WAVES_S["P and PR"][0] * strip.fs
    if slot:
        first = max(first, beats[slot - 1] + _T_END_S * strip.fs)
    second = at + _T_END_S * strip.fs
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


def with_usual_waves(x: torch.Tensor, at: int, usual: Usual, own: Kept, fs: float) -> torch.Tensor:
    """The strip (C, L) with the waves of the beat at sample ``at`` that are not its ``own`` made usual."""
    x, wave, start = x.clone(), usual.wave, usual.start
    fade = max(round(_FADE_S * fs), 1)
    weight = np.zeros(wave.shape[1])
    for (begin_s, end_s), keeps in zip(WAVES_S.values(), own, strict=True):
        if not keeps:
            weight[round(begin_s * fs) - start : round(end_s * fs) - start] = 1.0
    ramp = np.concatenate([np.zeros(fade), weight, np.zeros(fade)])
    weight = np.minimum(weight, np.convolve(ramp, np.ones(2 * fade + 1) / (2 * fade + 1), "valid"))
    low, high = max(at + start, 0), min(at + start + wave.shape[1], x.shape[1])
    inside = slice(low - at - start, high - at - start)
    mix = torch.from_numpy(weight[inside].astype(np.float32))
    x[:, low:high] = x[:, low:high] * (1 - mix) + torch.from_numpy(wave[:, inside].astype(np.float32)) * mix
    return x
