"""How much a person has to look at until 99% of the beats of a recording are right: by the queue, and in order.

    python -m benchmarks.review_queue --data FOLDER/mitdb --split validation --checkpoint beat-se-resnet-lstm
    python -m benchmarks.review_queue --data FOLDER/svdb_more --every 3 --checkpoint beat-strip

A person who knows the truth reviews each record twice, at detected beats. In order, they look at one beat after the
other and correct what is wrong. By the queue they look at families first: one of which nine beats in ten are of one
class becomes that class or is accepted (an extra detection is deleted), any other is split in two; then at single
beats. Of each that they relabel they look at those alike: where nine in ten are of the new class the edit is for all of
them, else the surer half is looked at, and then none. Everything they look at is a decision; what changes a label,
splits or deletes is an edit. Records that are right
to 99% before are told and not counted. Families are measured on the way: how many there are, and the share of beats
whose reference class is that of most beats of their family (purity).
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ecgviz.analysis import analyse_beats
from ecgviz.results import Beats
from ecgviz.review import editing, review_state
from ecgviz.review.alike import alike
from ecgviz.review.events import Event, stamped
from ecgviz.review.families import Shapes, beat_shapes, membership, part_to_split
from ecgviz.review.queue import beats_first, doubt, families_first
from ecgviz.review.state import ReviewState, places_of
from models import load_checkpoint
from models.data import mitdb
from models.evaluation.beats import choose_records
from models.metrics.beats import match_beats

GOAL, PURE, SMALL = 0.99, 0.9, 6
MOST_FAMILIES, AT_ONCE = 60, 10
EXTRA = -1


@dataclass
class Reviewer:
    """A person who knows the truth.

    Attributes:
        beats: the network's answer.
        truth: class index of each of its beats, EXTRA for a detection that is no beat, int64 (n,).
        missed: reference beats that were not found.
        decisions: what was looked at so far. edits: what was changed.
    """

    beats: Beats
    truth: np.ndarray
    missed: int
    decisions: int = 0
    edits: int = 0
    events: list[Event] = field(default_factory=list)

    def enter(self, event: Event, *, edit: bool) -> None:
        self.events.append(stamped(event, len(self.events) + 1, "reviewer", "", ""))
        self.decisions += 1
        self.edits += edit

    @property
    def state(self) -> ReviewState:
        return review_state(self.beats, self.events)

    def truth_of(self, state: ReviewState) -> np.ndarray:
        return self.truth[places_of(self.beats.sample, state.beats.edits.number)]

    def right(self, state: ReviewState) -> float:
        """Share of the reference's beats and of extra detections that are as they should be."""
        deleted = len(self.beats) - len(state.beats)
        good = int((state.beats.class_index == self.truth_of(state)).sum()) + deleted
        return good / (len(self.beats) + self.missed)


def in_order(reviewer: Reviewer) -> tuple[int, int] | None:
    """Decisions and edits of reading in order; None where it is right before, (0, 0) where beats that were missed make
    it unreachable."""
    wrong = np.flatnonzero(reviewer.beats.class_index != reviewer.truth)
    total = len(reviewer.beats) + reviewer.missed
    needed = int(np.ceil(GOAL * total - (len(reviewer.beats) - len(wrong))))
    if needed <= 0:
        return None
    return (int(wrong[needed - 1]) + 1, needed) if needed <= len(wrong) else (0, 0)


def by_queue(reviewer: Reviewer, shapes: Shapes) -> None:
    """Families first, then beats, until the goal is reached."""
    state = reviewer.state
    while reviewer.right(state) < GOAL and reviewer.decisions < MOST_FAMILIES:
        family = membership(state, shapes)
        waiting = families_first(doubt(state, shapes), family, state.beats.edits.decided)
        if not len(waiting):
            break
        _family(reviewer, state, shapes, np.flatnonzero(family == waiting[0]))
        state = reviewer.state
    while reviewer.right(state) < GOAL:
        waiting = beats_first(doubt(state, shapes), AT_ONCE)
        if not len(waiting):
            break
        numbers = state.beats.edits.number[waiting]
        for number in numbers:
            [index] = places_of(state.beats.edits.number, np.array([number]))
            if index < 0 or state.beats.edits.singly[index]:
                continue
            _beat(reviewer, state, int(index))
            state = reviewer.state
            _alike(reviewer, state, shapes, int(number))
            state = reviewer.state
            if reviewer.right(state) >= GOAL:
                break


def _family(reviewer: Reviewer, state: ReviewState, shapes: Shapes, members: np.ndarray) -> None:
    truth = reviewer.truth_of(state)[members]
    classes, counts = np.unique(truth, return_counts=True)
    most, others = int(classes[counts.argmax()]), len(members) - int(counts.max())
    pure = others <= 1 or len(members) < SMALL or counts.max() >= PURE * len(members)
    part = None if pure else part_to_split(state, shapes, members)
    if part is not None:
        reviewer.enter(editing.split(state, part), edit=True)
    elif most == EXTRA:
        reviewer.enter(editing.delete(state, members), edit=True)
    elif (state.beats.class_index[members] == most).all():
        reviewer.enter(editing.accept(state, members), edit=False)
    else:
        reviewer.enter(editing.relabel(state, members, reviewer.beats.classes[most]), edit=True)


