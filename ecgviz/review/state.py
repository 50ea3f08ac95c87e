"""From the network's beats and the log to the edited beats: a pure function, quick enough for every change.

The last decision about a beat holds, in the order of the log and without what was undone. So undo and redo need no
inverse of anything, and independent decisions may be undone in any order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ecgviz.edits import Edits, How
from ecgviz.results import Beats
from ecgviz.review.events import (
    Accept,
    Adapt,
    Add,
    Confirm,
    Delete,
    Event,
    Move,
    OnBeats,
    Regroup,
    Reject,
    RhythmEdit,
    live_edits,
)
from ecgviz.review.rhythms import edited_rhythms
from models.core.gaps import EDGE_S, Gaps

_HOW = {Confirm: How.CONFIRMED, Accept: How.ACCEPTED, Delete: How.DELETED, Reject: How.REJECTED}
_TINY_S = 1e-4


@dataclass(frozen=True)
class ReviewState:
    """A review as it stands.

    Attributes:
        network: the network's answer, with the beats that a person deleted or rejected.
        beats: the edited beats; their ``edits`` say what was decided.
        events: the log so far.
        live: revisions of the edits that count.
        deleted_s, rejected_s: where those beats were, seconds from the start, float64 (k,).
        unknown: decided beats that the network's answer does not have (any more), int.
        regroups: live changes of the families, in the order of the log.
    """

    network: Beats
    beats: Beats
    events: tuple[Event, ...]
    live: frozenset[int]
    deleted_s: np.ndarray
    rejected_s: np.ndarray
    unknown: int
    regroups: tuple[Regroup, ...]

    @property
    def revision(self) -> int:
        """Of the log."""
        return self.events[-1].revision if self.events else 0


def apply(beats: Beats, events: Sequence[Event]) -> Beats:
    """The edited beats; ``beats`` itself, with edits that change nothing, where no event counts.

    Args:
        beats: the network's answer, of the recording, checkpoint and reading that the log is about.
        events: the log, in the order of revisions.
    """
    return review_state(beats, events).beats


def review_state(beats: Beats, events: Sequence[Event]) -> ReviewState:
    """The review as it stands; arguments as of :func:`apply`."""
    live = live_edits(events)
    added = [event for event in reversed(live) if isinstance(event, Add)]
    number = np.concatenate([np.array([-event.revision for event in added], np.int64), beats.sample.astype(np.int64)])
    classes = _with_classes(beats, live)
    letter = np.full(len(number), -1, np.int8)
    how = np.zeros(len(number), np.int8)
    together = np.zeros(len(number), bool)
    before = np.concatenate([np.full(len(added), -1, np.int8), beats.class_index.astype(np.int8)])
    letter[: len(added)] = [classes.index(event.new) for event in added]
    how[: len(added)] = How.ADDED
    adapted_prob = _adapt(number, letter, how, classes, live)
    unknown = _decide(number, letter, how, together, classes, live)
    sample = np.concatenate([np.array([event.sample for event in added], np.int64), beats.sample.astype(np.int64)])
    moved = np.zeros(len(number), bool)
    unknown += _move(number, sample, moved, live)
    offset = np.concatenate([np.zeros(len(added)), np.zeros(len(beats)) if beats.offset is None else beats.offset])
    offset[moved] = 0.0

    is_gone = np.isin(how, (How.DELETED, How.REJECTED))
    there, gone = np.flatnonzero(~is_gone), np.flatnonzero(is_gone)
    time_s = (sample + offset) / beats.fs
    order = there[np.argsort(sample[there] + offset[there], kind="stable")]
    gone = gone[np.argsort(time_s[gone], kind="stable")]
    given = letter[: len(added)]
    same = not added and not moved.any() and np.array_equal(order, np.arange(len(beats)))

    def columns(prob: np.ndarray) -> np.ndarray:
        """Probabilities of the edited beats; a day's are 2 MB, so they are copied only where they change."""
        return prob if same and classes == beats.classes else _with_added(prob, classes, given)[order]

    edited = replace(
        beats,
        sample=beats.sample if same else sample[order],
        prob=columns(beats.prob),
        classes=classes,
        rhythm_prob=beats.rhythm_prob if same else _rhythm_prob(beats, sample[: len(added)], order),
        rhythms=edited_rhythms(beats.rhythms, [event for event in live if isinstance(event, RhythmEdit)]),
        offset=offset[order] if offset[order].any() else None,
        alone=None if beats.alone is None else columns(beats.alone),
        edits=Edits(number, letter, how, before, moved, together, adapted_prob, time_s[gone], how[gone]).take(order),
    )
    rejected_s = time_s[gone[how[gone] == How.REJECTED]]
    return ReviewState(
        network=beats,
        beats=replace(edited, gaps=_with_rejected(edited, rejected_s)),
        events=tuple(events),
        live=frozenset(event.revision for event in live),
        deleted_s=time_s[gone[how[gone] == How.DELETED]],
        rejected_s=rejected_s,
        unknown=unknown,
        regroups=tuple(event for event in live if isinstance(event, Regroup)),
    )


