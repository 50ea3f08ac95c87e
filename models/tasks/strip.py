"""Task ``strip``: cuts a recording into long strips, in which every beat is classified in the context of its
neighbours.

The network sees the strip, gathers features at the R peaks and reads them in order: it learns the rhythm and the
patient's own beats from the context. Strips overlap by a margin on both sides; a beat is answered by the strip whose
core it lies in, so every beat has at least the margin as context.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal, Self

import numpy as np
import torch
from pydantic import Field, model_validator

from models.core.gaps import QRS_S, Gaps, without_gaps
from models.tasks.beat import BeatTaskBase
from models.tasks.conditioning import Conditioner
from models.tasks.cut_strips import cut_at_gaps, strip_numbers, strip_range
from models.tasks.inputs import BeatInputs
from readers.recording import Read

_SILENT = 1e-6
"""A lead of this share of the other's size holds rounding only; mV beside uV are 1e-3."""
_PEAK_S = 0.05
_CLEARLY = 2 / 3
"""A QRS complex points down clearly if what is above its base line is less than this share of what is below."""
_CLIP = 20.0
"""Largest value of the network's input, in QRS sizes: artefacts are not let through whole."""


class StripTask(BeatTaskBase):
    """Strips of ``segment_seconds`` with all their beats, each lead scaled by its QRS size within the strip."""

    kind: Literal["strip"] = "strip"
    fs_out: Annotated[float, Field(ge=50, le=1000, description="Sampling frequency of the network's input, Hz.")] = (
        120.0
    )
    ecg_leads: Annotated[tuple[str, ...], Field(min_length=1, max_length=12)] = ("MLII", "*")
    segment_seconds: Annotated[float, Field(ge=4, le=600, description="Length of a strip, s.")] = 60.0
    margin_seconds: Annotated[
        float, Field(ge=0, le=60, description="Part of the strip at both ends that is context only, s.")
    ] = 6.0
    upright: Annotated[
        bool,
        Field(
            description="Turn a strip over in which most QRS complexes of the first lead clearly point down, so that a "
            "recording and its reverse are read alike."
        ),
    ] = False

    @model_validator(mode="after")
    def _core_is_positive(self) -> Self:
        if self.hop <= 0:
            raise ValueError(f"margin_seconds must be less than half of segment_seconds ({self.segment_seconds:g} s)")
        return self

    @property
    def length(self) -> int:
        """Samples of a strip."""
        return round(self.segment_seconds * self.fs_out)

    @property
    def margin(self) -> int:
        """Samples of context at each end."""
        return round(self.margin_seconds * self.fs_out)

    @property
    def hop(self) -> int:
        """Samples from one strip to the next."""
        return self.length - 2 * self.margin

    def scale(self, strip: np.ndarray, beats: np.ndarray) -> torch.Tensor:
        """Divide each lead by the median QRS amplitude over its beats; with ``upright``, turn what points down.

        What lies between the beats does not count, so a flat line, a slow rhythm, a gap and noise leave the size as it
        is. A lead whose size is nothing beside the other's (rounding of a constant offset) is silent.

        Args:
            strip: conditioned samples, float32 (n_leads, L), NaN where there is no signal.
            beats: R peaks as sample numbers in ``strip``, int64 (K,).

        Returns:
            float32 (in_channel, L); zero where there is no signal, and on leads that are silent or missing.
        """
        return self._scaled(strip, beats)[0]

    def _scaled(self, strip: np.ndarray, beats: np.ndarray) -> tuple[torch.Tensor, np.ndarray]:
        """Result of :meth:`scale`, and the divisor of each lead, float32 (in_channel,): 0 where it is silent, negative
        where the strip is turned over."""
        scaled, by = np.zeros((self.in_channel, strip.shape[1]), np.float32), np.zeros(self.in_channel, np.float32)
        size = qrs_size(strip, beats, round(QRS_S * self.fs_out))
        live = np.flatnonzero(size > _SILENT * size.max(initial=0.0))
        if self.upright and live.size and points_down(strip[live[0]], beats, self.fs_out):
            size = -size
        for lead in live:
            np.clip(strip[lead] / size[lead], -_CLIP, _CLIP, out=scaled[lead])
            by[lead] = size[lead]
        scaled[np.isnan(scaled)] = 0.0
        return torch.from_numpy(scaled), by

    def strips(
        self, conditioner: Conditioner, read: Read, n_samples: int, position: np.ndarray, number: int
    ) -> list[BeatInputs]:
        """Strip ``number`` of a recording, B = 1; ``position`` are all R peaks at ``fs_out``.

        A strip lies inside the recording: the first and the last are moved inwards, and a recording shorter than a
        strip is one strip as long as itself. So nothing is padded, and the network sees signal only. Where signal is
        missing for so long that beats may be, what lies on either side is a strip of its own: the time from the beat
        before to the beat behind is no RR interval.
        """
        n_out = conditioner.n_out(n_samples)
        start, stop = self.range(number, n_out)
        first, last = np.searchsorted(position, [start, stop])
        index, beats = np.arange(first, last), position[first:last] - start
        index = np.where(self.number(position[first:last], n_out) == number, index, -1)
        signal = conditioner.condition(read, n_samples, start, stop)
        found = []
        for low, high, here in cut_at_gaps(signal, beats, self.fs_out):
            if (index[here] >= 0).any():
                inside = np.clip(beats[here], low, high - 1) - low
                x, size = self._scaled(signal[:, low:high], inside)
                found.append(
                    BeatInputs(
                        x[None],
                        {"beats": torch.from_numpy(inside[None].astype(np.int64))},
                        index[here][None],
                        conditioner.time_s(np.array([start + low])),
                        self.fs_out,
                        size[None],
                    )
                )
        return found

    def number(self, position: np.ndarray, n_out: int) -> np.ndarray:
        """The strip responsible for each position in a recording of ``n_out`` samples, int64 (n,)."""
        return strip_numbers(position, n_out, self.length, self.hop)

    def range(self, number: int, n_out: int) -> tuple[int, int]:
        """First and past-the-last sample of strip ``number`` in a recording of ``n_out`` samples."""
        return strip_range(number, n_out, self.length, self.hop)

    def batches(
        self, read: Read, fs: float, n_samples: int, peaks: np.ndarray, batch_size: int = 8, gaps: Gaps = ()
    ) -> Iterator[BeatInputs]:
        """All strips of a recording with beats, in order; arguments as in :meth:`BeatTask.batches`."""
        conditioner, read = self.conditioner(fs), without_gaps(read, fs, gaps)
        position = conditioner.beats(peaks, n_samples)
        waiting: list[BeatInputs] = []
        for number in np.unique(self.number(position, conditioner.n_out(n_samples))):
            for strip in self.strips(conditioner, read, n_samples, position, int(number)):
                if waiting and waiting[0].x.shape != strip.x.shape:
                    yield stack(waiting)
                    waiting = []
                waiting.append(strip)
                if len(waiting) == batch_size:
                    yield stack(waiting)
                    waiting = []
        if waiting:
            yield stack(waiting)

    def inputs_for_beat(
        self, read: Read, fs: float, n_samples: int, peaks: np.ndarray, index: int, gaps: Gaps = ()
    ) -> BeatInputs:
        """The strip responsible for beat ``index``: the slot where ``beat[0] == index`` is its output."""
        conditioner, read = self.conditioner(fs), without_gaps(read, fs, gaps)
        position = conditioner.beats(peaks, n_samples)
        number = self.number(position[index : index + 1], conditioner.n_out(n_samples))
        strips = self.strips(conditioner, read, n_samples, position, int(number[0]))
        return next(strip for strip in strips if index in strip.beat)


