"""The patient's own network: answers of one recording adapted by the beats of it that a person decided.

A trained network stays as it is; on top of it stands a small model of this recording alone, kernel logistic regression
with the network's log odds as its offset. A decided beat speaks for the beats that are like it in shape, in timing and
in what the network says of them, and a few coefficients that all beats share move the thresholds. So beats unlike all
decided ones keep the network's answer, and without decided beats nothing changes (Zhu J, Hastie T. Kernel logistic
regression and the import vector machine. J Comput Graph Stat 14:185-205 (2005)). ANSI/AAMI EC57 allows algorithms that
are adapted to a patient by the first five minutes as long as these are not scored.

Whether the adapted answers are better is decided by the decided beats themselves, each answered by a model that has not
seen it nor its neighbours in time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import log_softmax, softmax

from models.evaluation.operating_scores import wilson
from models.postprocessing.ectopic_beats import scaled_shapes

MOST_LEARNT = 800
"""Decided beats that a model is made of; of more, as many of each kind as there is room for."""
FOLDS = 5
_SHAPE, _TIMING, _ODDS = 0.6, 0.4, 4.0
"""Distances at which beats count as unlike: of shapes, as a share of their own size; of RR intervals, as a log ratio to
the usual one; of the network's log odds. Chosen with records that the network had not seen (docs/review.md)."""
_SHARED = 0.3
"""Variance of the coefficients that all beats share, as a share of the kernel's."""
_RIDGE = 0.2
_LEAST_PROB, _LARGEST_ODDS, _LARGEST_TIMING = 1e-4, 6.0, 1.0
_AROUND, _BLOCK, _STEPS, _CHOICE = 10, 4000, 100, 10
_TINY = 1e-6


@dataclass(frozen=True)
class BeatView:
    """What the model sees of the beats of one recording, in the order of time.

    Attributes:
        log_prob: log probabilities of the network, float64 (n, n_classes).
        place: where each beat lies among the others; beats at a distance well below 1 are alike. float32 (n, d).
        shared: what the shared coefficients stand before, float64 (n, k).
    """

    log_prob: np.ndarray
    place: np.ndarray
    shared: np.ndarray

    def __len__(self) -> int:
        return len(self.log_prob)


@dataclass(frozen=True)
class Adaptation:
    """Answers of a recording after some of its beats were decided.

    Attributes:
        prob: adapted probabilities, float64 (n, n_classes).
        used: decided beats that it was made of.
        checked: decided beats that were held out in turn.
        wrong_before, wrong_after: of these, how many the network and the adapted network have wrong.
        righted, spoilt: how many were wrong and are right, and the other way round.
        interval: 95% interval of the share of righted ones among righted and spoilt (Wilson 1927).
    """

    prob: np.ndarray
    used: int
    checked: int
    wrong_before: int
    wrong_after: int
    righted: int
    spoilt: int
    interval: tuple[float, float]

    @property
    def better(self) -> bool:
        """Whether more held-out beats are righted than spoilt, and by more than chance."""
        return self.interval[0] > 0.5


def beat_view(prob: np.ndarray, shapes: np.ndarray, rr_s: np.ndarray, classes: Sequence[str]) -> BeatView:
    """What the model sees of the beats of a recording.

    Args:
        prob: the network's probabilities, as its labels follow from them, float (n, n_classes).
        shapes: the signal around each beat, from :func:`models.postprocessing.ectopic_beats.cut_shapes`, float32
            (n, n_leads, n_samples).
        rr_s: RR interval to the beat before, s, (n,); NaN where there is none.
        classes: names of the columns of ``prob``.
    """
    known = np.maximum(np.asarray(prob, np.float64), _LEAST_PROB)
    log_prob = np.log(known / known.sum(axis=1, keepdims=True))
    odds = np.clip(
        np.delete(log_prob - log_prob[:, [classes.index("N")]], classes.index("N"), axis=1),
        -_LARGEST_ODDS,
        _LARGEST_ODDS,
    )
    timing = _timing(np.asarray(rr_s, np.float64))
    flat = scaled_shapes(shapes)
    energy = np.square(flat).sum(axis=1)
    size = np.sqrt(np.median(energy)) if len(flat) else 1.0
    place = np.concatenate([flat / (max(size, _TINY) * _SHAPE), timing / _TIMING, odds / _ODDS], axis=1)
    return BeatView(
        log_prob,
        place.astype(np.float32),
        np.column_stack([odds / _ODDS, timing / _TIMING, np.ones(len(odds))]),
    )


