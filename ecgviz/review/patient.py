"""The patient's own network: what people decided about some beats of a recording adapts the answers for the others.

The network itself is not touched, and nothing is kept but the event in this recording's log: which labels change, made
of what, and how the held-out decided beats came out. Undoing the event is the whole way back.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ecgviz.edits import How
from ecgviz.results import NORMAL, Beats
from ecgviz.review.events import Adapt, Undo
from ecgviz.review.state import ReviewState, places_of
from ecgviz.review.waves import BEFORE_S as WAVE_BEFORE_S
from ecgviz.review.waves import FS, Waves
from models.core.errors import ReviewError
from models.core.words import counted
from models.postprocessing.ectopic_beats import BEFORE_S, shape_size
from models.postprocessing.patient_beats import Adaptation, BeatView, adapt, ask_next, beat_view

LEAST = 20
"""Fewer decided beats say nothing of the others."""
_OF_A_GROUP = 0.1
"""How much a label counts that was accepted with others and not looked at by itself."""
_LEFT_S = 0.1
_ASKED = 10


def view_of(beats: Beats, waves: Waves) -> BeatView:
    """What the adaptation sees of a recording.

    Args:
        beats: the network's answer.
        waves: of these beats.

    Raises:
        ReviewError: the network has no class N.
    """
    if NORMAL not in beats.classes:
        raise ReviewError(f"{beats.checkpoint} knows no class {NORMAL}; a network is adapted that tells beats from it")
    first = round(WAVE_BEFORE_S * FS) - round(BEFORE_S * FS)
    shapes = waves.samples[..., first : first + shape_size(1, FS)[1]]
    return beat_view(_as_labelled(beats), shapes, beats.rr_before_ms / 1000, beats.classes)


@dataclass(frozen=True)
class Tried:
    """How the adaptation of a review came out.

    Attributes:
        adaptation: with the check on held-out beats.
        event: what puts it in force; None where it is not better, or changes nothing.
        lines: all of it in words.
    """

    adaptation: Adaptation
    event: Adapt | None
    lines: tuple[str, ...]

    @property
    def document(self) -> dict[str, object]:
        """Ready for JSON."""
        return tried_document(self.adaptation, self.event)


def try_adaptation(state: ReviewState, beats: Beats, waves: Waves) -> Tried:
    """Adapt the network's answer by what was decided so far; nothing is entered.

    Args:
        state: the review.
        beats: the network's answer. waves: of these beats.

    Raises:
        ReviewError: too few beats are decided, or the network has no class N.
    """
    view = view_of(beats, waves)
    found = adapt_to_decided(state, beats, view)
    event = adapt_event(state, beats, view, found)
    return Tried(found, event, tuple(adaptation_lines(state, beats, view, found, event)))


def adapt_to_decided(state: ReviewState, beats: Beats, view: BeatView) -> Adaptation:
    """The network's answers, adapted by the labels that people confirmed and gave (and, less, accepted) so far.

    Args:
        state: the review.
        beats: the network's answer, which it is of.
        view: of ``beats``, from :func:`view_of`.

    Raises:
        ReviewError: too few beats are decided.
    """
    edits = state.beats.edits
    assert edits is not None
    row = places_of(beats.sample, edits.number)
    # Columns of the edited beats are those of the network first, so a letter beyond them is none that it knows.
    use = edits.decided & (row >= 0) & (edits.letter < len(beats.classes))
    single = use & (edits.how != How.ACCEPTED)
    if single.sum() < LEAST:
        raise ReviewError(
            f"{counted(int(single.sum()), 'beat')} confirmed or relabelled: at least {LEAST} are needed to adapt the "
            "network to this recording; decide some more"
        )
    rows = row[use]
    order = np.argsort(rows)
    weight = np.where(single[use], 1.0, _OF_A_GROUP)
    return adapt(view, rows[order], edits.letter[use][order].astype(np.int64), weight[order])


def adapt_event(state: ReviewState, beats: Beats, view: BeatView, found: Adaptation) -> Adapt | None:
    """The event that puts adapted answers in force: the labels of undecided beats that they change. None where they are
    not better, or change nothing."""
    after = found.prob.argmax(axis=1)
    changed = np.flatnonzero(_undecided(state, beats) & (after != view.log_prob.argmax(axis=1)))
    if not found.better or not len(changed):
        return None
    return Adapt(
        beats=tuple(beats.sample[changed].tolist()),
        old="".join(beats.label[changed]),
        new="".join(np.asarray(beats.classes)[after[changed]]),
        per_mille=tuple(np.round(1000 * found.prob[changed, after[changed]]).astype(int).tolist()),
        used=found.used,
        checked=found.checked,
        wrong_before=found.wrong_before,
        wrong_after=found.wrong_after,
    )


def next_to_decide(state: ReviewState, beats: Beats, view: BeatView, found: Adaptation, count: int) -> np.ndarray:
    """The beats of the network's answer whose class would teach most, int64 (at most ``count``,)."""
    return ask_next(view, found.prob, ~_undecided(state, beats), count)


