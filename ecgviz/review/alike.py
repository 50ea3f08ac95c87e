"""Beats alike one that a person relabelled: what is wrong with one is often wrong with others, and one decision may be
for all of them.

Which they are is answered by the patient's own network (:mod:`ecgviz.review.patient`), made of all decisions so far. It
is an offer: nothing changes before a person has seen them and says so.
"""

from __future__ import annotations

import numpy as np

from ecgviz.review.families import Shapes
from ecgviz.review.patient import view_of
from ecgviz.review.state import ReviewState, places_of
from models.core.errors import ReviewError
from models.postprocessing.patient_beats import learn

SURE = 0.8
"""Probability of the new class from which a beat is offered; chosen with records that the network had not seen
(docs/review.md)."""
_OF_A_GROUP = 0.1


def alike(state: ReviewState, shapes: Shapes, index: int) -> np.ndarray:
    """The beats that are called what this one was called before and, by all that was decided, are what it is now.

    Args:
        state: the review.
        shapes: of the network's answer.
        index: of a beat that a person relabelled, in the edited beats.

    Returns:
        Indices of the edited beats, int64, the surest first; none that was decided by itself.

    Raises:
        ReviewError: nobody relabelled the beat, or the network has no class N.
    """
    edits, label, network = state.beats.edits, state.beats.class_index, shapes.beats
    old, new = int(edits.before[index]), int(label[index])
    if not edits.decided[index] or old in {-1, new} or new >= len(network.classes):
        raise ReviewError("beats are alike one that was relabelled; give this beat its class first")
    rows = places_of(network.sample, edits.number)
    known = rows >= 0
    waiting = np.flatnonzero(known & ~edits.singly & (label == old))
    learnt = np.flatnonzero(known & edits.decided & (edits.letter < len(network.classes)))
    learnt = learnt[np.argsort(rows[learnt])]
    weight = np.where(edits.together[learnt], _OF_A_GROUP, 1.0)
    view = view_of(network, shapes.waves)
    prob = learn(view, rows[learnt], edits.letter[learnt].astype(np.int64), weight)[rows[waiting]]
    sure = np.where(prob.argmax(axis=1) == new, prob[:, new], 0.0) if len(waiting) else np.empty(0)
    order = np.argsort(-sure, kind="stable")
    found: np.ndarray = waiting[order[sure[order] >= SURE]]
    return found
