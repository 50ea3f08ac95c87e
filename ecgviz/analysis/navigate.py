"""Steps through the beats of a recording: next, least certain, first of interest."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from ecgviz.results import Beats

ECTOPIC = ("V", "S", "F")
"""Classes worth stopping at, the most telling first."""


def beats_between(beats: Beats, start_s: float, stop_s: float) -> range:
    """Indices of the beats whose R peak lies in [start_s, stop_s]."""
    first, stop = np.searchsorted(beats.sample, (start_s * beats.fs - 1e-6, stop_s * beats.fs + 1e-6))
    return range(int(first), int(stop))


def beats_of(beats: Beats, classes: Collection[str]) -> np.ndarray:
    """Indices of the beats of some classes, int64 (n,)."""
    wanted = [place for place, letter in enumerate(beats.classes) if letter in classes]
    return np.flatnonzero(np.isin(beats.class_index, wanted))


def next_beat(beats: Beats, classes: Collection[str], after_s: float) -> int | None:
    """First beat of one of these classes after a time, wrapping around at the end.

    Returns:
        its index, None where the recording has no such beat.
    """
    found = beats_of(beats, classes)
    if not len(found):
        return None
    place = int(np.searchsorted(beats.sample[found], after_s * beats.fs + 0.5, side="right"))
    return int(found[place % len(found)])


def least_sure(beats: Beats, rank: int) -> int | None:
    """Beat with the ``rank``-th lowest probability, from 0, wrapping around; None without beats."""
    if not len(beats):
        return None
    rank %= len(beats)
    confidence = beats.confidence
    lowest = np.argpartition(confidence, rank)[: rank + 1]
    return int(lowest[np.lexsort((lowest, confidence[lowest]))][-1])


def first_of_interest(beats: Beats) -> int | None:
    """Initial beat of a recording: its first V beat, else S, else F, else the one in its middle."""
    for letter in ECTOPIC:
        found = next_beat(beats, (letter,), -1.0)
        if found is not None:
            return found
    return len(beats) // 2 if len(beats) else None


def beat_in_view(beats: Beats, start_s: float, stop_s: float, chosen: int | None = None) -> int | None:
    """Current beat of a view: the chosen one if visible, else the one nearest its middle.

    Among several the ones that are not normal go first.
    """
    inside = beats_between(beats, start_s, stop_s)
    if not len(inside):
        return None
    if chosen is not None and chosen in inside:
        return chosen
    index = np.arange(inside.start, inside.stop)
    telling = np.isin(beats.take(slice(inside.start, inside.stop)).label, ECTOPIC)
    index = index[telling] if telling.any() else index
    return int(index[np.abs(beats.time_s[index] - (start_s + stop_s) / 2).argmin()])


def index_of_sample(beats: Beats, sample: int) -> int | None:
    """Index of the beat within 150 ms of a sample number; None where there is none."""
    if not len(beats):
        return None
    place = int(np.clip(np.searchsorted(beats.sample, sample), 1, max(len(beats) - 1, 1)))
    near = [index for index in (place - 1, place) if index < len(beats)]
    best = min(near, key=lambda index: abs(int(beats.sample[index]) - sample))
    return best if abs(int(beats.sample[best]) - sample) <= 0.15 * beats.fs else None
