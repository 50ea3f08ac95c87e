"""Rhythm episodes with a person's decisions: what is entered covers what was there, what is taken away leaves room."""

from __future__ import annotations

from collections.abc import Sequence

from ecgviz.review.events import RhythmEdit, Span
from models.postprocessing.rhythm_episodes import RhythmEpisode


def edited_rhythms(episodes: Sequence[RhythmEpisode], edits: Sequence[RhythmEdit]) -> tuple[RhythmEpisode, ...]:
    """Episodes in time order, without overlap, after the edits in their order.

    What is taken away falls to the rhythm around it where that is one and the same on both sides (or at an end of the
    recording on the one that there is); else no rhythm is told of that time. What a person entered has probability 1.
    """
    found = list(episodes)
    for edit in edits:
        if edit.old is not None:
            found = _taken_away(found, edit.old)
        if edit.new is not None:
            found = [*_cut(found, edit.new), RhythmEpisode(edit.new.start_s, edit.new.end_s, edit.new.label, 1.0)]
        found = _joined(found)
    return tuple(found)


def _cut(episodes: Sequence[RhythmEpisode], span: Span) -> list[RhythmEpisode]:
    """The episodes without what lies in the span."""
    left = []
    for one in episodes:
        if one.end_s <= span.start_s or one.start_s >= span.end_s:
            left.append(one)
            continue
        if one.start_s < span.start_s:
            left.append(RhythmEpisode(one.start_s, span.start_s, one.label, one.prob))
        if one.end_s > span.end_s:
            left.append(RhythmEpisode(span.end_s, one.end_s, one.label, one.prob))
    return left


def _taken_away(episodes: Sequence[RhythmEpisode], span: Span) -> list[RhythmEpisode]:
    left = _cut(episodes, span)
    before = next((one for one in left if one.end_s == span.start_s), None)
    after = next((one for one in left if one.start_s == span.end_s), None)
    around = {one.label for one in (before, after) if one is not None}
    if len(around) == 1:
        beside = before or after
        assert beside is not None
        left.append(RhythmEpisode(span.start_s, span.end_s, beside.label, beside.prob))
    return left


def _joined(episodes: Sequence[RhythmEpisode]) -> list[RhythmEpisode]:
    """In time order; neighbours of one rhythm are one episode, with the mean probability of its time."""
    joined: list[RhythmEpisode] = []
    for one in sorted(episodes, key=lambda episode: episode.start_s):
        last = joined[-1] if joined else None
        if last is not None and last.end_s == one.start_s and last.label == one.label:
            mean = (last.prob * last.duration_s + one.prob * one.duration_s) / (last.duration_s + one.duration_s)
            joined[-1] = RhythmEpisode(last.start_s, one.end_s, one.label, mean)
        else:
            joined.append(one)
    return joined
