"""Metrics for normal or defect: AUROC, F1, recall at a given specificity, and their intervals by group.

Pictures of one cell, board or weld are not independent: intervals come from resampling whole groups with replacement.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from models.metrics.resampling import RESAMPLINGS, metrics_with_intervals

SPECIFICITY = 0.95


def auroc(scores: np.ndarray, labels: np.ndarray) -> float:
    """Probability that a defect scores higher than a normal picture, ties counting half; NaN with one class only."""
    defects, normals = scores[labels == 1], np.sort(scores[labels == 0])
    if not len(defects) or not len(normals):
        return float("nan")
    below = np.searchsorted(normals, defects, "left") + np.searchsorted(normals, defects, "right")
    return float(below.sum() / (2 * len(defects) * len(normals)))


def f1(scores: np.ndarray, labels: np.ndarray, threshold: float) -> float:
    """F1 of the defects at a threshold; NaN without defects."""
    predicted, true = scores >= threshold, labels == 1
    return float(2 * (predicted & true).sum() / (predicted.sum() + true.sum())) if true.any() else float("nan")


def recall_at_specificity(scores: np.ndarray, labels: np.ndarray, specificity: float = SPECIFICITY) -> float:
    """Recall of the defects at the threshold with at least this specificity.

    The threshold is taken from the normal pictures of the same data, as on a ROC curve; NaN with one class only.
    """
    defects, normals = scores[labels == 1], np.sort(scores[labels == 0])
    if not len(defects) or not len(normals):
        return float("nan")
    place = int(np.ceil(specificity * len(normals) - 1e-9)) - 1
    return float((defects > normals[max(place, 0)]).mean())


def image_metrics(scores: np.ndarray, labels: np.ndarray, threshold: float) -> dict[str, float]:
    """AUROC, F1 and recall at 95% specificity of a set of scores."""
    return {
        "auroc": auroc(scores, labels),
        "f1": f1(scores, labels, threshold),
        "recall_at_95_specificity": recall_at_specificity(scores, labels),
    }


def summarise_images(
    scores: np.ndarray,
    labels: np.ndarray,
    groups: Sequence[str],
    threshold: float,
    *,
    resamplings: int = RESAMPLINGS,
    seed: int = 0,
) -> dict[str, Any]:
    """Metrics with 95% intervals from resampling groups, ready for JSON (None where a class or a second group is
    missing).

    Args:
        scores: probability of a defect, (n,).
        labels: 0 normal, 1 defect, (n,).
        groups: group of each picture.
        threshold: of F1.
        resamplings: how often.
        seed: of the resampling.
    """

    def found(chosen: np.ndarray) -> dict[str, float]:
        return image_metrics(scores[chosen], labels[chosen], threshold)

    count, with_intervals = metrics_with_intervals(found, groups, resamplings=resamplings, seed=seed)
    return {
        "images": len(scores),
        "defects": int((labels == 1).sum()),
        "groups": count,
        "threshold": threshold,
        "scores": with_intervals,
    }
