"""Compares recall and precision of each class between runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from models.experiments.runs import Run


@dataclass(frozen=True)
class ClassMetrics:
    """Metrics of one class on a run's validation data; None if they have no cases.

    Attributes:
        cases: of the class.
        recall: share of them that is found.
        precision: share of those called so that are.
    """

    cases: int
    recall: float | None
    precision: float | None


def class_metrics(run: Run) -> dict[str, ClassMetrics]:
    """Metrics of each class, by its name; empty where the run keeps no counts."""
    if not run.confusion or not run.classes:
        return {}
    counts = np.array(run.confusion, np.int64)[: len(run.classes), : len(run.classes)]
    found = {}
    for place, name in enumerate(run.classes[: len(counts)]):
        cases, called, right = int(counts[place].sum()), int(counts[:, place].sum()), int(counts[place, place])
        found[name] = ClassMetrics(cases, right / cases if cases else None, right / called if called else None)
    return found


def side_by_side(runs: Sequence[Run]) -> list[dict[str, str | float | None]]:
    """A row a run: its name, and recall, precision and cases of each class; empty where no run keeps counts."""
    rows = []
    for run in runs:
        found = class_metrics(run)
        if not found:
            continue
        row: dict[str, str | float | None] = {"Run": run.job.name, "On": run.cases}
        for name, one in found.items():
            row |= {f"{name} recall": one.recall, f"{name} precision": one.precision, f"{name} cases": one.cases}
        rows.append(row)
    return rows
