"""Metrics with bootstrap intervals over groups, and their text form.

Cases of one group (a patient, a recording, a cell, a board) are alike, so groups are drawn, not cases (Efron B,
Tibshirani R. An Introduction to the Bootstrap. 1993).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

RESAMPLINGS = 1000
_BINS = 15


def known(value: float) -> float | None:
    """The value, or None for NaN, which JSON does not have."""
    return None if np.isnan(value) else value


def metrics_with_intervals(
    metrics: Callable[[np.ndarray], dict[str, float]],
    groups: Sequence[str],
    *,
    resamplings: int = RESAMPLINGS,
    seed: int = 0,
) -> tuple[int, dict[str, dict[str, Any]]]:
    """Metrics of all cases with 95% intervals from resampling groups, ready for JSON.

    Args:
        metrics: gives the metrics of some cases by name, from their places (n,); NaN where there is none.
        groups: group of each case.
        resamplings: how often.
        seed: of the drawing.

    Returns:
        Number of groups, and for each name ``value`` and ``interval95``, None where there is no such metric or but one
        group.
    """
    names, member = np.unique(np.asarray(groups), return_inverse=True)
    members = [np.flatnonzero(member == place) for place in range(len(names))]
    generator = np.random.default_rng(seed)
    drawn: dict[str, list[float]] = {}
    for _ in range(resamplings if len(names) > 1 else 0):
        chosen = np.concatenate([members[place] for place in generator.integers(0, len(names), len(names))])
        for name, value in metrics(chosen).items():
            drawn.setdefault(name, []).append(value)
    return len(names), {
        name: {"value": known(value), "interval95": _interval(drawn.get(name, []))}
        for name, value in metrics(np.arange(len(member))).items()
    }


def metric_text(metric: dict[str, Any]) -> str:
    """A metric with its interval as text, such as ``0.924 (0.905-0.940)``; a dash where there is none."""
    if metric["value"] is None:
        return "-"
    low, high = metric["interval95"]
    return f"{metric['value']:.3f}" if low is None else f"{metric['value']:.3f} ({low:.3f}-{high:.3f})"


def without_interval(groups: int, unit: str) -> str:
    """Footnote of a table whose metrics have no interval because there is one group only; empty otherwise.

    Args:
        groups: how many there are.
        unit: what a group is called, such as "record".
    """
    return "" if groups > 1 else f" (no intervals: they take two {unit}s or more)"


def counted(number: int, unit: str) -> str:
    """A count with its noun, such as ``1 record`` and ``2 records``."""
    return f"{number} {unit}" + ("" if number == 1 else "s")


def calibration_bins(stated: np.ndarray, true: np.ndarray) -> tuple[float, list[dict[str, float]]]:
    """Expected calibration error over equal-width bins (Naeini 2015), and the bins for a diagram.

    Args:
        stated: probabilities, (n,).
        true: whether it was so, (n,).
    """
    place = np.minimum((stated * _BINS).astype(int), _BINS - 1)
    rows, error = [], 0.0
    for index in range(_BINS):
        here = place == index
        if here.any():
            row = {"confidence": float(stated[here].mean()), "accuracy": float(true[here].mean()), "n": int(here.sum())}
            rows.append(row)
            error += abs(row["confidence"] - row["accuracy"]) * row["n"] / len(stated)
    return float(error), rows


def _interval(values: list[float]) -> list[float | None]:
    finite = np.array(values)[~np.isnan(values)] if values else np.empty(0)
    if not len(finite):
        return [None, None]
    low, high = np.percentile(finite, [2.5, 97.5])
    return [float(low), float(high)]
