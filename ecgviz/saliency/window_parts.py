"""Parts of a beat for networks that read windows: the same strip and parts, of which the network sees what it reads.

The strip is that of the strip task, so usual beats, bounds and RR intervals are the same for both kinds of networks;
each variant of it is cut around the beat, scaled as the window task scales it, and asked with its own RR ratios.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import numpy as np
import torch

from ecgviz.results import Beats
from ecgviz.saliency.beat import read_inputs
from ecgviz.saliency.shapley import Kept
from ecgviz.saliency.usual_beat import INTERVALS, WAVES_S, Groups, Usual, exchange, with_usual_rr, with_usual_waves
from models import Checkpoint
from models.core.gaps import spans_gap
from models.networks.ecg.beat_strip import BeatStripNet
from models.plugins import plugin_of
from models.tasks import StripTask
from models.tasks.beat import rr_ratios
from models.tasks.inputs import BeatInputs
from readers.recording import Recording

_BESIDE = 40
"""Beats on each side that the RR ratios of one may depend on."""


def reads_windows(checkpoint: Checkpoint) -> bool:
    """Whether a network reads a window around each beat of a recording."""
    return plugin_of(checkpoint).unit == "beats" and not (reads_strips(checkpoint) or checkpoint.task.reads_rows)


def reads_strips(checkpoint: Checkpoint) -> bool:
    """Whether a network reads a strip with all its beats."""
    return isinstance(checkpoint.network, BeatStripNet)


def read_strip(recording: Recording, checkpoint: Checkpoint, beats: Beats, index: int) -> BeatInputs:
    """The strip around a beat: the network's own, or one in which the windows of a network lie."""
    task = checkpoint.task
    if reads_strips(checkpoint):
        return read_inputs(recording, checkpoint, beats, index)
    strips = StripTask(fs_out=task.fs_out, ecg_leads=task.ecg_leads, highpass_s=task.highpass_s)

    def read(start: int, stop: int) -> np.ndarray:
        return recording.signal_mV(start, stop, leads=beats.leads)

    return strips.inputs_for_beat(read, recording.fs, recording.n_samples, beats.sample, index, beats.gaps)


@torch.inference_mode()
def ask_windows(
    checkpoint: Checkpoint, beats: Beats, strip: BeatInputs, slot: int, usual: Usual, groups: Groups, own: BeatInputs
) -> dict[Kept, np.ndarray]:
    """Logits (n_classes,) of a beat for every set of parts that are its own.

    Args:
        checkpoint: reads windows.
        beats: of the recording.
        strip: around the beat, from :func:`read_strip`.
        slot: of the beat in it.
        usual: what takes the place of its parts.
        groups: rows of the leads that are exchanged together.
        own: the beat's window, as the analysis reads it.
    """
    index = int(own.beat[0])
    of_rr, of_waves = (list(product((False, True), repeat=n)) for n in (len(INTERVALS), len(WAVES_S) * len(groups)))
    mix, found = exchange(usual, of_waves, strip.fs, groups), {}
    for rr in of_rr:
        timed = with_usual_rr(strip, slot, usual, rr)
        at, beside = int(timed.beats[slot]), checkpoint.task.length + abs(usual.start) + usual.wave.shape[1]
        low, high = max(at - beside, 0), at + beside
        x = with_usual_waves(timed.x[:, low:high], at - low, usual, mix)
        ratios = window_ratios(beats, index, [shift / strip.fs for shift in timed.shifts])
        logits = window_logits(checkpoint, x, at - low, ratios)
        found |= {(*waves, *rr): row for waves, row in zip(of_waves, logits, strict=True)}
    as_it_is = checkpoint.network(own.x, **own.kwargs)[0].float().numpy()
    return found | {(True,) * len(next(iter(found))): as_it_is}


@torch.inference_mode()
def answer(checkpoint: Checkpoint, x: torch.Tensor, beats: np.ndarray, fs: float, slot: int) -> np.ndarray:
    """Logits (n_classes,) of one beat of a strip (C, L) that is read whole, or of its window.

    Args:
        checkpoint: reads strips or windows.
        x: the strip.
        beats: its R peaks, int64 (K,).
        fs: Hz.
        slot: which of them.
    """
    if reads_strips(checkpoint):
        logits: np.ndarray = checkpoint.network(x[None], beats=torch.from_numpy(beats)[None])[0, slot].float().numpy()
        return logits
    return window_logits(checkpoint, x[None], int(beats[slot]), rr_ratios(beats / fs)[slot])[0]


def window_logits(checkpoint: Checkpoint, x: torch.Tensor, at: int, ratios: np.ndarray) -> np.ndarray:
    """Logits (n, n_classes) of the beat at sample ``at`` of strips (n, C, L), with its RR ratios (8,)."""
    task = checkpoint.task
    around = at - task.length // 2 + np.arange(task.length)
    windows = x[..., np.clip(around, 0, x.shape[-1] - 1)].numpy()
    windows[..., (around < 0) | (around >= x.shape[-1])] = np.nan
    kwargs = {"rr": torch.from_numpy(ratios)[None].expand(len(x), -1)} if task.rr else {}
    logits: np.ndarray = checkpoint.network(task.scale(windows), **kwargs).float().numpy()
    return logits


def window_ratios(beats: Beats, index: int, shifts_s: Sequence[float]) -> np.ndarray:
    """RR ratios (8,) of a beat that comes later than it does, and all behind it later still."""
    first = max(index - _BESIDE, 0)
    peak_s = beats.sample[first : index + _BESIDE + 1] / beats.fs
    sides = np.flatnonzero(spans_gap(peak_s, beats.gaps)) + 1
    place = index - first
    begin, end = max([0, *sides[sides <= place]]), min([len(peak_s), *sides[sides > place]])
    peak_s, place = peak_s[begin:end].copy(), place - begin
    peak_s[place:] += shifts_s[0]
    peak_s[place + 1 :] += shifts_s[1]
    return rr_ratios(peak_s)[place]