def qrs_size(strip: np.ndarray, beats: np.ndarray, reach: int) -> np.ndarray:
    """Median peak-to-peak amplitude within ``reach`` samples of the R peaks, float32 (n_leads,); 0 without beats.

    Beats that lie at an edge or in a gap count where no other does.

    Args:
        strip: float32 (n_leads, L), NaN where there is no signal.
        beats: R peaks as sample numbers, int64 (K,).
        reach: samples.
    """
    place = np.asarray(beats)[:, None] + np.arange(-reach, reach + 1)
    around = strip[:, np.clip(place, 0, strip.shape[1] - 1)]
    within = ((place >= 0) & (place < strip.shape[1])).all(axis=-1)
    there = np.isfinite(around)
    if there.all() and within.any():
        median: np.ndarray = np.median((around.max(axis=-1) - around.min(axis=-1))[:, within], axis=-1)
        return median.astype(np.float32)
    span = np.where(there, around, -np.inf).max(axis=-1, initial=-np.inf) - np.where(there, around, np.inf).min(
        axis=-1, initial=np.inf
    )
    whole = there.all(axis=-1) & within
    size = np.zeros(len(strip), np.float32)
    for lead in range(len(strip)):
        chosen = span[lead][whole[lead]] if whole[lead].any() else span[lead][there[lead].any(axis=-1)]
        if len(chosen):
            size[lead] = np.median(chosen)
    return size


def points_down(lead: np.ndarray, beats: np.ndarray, fs: float) -> bool:
    """Whether most QRS complexes clearly point down; those at an edge or in a gap do not count.

    Args:
        lead: float32 (L,), NaN where there is no signal.
        beats: R peaks as sample numbers, int64 (K,).
        fs: sampling frequency, Hz.
    """
    reach, peak = round(QRS_S * fs), round(_PEAK_S * fs)
    beats = np.asarray(beats)
    whole = beats[(beats >= reach) & (beats < len(lead) - reach)]
    around = lead[whole[:, None] + np.arange(-reach, reach + 1)]
    around = around[np.isfinite(around).all(axis=1)]
    if not len(around):
        return False
    base, near = np.median(around, axis=1), around[:, reach - peak : reach + peak + 1]
    clearly = near.max(axis=1) - base < _CLEARLY * (base - near.min(axis=1))
    return bool(clearly.mean() > 0.5)


def stack(items: list[BeatInputs]) -> BeatInputs:
    """Several strips as one batch; beats are padded with -1 to the longest."""
    most = max(item.beat.shape[1] for item in items)

    def padded(values: np.ndarray) -> np.ndarray:
        return np.pad(values, ((0, 0), (0, most - values.shape[1])), constant_values=-1)

    return BeatInputs(
        torch.cat([item.x for item in items]),
        {"beats": torch.from_numpy(np.concatenate([padded(item.kwargs["beats"].numpy()) for item in items]))},
        np.concatenate([padded(item.beat) for item in items]),
        np.concatenate([item.start_s for item in items]),
        items[0].fs,
        np.concatenate([item.size for item in items]),
    )
