"""Waves of all beats of a recording, in some of its leads, exchanged for those of normal recordings.

Each wave of each lead keeps its time and what the network reads as its size (a lead's SD, where the network scales
leads; the voltage of normal recordings, where it reads mV), lies on the recording's own isoelectric line, and is
cross-faded at its ends. The exchanged recording is scaled anew, as the task would.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import product

import numpy as np
import torch

from ecgviz.saliency.normal_beat import NormalBeat, normal_beat, stretch
from ecgviz.saliency.records import Stretch
from ecgviz.saliency.shapley import Kept
from ecgviz.signals.median_beat import r_peaks_of
from models.tasks.record import RecordTask

LEAD_GROUPS = {
    "inferior leads": ("II", "III", "aVF"),
    "lateral leads": ("I", "aVL", "aVR", "V5", "V6"),
    "V1 and V2": ("V1", "V2"),
    "V3 and V4": ("V3", "V4"),
}
WAVES_S = {"P and PR": (-0.28, -0.07), "QRS": (-0.07, 0.09), "ST and T": (0.09, 0.5)}
"""Where each wave lies beside the R peak at the RR interval of the normal beat, s."""
_FADE_S = 0.03
_LINE_S = (-0.1, -0.05)
"""The isoelectric line: between P and QRS."""


@dataclass(frozen=True)
class Exchange:
    """A stretch of a recording, and what can stand in it instead.

    Attributes:
        signal: as the task conditions it, float32 (n_leads, m).
        instead: what can take its place, float32 (n_leads, m).
        share: of ``instead``, for every set of waves that are the recording's own, float32 (8, m).
        groups: rows of the leads of each group.
        names: of the groups.
        peaks: R peaks, samples, int64.
        rr_s: their median RR interval.
        ends: last sample beside R of each wave.
    """

    signal: np.ndarray = field(repr=False)
    instead: np.ndarray = field(repr=False)
    share: np.ndarray = field(repr=False)
    groups: tuple[tuple[int, ...], ...]
    names: tuple[str, ...]
    peaks: np.ndarray
    rr_s: float
    ends: tuple[int, ...]

    @property
    def unions(self) -> list[range]:
        """Players of each group of leads: its waves."""
        waves = len(WAVES_S)
        return [range(place * waves, (place + 1) * waves) for place in range(len(self.groups))]

    def made(self, kept: Sequence[Kept]) -> np.ndarray:
        """The stretch with the waves of each group its own or not, float32 (len(kept), n_leads, m)."""
        made = np.repeat(self.signal[None], len(kept), axis=0)
        own = np.array(kept).reshape(len(kept), len(self.groups), len(WAVES_S))
        for place, rows in enumerate(self.groups):
            share = self.share[own[:, place] @ (4, 2, 1)][:, None]
            made[:, rows] += share * (self.instead[rows,] - made[:, rows])
        return made


def exchange(task: RecordTask, part: Stretch) -> Exchange | None:
    """A stretch beside the beat of normal recordings; None where no beat is found in it."""
    peaks = r_peaks_of(part.signal.T.astype(np.float64), task.ecg_leads, part.fs)
    normal = normal_beat()
    rr_s = float(np.median(np.diff(peaks)) / part.fs) if len(peaks) > 1 else normal.rr_s
    if not len(peaks):
        return None
    size = part.signal.std(axis=1, keepdims=True) if task.scaling == "zscore" else 1.0
    wave = size * normal.at(task.scaling, task.ecg_leads, part.fs, rr_s)
    first = round(normal.start_s * part.fs)
    line = [first - round(one * part.fs) for one in _LINE_S]
    wave = wave - wave[:, -line[0] : -line[1]].mean(axis=1, keepdims=True) + _line(part, peaks)
    ends = _ends(part.fs, normal, rr_s)
    which, at = _places(part.signal.shape[1], peaks, ends)
    groups = _groups(task)
    return Exchange(
        signal=part.signal,
        instead=_put(part.signal, wave, first, at),
        share=_shares(which, part.fs),
        groups=tuple(groups.values()),
        names=tuple(groups),
        peaks=peaks,
        rr_s=rr_s,
        ends=ends,
    )


def own_beat(found: Exchange) -> np.ndarray:
    """What takes the place of each wave where it is this recording's own median beat, float32 (n_leads, m): the same
    exchange at the same places, of nothing that speaks for or against a label."""
    first, stop, m = found.ends[0], found.ends[-1], found.signal.shape[1]
    whole = found.peaks[(found.peaks + first >= 0) & (found.peaks + stop <= m)]
    if not len(whole):
        return found.signal
    median = np.median(found.signal[:, whole[:, None] + np.arange(first, stop)], axis=1)
    return _put(found.signal, median, first, _places(m, found.peaks, found.ends)[1])


def normal_stretch(task: RecordTask) -> torch.Tensor:
    """A window of normal beats alone as the network reads it, float32 (1, n_leads, length)."""
    normal = normal_beat()
    wave = normal.at(task.scaling, task.ecg_leads, task.fs_out, normal.rr_s)
    line = wave[:, :1]
    made = np.repeat(line, task.length, axis=1)
    first, step = round(normal.start_s * task.fs_out), round(normal.rr_s * task.fs_out)
    for start in range(step // 2 + first, task.length, step):
        low, high = max(start, 0), min(start + wave.shape[1], task.length)
        made[:, low:high] = wave[:, low - start : high - start]
    return torch.from_numpy(task.scale(made.astype(np.float32)))[None]


def _groups(task: RecordTask) -> dict[str, tuple[int, ...]]:
    """Rows of the leads of each group that the network reads any of, by the group's name, or by the leads' own where
    some are missing."""
    read = [lead.lower() for lead in task.ecg_leads]
    found = {}
    for name, leads in LEAD_GROUPS.items():
        there = [lead for lead in leads if lead.lower() in read]
        if there:
            called = name if len(there) == len(leads) else " and ".join(", ".join(there).rsplit(", ", 1))
            found[called] = tuple(read.index(lead.lower()) for lead in there)
    return found


def _ends(fs: float, normal: NormalBeat, rr_s: float) -> tuple[int, ...]:
    """First sample beside R of each wave, and the one behind the last."""
    starts = [round(start * fs) for start, _ in WAVES_S.values()]
    return (*starts, round(WAVES_S["ST and T"][1] * stretch(rr_s, normal.rr_s) * fs))


def _line(part: Stretch, peaks: np.ndarray) -> np.ndarray:
    """Isoelectric line of each lead, (n_leads, 1): the median over the beats."""
    near = np.arange(*(round(one * part.fs) for one in _LINE_S))
    seen = peaks[peaks + near[0] >= 0]
    if not len(seen):
        return np.median(part.signal, axis=1, keepdims=True)
    return np.median(part.signal[:, seen[:, None] + near].mean(axis=2), axis=1, keepdims=True)


def _places(m: int, peaks: np.ndarray, ends: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Of each sample its wave and its R peak, int64 (m,), -1 outside of beats: where beats are close, a T wave ends
    where the next P wave begins, and a P wave begins behind the QRS."""
    wave, at, behind = np.full(m, -1), np.full(m, -1), 0
    for place, peak in enumerate(peaks):
        following = peaks[place + 1] + ends[0] if place + 1 < len(peaks) else m
        first, last = max(peak + ends[0], behind), min(peak + ends[-1], max(following, peak + ends[2]), m)
        near = np.arange(first, max(last, first))
        wave[near], at[near] = np.digitize(near - peak, ends[1:-1]), peak
        behind = max(last, behind)
    return wave, at


def _put(signal: np.ndarray, beat: np.ndarray, first: int, at: np.ndarray) -> np.ndarray:
    """A signal with one beat (n_leads, n), which begins ``first`` samples beside R, at its R peaks ``at``."""
    place = np.arange(len(at)) - at - first
    inside = (at >= 0) & (place >= 0) & (place < beat.shape[1])
    instead = signal.copy()
    instead[:, inside] = beat[:, place[inside]]
    return instead


def _shares(wave: np.ndarray, fs: float) -> np.ndarray:
    """Share of what stands instead, for every set of waves that are own, (8, m), cross-faded into what is own."""
    width = 2 * round(_FADE_S * fs) + 1
    found = []
    for own in product((False, True), repeat=len(WAVES_S)):
        instead = np.isin(wave, [place for place, keeps in enumerate(own) if not keeps]).astype(np.float32)
        padded = np.pad(instead, width // 2, mode="edge")
        found.append(np.minimum(instead, np.convolve(padded, np.full(width, 1 / width), "valid")))
    return np.array(found, np.float32)
