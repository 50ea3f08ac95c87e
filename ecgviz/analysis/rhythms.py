"""Rhythm episodes of a recording: their effect on the beats, and navigation between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ecgviz.notices import Notice, Weight, in_order
from ecgviz.results import Beats, RhythmEpisode
from models.data.rhythms import RHYTHM_END
from models.postprocessing.rhythm_episodes import AF_CLASSES, decode_rhythms, rhythm_at

SINUS = "N"
_SAME_S = 1e-6
CLINICAL_AF_S = 30.0
"""An episode of this length or more on a strip is clinical AF (Hindricks G et al. Eur Heart J 42:373-498 (2021))."""


@dataclass(frozen=True)
class AtrialFibrillation:
    """Summary of atrial fibrillation and flutter in a recording.

    Attributes:
        burden: share of the time with a known rhythm, 0 to 1; NaN where none is known.
        episodes: how many there are.
        clinical: how many of them last for 30 s or more.
        longest_s: length of the longest, s; 0 without any.
    """

    burden: float
    episodes: int
    clinical: int
    longest_s: float


def with_rhythms(beats: Beats, prob: np.ndarray, classes: tuple[str, ...], duration_s: float) -> Beats:
    """The beats with their rhythms, and a warning about beats changed to N.

    Args:
        beats: found and classified.
        prob: probabilities of the rhythm at each beat, float32 (n, n_rhythms).
        classes: names of its columns.
        duration_s: length of the recording.
    """
    episodes = decode_rhythms(beats.time_s, prob, classes, duration_s, beats.gaps)
    found = replace(beats, rhythm_prob=prob, rhythm_classes=classes, rhythms=episodes)
    n = int(found.not_early.sum())
    if not n:
        return found
    subject = (
        "1 early beat within atrial fibrillation or flutter counts"
        if n == 1
        else (f"{n:,} early beats within atrial fibrillation or flutter count")
    )
    sentence = f"{subject} as N: there, a beat that is merely early is no supraventricular ectopic beat (S)."
    return replace(found, warnings=in_order((*found.warnings, Notice(sentence, Weight.NOTE))))


def atrial_fibrillation(episodes: Sequence[RhythmEpisode]) -> AtrialFibrillation:
    """Summary of atrial fibrillation; adjacent fibrillation and flutter count as one episode."""
    lengths: list[float] = []
    end_s = -1.0
    for episode in episodes:
        if episode.label not in AF_CLASSES:
            continue
        if lengths and episode.start_s == end_s:
            lengths[-1] += episode.duration_s
        else:
            lengths.append(episode.duration_s)
        end_s = episode.end_s
    known = sum(episode.duration_s for episode in episodes)
    return AtrialFibrillation(
        burden=sum(lengths) / known if known else float("nan"),
        episodes=len(lengths),
        clinical=sum(length >= CLINICAL_AF_S for length in lengths),
        longest_s=max(lengths, default=0.0),
    )


def beat_of_next_episode(beats: Beats, after_s: float) -> int | None:
    """First beat of the next episode of non-sinus rhythm after a time, wrapping around at the end.

    Returns:
        index of the beat, None where there is no such episode.
    """
    found = _first_beats(beats)
    later = [index for index in found if beats.sample[index] > after_s * beats.fs + 0.5]
    return next(iter(later or found), None)


def beat_of_episode_before(beats: Beats, before_s: float) -> int | None:
    """First beat of the last episode of non-sinus rhythm before a time (or before the current episode), wrapping around
    at the start."""
    found = _first_beats(beats)
    [place] = rhythm_at(beats.rhythms, np.array([before_s]))
    if place >= 0:
        before_s = beats.rhythms[place].start_s
    earlier = [index for index in found if beats.sample[index] < before_s * beats.fs]
    return next(reversed(earlier or found), None)


def _first_beats(beats: Beats) -> list[int]:
    starts = [episode.start_s for episode in beats.rhythms if episode.label != SINUS]
    return np.searchsorted(beats.time_s, starts).tolist()


def rhythm_marks(beats: Beats) -> list[tuple[int, str]]:
    """(sample, note) where each rhythm begins, as annotation files have them: before its first beat.

    A rhythm note holds until the next one, so where a beat lies behind the end of an episode and before the next (a
    person took one away between two others), a note says that the rhythm ends.
    """
    time_s, marks = beats.time_s, []
    for place, episode in enumerate(beats.rhythms):
        next_s = beats.rhythms[place + 1].start_s if place + 1 < len(beats.rhythms) else np.inf
        marks.append((_before_beats(beats, episode.start_s), f"({episode.label}"))
        first, stop = np.searchsorted(time_s, (episode.end_s + _SAME_S, next_s))
        if first < stop:
            behind = int(beats.sample[first - 1]) + 1 if first else 0
            marks.append((max(_before_beats(beats, episode.end_s + _SAME_S), behind), RHYTHM_END))
    return marks


def _before_beats(beats: Beats, time_s: float) -> int:
    """The sample at a time, before the first beat from then on."""
    at, first = round(time_s * beats.fs), int(np.searchsorted(beats.time_s, time_s))
    if first < len(beats):  # a person may enter an episode behind the last beat
        at = min(at, int(beats.sample[first]) - 1)
    return max(at, 0)
