"""Families: the beats of a recording by their shape, as Holter systems show them, so that many are judged at once.

Which family a beat is in follows from the network's answer (:mod:`ecgviz.review.grouping`) and from what people split
off or merged; how a family looks, from its members as they stand.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from ecgviz.results import Beats
from ecgviz.review.grouping import early, features, group_beats, halves, log_odds
from ecgviz.review.state import ReviewState, places_of
from ecgviz.review.waves import Waves, beat_waves
from models.core.callbacks import Progress, ShouldStop
from readers.recording import Recording

_ENVELOPE = (0.1, 0.5, 0.9)
_NOISE = 0.1
_DRAWN_BY = 300
"""Members that a family's median and envelope are measured on."""


@dataclass(frozen=True)
class Shapes:
    """What the families of a network's answer are made of; it changes with no edit.

    Attributes:
        beats: the network's answer.
        waves: of these beats.
        points: :func:`ecgviz.review.grouping.features`, float32 (n, k).
        group: number of the family of each beat, int64 (n,).
        early: by how much each beat comes before its time, float64 (n,).
    """

    beats: Beats
    waves: Waves
    points: np.ndarray
    group: np.ndarray
    early: np.ndarray

    @cached_property
    def to_learn_from(self) -> np.ndarray:
        """Features of each beat for a model of this recording, float64 (n, k).

        Each has SD 1, except components of the waves of less than a tenth of the widest one's SD, which are scaled by
        that tenth, so that components of noise stay small.
        """
        following = np.append(self.early[1:], 0.0)[: len(self.early)]
        others = np.column_stack([log_odds(self.beats.prob), self.early, following])
        wide = self.points.std(axis=0)
        scale = np.concatenate([np.maximum(wide, _NOISE * wide.max(initial=0.0)), others.std(axis=0)])
        points = np.column_stack([self.points, others]).astype(np.float64)
        return (points - points.mean(axis=0)) / np.maximum(scale, 1e-6) if len(points) else points


@dataclass(frozen=True)
class Family:
    """Beats of one shape.

    Attributes:
        members: indices of the beats in the edited beats, int64 (n,), ascending.
        label: the label of most of them.
        agreement: share of the members with that label, 0 to 1.
        confidence: mean probability of the members' labels.
        spread: root mean square distance of members from the median wave, as a share of the wave's own size.
        median: float32 (n_leads, m), as of :class:`ecgviz.review.waves.Waves`.
        low, high: 10th and 90th percentile around it, of the same shape.
        first_s, last_s: when its first and last member are, s.
        decided: members whose label a person gave, confirmed or accepted.
    """

    members: np.ndarray
    label: str
    agreement: float
    confidence: float
    spread: float
    median: np.ndarray
    low: np.ndarray
    high: np.ndarray
    first_s: float
    last_s: float
    decided: int

    def __len__(self) -> int:
        return len(self.members)

    @property
    def whole(self) -> bool:
        """Whether every member is decided."""
        return self.decided == len(self)


def beat_shapes(
    recording: Recording, beats: Beats, *, progress: Progress | None = None, should_stop: ShouldStop | None = None
) -> Shapes:
    """The shapes of a network's answer: the recording is read once, a day in half a minute.

    Args:
        recording: an open recording.
        beats: the network's answer.
        progress: told seconds done, seconds in all, a note.
        should_stop: asked between blocks.
    """
    waves = beat_waves(recording, beats, progress=progress, should_stop=should_stop)
    points = features(beats, waves)
    return Shapes(beats, waves, points, group_beats(beats.label, points), early(beats))


def membership(state: ReviewState, shapes: Shapes) -> np.ndarray:
    """Number of the family of each edited beat, int64 (n,): as grouped, with what people split off and merged.

    Beats that a person added are a family of their own until they are merged into another.
    """
    number = state.beats.edits.number
    row = places_of(shapes.beats.sample, number)
    new = int(shapes.group.max(initial=-1)) + 1
    family = np.where(row >= 0, shapes.group[row] if len(shapes.group) else 0, new)
    for event in state.regroups:
        place = places_of(number, np.array(event.beats, np.int64))
        if event.into is None:
            new += 1
            target = new
        else:
            [into] = places_of(number, np.array([event.into]))
            if into < 0:
                continue  # the beat that named the family is gone
            target = int(family[into])
        family[place[place >= 0]] = target
    return family


