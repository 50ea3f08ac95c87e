"""Finds probable label errors: labels that contradict the predictions of networks not trained on these cases.

Confident learning (Northcutt, Jiang and Chuang, JAIR 70:1373-1411, 2021): a label is doubtful if the probability of
another class reaches the mean probability of that class over its own cases. Only out-of-sample probabilities are used,
since a network learns the labels of its training cases, right or wrong. Several runs with different splits (a sweep
over ``data.split_seed``) hold out more cases; each case has the mean over the runs not trained on it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from models.core.errors import ConfigError
from models.plugins.results import Predictions


@dataclass(frozen=True)
class LabelDoubt:
    """A case whose label is doubtful.

    Attributes:
        case: name of the case.
        label: its label.
        likelier: the class predicted instead.
        label_prob, likelier_prob: mean out-of-sample probabilities of the two.
        networks: number of networks that predicted the case out of sample.
    """

    case: str
    label: str
    likelier: str
    label_prob: float
    likelier_prob: float
    networks: int


@dataclass(frozen=True)
class LabelDoubts:
    """The doubtful cases, most doubtful first.

    Attributes:
        found: the cases.
        cases: number of cases with out-of-sample probabilities.
        thresholds: mean probability of each class over its own cases.
    """

    found: tuple[LabelDoubt, ...]
    cases: int
    thresholds: dict[str, float]


def doubtful_labels(held_out: Sequence[Predictions]) -> LabelDoubts:
    """The doubtful labels in out-of-sample predictions.

    Args:
        held_out: predictions of one or more runs, each for cases that it was not trained on.

    Raises:
        ConfigError: no predictions, other classes, or a case with two labels.
    """
    if not held_out:
        raise ConfigError("runs", "there are no predictions for held-out cases; choose a run with a validation side")
    classes = held_out[0].classes
    prob, truth, count = _pooled(held_out, classes)
    names = list(prob)
    p = np.stack([prob[name] / count[name] for name in names]) if names else np.empty((0, len(classes)))
    label = np.array([truth[name] for name in names], np.int64)
    usual = np.array([p[label == place, place].mean() if (label == place).any() else np.inf
                      for place in range(len(classes))])  # fmt: skip
    sure = np.where(p >= usual, p, -1.0)
    likelier = sure.argmax(axis=1) if len(p) else label
    doubtful = np.flatnonzero((sure.max(axis=1, initial=-1.0) >= 0) & (likelier != label))
    margin = p[doubtful, likelier[doubtful]] - p[doubtful, label[doubtful]]
    found = [
        LabelDoubt(names[place], classes[label[place]], classes[likelier[place]], float(p[place, label[place]]),
                   float(p[place, likelier[place]]), count[names[place]])
        for place in doubtful[np.argsort(-margin, kind="stable")]
    ]  # fmt: skip
    known = {name: float(value) for name, value in zip(classes, usual, strict=True) if np.isfinite(value)}
    return LabelDoubts(tuple(found), len(names), known)


def _pooled(
    held_out: Sequence[Predictions], classes: tuple[str, ...]
) -> tuple[dict[str, np.ndarray], dict[str, int], dict[str, int]]:
    """Sum of the probabilities, label and number of networks of each case."""
    prob: dict[str, np.ndarray] = {}
    truth: dict[str, int] = {}
    count: dict[str, int] = {}
    for one in held_out:
        if one.classes != classes:
            raise ConfigError("runs", "they know other classes; choose runs on the same classes")
        for case, row, label in zip(one.case, one.prob, one.truth.tolist(), strict=True):
            if truth.setdefault(case, label) != label:
                raise ConfigError("runs", f"{case} has two labels; choose runs on one version of the data")
            prob[case] = prob.get(case, 0.0) + row.astype(np.float64)
            count[case] = count.get(case, 0) + 1
    return prob, truth, count
