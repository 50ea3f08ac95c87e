"""The gate before promotion of a lighter checkpoint: largest loss of the metric, and most changed labels.

A mean metric hides that other cases are right and other ones wrong than before. Who relied on the answers meets the
labels that changed, so they are counted, limited and listed one by one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from models.checkpoints import Checkpoint
from models.compress.predictions import Data, PredictedLabels, predict_labels
from models.compress.twin import originals
from models.core.callbacks import Progress
from models.core.errors import CheckpointError, ConfigError

TOLERANCE = 0.005
MOST_CHANGED = 5
RESAMPLINGS = 1000


@dataclass(frozen=True)
class Trial:
    """Parameters of the gate.

    Attributes:
        data: labelled cases that neither it nor its original was trained or calibrated on.
        tolerance: how far the metric may fall.
        most_changed: how many labels it may say otherwise than its original.
    """

    data: Data
    tolerance: float = TOLERANCE
    most_changed: int = MOST_CHANGED


@dataclass(frozen=True)
class Verdict:
    """Comparison of a lighter checkpoint with its original on the same cases.

    Attributes:
        original, lighter: names.
        metric: name of the metric.
        before, after: its values.
        interval: 95%, of after minus before, from resampling groups; None with fewer than two of them.
        labels: how many were given, by each.
        changed: those that differ, one line each, with the truth.
        trial: what it was held to.
    """

    original: str
    lighter: str
    metric: str
    before: float
    after: float
    interval: tuple[float, float] | None
    labels: int
    changed: tuple[str, ...]
    trial: Trial

    @property
    def faults(self) -> list[str]:
        """Reasons for refusal; empty where it passes."""
        found = []
        if not self.after >= self.before - self.trial.tolerance:
            found.append(
                f"{self.metric} falls from {self.before:.4f} to {self.after:.4f}, more than {self.trial.tolerance:g}"
            )
        if len(self.changed) > self.trial.most_changed:
            found.append(f"{len(self.changed)} of {self.labels} labels changed, more than {self.trial.most_changed}")
        return found

    def metrics(self) -> dict[str, Any]:
        """The verdict as plain values for a card."""
        return {
            "figure": self.metric,
            "original": self.before,
            "lighter": self.after,
            "difference_interval95": None if self.interval is None else list(self.interval),
            "tolerance": self.trial.tolerance,
            "labels": self.labels,
            "changed": list(self.changed),
            "most_changed": self.trial.most_changed,
            "split": self.trial.data.split,
        }


def judge(lighter: Checkpoint, trial: Trial, *, progress: Progress | None = None) -> Verdict:
    """Compare a lighter checkpoint with the original named in its card.

    Where that one is a lighter form itself, the first of the line counts: small steps may add up.

    Raises:
        CheckpointError: it has no original, or that is not there.
        ConfigError, ReadError: data that do not serve.
    """
    *_, original = originals(lighter)
    before, after = (predict_labels(one, trial.data, progress=progress) for one in (original, lighter))
    return compare(before, after, original.name, lighter.name, trial)


def compare(before: PredictedLabels, after: PredictedLabels, original: str, lighter: str, trial: Trial) -> Verdict:
    """The verdict on two checkpoints' predictions for the same cases.

    Raises:
        ConfigError: they did not answer the same cases.
    """
    if before.cases != after.cases or before.titles != after.titles:
        raise ConfigError("checkpoint", f"{original} and {lighter} did not answer the same cases with the same labels")
    everyone = np.arange(len(before.cases))
    return Verdict(
        original,
        lighter,
        before.metric,
        before.score(everyone),
        after.score(everyone),
        difference_interval(before, after),
        before.labels.size,
        changed_labels(before, after),
        trial,
    )


def changed_labels(before: PredictedLabels, after: PredictedLabels) -> tuple[str, ...]:
    """One line per changed label, such as ``ptbxl 17 MI: no -> yes (is yes)``."""
    return tuple(
        f"{before.cases[row]}{' ' if before.titles[column] else ''}{before.titles[column]}: "
        f"{before.labels[row, column]} -> {after.labels[row, column]} (is {before.truth[row, column]})"
        for row, column in np.argwhere(before.labels != after.labels)
    )


def difference_interval(
    before: PredictedLabels, after: PredictedLabels, resamplings: int = RESAMPLINGS
) -> tuple[float, float] | None:
    """95% interval of the difference in the metric, second minus first, from resampling groups jointly."""
    names, member = np.unique(before.groups, return_inverse=True)
    if len(names) < 2:
        return None
    members = [np.flatnonzero(member == place) for place in range(len(names))]
    generator = np.random.default_rng(0)
    drawn = []
    for _ in range(resamplings):
        chosen = np.concatenate([members[place] for place in generator.integers(0, len(names), len(names))])
        drawn.append(after.score(chosen) - before.score(chosen))
    known = np.array(drawn)[~np.isnan(drawn)]
    if not len(known):
        return None
    low, high = np.percentile(known, [2.5, 97.5])
    return float(low), float(high)


def require(lighter: Checkpoint, trial: Trial | None, *, progress: Progress | None = None) -> Verdict:
    """The verdict on a lighter checkpoint, which must pass.

    Raises:
        ConfigError: no data to judge it by.
        CheckpointError: it is refused; the message lists the labels that changed.
    """
    if trial is None:
        raise ConfigError(
            "data",
            f"{lighter.name} is a lighter form of {lighter.card.original_name}; name the labelled data to hold them "
            "against each other: python -m models promote DIR --data FOLDER",
        )
    return passed(lighter, judge(lighter, trial, progress=progress))


def passed(lighter: Checkpoint, verdict: Verdict) -> Verdict:
    """The verdict, if it is a pass.

    Raises:
        CheckpointError: it is refused; the message lists the labels that changed.
    """
    if verdict.faults:
        listed = "".join(f"\n  {line}" for line in verdict.changed) or "\n  none"
        raise CheckpointError(
            lighter.name,
            f"is refused: {'; '.join(verdict.faults)}. {verdict.original} stays. Labels that changed:{listed}",
        )
    return verdict
