"""Beats of nobody, and reviews of them: what the tests of this folder draw."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from hypothesis import strategies as st

from ecgviz.results import Beats, RhythmEpisode
from ecgviz.review import ReviewState, editing, review_state
from ecgviz.review.events import Adapt, Event, Redo, Undo, stamped
from models.core.errors import ReviewError

CLASSES = ("N", "S", "V", "F", "Q")
FS = 360.0
N_SAMPLES = 200_000


def beats_at(sample: np.ndarray, seed: int = 0, **other) -> Beats:
    """Beats at these samples, called anything."""
    rng = np.random.default_rng(seed)
    prob = rng.dirichlet(np.ones(len(CLASSES)) * 0.4, len(sample)).astype(np.float32)
    prob = (prob / prob.sum(axis=1, keepdims=True)).reshape(len(sample), len(CLASSES))
    return Beats(np.asarray(sample, np.int64), prob, CLASSES, FS, "net", ("MLII",), **other)


@st.composite
def some_beats(draw) -> Beats:
    """Beats with gaps, rhythms and offsets, or without."""
    rr = draw(st.lists(st.integers(40, 1500), min_size=1, max_size=25))
    sample = np.cumsum(rr)
    beats = beats_at(sample, draw(st.integers(0, 99)))
    end_s = float(sample[-1] / FS)
    if draw(st.booleans()):
        middle = end_s / 2
        episodes = (RhythmEpisode(0.0, middle, "AFIB", 0.9), RhythmEpisode(middle, end_s + 1, "N", 0.8))
        rhythm_prob = np.full((len(sample), 2), 0.5, np.float32)
        beats = replace(beats, rhythms=episodes, rhythm_prob=rhythm_prob, rhythm_classes=("N", "AFIB"))
    if draw(st.booleans()):
        beats = replace(beats, offset=np.full(len(sample), 0.25), alone=beats.prob[:, ::-1].copy())
    if draw(st.booleans()):
        beats = replace(beats, gaps=((end_s / 3, end_s / 3 + 0.7),))
    return beats


@dataclass
class Script:
    """A review under way: what a person does, entered as the log would."""

    beats: Beats
    events: list[Event] = field(default_factory=list)

    @property
    def state(self) -> ReviewState:
        return review_state(self.beats, self.events)

    def enter(self, event: Event) -> None:
        self.events.append(stamped(event, len(self.events) + 1, "A", "2026-11-30T12:00:00+00:00", "f" * 64))

    def do(self, action: str, seed: int) -> None:
        """One action on beats that the seed chooses; what the review refuses is not done."""
        rng, state = np.random.default_rng(seed), self.state
        n = len(state.beats)
        try:
            if action == "undo":
                self.enter(editing.undo(state, int(rng.choice(sorted(state.live))) if state.live else None))
            elif action == "redo":
                self.enter(editing.redo(state))
            elif action == "add":
                self.enter(editing.add(state, int(rng.integers(N_SAMPLES)), str(rng.choice(CLASSES)), N_SAMPLES))
            elif action == "move" and n:
                self.enter(editing.move(state, int(rng.integers(n)), int(rng.integers(N_SAMPLES)), N_SAMPLES))
            elif action == "accept_rest":
                self.enter(editing.accept_rest(state))
            elif action == "rhythm":
                start_s = float(rng.uniform(0, 100))
                span = (start_s, start_s + float(rng.uniform(1, 50)), str(rng.choice(("N", "AFIB", "VT"))))
                old = state.beats.rhythms[0] if state.beats.rhythms and seed % 2 else None
                self.enter(editing.rhythm(state, old, None if old and seed % 3 else span, 1000.0))
            elif action == "adapt":
                self.enter(adapted(self.beats, rng))
            elif n:
                chosen = np.unique(rng.integers(0, n, rng.integers(1, 4)))
                letter = (str(rng.choice(CLASSES)),) if action == "relabel" else ()
                self.enter(getattr(editing, action)(state, chosen, *letter))
        except ReviewError:
            pass


def adapted(beats: Beats, rng: np.random.Generator) -> Adapt:
    """An adaptation that gives some beats any class."""
    chosen = np.unique(rng.integers(0, len(beats), rng.integers(1, 6)))
    return Adapt(
        beats=tuple(beats.sample[chosen].tolist()),
        old="".join(beats.label[chosen]),
        new="".join(rng.choice(CLASSES, len(chosen))),
        per_mille=tuple(rng.integers(200, 1001, len(chosen)).tolist()),
        used=30,
        checked=30,
        wrong_before=9,
        wrong_after=1,
    )


ACTIONS = (
    "relabel", "relabel", "confirm", "accept", "accept_rest", "delete", "reject", "add", "move", "rhythm", "split",
    "adapt", "undo", "undo", "redo",
)  # fmt: skip


@st.composite
def scripts(draw, most: int = 14) -> Script:
    """A review of some actions."""
    script = Script(draw(some_beats()))
    for action, seed in draw(st.lists(st.tuples(st.sampled_from(ACTIONS), st.integers(0, 10_000)), max_size=most)):
        script.do(action, seed)
    return script


def same(first: Beats, second: Beats) -> bool:
    """Whether two sets of beats are the same in all that is shown of them."""
    arrays = (
        "sample prob rhythm_prob offset alone label network_label label_before_edits confidence rr_before_ms".split()
    )
    pairs = [(getattr(first, name), getattr(second, name)) for name in arrays]
    pairs += [
        (getattr(first.edits, name), getattr(second.edits, name)) for name in ("number", "letter", "how", "moved")
    ]
    return (
        all(
            (a is None and b is None)
            or (a is not None and b is not None and np.array_equal(a, b, equal_nan=a.dtype.kind == "f"))
            for a, b in pairs
        )
        and first.rhythms == second.rhythms
        and first.gaps == second.gaps
    )


def undo_all(script: Script, order: list[int]) -> ReviewState:
    """The review after these revisions were undone one after the other."""
    events = list(script.events)
    for target in order:
        events.append(stamped(Undo(target=target), len(events) + 1, "B", "", ""))
    return review_state(script.beats, events)


def redone(script: Script, target: int) -> ReviewState:
    """The review after a live edit was undone and redone."""
    events = list(script.events)
    for made in (Undo(target=target), Redo(target=target)):
        events.append(stamped(made, len(events) + 1, "B", "", ""))
    return review_state(script.beats, events)
