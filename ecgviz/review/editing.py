"""From what a person wants to the event that says so: each function takes the review as it stands and refuses what
cannot be."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ecgviz.results import Beats, RhythmEpisode
from ecgviz.review.events import (
    Accept,
    Add,
    Confirm,
    Delete,
    Move,
    Redo,
    Regroup,
    Reject,
    Relabel,
    RhythmEdit,
    Span,
    Undo,
    last_to_redo,
    last_to_undo,
)
from ecgviz.review.state import ReviewState
from models.core.errors import ReviewError
from models.core.gaps import bridge, usable_samples
from models.data.rhythms import RHYTHM_CLASSES
from readers.recording import Recording

NEAREST_S = 0.1
"""Two R peaks of a heart are no nearer: a second one is a second mark of the same beat."""
MATCH_S = 0.15
"""A beat is meant by a time within so much of its R peak (ANSI/AAMI EC57)."""
_AROUND_S = 0.5

Indices = Sequence[int] | np.ndarray


def relabel(state: ReviewState, indices: Indices, letter: str) -> Relabel:
    """The beats of these indices are of that class."""
    return Relabel(**_on(state, indices), new=letter)


def confirm(state: ReviewState, indices: Indices) -> Confirm:
    """The labels of these beats are right."""
    return Confirm(**_on(state, indices))


def accept(state: ReviewState, indices: Indices) -> Accept:
    """The labels of these beats are taken for right, those that were decided singly left as they are.

    Raises:
        ReviewError: all of them are decided.
    """
    return Accept(**_on(state, _undecided(state, indices)))


def accept_rest(state: ReviewState) -> Accept:
    """Every label that nobody decided is taken for right.

    Raises:
        ReviewError: all beats are decided.
    """
    return accept(state, np.arange(len(state.beats)))


def delete(state: ReviewState, indices: Indices) -> Delete:
    """There are no beats: RR goes across."""
    return Delete(**_on(state, indices))


def reject(state: ReviewState, indices: Indices) -> Reject:
    """The beats are artefact: no RR goes across."""
    return Reject(**_on(state, indices))


def add(state: ReviewState, sample: int, letter: str, n_samples: int) -> Add:
    """A beat at a sample where there is none.

    Raises:
        ReviewError: it lies outside of the recording, or a beat is there already.
    """
    return Add(sample=_free(state.beats, sample, n_samples), new=letter)


def move(state: ReviewState, index: int, sample: int, n_samples: int) -> Move:
    """The R peak of a beat lies elsewhere.

    Raises:
        ReviewError: outside of the recording, or where another beat is.
    """
    [number] = _numbers(state, [index])
    others = np.delete(np.arange(len(state.beats)), index)
    new = _free(state.beats.take(others), sample, n_samples)
    return Move(beat=number, old=int(state.beats.sample[index]), new=new)


def split(state: ReviewState, indices: Indices) -> Regroup:
    """These beats are a family of their own."""
    return Regroup(beats=_numbers(state, indices))


def merge(state: ReviewState, indices: Indices, into: int) -> Regroup:
    """These beats belong to the family of the beat of index ``into``."""
    [target] = _numbers(state, [into])
    return Regroup(beats=_numbers(state, indices), into=target)


def rhythm(
    state: ReviewState, old: RhythmEpisode | None, new: tuple[float, float, str] | None, duration_s: float
) -> RhythmEdit:
    """An episode is entered (no ``old``), altered, or taken away (no ``new``).

    Args:
        state: the review.
        old: an episode of it.
        new: start and end, s, and label.
        duration_s: length of the recording.

    Raises:
        ReviewError: the episode is not there, the rhythm is unknown, or the times are none of the recording.
    """
    if old is not None and old not in state.beats.rhythms:
        raise ReviewError(f"there is no episode of {old.label} from {old.start_s:.1f} s; choose one of the list")
    if new is None:
        return RhythmEdit(old=_span(old))
    start_s, end_s, label = new
    if label not in RHYTHM_CLASSES:
        raise ReviewError(f"there is no rhythm {label!r}; choose {', '.join(RHYTHM_CLASSES)}")
    if not 0 <= start_s < end_s <= duration_s:
        raise ReviewError(f"an episode from {start_s:g} s to {end_s:g} s is none of a recording of {duration_s:g} s")
    return RhythmEdit(old=_span(old), new=Span(float(start_s), float(end_s), label))


def undo(state: ReviewState, revision: int | None = None) -> Undo:
    """Take back the edit of a revision, by default the last that counts.

    Raises:
        ReviewError: there is none.
    """
    target = last_to_undo(state.events) if revision is None else revision
    if target is None or target not in state.live:
        raise ReviewError(
            "there is nothing to undo" if revision is None else f"revision {revision} is no edit that counts"
        )
    return Undo(target=target)


def redo(state: ReviewState, revision: int | None = None) -> Redo:
    """Bring back the edit of a revision, by default the one that was undone last.

    Raises:
        ReviewError: there is none.
    """
    target = last_to_redo(state.events) if revision is None else revision
    undone = {event.revision for event in state.events if event.is_edit} - state.live
    if target is None or target not in undone:
        raise ReviewError("there is nothing to redo" if revision is None else f"revision {revision} is not undone")
    return Redo(target=target)


def beat_at(beats: Beats, time_s: float) -> int:
    """Index of the beat that a time means.

    Raises:
        ReviewError: no R peak lies within 150 ms.
    """
    time = beats.time_s
    place = int(np.clip(np.searchsorted(time, time_s), 0, max(len(time) - 1, 0)))
    near = [index for index in (place - 1, place) if 0 <= index < len(time)]
    best = min(near, key=lambda index: abs(time[index] - time_s), default=None)
    if best is None or not abs(time[best] - time_s) <= MATCH_S:
        raise ReviewError(
            f"there is no beat within {MATCH_S * 1000:.0f} ms of {time_s:g} s; name the time of an R peak, "
            "or undo its deletion or rejection first"
        )
    return best


def snapped(recording: Recording, lead: str, sample: int) -> int:
    """The largest deflection within 100 ms of a sample on a lead: where a person who points at a QRS means its R peak.

    The sample itself where there is no signal.
    """
    fs, around = recording.fs, round(_AROUND_S * recording.fs)
    start, stop = max(sample - around, 0), min(sample + around + 1, recording.n_samples)
    if start >= stop:
        return sample
    signal = recording.signal_mV(start, stop, [lead])[:, 0]
    usable = usable_samples(signal, fs)
    if not usable.any():
        return sample
    reach = round(NEAREST_S * fs)
    height = abs(bridge(signal, usable) - np.median(signal[usable]))
    low = max(sample - reach - start, 0)
    return start + low + int(height[low : sample + reach + 1 - start].argmax())


def _undecided(state: ReviewState, indices: Indices) -> np.ndarray:
    places = np.asarray(indices, np.int64)
    rest = places[~state.beats.edits.decided[places]]
    if not len(rest):
        raise ReviewError("all of these beats are decided already; there is no rest to accept")
    return rest


def _on(state: ReviewState, indices: Indices) -> dict[str, object]:
    """The fields that all decisions about beats have."""
    numbers = _numbers(state, indices)
    return {"beats": numbers, "old": "".join(state.beats.label[np.asarray(indices, np.int64)])}


def _numbers(state: ReviewState, indices: Indices) -> tuple[int, ...]:
    places = np.asarray(indices, np.int64)
    if not len(places):
        raise ReviewError("no beat is chosen; choose one first")
    if places.min() < 0 or places.max() >= len(state.beats):
        raise ReviewError(f"there is no beat {int(places.max()) + 1}; the recording has {len(state.beats)}")
    return tuple(state.beats.edits.number[places].tolist())


def _free(beats: Beats, sample: int, n_samples: int) -> int:
    if not 0 <= sample < n_samples:
        raise ReviewError(f"sample {sample} lies outside of the recording, which has {n_samples}")
    if len(beats) and abs(beats.time_s - sample / beats.fs).min() < NEAREST_S:
        raise ReviewError(f"there is a beat within {NEAREST_S * 1000:.0f} ms already; relabel or move that one")
    return int(sample)


def _span(episode: RhythmEpisode | None) -> Span | None:
    return None if episode is None else Span(episode.start_s, episode.end_s, episode.label)
