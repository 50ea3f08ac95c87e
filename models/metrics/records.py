"""Metrics for recordings with several labels: AUROC, F1 at chosen thresholds, accuracy, calibration, referral.

Intervals come from resampling patients with replacement (recordings, where the patient is not known). Thresholds and
calibration are chosen on the validation folds and only applied here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy.special import expit

from models.metrics.images import auroc
from models.metrics.resampling import RESAMPLINGS, calibration_bins, known, metrics_with_intervals

REFERRED = (0.1, 0.2)
"""Shares of the recordings, the least certain ones, that are left to a person."""


def calibrated(logits: np.ndarray, calibration: Mapping[str, Any]) -> np.ndarray:
    """Calibrated probabilities (n, n_classes): one temperature for all outputs, and a shift for each.

    Args:
        logits: of the network, (n, n_classes).
        calibration: ``temperature`` and ``shift`` (n_classes,) as :func:`fit_calibration` found them; what is not
            there changes nothing.
    """
    shift = np.asarray(calibration.get("shift") or 0.0)
    prob: np.ndarray = expit(np.asarray(logits, np.float64) / float(calibration.get("temperature", 1.0)) + shift)
    return prob


def fit_calibration(logits: np.ndarray, target: np.ndarray) -> dict[str, Any]:
    """Maximum-likelihood temperature and shifts on held-out labels (Guo et al., ICML 2017; Platt 1999 for the shift).

    Args:
        logits: (n, n_classes).
        target: 0 or 1, (n, n_classes).
    """
    from scipy.optimize import minimize

    n_classes = logits.shape[1]

    def loss(values: np.ndarray) -> float:
        z = logits / np.exp(values[0]) + values[1:]
        # A weak pull to no change: a class with no positive among the held-out would drift without end.
        return float(np.mean(np.logaddexp(0, z) - target * z) + 1e-3 * np.mean(values**2))

    found = minimize(loss, np.zeros(n_classes + 1), method="L-BFGS-B", bounds=[(-3, 3)] + [(-5, 5)] * n_classes).x
    return {"temperature": float(np.exp(found[0])), "shift": [float(value) for value in found[1:]]}


def best_thresholds(prob: np.ndarray, target: np.ndarray) -> list[float]:
    """Threshold of each output with the highest F1 on held-out data; 0.5 without positives.

    The threshold lies in the middle between the two neighbouring probabilities.
    """
    found = []
    for scores, labels in zip(prob.T, target.T, strict=True):
        order = np.argsort(-scores)
        hits = np.cumsum(labels[order])
        if not len(hits) or not hits[-1]:
            found.append(0.5)
            continue
        f1 = 2 * hits / (np.arange(1, len(hits) + 1) + hits[-1])
        last = np.append(scores[order][1:] != scores[order][:-1], True)  # ties are said together
        place = int(np.argmax(np.where(last, f1, -1)))
        below = scores[order][place + 1] if place + 1 < len(scores) else 0.0
        found.append(float((scores[order][place] + below) / 2))
    return found


def record_metrics(
    prob: np.ndarray, target: np.ndarray, thresholds: Sequence[float], classes: Sequence[str]
) -> dict[str, float]:
    """Macro and per-class AUROC and F1, accuracy (share of correct labels) and exact match (all labels correct).

    A class without positives or without negatives has no AUROC, one without positives no F1; the macro metrics are
    over the others.
    """
    predicted = prob >= np.asarray(thresholds)
    true = target == 1
    result: dict[str, float] = {}
    for index, name in enumerate(classes):
        result[f"{name}_auroc"] = auroc(prob[:, index], target[:, index])
        hits, sizes = (predicted[:, index] & true[:, index]).sum(), predicted[:, index].sum() + true[:, index].sum()
        result[f"{name}_f1"] = float(2 * hits / sizes) if true[:, index].any() else float("nan")
    for metric in ("auroc", "f1"):
        values = np.array([result[f"{name}_{metric}"] for name in classes])
        result[f"macro_{metric}"] = float(np.nanmean(values)) if not np.isnan(values).all() else float("nan")
    result["accuracy"] = float((predicted == true).mean()) if len(true) else float("nan")
    result["exact_match"] = float((predicted == true).all(axis=1).mean()) if len(true) else float("nan")
    return result


def summarise_records(
    prob: np.ndarray,
    target: np.ndarray,
    groups: Sequence[str],
    thresholds: Sequence[float],
    classes: Sequence[str],
    *,
    resamplings: int = RESAMPLINGS,
    seed: int = 0,
) -> dict[str, Any]:
    """Metrics with 95% intervals from resampling patients, ready for JSON (None where a metric is undefined).

    Args:
        prob: calibrated probabilities, (n, n_classes).
        target: 0 or 1, (n, n_classes).
        groups: patient of each recording.
        thresholds: of each output.
        classes: names of the outputs.
        resamplings: how often.
        seed: of the resampling.
    """

    def found(chosen: np.ndarray) -> dict[str, float]:
        return record_metrics(prob[chosen], target[chosen], thresholds, classes)

    count, with_intervals = metrics_with_intervals(found, groups, resamplings=resamplings, seed=seed)
    return {
        "recordings": len(target),
        "groups": count,
        "positives": {name: int(target[:, index].sum()) for index, name in enumerate(classes)},
        "thresholds": {name: float(value) for name, value in zip(classes, thresholds, strict=True)},
        "scores": with_intervals,
    }


def calibration_error(prob: np.ndarray, target: np.ndarray) -> tuple[float, list[dict[str, float]]]:
    """Expected calibration error over all labels, and the bins.

    A bin's ``accuracy`` is how often its labels were there, as a reliability diagram wants it.
    """
    return calibration_bins(prob.ravel(), target.ravel())


def uncertainty(prob: np.ndarray) -> np.ndarray:
    """Mean binary entropy of each recording's labels, bits, (n,)."""
    p = np.clip(prob, 1e-9, 1 - 1e-9)
    bits: np.ndarray = np.mean(-(p * np.log2(p) + (1 - p) * np.log2(1 - p)), axis=1)
    return bits


def referral(
    prob: np.ndarray, target: np.ndarray, thresholds: Sequence[float], classes: Sequence[str]
) -> list[dict[str, float | None]]:
    """Metrics of the recordings that remain when the least certain ones are referred to a person.

    Returns:
        One row for none referred and one for each of :data:`REFERRED`, with macro AUROC, macro F1, accuracy and exact
        match of the remaining ones, and the uncertainty from which a recording is referred.
    """
    unsure = uncertainty(prob)
    order = np.argsort(unsure, kind="stable")
    rows = []
    for share in (0.0, *REFERRED):
        kept = order[: len(order) - round(share * len(order))]
        found = record_metrics(prob[kept], target[kept], thresholds, classes)
        limit = float(unsure[order[len(kept)]]) if len(kept) < len(order) else None
        row = {name: known(found[name]) for name in ("macro_auroc", "macro_f1", "accuracy", "exact_match")}
        rows.append({"referred": share, "recordings": len(kept), "uncertainty_from": limit} | row)
    return rows
