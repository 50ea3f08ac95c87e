"""The operating point where there are good parts only: the score that a stated share of them exceeds.

Without defects nobody knows what an escape costs; what can be promised is how many good parts are rejected.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np

from models.core.errors import ConfigError
from models.core.words import counted
from models.evaluation.operating_point import RESAMPLINGS, OperatingPoint

LEAST_PARTS = 3
"""Fewer good parts say nothing of how much they differ."""


def too_few(good: int) -> ConfigError:
    """The error of a training side with too few good pictures."""
    return ConfigError(
        "data.root",
        f"has {counted(good, 'good picture')} on the training side; give {LEAST_PARTS} or more, better 50, or deal the "
        "training side more by --set data.shares=[1,0,0] data.split=dealt",
    )


def upper_end(values: np.ndarray, share: float) -> float:
    """The value that a share of a population exceeds, estimated from some of it.

    The order statistic where the sample reaches so far; else, as the largest of 30 parts says nothing about one in a
    hundred, at least what a normal distribution with the same middle and the same upper spread has there.

    Args:
        values: of good parts, (n,), on a scale where they are about symmetric (logits).
        share: above 0 and below 1.
    """
    from scipy.stats import norm

    middle = float(np.median(values))
    spread = float(np.percentile(values, 84.13)) - middle
    tail = middle + float(norm.isf(share)) * spread
    order = float(np.quantile(values, 1 - share, method="higher"))
    return order if share * len(values) >= 1 else max(order, tail)


def choose_by_overkill(
    logits: np.ndarray,
    overkill: float,
    *,
    groups: Sequence[str] | None = None,
    chosen_on: str = "",
    seed: int = 0,
) -> OperatingPoint:
    """The threshold that rejects a stated share of good parts, and the grey zone of what the data cannot tell.

    The zone holds the thresholds that 95 of 100 resamplings of the parts (of whole groups) would have chosen.

    Args:
        logits: of the probability of a defect of good parts, (n,).
        overkill: share of good parts that may be called defective.
        groups: cell, board or weld of each; each its own where None.
        chosen_on: name of the data, for the record.
        seed: of the resamplings.

    Raises:
        ConfigError: too few parts, or a share that is none.
    """
    logits = np.asarray(logits, np.float64).ravel()
    if not 0 < overkill < 1:
        raise ConfigError("overkill", f"{overkill:g} is no share of good parts; give a number between 0 and 1")
    if len(logits) < LEAST_PARTS or not np.isfinite(logits).all():
        raise ConfigError(
            "data", f"{len(logits)} good parts do not tell how much good parts differ; give {LEAST_PARTS} or more"
        )
    threshold = upper_end(logits, overkill)
    members = np.unique(np.arange(len(logits)) if groups is None else np.asarray(groups), return_inverse=True)[1]
    places = [np.flatnonzero(members == number) for number in range(members.max() + 1)]
    generator = np.random.default_rng(seed)
    drawn = []
    for _ in range(RESAMPLINGS if len(places) > 1 else 0):
        chosen = generator.integers(0, len(places), len(places))
        drawn.append(upper_end(logits[np.concatenate([places[one] for one in chosen])], overkill))
    low, high = np.percentile(drawn, [2.5, 97.5]) if drawn else (threshold, threshold)
    zone = (_probability(min(low, threshold)), _probability(max(high, threshold)))
    count = f"{len(logits)} good parts, of which {overkill:.3g} may be rejected; no defect was seen"
    return OperatingPoint(
        threshold=_probability(threshold),
        grey_zone=zone if zone[1] > zone[0] else None,
        overkill=float(overkill),
        chosen_on=f"{chosen_on}: {count}" if chosen_on else count,
        date=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def _probability(logit: float) -> float:
    return float(1 / (1 + np.exp(-np.clip(logit, -500, 500))))