def families(recording: Recording, state: ReviewState, shapes: Shapes) -> tuple[Family, ...]:
    """The families of the edited beats, the largest first."""
    number = membership(state, shapes)
    order = np.argsort(number, kind="stable")
    parts = np.split(order, np.flatnonzero(np.diff(number[order])) + 1)
    found = _families(recording, state, shapes, [members for members in parts if len(members)])
    return tuple(sorted(found, key=lambda family: (-len(family), family.first_s)))


def family_of(recording: Recording, state: ReviewState, shapes: Shapes, members: np.ndarray) -> Family:
    """Some beats as a family, whatever families they are of: indices of the edited beats, ascending, at least one."""
    [found] = _families(recording, state, shapes, [members])
    return found


def _families(recording: Recording, state: ReviewState, shapes: Shapes, parts: list[np.ndarray]) -> list[Family]:
    rows = _rows(state, shapes)
    own = _own_waves(recording, state, shapes, rows)
    label, confidence, decided = state.beats.class_index, state.beats.confidence, state.beats.edits.decided
    time_s = state.beats.time_s
    size = np.where(np.isfinite(shapes.waves.size), shapes.waves.size, 1.0)[:, None]
    found = []
    for members in parts:
        drawn = members[:: max(1, len(members) // _DRAWN_BY)]
        waves = np.stack(
            [own[index] if index in own else shapes.waves.samples[rows[index]] for index in drawn.tolist()]
        )
        ordered = np.sort(waves, axis=0)  # a third of the time of np.percentile
        # Copies: a view would keep all the sorted waves, 6 MB of a day's families.
        low, median, high = (ordered[round(share * (len(ordered) - 1))].copy() for share in _ENVELOPE)
        counts = np.bincount(label[members], minlength=len(state.beats.classes))
        found.append(
            Family(
                members=members,
                label=state.beats.classes[int(counts.argmax())],
                agreement=float(counts.max() / len(members)),
                confidence=float(confidence[members].mean()),
                spread=float(np.sqrt(np.square((waves - median) / size).mean()) / _root_mean_square(median / size)),
                median=median,
                low=low,
                high=high,
                first_s=float(time_s[members[0]]),
                last_s=float(time_s[members[-1]]),
                decided=int(decided[members].sum()),
            )
        )
    return found


def part_to_split(state: ReviewState, shapes: Shapes, members: np.ndarray) -> np.ndarray | None:
    """The smaller of the two parts that a family falls into by itself, indices of the edited beats; None where it is
    one."""
    rows = _rows(state, shapes)[members]
    known = rows >= 0
    second = halves(shapes.points[rows[known]])
    return None if second is None else members[known][second]


def _rows(state: ReviewState, shapes: Shapes) -> np.ndarray:
    """Row of each edited beat in the network's answer, -1 where a person added it."""
    return places_of(shapes.beats.sample, state.beats.edits.number)


def _own_waves(recording: Recording, state: ReviewState, shapes: Shapes, rows: np.ndarray) -> dict[int, np.ndarray]:
    """Waves of the beats that were added or moved, by index: they lie where the network saw none."""
    changed = np.flatnonzero(state.beats.edits.moved | (rows < 0))
    if not len(changed):
        return {}
    some = replace(state.beats.take(changed), leads=shapes.waves.leads)
    return dict(zip(changed.tolist(), beat_waves(recording, some).samples, strict=True))


def _root_mean_square(values: np.ndarray) -> float:
    return max(float(np.sqrt(np.square(values - values.mean(axis=-1, keepdims=True)).mean())), 1e-6)