def adaptation_lines(
    state: ReviewState, beats: Beats, view: BeatView, found: Adaptation, event: Adapt | None
) -> list[str]:
    """How an adaptation came out, in words, and what to decide next."""
    low, high = found.interval
    changes = ""
    if found.righted + found.spoilt:
        changes = f"; righted {found.righted}, spoilt {found.spoilt} (share righted, 95%: {low:.2f} to {high:.2f})"
    lines = [
        f"adapted by {counted(found.used, 'decided beat')}; each of {found.checked} held out in turn:",
        f"wrong before: {found.wrong_before}, after: {found.wrong_after}{changes}",
    ]
    if event is not None:
        lines.append(f"better, so it can be applied: {counted(len(event.beats), 'label')} would change")
    elif found.better:
        lines.append("better, but it changes no label")
    else:
        lines.append("not better, so it is not applied")
    waiting = next_to_decide(state, beats, view, found, _ASKED)
    if len(waiting):
        lines.append("decide next, at " + ", ".join(f"{beats.time_s[one]:.2f}" for one in waiting) + " s")
    return lines


def tried_document(found: Adaptation, event: Adapt | None) -> dict[str, object]:
    """How an adaptation came out, ready for JSON."""
    known = found.righted + found.spoilt > 0
    return {
        "used": found.used,
        "held_out": found.checked,
        "wrong_before": found.wrong_before,
        "wrong_after": found.wrong_after,
        "righted": found.righted,
        "spoilt": found.spoilt,
        "righted_share_interval": [round(one, 4) for one in found.interval] if known else None,
        "better": found.better,
        "applied": event is not None,
        "labels_changed": 0 if event is None else len(event.beats),
    }


def in_force(state: ReviewState) -> Adapt | None:
    """The adaptation that counts: the last that was not undone."""
    return next((one for one in reversed(state.events) if isinstance(one, Adapt) and one.revision in state.live), None)


def revert(state: ReviewState) -> Undo:
    """Take the adaptation back that counts.

    Raises:
        ReviewError: there is none.
    """
    event = in_force(state)
    if event is None:
        raise ReviewError("no adaptation of the network is in force, so there is none to revert")
    return Undo(target=event.revision)


def _undecided(state: ReviewState, beats: Beats) -> np.ndarray:
    """Beats of the network's answer that are still there and that nobody decided, bool (n,)."""
    edits = state.beats.edits
    assert edits is not None
    found: np.ndarray = np.isin(beats.sample, edits.number[~edits.decided])
    return found


def _as_labelled(beats: Beats) -> np.ndarray:
    """The network's probabilities, those of S moved to N where an early beat in atrial fibrillation is N, (n, k): the
    likeliest class of each beat is its label."""
    prob = beats.prob.astype(np.float64)
    if beats.not_early.any():
        normal, early = beats.classes.index(NORMAL), beats.classes.index("S")
        most = (1 - _LEFT_S) * prob[:, early]
        enough = prob[:, normal] + most >= np.delete(prob, [normal, early], axis=1).max(axis=1, initial=0.0)
        moved = np.where(beats.not_early, np.where(enough, most, prob[:, early]), 0.0)
        prob[:, normal] += moved
        prob[:, early] -= moved
    return prob
