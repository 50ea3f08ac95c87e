"""Performance of an operating point on labelled pictures: escapes, overkill, review share and cost; and curves.

Counts come first and shares have an interval: "1 of 40 escaped" says more than 2.5%.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from models.evaluation.operating_point import OperatingPoint, checked_scores, thresholds_between

RESAMPLINGS = 1000


@dataclass(frozen=True)
class Rate:
    """``count`` of ``of``, with the 95% interval of the share."""

    count: int
    of: int
    low: float
    high: float

    @property
    def share(self) -> float:
        """The proportion, 0 to 1; NaN where ``of`` is 0."""
        return self.count / self.of if self.of else float("nan")

    def __str__(self) -> str:
        if not self.of:
            return "0 of 0"
        return f"{self.count} of {self.of} ({self.share:.1%}; {self.low:.1%} to {self.high:.1%})"


@dataclass(frozen=True)
class Performance:
    """Performance of an operating point on labelled pictures.

    Attributes:
        escapes: defects called normal, of all defects.
        overkill: good parts called defect, of all good parts.
        defects_to_review, good_to_review: in the grey zone or unlike the training.
        counts: int64 (2, 3): rows good and defect; columns normal, review, defect.
        cost: expected cost of a part at the point's prices and prevalence, what is reviewed costing nothing; NaN
            where the point has no prices.
    """

    escapes: Rate
    overkill: Rate
    defects_to_review: Rate
    good_to_review: Rate
    counts: np.ndarray
    cost: float


@dataclass(frozen=True)
class Curve:
    """One metric over all thresholds: ``x``, ``y`` and the ``threshold`` of each, float64 (m,)."""

    x: np.ndarray
    y: np.ndarray
    threshold: np.ndarray


def wilson(count: int, of: int) -> tuple[float, float]:
    """95% confidence interval of a proportion after Wilson (1927), valid for small counts."""
    if not of:
        return float("nan"), float("nan")
    z, share = 1.959964, count / of
    centre = (share + z * z / (2 * of)) / (1 + z * z / of)
    half = z / (1 + z * z / of) * np.sqrt(share * (1 - share) / of + z * z / (4 * of * of))
    return max(0.0, float(centre - half)), min(1.0, float(centre + half))


def rate(hit: np.ndarray, groups: Sequence[str] | np.ndarray | None = None, *, seed: int = 0) -> Rate:
    """Proportion of True values with its interval.

    With groups the interval is the wider of Wilson's and that of resampling whole groups: cases of one group are
    alike, and resampling alone would say that what never happened cannot happen.

    Args:
        hit: bool (n,).
        groups: group of each, (n,).
        seed: of the resampling.
    """
    hit = np.asarray(hit, bool)
    low, high = wilson(int(hit.sum()), len(hit))
    if groups is not None and len(hit):
        members = np.unique(np.asarray(groups), return_inverse=True)[1]
        sums, sizes = np.bincount(members, hit), np.bincount(members)
        drawn = np.random.default_rng(seed).integers(0, len(sums), (RESAMPLINGS, len(sums)))
        spread = np.percentile(sums[drawn].sum(axis=1) / sizes[drawn].sum(axis=1), [2.5, 97.5])
        low, high = min(low, float(spread[0])), max(high, float(spread[1]))
    return Rate(int(hit.sum()), len(hit), low, high)


def performance(
    scores: np.ndarray,
    labels: np.ndarray,
    point: OperatingPoint,
    *,
    groups: Sequence[str] | np.ndarray | None = None,
    in_distribution: np.ndarray | None = None,
) -> Performance:
    """Performance of an operating point.

    Args:
        scores: calibrated probabilities of a defect, (n,).
        labels: 1 (or True) for a defect, (n,).
        point: where scores become verdicts.
        groups: cell, board or weld of each, (n,).
        in_distribution: False where a picture is unlike the training, (n,).

    Raises:
        ConfigError: data without defects or without good parts, or scores that are no probabilities.
    """
    scores, labels = checked_scores(scores, labels)
    known = np.ones(len(scores), bool) if in_distribution is None else np.asarray(in_distribution, bool)
    decided = np.array([point.decide(score, bool(seen)) for score, seen in zip(scores, known, strict=True)])

    def among(kind: np.ndarray, verdict: str) -> Rate:
        return rate(decided[kind] == verdict, None if groups is None else np.asarray(groups)[kind])

    counts = [
        [int((decided[kind] == verdict).sum()) for verdict in ("normal", "review", "defect")]
        for kind in (~labels, labels)
    ]
    escapes, overkill = among(labels, "normal"), among(~labels, "defect")
    cost = float("nan")
    if point.escape_cost is not None and point.overkill_cost is not None and point.prevalence is not None:
        cost = point.prevalence * point.escape_cost * escapes.share
        cost += (1 - point.prevalence) * point.overkill_cost * overkill.share
    return Performance(
        escapes, overkill, among(labels, "review"), among(~labels, "review"), np.array(counts, np.int64), cost
    )


def roc(scores: np.ndarray, labels: np.ndarray) -> Curve:
    """Share of good parts rejected (x) and of defects found (y) at every threshold, strictest first.

    Raises:
        ConfigError: as for ``performance``.
    """
    cuts, defects, good = _found(scores, labels)
    x, y = good / good[0], defects / defects[0]
    # The point at which nothing is rejected belongs to the curve also where a score is 1 and no threshold reaches it.
    x, y, cuts = np.append(x, 0.0), np.append(y, 0.0), np.append(cuts, 1.0)
    return Curve(x[::-1], y[::-1], cuts[::-1])


def precision_recall(scores: np.ndarray, labels: np.ndarray, prevalence: float | None = None) -> Curve:
    """Share of defects found (x) and of the rejected that are defects (y) at every threshold that rejects anything.

    Precision depends on how frequent defects are: with ``prevalence`` it is that of the line and not of the data.

    Raises:
        ConfigError: as for ``performance``.
    """
    cuts, defects, good = _found(scores, labels)
    share = defects[0] / (defects[0] + good[0]) if prevalence is None else prevalence
    found, rejected = share * defects / defects[0], (1 - share) * good / good[0]
    some = found + rejected > 0
    return Curve((defects[some] / defects[0])[::-1], (found[some] / (found + rejected)[some])[::-1], cuts[some][::-1])


def cost_curve(
    scores: np.ndarray, labels: np.ndarray, escape_cost: float, overkill_cost: float, prevalence: float
) -> tuple[Curve, Curve]:
    """Expected cost per part at every threshold, and the share of it due to escapes; x is the threshold.

    Raises:
        ConfigError: as for ``performance``.
    """
    cuts, defects, good = _found(scores, labels)
    escaped = prevalence * escape_cost * (1 - defects / defects[0])
    total = escaped + (1 - prevalence) * overkill_cost * good / good[0]
    return Curve(cuts, total, cuts), Curve(cuts, escaped, cuts)


def _found(scores: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Ascending thresholds, and the defects and good parts at or above each, (m,); the first one includes all."""
    scores, labels = checked_scores(scores, labels)
    cuts, place = thresholds_between(scores)
    above = [np.cumsum(np.bincount(place, kind, len(cuts))[::-1])[::-1] for kind in (labels, ~labels)]
    return cuts, above[0], above[1]