def adapt(view: BeatView, index: np.ndarray, label: np.ndarray, weight: np.ndarray | None = None) -> Adaptation:
    """The answers of a recording, adapted by its decided beats, and whether they are better.

    Args:
        view: from :func:`beat_view`.
        index: decided beats, int64 (m,), ascending.
        label: their class indices, int64 (m,).
        weight: how much each counts, float (m,); 1 by default. Only those of 1 are held out for the check.
    """
    index, label = np.asarray(index, np.int64), np.asarray(label, np.int64)
    weight = np.ones(len(index)) if weight is None else np.asarray(weight, np.float64)
    before = view.log_prob[index].argmax(axis=1)
    checked = np.flatnonzero(weight >= 1)
    after = before.copy()
    for held_out in np.array_split(checked, min(FOLDS, len(checked))) if len(checked) else ():
        rest = np.ones(len(index), bool)
        rest[held_out] = False
        model = _fit(view, index[rest], label[rest], weight[rest])
        after[held_out] = model.log_odds(view, index[held_out]).argmax(axis=1)
    right_before, right_after = (before == label)[checked], (after == label)[checked]
    righted, spoilt = int((right_after & ~right_before).sum()), int((right_before & ~right_after).sum())
    return Adaptation(
        prob=learn(view, index, label, weight),
        used=len(index),
        checked=len(checked),
        wrong_before=int((~right_before).sum()),
        wrong_after=int((~right_after).sum()),
        righted=righted,
        spoilt=spoilt,
        interval=wilson(righted, righted + spoilt),
    )


def learn(view: BeatView, index: np.ndarray, label: np.ndarray, weight: np.ndarray | None = None) -> np.ndarray:
    """Adapted probabilities of all beats, float64 (n, n_classes), unchecked; arguments as of :func:`adapt`."""
    weight = np.ones(len(index)) if weight is None else weight
    adapted: np.ndarray = softmax(_fit(view, index, label, weight).log_odds(view, np.arange(len(view))), axis=1)
    return adapted


def ask_next(view: BeatView, prob: np.ndarray, decided: np.ndarray, count: int) -> np.ndarray:
    """The beats whose class would teach most: those whose answer is least sure, each unlike those before it.

    Args:
        view: from :func:`beat_view`.
        prob: probabilities as they are now, of the network or adapted, (n, n_classes).
        decided: beats that need no asking, bool (n,).
        count: how many to name.

    Returns:
        Indices in the order of asking, int64 (at most ``count``,).
    """
    unsure = np.where(decided, -1.0, 1 - prob.max(axis=1))
    waiting = np.argsort(-unsure, kind="stable")[: count * _CHOICE]
    waiting = waiting[~decided[waiting]]
    unsure, place = unsure[waiting].copy(), view.place[waiting]
    found: list[int] = []
    alike = np.zeros(len(waiting))
    for _ in range(min(count, len(waiting))):
        best = int((unsure * (1 - alike) - 2 * (unsure < 0)).argmax())
        found.append(int(waiting[best]))
        alike = np.maximum(alike, _kernel(place, place[best : best + 1])[:, 0])
        unsure[best] = -1.0
    return np.array(found, np.int64)


@dataclass(frozen=True)
class _Model:
    """What is added to the network's log probabilities: sums over decided beats, and shared coefficients."""

    place: np.ndarray
    of_kernel: np.ndarray
    of_shared: np.ndarray

    def log_odds(self, view: BeatView, rows: np.ndarray) -> np.ndarray:
        """Log probabilities but for a constant in each row, float64 (len(rows), n_classes)."""
        found = view.log_prob[rows].copy()
        if len(self.place):
            for start in range(0, len(rows), _BLOCK):
                some = rows[start : start + _BLOCK]
                found[start : start + _BLOCK] += _kernel(view.place[some], self.place) @ self.of_kernel
            found += view.shared[rows] @ self.of_shared
        total: np.ndarray = found
        return total


