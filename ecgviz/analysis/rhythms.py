"""The rhythms of a recording: episodes beside its beats, what they change about the beats, and steps between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ecgviz.results import Beats, RhythmEpisode
from models.rhythm_episodes import AF_CLASSES, decode_rhythms

SINUS = "N"
CLINICAL_AF_S = 30.0
"""An episode of this length or more on a strip is clinical AF (Hindricks G et al. Eur Heart J 42:373-498 (2021))."""


@dataclass(frozen=True)
class AtrialFibrillation:
    """Atrial fibrillation and flutter of a recording.

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
    """The beats with their rhythms, and a warning of how many the rhythm made N.

    Args:
        beats: found and classified.
        prob: probabilities of the rhythm at each beat, float32 (n, n_rhythms).
        classes: names of its columns.
        duration_s: length of the recording.
    """
    episodes = decode_rhythms(beats.time_s, prob, classes, duration_s)
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
    return replace(found, warnings=(*found.warnings, sentence))


def atrial_fibrillation(episodes: Sequence[RhythmEpisode]) -> AtrialFibrillation:
    """What is told of atrial fibrillation; fibrillation and flutter that follow each other are one episode."""
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


def next_episode(episodes: Sequence[RhythmEpisode], after_s: float) -> int | None:
    """The first episode that is no sinus rhythm and begins after a time; from the end it goes on at the start.

    Returns:
        its place in ``episodes``, None where there is no such episode.
    """
    found = [place for place, episode in enumerate(episodes) if episode.label != SINUS]
    return next((place for place in found if episodes[place].start_s > after_s), found[0] if found else None)


def episode_before(episodes: Sequence[RhythmEpisode], before_s: float) -> int | None:
    """The last episode that is no sinus rhythm and begins before a time; from the start it goes on at the end."""
    found = [place for place, episode in enumerate(episodes) if episode.label != SINUS]
    return next(
        (place for place in reversed(found) if episodes[place].start_s < before_s), found[-1] if found else None
    )


def episodes_between(episodes: Sequence[RhythmEpisode], start_s: float, stop_s: float) -> tuple[RhythmEpisode, ...]:
    """The episodes of which a part lies in a view, in time order."""
    return tuple(episode for episode in episodes if episode.start_s < stop_s and episode.end_s > start_s)
