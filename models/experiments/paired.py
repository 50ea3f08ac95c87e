"""Paired comparison of two networks on the same cases: changed cases, McNemar test, interval of the difference.

McNemar's test asks of the cases that one of the two got wrong (McNemar, Psychometrika 12:153-157, 1947; exact, by the
binomial distribution). It takes cases as independent; beats of one recording and pictures of one cell are not. So the
difference of the metric also has an interval from resampling whole records or groups, and that one is to be trusted.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from models.core.errors import ConfigError
from models.experiments.predictions import Predictions
from models.metrics.beats import confusion, scores
from models.metrics.images import auroc

RESAMPLINGS = 1000
Sampler = Callable[[np.ndarray], float]


@dataclass(frozen=True)
class Paired:
    """Result of a paired comparison.

    Attributes:
        cases, groups: how many cases, of how many records or groups.
        both_right, only_first, only_second, both_wrong: cases by who was right.
        p_value: exact McNemar, two-sided; 1 where no case differs.
        metric: name of the metric.
        first, second: its values.
        difference: second minus first.
        interval: 95%, from resampling groups; None with fewer than two of them.
        confusion_first, confusion_second: counts (n_classes, n_classes).
        changed: numbers of the cases that the two answered differently.
    """

    cases: int
    groups: int
    both_right: int
    only_first: int
    only_second: int
    both_wrong: int
    p_value: float
    metric: str
    first: float
    second: float
    interval: tuple[float, float] | None
    confusion_first: np.ndarray
    confusion_second: np.ndarray
    changed: np.ndarray

    @property
    def difference(self) -> float:
        """Metric of the second minus that of the first."""
        return self.second - self.first


def compare(first: Predictions, second: Predictions, *, resamplings: int = RESAMPLINGS, seed: int = 0) -> Paired:
    """Compare the predictions of two networks case by case.

    Args:
        first, second: predictions for the same cases in the same order.
        resamplings: of the groups.
        seed: of the resampling.

    Raises:
        ConfigError: other cases or classes.
    """
    if first.case != second.case or not np.array_equal(first.truth, second.truth) or first.classes != second.classes:
        raise ConfigError("runs", "they did not answer the same cases with the same classes; choose two that do")
    right = first.predicted == first.truth, second.predicted == second.truth
    only_first, only_second = int((right[0] & ~right[1]).sum()), int((~right[0] & right[1]).sum())
    (name, sampled), (_, sampled_second) = _sampler(first), _sampler(second)
    groups = len(np.unique(first.group))
    every = np.arange(groups)
    return Paired(
        cases=len(first.truth),
        groups=groups,
        both_right=int((right[0] & right[1]).sum()),
        only_first=only_first,
        only_second=only_second,
        both_wrong=int((~right[0] & ~right[1]).sum()),
        p_value=mcnemar(only_first, only_second),
        metric=name,
        first=sampled(every),
        second=sampled_second(every),
        interval=_interval(sampled, sampled_second, groups, resamplings, seed),
        confusion_first=_confusion(first),
        confusion_second=_confusion(second),
        changed=np.flatnonzero(first.predicted != second.predicted),
    )


def mcnemar(only_first: int, only_second: int) -> float:
    """P value of the exact McNemar test: a split of the discordant cases at least as uneven, were both equally good."""
    from scipy.stats import binomtest

    n = only_first + only_second
    return float(binomtest(min(only_first, only_second), n).pvalue) if n else 1.0


def _interval(first: Sampler, second: Sampler, groups: int, resamplings: int, seed: int) -> tuple[float, float] | None:
    if groups < 2:
        return None
    generator = np.random.default_rng(seed)
    drawn = []
    for _ in range(resamplings):
        chosen = generator.integers(0, groups, groups)
        drawn.append(second(chosen) - first(chosen))
    known = np.array(drawn)[~np.isnan(drawn)]
    if not len(known):
        return None
    low, high = np.percentile(known, [2.5, 97.5])
    return float(low), float(high)


def _sampler(predictions: Predictions) -> tuple[str, Sampler]:
    """Name of the metric, and a function that computes it for groups given by index."""
    names, member = np.unique(predictions.group, return_inverse=True)
    members = [np.flatnonzero(member == place) for place in range(len(names))]
    n = len(predictions.classes)
    if n == 2:

        def area(chosen: np.ndarray) -> float:
            cases = np.concatenate([members[place] for place in chosen])
            return auroc(predictions.prob[cases, 1], predictions.truth[cases])

        return "auroc", area
    counts = np.stack([confusion(predictions.truth[cases], predictions.predicted[cases], n) for cases in members])

    def macro_f1(chosen: np.ndarray) -> float:
        return scores(counts[chosen].sum(axis=0), predictions.classes)["macro_f1"]

    return "macro_f1", macro_f1


def _confusion(predictions: Predictions) -> np.ndarray:
    n = len(predictions.classes)
    return confusion(predictions.truth, predictions.predicted, n)[:n, :n]