def _beat(reviewer: Reviewer, state: ReviewState, index: int) -> None:
    truth = int(reviewer.truth_of(state)[index])
    if truth == EXTRA:
        reviewer.enter(editing.delete(state, [index]), edit=True)
    elif truth == state.beats.class_index[index]:
        reviewer.enter(editing.confirm(state, [index]), edit=False)
    else:
        reviewer.enter(editing.relabel(state, [index], reviewer.beats.classes[truth]), edit=True)


def _alike(reviewer: Reviewer, state: ReviewState, shapes: Shapes, number: int) -> None:
    """The offer after a relabelled beat; taken, it is the same edit."""
    [index] = places_of(state.beats.edits.number, np.array([number]))
    if reviewer.right(state) >= GOAL or index < 0 or state.beats.class_index[index] == state.beats.edits.before[index]:
        return
    offered, wanted = alike(state, shapes, int(index)), int(state.beats.class_index[index])
    for part in (offered, offered[: len(offered) // 2]):
        if not len(part):
            return
        if (reviewer.truth_of(state)[part] == wanted).mean() >= PURE:
            reviewer.enter(editing.relabel(state, part, reviewer.beats.classes[wanted]), edit=False)
            return
        reviewer.decisions += 1


def purity(group: np.ndarray, truth: np.ndarray) -> float:
    """Share of the matched beats whose class is that of most of their family."""
    known = truth >= 0
    counts = np.zeros((int(group.max(initial=0)) + 1, int(truth.max(initial=0)) + 1), np.int64)
    np.add.at(counts, (group[known], truth[known]), 1)
    return float(counts.max(axis=1).sum() / max(int(known.sum()), 1))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of annotated WFDB records")
    parser.add_argument("--split", default="all", help="all, train, validation, ds1 or test (DS2)")
    parser.add_argument("--every", type=int, default=1, help="take each so manieth record of the split")
    parser.add_argument("--checkpoint", default="beat-rhythm-2026-11")
    arguments = parser.parse_args()
    checkpoint = load_checkpoint(arguments.checkpoint)
    print(
        f"{'record':8s} beats  right  families  purity  seconds   in order: looked at, edits   queue: looked at, edits"
    )
    rows, pure = [], []
    for name in choose_records(arguments.data, arguments.split)[:: arguments.every]:
        recording = mitdb.open_record(arguments.data, name)
        record = mitdb.load_record(arguments.data, name)
        beats = analyse_beats(recording, checkpoint)
        started = time.perf_counter()
        shapes = beat_shapes(recording, beats)
        took = time.perf_counter() - started
        to_beat, to_reference = match_beats(record.sample / record.fs, beats.time_s)
        truth = np.where(to_reference >= 0, record.label[to_reference], EXTRA)
        reviewer = Reviewer(beats, truth, int((to_beat < 0).sum()))
        plain, share = in_order(reviewer), purity(shapes.group, truth)
        pure.append((share, len(np.unique(shapes.group))))
        head = (
            f"{name:8s} {len(beats):5d}  {reviewer.right(reviewer.state):.3f} {pure[-1][1]:9d}  {share:.4f} {took:8.2f}"
        )
        if plain is None or plain == (0, 0):
            print(head, "  right already" if plain is None else "  too many beats were not found", flush=True)
            continue
        by_queue(reviewer, shapes)
        rows.append((*plain, reviewer.decisions, reviewer.edits))
        print(f"{head} {plain[0]:18d} {plain[1]:6d} {reviewer.decisions:16d} {reviewer.edits:6d}", flush=True)
    told = np.array(pure)
    print(f"families: mean {told[:, 1].mean():.1f}, purity mean {told[:, 0].mean():.4f}, least {told[:, 0].min():.4f}")
    if rows:
        counts = np.array(rows)
        total, ratio = counts.sum(axis=0), counts[:, 2:] / counts[:, :2]
        print(
            f"{len(rows)} records: looked at {total[2]} of {total[0]} ({total[2] / total[0]:.3f}, median "
            f"{np.median(ratio[:, 0]):.3f}), edits {total[3]} of {total[1]} ({total[3] / total[1]:.3f}, median "
            f"{np.median(ratio[:, 1]):.3f})"
        )
        drawn = counts[np.random.default_rng(0).integers(0, len(counts), (2000, len(counts)))].sum(axis=1)
        for what, ours, plainly in (("looked at", 2, 0), ("edits", 3, 1)):
            low, high = np.percentile(drawn[:, ours] / drawn[:, plainly], (2.5, 97.5))
            print(f"{what}: 95% interval by drawing records {low:.3f} to {high:.3f}")


if __name__ == "__main__":
    main()
