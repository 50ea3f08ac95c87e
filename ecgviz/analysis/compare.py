"""Compares two checkpoints on one recording, beat by beat."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ecgviz.results import Beats
from models.metrics.beats import match_beats


@dataclass(frozen=True)
class Comparison:
    """Comparison of two sets of beats, matched within 150 ms.

    Attributes:
        first, second: what is compared.
        pairs: index in ``first`` and in ``second`` of each beat that both have, int64 (n, 2), in time order.
        counts: pairs by class, rows are those of ``first``, columns those of ``second``, int64 (n_classes, n_classes).
        only_first, only_second: indices of beats that the other does not have.
    """

    first: Beats
    second: Beats
    pairs: np.ndarray
    counts: np.ndarray
    only_first: np.ndarray
    only_second: np.ndarray

    @property
    def differing(self) -> np.ndarray:
        """Rows of ``pairs`` with different classes, int64 (k, 2)."""
        first, second = self.pairs.T
        return self.pairs[self.first.class_index[first] != self.second.class_index[second]]

    @property
    def agreement(self) -> float:
        """Share of pairs with the same class; NaN without pairs."""
        return float(np.trace(self.counts) / len(self.pairs)) if len(self.pairs) else float("nan")


def compare_beats(first: Beats, second: Beats) -> Comparison:
    """Match the beats of two analyses of one recording.

    Raises:
        ValueError: they know different classes.
    """
    if first.classes != second.classes:
        raise ValueError(
            f"{first.checkpoint} knows {', '.join(first.classes)} and {second.checkpoint} {', '.join(second.classes)}; "
            "compare networks of the same classes"
        )
    to_second, to_first = match_beats(first.time_s, second.time_s)
    both = np.flatnonzero(to_second >= 0)
    pairs = np.stack([both, to_second[both]], axis=1).astype(np.int64)
    counts = np.zeros((len(first.classes), len(first.classes)), np.int64)
    np.add.at(counts, (first.class_index[pairs[:, 0]], second.class_index[pairs[:, 1]]), 1)
    return Comparison(first, second, pairs, counts, np.flatnonzero(to_second < 0), np.flatnonzero(to_first < 0))