def places_of(number: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Place in ``number`` (in any order) of each wanted one, int64 of its shape; -1 where there is none."""
    order = np.append(np.argsort(number, kind="stable"), -1)
    place = order[np.searchsorted(number, wanted, sorter=order[:-1])]
    found = np.append(number, np.iinfo(np.int64).max)[place] == wanted
    return np.where(found, place, -1)


def _with_classes(beats: Beats, live: Sequence[Event]) -> tuple[str, ...]:
    """The network's classes, and those that a person gave and it does not know."""
    given = {event.new for event in live if isinstance(event, Add) or event.kind == "relabel"}
    given.update(*(set(event.old) for event in live if isinstance(event, Confirm)))
    return (*beats.classes, *sorted(given - set(beats.classes)))


def _decide(
    number: np.ndarray,
    letter: np.ndarray,
    how: np.ndarray,
    together: np.ndarray,
    classes: tuple[str, ...],
    live: Sequence[Event],
) -> int:
    """Enter the last decision about each beat; gives how many decided beats are not there."""
    decisions = [event for event in live if isinstance(event, OnBeats)]
    if not decisions:
        return 0
    column = np.full(256, -1, np.int8)
    for place, name in enumerate(classes):
        column[ord(name)] = place
    letters, ways = [], []
    for event in decisions:
        n = len(event.beats)
        if isinstance(event, Confirm):
            letters.append(column[np.frombuffer(event.old.encode(), np.uint8)])
        else:
            letters.append(np.full(n, column[ord(event.new)] if event.kind == "relabel" else -1, np.int8))
        ways.append(np.full(n, _HOW.get(type(event), How.RELABELLED), np.int8))
    wanted = np.concatenate([np.array(event.beats, np.int64) for event in decisions])
    place = places_of(number, wanted)
    known = place >= 0
    letter[place[known]] = np.concatenate(letters)[known]  # of several values for one place the last one stays
    how[place[known]] = np.concatenate(ways)[known]
    size = np.array([len(event.beats) for event in decisions])
    together[place[known]] = np.repeat(size > 1, size)[known]
    return len(np.unique(wanted[~known & (wanted >= 0)]))  # one that was added and is undone now is not missed


def _adapt(
    number: np.ndarray, letter: np.ndarray, how: np.ndarray, classes: tuple[str, ...], live: Sequence[Event]
) -> np.ndarray | None:
    """Enter what the adapted network says, where it still finds the beats; gives the probability of each such label."""
    event = next((one for one in reversed(live) if isinstance(one, Adapt)), None)
    if event is None or not set(event.new) <= set(classes):
        return None
    place = places_of(number, np.array(event.beats, np.int64))
    known = place >= 0
    letter[place[known]] = np.array([classes.index(one) for one in event.new], np.int8)[known]
    how[place[known]] = How.ADAPTED
    prob = np.full(len(number), np.nan, np.float32)
    prob[place[known]] = np.array(event.per_mille, np.float32)[known] / 1000
    return prob


def _move(number: np.ndarray, sample: np.ndarray, moved: np.ndarray, live: Sequence[Event]) -> int:
    """Enter where beats were moved to; gives how many of them are not there."""
    moves = [event for event in live if isinstance(event, Move)]
    if not moves:
        return 0
    wanted = np.array([event.beat for event in moves], np.int64)
    place = places_of(number, wanted)
    known = place >= 0
    was = sample[place[known]]
    sample[place[known]] = np.array([event.new for event in moves], np.int64)[known]
    moved[place[known]] = sample[place[known]] != was
    return len(np.unique(wanted[~known & (wanted >= 0)]))


def _with_added(prob: np.ndarray, classes: tuple[str, ...], given: np.ndarray) -> np.ndarray:
    """Probabilities of the added beats, all of it on the class that was given, and behind them the network's."""
    found = np.zeros((len(given) + len(prob), len(classes)), np.float32)
    found[np.arange(len(given)), np.maximum(given, 0)] = 1.0
    found[len(given) :, : prob.shape[1]] = prob
    return found


def _rhythm_prob(beats: Beats, added: np.ndarray, order: np.ndarray) -> np.ndarray | None:
    """Probabilities of the rhythm; an added beat has those of the beat next to it, or none speaks for any."""
    if beats.rhythm_prob is None:
        return None
    if not len(beats):
        return np.full((len(order), len(beats.rhythm_classes)), 1 / max(len(beats.rhythm_classes), 1), np.float32)
    near = np.clip(np.searchsorted(beats.sample, added), 0, len(beats) - 1)
    return np.concatenate([beats.rhythm_prob[near], beats.rhythm_prob])[order]


def _with_rejected(beats: Beats, rejected_s: np.ndarray) -> Gaps:
    """The gaps with a short one at each rejected beat, so that no RR interval goes across it."""
    if not len(rejected_s) or not len(beats):
        return beats.gaps
    time_s = beats.time_s
    behind = np.searchsorted(time_s, rejected_s, side="right")
    inner = (behind > 0) & (behind < len(time_s))
    before, after, at = time_s[behind[inner] - 1], time_s[behind[inner]], rejected_s[inner]
    # A beat at the edge of a gap lies in none, so that a gap is told from the beats at its sides however near they are.
    starts = np.minimum(at, after - EDGE_S) - _TINY_S
    ends = np.maximum(at, before + EDGE_S) + _TINY_S
    return tuple(sorted((*beats.gaps, *zip(starts.tolist(), ends.tolist(), strict=True))))
