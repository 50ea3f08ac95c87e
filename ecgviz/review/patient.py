"""The patient's own network: what people decided about some beats of a recording adapts the answers for the others.

The network itself is not touched, and nothing is kept but the event in this recording's log: which labels change, made
of what, and how the held-out decided beats came out. Undoing the event is the whole way back.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from ecgviz.edits import How
from ecgviz.results import NORMAL, Beats
from ecgviz.review.events import Adapt, Undo
from ecgviz.review.state import ReviewState, places_of
from models.core.callbacks import Progress, ShouldStop
from models.core.errors import ReviewError
from models.core.words import counted
from models.evaluation.ectopic_beats import AFTER_S, BEFORE_S, cut_shapes, shape_size
from models.evaluation.patient_beats import Adaptation, BeatView, adapt, beat_view
from models.tasks.conditioning import Conditioner
from readers.recording import Recording

LEAST = 20
"""Fewer decided beats say nothing of the others."""
FS = 120.0
"""Samples a second of the shapes that are compared."""
_OF_A_GROUP = 0.1
"""How much a label counts that was accepted with others and not looked at by itself."""
_LEFT_S = 0.1
_BLOCK_S = 300.0


def view_of(
    recording: Recording, beats: Beats, *, progress: Progress | None = None, should_stop: ShouldStop | None = None
) -> BeatView:
    """What the adaptation sees of a recording, which is read once.

    Args:
        recording: an open recording with the leads that the network read.
        beats: the network's answer.
        progress: told seconds done, seconds in all, a note.
        should_stop: asked between blocks; beats behind the last one have no shape then.

    Raises:
        ReviewError: the network has no class N.
    """
    if NORMAL not in beats.classes:
        raise ReviewError(f"{beats.checkpoint} knows no class {NORMAL}; a network is adapted that tells beats from it")
    conditioner = Conditioner(recording.fs, FS)
    place = conditioner.beats(beats.sample, recording.n_samples)
    shapes = np.zeros((len(beats), *shape_size(len(beats.leads), FS)), np.float32)
    read, step = partial(recording.signal_mV, leads=beats.leads), round(_BLOCK_S * FS)
    before, after = round(BEFORE_S * FS), round(AFTER_S * FS)
    for start in range(0, conditioner.n_out(recording.n_samples), step):
        if should_stop is not None and should_stop():
            break
        first, stop = np.searchsorted(place, (start, start + step))
        if first < stop:
            block = conditioner.condition(read, recording.n_samples, start - before, start + step + after + 1)
            shapes[first:stop] = cut_shapes(block, place[first:stop] - start + before, FS)
        if progress is not None:
            progress(
                min(round((start + step) / FS), round(recording.duration_s)), round(recording.duration_s), "Shapes"
            )
    return beat_view(_as_labelled(beats), shapes, beats.rr_before_ms / 1000, beats.classes)


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


def adapt_event(beats: Beats, view: BeatView, found: Adaptation) -> Adapt:
    """The event that puts adapted answers in force: the labels that they change.

    Raises:
        ReviewError: they are not better, or change nothing.
    """
    if not found.better:
        raise ReviewError(
            f"the adapted network is not better: of {counted(found.checked, 'held-out beat')} the network has "
            f"{found.wrong_before} wrong and the adapted one {found.wrong_after}; nothing is changed. Decide some more "
            "beats, first those that it is least sure of"
        )
    after = found.prob.argmax(axis=1)
    changed = np.flatnonzero(after != view.log_prob.argmax(axis=1))
    if not len(changed):
        raise ReviewError("the adapted network changes no label; nothing is to be applied")
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


def _as_labelled(beats: Beats) -> np.ndarray:
    """The network's probabilities, those of S moved to N where an early beat in atrial fibrillation is N, (n, k)."""
    prob = beats.prob.astype(np.float64)
    if beats.not_early.any():
        normal, early = beats.classes.index(NORMAL), beats.classes.index("S")
        moved = np.where(beats.not_early, (1 - _LEFT_S) * prob[:, early], 0.0)
        prob[:, normal] += moved
        prob[:, early] -= moved
    return prob
