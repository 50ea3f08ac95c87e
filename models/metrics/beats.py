"""Metrics for beat classification: matching, confusion, sensitivity, precision, F1, and their intervals.

After ANSI/AAMI EC57:2012: a detected beat counts for a reference beat within 150 ms. Intervals come from resampling
whole records with replacement (the records are the independent units, beats of one patient are not).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from models.metrics.resampling import calibration_bins, known

MATCH_S = 0.150
SCORED = ("N", "S", "V")
MISSED = EXTRA = -1
RESAMPLINGS = 1000


def match_beats(
    reference_s: np.ndarray, detected_s: np.ndarray, within_s: float = MATCH_S
) -> tuple[np.ndarray, np.ndarray]:
    """Pair reference and detected beats one to one, nearest first.

    Args:
        reference_s: times of the reference beats, ascending, (n,).
        detected_s: times of the detected beats, ascending, (m,).
        within_s: largest distance of a pair, s.

    Returns:
        For each reference beat the index of its detected one or -1 (missed), int64 (n,); and for each detected beat
        the index of its reference or -1 (extra), int64 (m,).
    """
    to_detected = np.full(len(reference_s), MISSED)
    to_reference = np.full(len(detected_s), EXTRA)
    if not len(reference_s) or not len(detected_s):
        return to_detected, to_reference
    after = np.searchsorted(detected_s, reference_s)
    pairs = []
    for offset in (-2, -1, 0, 1):
        candidate = after + offset
        valid = (candidate >= 0) & (candidate < len(detected_s))
        index = np.flatnonzero(valid)
        distance = np.abs(detected_s[candidate[index]] - reference_s[index])
        near = distance <= within_s
        pairs.append(np.stack([distance[near], index[near], candidate[index][near]], axis=1))
    nearest_first = np.concatenate(pairs)
    for i, j in nearest_first[np.lexsort(nearest_first.T[::-1])][:, 1:].astype(int):
        if to_detected[i] == MISSED and to_reference[j] == EXTRA:
            to_detected[i], to_reference[j] = j, i
    return to_detected, to_reference


def confusion(reference: np.ndarray, predicted: np.ndarray, n_classes: int) -> np.ndarray:
    """Counts, int64 (n_classes + 1, n_classes + 1): rows are the reference, columns the prediction.

    The last row holds extra detections, the last column missed beats; both are 0 at reference positions.

    Args:
        reference: class indices, -1 for an extra detection, (n,).
        predicted: class indices, -1 for a missed beat, (n,).
    """
    counts = np.zeros((n_classes + 1, n_classes + 1), np.int64)
    np.add.at(counts, (reference, predicted), 1)
    return counts


def macro_words(pooled: Mapping[str, Any]) -> str:
    """The classes that a macro-F1 is over, as text: "N, S, V", or "N, V; S not assessed" where no case was S.

    Args:
        pooled: metrics by name; a class that was not there has None, NaN or no F1.
    """

    def known(name: str) -> bool:
        value = pooled.get(f"{name}_f1")
        value = value.get("value") if isinstance(value, Mapping) else value
        return value is not None and not np.isnan(value)

    held = [name for name in SCORED if known(name)]
    lacking = [name for name in SCORED if name not in held]
    return ", ".join(held) + (f"; {', '.join(lacking)} not assessed" if lacking else "")


def scores(counts: np.ndarray, classes: Sequence[str]) -> dict[str, float]:
    """Sensitivity, positive predictivity and F1 of each class and the N/S/V macro-F1, as shares; NaN without cases.

    A class that the reference does not hold has no F1, and the macro-F1 is over those it holds.
    """
    metrics: dict[str, float] = {}
    for index, name in enumerate(classes):
        hit, truth, predicted = counts[index, index], counts[index].sum(), counts[:, index].sum()
        metrics[f"{name}_se"] = hit / truth if truth else float("nan")
        metrics[f"{name}_ppv"] = hit / predicted if predicted else float("nan")
        metrics[f"{name}_f1"] = 2 * hit / (truth + predicted) if truth else float("nan")
    known = [metrics[f"{name}_f1"] for name in SCORED if not np.isnan(metrics.get(f"{name}_f1", np.nan))]
    metrics["macro_f1"] = float(np.mean(known)) if known else float("nan")
    return {name: float(value) for name, value in metrics.items()}


def intervals(
    records: Mapping[str, np.ndarray], classes: Sequence[str], resamplings: int = RESAMPLINGS, seed: int = 0
) -> dict[str, tuple[float, float]]:
    """95% interval of each metric of :func:`scores` from resampling records with replacement (percentile bootstrap).

    NaN where there is but one record: what another patient's would give cannot be known from it.

    Args:
        records: confusion counts of each record.
        classes: class names.
        resamplings: how often.
        seed: of the resampling.
    """
    stacked = np.stack(list(records.values()))
    if len(stacked) < 2:
        return dict.fromkeys(scores(stacked[0], classes), (float("nan"), float("nan")))
    generator = np.random.default_rng(seed)
    drawn: dict[str, list[float]] = {}
    for _ in range(resamplings):
        metrics = scores(stacked[generator.integers(0, len(stacked), len(stacked))].sum(axis=0), classes)
        for name, value in metrics.items():
            drawn.setdefault(name, []).append(value)
    result = {}
    for name, values in drawn.items():
        known = np.array(values)[~np.isnan(values)]
        low, high = np.percentile(known, [2.5, 97.5]) if len(known) else (np.nan, np.nan)
        result[name] = (float(low), float(high))
    return result


def summarise(records: Mapping[str, np.ndarray], classes: Sequence[str]) -> dict[str, Any]:
    """Pooled confusion and scores with intervals over some records, ready for JSON.

    None stands where a class has no case, and for the bounds of the interval where there is but one record.
    """
    pooled = np.sum(list(records.values()), axis=0)
    ranges = intervals(records, classes)
    return {
        "records": list(records),
        "beats": int(pooled[:-1].sum()),
        "confusion": pooled.tolist(),
        "scores": {
            name: {"value": known(value), "interval95": [known(bound) for bound in ranges[name]]}
            for name, value in scores(pooled, classes).items()
        },
    }


def fit_temperature(logits: np.ndarray, target: np.ndarray) -> float:
    """Maximum-likelihood temperature of held-out logits (Guo et al., ICML 2017).

    Args:
        logits: float (n, n_classes).
        target: class indices (n,), or the probabilities (n, n_classes) of calibrated teachers.
    """
    from scipy.optimize import minimize_scalar
    from scipy.special import logsumexp

    def loss(log_temperature: float) -> float:
        scaled = logits / np.exp(log_temperature)
        wanted = (scaled * target).sum(axis=1) if target.ndim == 2 else scaled[np.arange(len(target)), target]
        return float(np.mean(logsumexp(scaled, axis=1) - wanted))

    return float(np.exp(minimize_scalar(loss, bounds=(-3.0, 3.0), method="bounded").x))


def expected_calibration_error(prob: np.ndarray, target: np.ndarray) -> tuple[float, list[dict[str, float]]]:
    """Expected calibration error (Naeini 2015), and the bins for a diagram."""
    return calibration_bins(prob.max(axis=1), prob.argmax(axis=1) == target)
