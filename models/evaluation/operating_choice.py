"""Chooses the operating point of a checkpoint on labelled pictures outside of training and test."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from models.checkpoints import Checkpoint
from models.core.callbacks import Progress
from models.core.errors import ConfigError
from models.evaluation.images import evaluate_images
from models.evaluation.operating_point import OperatingPoint, choose
from models.evaluation.operating_scores import Performance, performance
from models.evaluation.out_of_distribution import OutOfDistributionDetector
from models.evaluation.overkill import choose_by_overkill

_LEAST_PROBABILITY = 1e-7


@dataclass(frozen=True)
class Chosen:
    """An operating point and its performance on the pictures it was chosen on (optimistic for new ones).

    ``performance`` is None where it was chosen on good parts alone and no defects were there.
    """

    point: OperatingPoint
    performance: Performance | None


def choose_on(
    checkpoint: Checkpoint,
    data: str | Path,
    split: str,
    costs: tuple[float, float, float],
    *,
    changes: Sequence[str] = (),
    progress: Progress | None = None,
) -> Chosen:
    """The operating point of least cost on a split of labelled pictures.

    Args:
        checkpoint: an image checkpoint.
        data: folder or table of pictures, split as the checkpoint's card says.
        split: validation or all. What was trained on scores too well, and what metrics are reported on would no longer
            be new.
        costs: of an escape and of an overkill, and the share of defects expected.
        changes: of how the pictures are understood, as for ``evaluate_images``.
        progress: told pictures done, pictures in all, a file name.

    Raises:
        ConfigError: another split, pictures that were trained on, or what ``choose`` and ``evaluate_images`` refuse.
    """
    found = _scored(checkpoint, data, split, changes, progress)
    point = choose(found.scores, found.labels, *costs, groups=found.groups, chosen_on=found.name)
    return Chosen(point, found.performance(point))


def choose_on_good(
    checkpoint: Checkpoint,
    data: str | Path,
    split: str,
    overkill: float,
    *,
    changes: Sequence[str] = (),
    progress: Progress | None = None,
) -> Chosen:
    """The operating point that rejects a stated share of good parts, from the good pictures of a split alone.

    Args:
        checkpoint, data, split, changes, progress: as for :func:`choose_on`; the data need no defects.
        overkill: share of good parts that may be rejected, above 0 and below 1.

    Raises:
        ConfigError: as :func:`choose_on`; too few good pictures.
    """
    found = _scored(checkpoint, data, split, changes, progress)
    good = found.labels == 0
    prob = found.scores[good].astype(np.float64).clip(_LEAST_PROBABILITY, 1 - _LEAST_PROBABILITY)
    logits = np.log(prob / (1 - prob))
    point = choose_by_overkill(logits, overkill, groups=found.groups[good].tolist(), chosen_on=found.name)
    return Chosen(point, found.performance(point) if good.any() and not good.all() else None)


@dataclass(frozen=True)
class _Scored:
    """Scores of labelled pictures: probability, label and group of each, whether they are like the training."""

    name: str
    scores: np.ndarray
    labels: np.ndarray
    groups: np.ndarray
    in_distribution: np.ndarray | None

    def performance(self, point: OperatingPoint) -> Performance:
        return performance(self.scores, self.labels, point, groups=self.groups, in_distribution=self.in_distribution)


def _scored(
    checkpoint: Checkpoint, data: str | Path, split: str, changes: Sequence[str], progress: Progress | None
) -> _Scored:
    if split not in {"validation", "all"}:
        raise ConfigError("split", f"a threshold is not chosen on {split!r}; choose validation, or all of another set")
    result = evaluate_images(checkpoint, data, split, changes=changes, progress=progress)
    if result["seen_in_training"]:
        raise ConfigError(
            "data",
            f"{result['seen_in_training']} of these pictures were trained on, so they score too well; give others",
        )
    files = result["files"]
    detector = OutOfDistributionDetector.load(checkpoint.folder)
    return _Scored(
        name=f"{result['data']}, {split}",
        scores=np.array([one["probability"] for one in files]),
        labels=np.array([one["label"] for one in files]),
        groups=np.array([one["group"] for one in files]),
        in_distribution=None if detector is None else np.array([one["distance"] <= detector.limit for one in files]),
    )


def render(chosen: Chosen) -> str:
    """An operating point and its performance as text."""
    point, found = chosen.point, chosen.performance
    zone = "none" if point.grey_zone is None else "{:.3f} to {:.3f}".format(*point.grey_zone)
    lines = [f"threshold {point.threshold:.3f}, grey zone {zone}"]
    if point.escape_cost is not None and point.prevalence is not None:
        prices = f"an escape costs {point.escape_cost:g}, an overkill {point.overkill_cost:g}"
        lines.append(f"{prices}, {point.prevalence:.2%} defects")
    lines.append(f"chosen on {point.chosen_on}")
    if found is not None:
        lines += [
            f"escapes: {found.escapes}",
            f"overkill: {found.overkill}",
            f"to review: {found.defects_to_review} of the defects, {found.good_to_review} of the good ones",
        ]
    return "\n".join(lines)
