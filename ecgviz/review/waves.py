"""The wave of every beat of a recording, cut out alike: what families are told apart by and drawn from."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np

from ecgviz.results import Beats
from models.core.callbacks import Progress, ShouldStop
from models.tasks.conditioning import Conditioner
from readers.recording import Recording

BEFORE_S, AFTER_S = 0.25, 0.45
"""A wave begins and ends so long before and after the R peak, s: P wave, QRS and most of the T wave."""
FS = 120.0
"""Samples a second of a wave: a QRS of 80 ms has ten."""
_BLOCK_S = 300.0
_SILENT = 1e-6


@dataclass(frozen=True)
class Waves:
    """Of each beat the signal around its R peak.

    Attributes:
        samples: without baseline, float32 (n, n_leads, m), in the recording's unit; 0 where there is no signal.
        time_s: of the samples beside the R peak, s, float64 (m,).
        leads: names.
        there: share of the samples that the recording has, float32 (n,).
    """

    samples: np.ndarray
    time_s: np.ndarray
    leads: tuple[str, ...]
    there: np.ndarray

    def __len__(self) -> int:
        return len(self.samples)

    @cached_property
    def size(self) -> np.ndarray:
        """Usual height of the waves of each lead, in the recording's unit, float64 (n_leads,); infinite on a silent
        one."""
        if not len(self):
            return np.full(len(self.leads), np.inf)
        sizes = np.median(np.ptp(self.samples, axis=-1), axis=0)
        return np.where(sizes > _SILENT * sizes.max(initial=0.0), sizes, np.inf)


def beat_waves(
    recording: Recording, beats: Beats, *, progress: Progress | None = None, should_stop: ShouldStop | None = None
) -> Waves:
    """Cut out the wave of every beat, from the leads that the network read.

    The recording is read once, in blocks: a day needs 60 MB for each lead.

    Args:
        recording: an open recording that has the leads.
        beats: their R peaks.
        progress: told seconds done, seconds in all, a note.
        should_stop: asked between blocks; beats behind the last one have no signal then.
    """
    conditioner = Conditioner(recording.fs, FS)
    around = np.arange(-round(BEFORE_S * FS), round(AFTER_S * FS) + 1)
    place = conditioner.beats(beats.sample, recording.n_samples)
    samples = np.zeros((len(beats), len(beats.leads), len(around)), np.float32)
    there = np.zeros(len(beats), np.float32)
    read, step = partial(recording.signal_mV, leads=beats.leads), round(_BLOCK_S * FS)
    for start in range(0, conditioner.n_out(recording.n_samples), step):
        if should_stop is not None and should_stop():
            break
        first, stop = np.searchsorted(place, (start, start + step))
        if first < stop:
            low = start + int(around[0])
            block = conditioner.condition(read, recording.n_samples, low, start + step + int(around[-1]) + 1)
            cut = block[:, place[first:stop, None] + around - low].transpose(1, 0, 2)
            known = np.isfinite(cut)
            samples[first:stop] = np.where(known, cut, 0.0)
            there[first:stop] = known.mean(axis=(1, 2))
        if progress is not None:
            progress(min(start + step, round(recording.duration_s * FS)), round(recording.duration_s * FS), "Waves")
    return Waves(samples, around / FS, beats.leads, there)
