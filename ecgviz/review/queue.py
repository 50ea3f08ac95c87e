"""What to look at first: the families and beats on which the report is likeliest to be wrong.

At first that is what the network is least sure of, with what makes its answer doubtful: another network that says
otherwise, reasons that are weak, an early beat in atrial fibrillation, noise. As soon as a person has decided some,
a small model of this recording learns from it (logistic regression on shape, prematurity and the network's answer), so
that a mistake found once brings the others of its kind to the front. It orders the queue; it changes no label.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ecgviz.results import Beats
from ecgviz.review.families import Shapes
from ecgviz.review.state import ReviewState, places_of

DISAGREE, CHANGED, IN_AF, WEAK, NOISE = 0.3, 0.15, 0.1, 0.1, 0.15
"""What is added to the doubt of a beat: another network says otherwise; the whole recording does; it is early in AF;
its reasons are weak; a part of it was not recorded."""
_SINGLE, _TOGETHER, _UNDECIDED = 5.0, 0.5, 0.1
"""How much a beat teaches that was decided by itself, with its family, and by nobody."""
_MOST_LEARNT = 4000
_RIDGE, _STEPS = 1.0, 30
_WHOLE = 0.9


@dataclass(frozen=True)
class Doubts:
    """What is known beside the network's answer; each of its beats, None where it is not at hand.

    Attributes:
        other: label of another network, str (n,); "" where it found no beat.
        weak: whether the reasons for the label are weak, bool (n,).
    """

    other: np.ndarray | None = None
    weak: np.ndarray | None = None


def doubt(state: ReviewState, shapes: Shapes, known: Doubts | None = None) -> np.ndarray:
    """How likely each edited beat's label is wrong, roughly, float64 (n,); 0 where a person decided it by itself.

    Args:
        state: the review.
        shapes: of the network's answer.
        known: what else speaks against labels.
    """
    edits = state.beats.edits
    rows = places_of(shapes.beats.sample, edits.number)
    if edits.decided.any():
        found = _by_what_was_decided(state, shapes, rows)
    else:
        found = _by_the_network(shapes.beats)[rows] if len(rows) else np.empty(0)
    added = _added_doubt(shapes, known or Doubts())
    found = found + np.where(edits.decided, 0.0, added[rows] if len(added) else 0.0)
    found[edits.singly | (rows < 0)] = 0.0
    return found


def beats_first(doubts: np.ndarray, most: int | None = None) -> np.ndarray:
    """Indices of the beats in the order of the queue, int64; those that nothing speaks against are left out."""
    order = np.argsort(-doubts, kind="stable")
    return order[doubts[order] > 0][:most].copy()  # a view would keep the order of all beats


def families_first(doubts: np.ndarray, family: np.ndarray, decided: np.ndarray) -> np.ndarray:
    """Numbers of the families with undecided beats, int64: first where most labels are likely to be wrong.

    Args:
        doubts: from :func:`doubt`.
        family: from :func:`ecgviz.review.families.membership`.
        decided: whether each beat is, bool (n,).
    """
    if not len(family):
        return np.empty(0, np.int64)
    expected = np.bincount(family, np.where(decided, 0.0, doubts), minlength=int(family.max()) + 1)
    left = np.unique(family[~decided])
    return left[np.argsort(-expected[left], kind="stable")]


def why_doubted(state: ReviewState, shapes: Shapes, index: int, known: Doubts | None = None) -> str:
    """What speaks against the label of a beat, in words; "" for nothing in particular."""
    [row] = places_of(shapes.beats.sample, state.beats.edits.number[index : index + 1])
    if row < 0:
        return ""
    known, beats = known or Doubts(), shapes.beats
    one = beats.take(slice(row, row + 1))  # what is derived of all of them takes a day long
    reasons = []
    if beats.confidence[row] < _WHOLE:
        reasons.append(f"probability {beats.confidence[row]:.2f}")
    if known.other is not None and known.other[row] != beats.label[row]:
        reasons.append(f"another network says {known.other[row] or 'no beat'}")
    if beats.not_early[row]:
        reasons.append("early in atrial fibrillation")
    if one.changed[0]:
        reasons.append(f"{one.network_label[0]} in its own minute")
    if known.weak is not None and known.weak[row]:
        reasons.append("weak reasons")
    if shapes.waves.there[row] < _WHOLE:
        reasons.append("signal missing")
    return ", ".join(reasons)


def _by_the_network(beats: Beats) -> np.ndarray:
    found: np.ndarray = 1 - beats.confidence.astype(np.float64)
    return found


def _added_doubt(shapes: Shapes, known: Doubts) -> np.ndarray:
    beats = shapes.beats
    found = CHANGED * beats.changed + IN_AF * beats.not_early + NOISE * (shapes.waves.there < _WHOLE)
    if known.other is not None:
        found = found + DISAGREE * (known.other != beats.label)
    if known.weak is not None:
        found = found + WEAK * known.weak
    added: np.ndarray = np.asarray(found, np.float64)
    return added


def _by_what_was_decided(state: ReviewState, shapes: Shapes, rows: np.ndarray) -> np.ndarray:
    """One minus the probability of the labels by a model that has learnt from them, those that a person gave most."""
    edits, label = state.beats.edits, state.beats.class_index
    known = rows >= 0
    points = shapes.to_learn_from
    weight = np.where(edits.singly, _SINGLE, np.where(edits.decided, _TOGETHER, _UNDECIDED))
    learn = np.flatnonzero(known)
    if len(learn) > _MOST_LEARNT:
        single = edits.singly[learn]
        others = learn[~single]
        step = -(-len(others) // max(_MOST_LEARNT - int(single.sum()), _MOST_LEARNT // 4))
        learn = np.concatenate([learn[single], others[::step]])
        weight = np.where(edits.singly, weight, weight * step)
    prob = _learnt(points[rows[learn]], label[learn], weight[learn], points, len(state.beats.classes))
    found = np.zeros(len(rows))
    found[known] = 1 - prob[rows[known], label[known]]
    return found


def _learnt(points: np.ndarray, label: np.ndarray, weight: np.ndarray, asked: np.ndarray, count: int) -> np.ndarray:
    """Multinomial logistic regression with a ridge: probabilities of ``asked``, float64 (n, count)."""
    from scipy.optimize import minimize
    from scipy.special import log_softmax, softmax

    inputs = np.column_stack([points, np.ones(len(points))])
    truth = np.eye(count)[label]

    def loss(flat: np.ndarray) -> tuple[float, np.ndarray]:
        weights = flat.reshape(-1, count)
        logits = inputs @ weights
        value = -(weight[:, None] * truth * log_softmax(logits, axis=1)).sum() + _RIDGE * np.square(weights[:-1]).sum()
        slope = inputs.T @ (weight[:, None] * (softmax(logits, axis=1) - truth))
        slope[:-1] += 2 * _RIDGE * weights[:-1]
        return float(value), slope.ravel()

    start = np.zeros(inputs.shape[1] * count)
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": _STEPS}).x.reshape(-1, count)
    prob: np.ndarray = softmax(np.column_stack([asked, np.ones(len(asked))]) @ found, axis=1)
    return prob