def _fit(view: BeatView, index: np.ndarray, label: np.ndarray, weight: np.ndarray) -> _Model:
    """The penalised maximum of the likelihood, found in coordinates in which the penalty is the squared length."""
    from scipy.linalg import solve_triangular
    from scipy.optimize import minimize

    count = view.log_prob.shape[1]
    chosen, share = _thinned(view, index, label)
    index, label, weight = index[chosen], label[chosen], weight[chosen] * share
    place, m = view.place[index], len(index)
    if not m:
        return _Model(place, np.zeros((0, count)), np.zeros((view.shared.shape[1], count)))
    exact = place.astype(np.float64)  # of beats all alike, rounding would leave no positive definite matrix
    root = np.linalg.cholesky(_kernel(exact, exact) + _TINY * np.eye(m))
    inputs = np.concatenate([root, np.sqrt(_SHARED) * view.shared[index]], axis=1)
    offset, truth = view.log_prob[index], np.eye(count)[label]

    def loss(flat: np.ndarray) -> tuple[float, np.ndarray]:
        coefficients = flat.reshape(-1, count)
        logits = offset + inputs @ coefficients
        value = (
            _RIDGE / 2 * np.square(coefficients).sum() - (weight[:, None] * truth * log_softmax(logits, axis=1)).sum()
        )
        slope = inputs.T @ (weight[:, None] * (softmax(logits, axis=1) - truth)) + _RIDGE * coefficients
        return float(value), slope.ravel()

    start = np.zeros(inputs.shape[1] * count)
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": _STEPS}).x.reshape(-1, count)
    return _Model(place, solve_triangular(root.T, found[:m]), np.sqrt(_SHARED) * found[m:])


def _thinned(view: BeatView, index: np.ndarray, label: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """At most :data:`MOST_LEARNT` of the decided beats, evenly in time, and how many each stands for.

    Those that the network has right and wrong, of each class, are kinds: small kinds are kept whole.
    """
    if len(index) <= MOST_LEARNT:
        return np.arange(len(index)), np.ones(len(index))
    kind = 2 * label + (view.log_prob[index].argmax(axis=1) == label)
    kinds, sizes = np.unique(kind, return_counts=True)
    taken, left = {}, MOST_LEARNT
    for place, number in enumerate(np.argsort(sizes, kind="stable")):
        room = left // (len(kinds) - place)
        members = np.flatnonzero(kind == kinds[number])
        taken[kinds[number]] = members[np.linspace(0, len(members) - 1, min(room, len(members))).astype(np.int64)]
        left -= len(taken[kinds[number]])
    chosen = np.sort(np.concatenate(list(taken.values())))
    share = {name: size / len(taken[name]) for name, size in zip(kinds, sizes, strict=True)}
    return chosen, np.array([share[one] for one in kind[chosen]])


def _kernel(some: np.ndarray, others: np.ndarray) -> np.ndarray:
    distance = np.square(some).sum(axis=1)[:, None] + np.square(others).sum(axis=1) - 2 * some @ others.T
    found: np.ndarray = np.exp(-np.maximum(distance, 0) / 2)
    return found


def _timing(rr_s: np.ndarray) -> np.ndarray:
    """Log ratios of three RR intervals (before, after, the one before that) to the usual one around, (n, 3); 0 where
    one is not known."""
    if not len(rr_s):
        return np.zeros((0, 3))
    padded = np.pad(rr_s, _AROUND, constant_values=np.nan)
    around = np.lib.stride_tricks.sliding_window_view(padded, 2 * _AROUND + 1)
    known = np.isfinite(around).any(axis=1)
    usual = np.full(len(rr_s), np.nan)
    usual[known] = np.nanmedian(around[known], axis=1)
    after, earlier = np.append(rr_s[1:], np.nan), np.concatenate([[np.nan], rr_s[:-1]])
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.log(np.stack([rr_s, after, earlier], axis=1) / usual[:, None])
    finite: np.ndarray = np.nan_to_num(ratio, posinf=_LARGEST_TIMING, neginf=-_LARGEST_TIMING)
    return finite.clip(-_LARGEST_TIMING, _LARGEST_TIMING)
