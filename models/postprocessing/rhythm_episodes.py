"""Decodes rhythm probabilities of beats into episodes with start, end and probability.

A network says of each beat how likely each rhythm is. One odd beat is no change of rhythm, so the sequence of episodes
is decoded as a whole: of all ways to divide the beats into episodes the one is taken whose beats are likeliest
together, where every change costs ``CHANGE_COST`` and an episode has a least length (Viterbi's algorithm for a hidden
semi-Markov chain; Rabiner LR. Proc IEEE 77(2):257-286 (1989)).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from models.core.gaps import Gaps, spans_gap

AF_CLASSES = ("AFIB", "AFL")
"""Atrial fibrillation and flutter: what an AF burden is the share of."""

CHANGE_COST = 5.0
"""Natural logarithm of the odds against a change of rhythm from one beat to the next: one in 168 beats in the Long-Term
AF Database (53,704 notes, 8,995,973 beats), one in 85 in MIT-BIH."""

LEAST_PROBABILITY = 0.01
"""No beat speaks stronger than this against a rhythm. Neighbouring beats are read from the same minute of signal and
are no independent witnesses; with this floor an episode within another one takes three beats at least."""

LEAST_SECONDS = {"AFIB": 10.0, "AFL": 10.0}
"""A resting ECG lasts 10 s, and by the RR intervals of less, fibrillation cannot be told from a few early beats. (A
diagnosis asks for 30 s: Hindricks G et al. Eur Heart J 42:373-498 (2021).) Of the time in AF, 98% in MIT-BIH and 99% in
the Long-Term AF Database lies in longer episodes."""

LEAST_BEATS = {"SVTA": 3, "VT": 3, "B": 6, "T": 9}
"""A tachycardia is three beats in a row at least; bigeminy and trigeminy are told from three cycles on."""

LONGEST_RR_S = 10.0
"""Without a beat for longer, the signal was lost or the heart stood still: no rhythm is told of that time."""

FEWEST_BEATS = 3
"""Two RR intervals are the least that a rhythm can be told by."""


@dataclass(frozen=True)
class RhythmEpisode:
    """An uninterrupted episode of one rhythm.

    Attributes:
        start_s, end_s: seconds from the start of the recording; between two beats it is midway.
        label: one of :data:`models.data.rhythms.RHYTHM_CLASSES`.
        prob: mean probability of the rhythm over the beats of the episode, 0 to 1.
    """

    start_s: float
    end_s: float
    label: str
    prob: float

    @property
    def duration_s(self) -> float:
        """Duration, s."""
        return self.end_s - self.start_s


def decode_rhythms(
    time_s: np.ndarray, prob: np.ndarray, classes: Sequence[str], duration_s: float, gaps: Gaps = ()
) -> tuple[RhythmEpisode, ...]:
    """Rhythm episodes of a recording in time order, without overlap.

    They cover it from its first to its last second, except for stretches of more than ``LONGEST_RR_S`` without a beat
    or in a gap, whatever is marked there, which end every episode, and for what lies between two such with fewer than
    ``FEWEST_BEATS`` beats. A rhythm goes on across a shorter gap when it is the same on both sides. A stretch that
    is shorter than the least length of a rhythm may have it as a whole; an episode of which the beats are sure and
    that is but a little too short is lengthened.

    Args:
        time_s: R peaks, seconds from the start of the recording, ascending, (n,).
        prob: probabilities of the rhythms, (n, n_rhythms).
        classes: their names.
        duration_s: length of the recording.
        gaps: where no beat can be seen, s.
    """
    episodes: list[RhythmEpisode] = []
    for first, stop, edge_s in stretches(np.asarray(time_s, np.float64), duration_s, gaps):
        part = np.asarray(prob[first:stop], np.float64)
        for begin, end, rhythm in _best_division(part, edge_s, classes):
            episodes.append(
                RhythmEpisode(
                    float(edge_s[begin]), float(edge_s[end]), classes[rhythm], float(part[begin:end, rhythm].mean())
                )
            )
    return tuple(episodes)


def stretches(time_s: np.ndarray, duration_s: float, gaps: Gaps = ()) -> list[tuple[int, int, np.ndarray]]:
    """Parts of a recording without a gap in beats or signal longer than ``LONGEST_RR_S``.

    Args:
        time_s: R peaks, s, ascending, (n,).
        duration_s: length of the recording.
        gaps: where no beat can be seen, s.

    Returns:
        For each part of ``FEWEST_BEATS`` or more its first beat, the beat after its last, and the edges of its beats,
        s: k + 1 for k beats, midway between neighbours.
    """
    if not len(time_s):
        return []
    after = np.append(time_s[1:], max(duration_s, time_s[-1])) - time_s
    lost = spans_gap(time_s, [(start, end) for start, end in gaps if end - start > LONGEST_RR_S])
    stops = np.flatnonzero(np.append((after[:-1] > LONGEST_RR_S) | lost, True)) + 1
    found = []
    for first, stop in zip([0, *stops[:-1].tolist()], stops.tolist(), strict=True):
        if stop - first < FEWEST_BEATS:
            continue
        inside = time_s[first:stop]
        start_s = 0.0 if first == 0 and inside[0] <= LONGEST_RR_S else float(inside[0])
        to_end = stop == len(time_s) and after[-1] <= LONGEST_RR_S
        end_s = max(duration_s, float(inside[-1])) if to_end else float(inside[-1])
        found.append((first, stop, np.concatenate([[start_s], (inside[1:] + inside[:-1]) / 2, [end_s]])))
    return found


def af_burden(episodes: Iterable[RhythmEpisode]) -> float:
    """Share of the time with known rhythm in atrial fibrillation or flutter, 0 to 1; NaN without any."""
    seconds = [(episode.duration_s, episode.label in AF_CLASSES) for episode in episodes]
    known = sum(length for length, _ in seconds)
    return sum(length for length, is_af in seconds if is_af) / known if known else float("nan")


def rhythm_at(episodes: Sequence[RhythmEpisode], time_s: np.ndarray) -> np.ndarray:
    """Index in ``episodes`` of the episode at each time, int64 (n,); -1 outside of all."""
    starts = np.array([episode.start_s for episode in episodes])
    ends = np.array([episode.end_s for episode in episodes])
    time_s = np.asarray(time_s, np.float64)
    place = np.searchsorted(starts, time_s, side="right") - 1
    inside = (place >= 0) & (time_s <= ends[place]) if len(episodes) else np.zeros(len(time_s), bool)
    found: np.ndarray = np.where(inside, place, -1)
    return found


def early_in_af(
    predicted: np.ndarray, classes: Sequence[str], time_s: np.ndarray, episodes: Sequence[RhythmEpisode]
) -> np.ndarray:
    """Beats predicted as S within atrial fibrillation or flutter, bool (n,); they count as N.

    Args:
        predicted: class index of each beat, int64 (n,).
        classes: their names.
        time_s: R peaks, s, (n,).
        episodes: of the recording; none where no rhythm is known.
    """
    if "S" not in classes or "N" not in classes or not episodes:
        return np.zeros(len(predicted), bool)
    early: np.ndarray = np.asarray(predicted) == classes.index("S")
    if not early.any():
        return early
    is_af = np.array([*(episode.label in AF_CLASSES for episode in episodes), False])
    in_af: np.ndarray = early & is_af[rhythm_at(episodes, time_s)]
    return in_af


def _best_division(prob: np.ndarray, edge_s: np.ndarray, classes: Sequence[str]) -> list[tuple[int, int, int]]:
    """(first beat, beat after the last, rhythm) of each episode of a stretch of n beats, by dynamic programming.

    Plain numbers in plain lists: a day has 100,000 beats, and on so few rhythms each numpy call would cost more than
    what it computes.
    """
    n = len(prob)
    log_prob = np.log(np.clip(prob, LEAST_PROBABILITY, 1.0))
    totals = np.pad(log_prob.cumsum(axis=0), ((1, 0), (0, 0))).T.tolist()
    latest_starts = _latest_starts(edge_s, classes)
    rhythms = [(k, totals[k], latest_starts[k].tolist()) for k in _possible(log_prob, latest_starts)]
    # For each rhythm and beat: what a path has gained that ends just before a beat and goes on with an episode of this
    # rhythm, less what the episode would have gained before; the largest over all starts so far, and that start.
    best: list[list[float]] = [[] for _ in classes]
    since: list[list[int]] = [[] for _ in classes]
    largest, start = [-np.inf] * len(classes), [0] * len(classes)
    ending: list[tuple[int, int]] = []
    gained = CHANGE_COST  # the first episode is no change
    for beat in range(n):
        before, gained = gained - CHANGE_COST, -np.inf
        last = (0, 0)
        for rhythm, total, latest in rhythms:
            opened = before - total[beat]
            if opened > largest[rhythm]:
                largest[rhythm], start[rhythm] = opened, beat
            best[rhythm].append(largest[rhythm])
            since[rhythm].append(start[rhythm])
            begin = latest[beat]
            if begin >= 0:
                value = total[beat + 1] + best[rhythm][begin]
                if value > gained:
                    gained, last = value, (since[rhythm][begin], rhythm)
        ending.append(last)
    whole = max(range(len(classes)), key=lambda rhythm: totals[rhythm][n])
    if totals[whole][n] >= gained:
        return [(0, n, whole)]
    found, stop = [], n
    while stop:
        begin, rhythm = ending[stop - 1]
        found.append((begin, stop, rhythm))
        stop = begin
    return found[::-1]


def _possible(log_prob: np.ndarray, latest: np.ndarray) -> list[int]:
    """Rhythms that an episode can have: each that no other rhythm exceeds at all beats with episodes as short.

    In most recordings few are left, and the division takes as much less time.
    """
    over = (log_prob[:, :, None] > log_prob[:, None, :]).all(axis=0) & (latest[:, None] >= latest[None]).all(axis=-1)
    return np.flatnonzero(~over.any(axis=0)).tolist()


def _latest_starts(edge_s: np.ndarray, classes: Sequence[str]) -> np.ndarray:
    """For each rhythm and beat, the latest first beat of an episode of at least the minimum duration that ends with it;
    below 0 where there is none; int64 (n_rhythms, n)."""
    starts = []
    for name in classes:
        by_beats = np.arange(len(edge_s) - 1) + 1 - LEAST_BEATS.get(name, 1)
        by_seconds = np.searchsorted(edge_s, edge_s[1:] - LEAST_SECONDS.get(name, 0.0) + 1e-9, side="right") - 1
        starts.append(np.minimum(by_beats, by_seconds))
    return np.stack(starts)
