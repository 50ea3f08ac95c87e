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


@dataclass(frozen=True)
class Chosen:
    """An operating point and its performance on the pictures it was chosen on (optimistic for new ones)."""

    point: OperatingPoint
    performance: Performance


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
    if split not in {"validation", "all"}:
        raise ConfigError("split", f"a threshold is not chosen on {split!r}; choose validation, or all of another set")
    result = evaluate_images(checkpoint, data, split, changes=changes, progress=progress)
    if result["seen_in_training"]:
        raise ConfigError(
            "data",
            f"{result['seen_in_training']} of these pictures were trained on, so they score too well; give others",
        )
    files = result["files"]
    scores, labels = np.array([one["probability"] for one in files]), np.array([one["label"] for one in files])
    groups = np.array([one["group"] for one in files])
    point = choose(scores, labels, *costs, groups=groups, chosen_on=f"{result['data']}, {split}")
    detector = OutOfDistributionDetector.load(checkpoint.folder)
    in_distribution = None if detector is None else np.array([one["distance"] <= detector.limit for one in files])
    return Chosen(point, performance(scores, labels, point, groups=groups, in_distribution=in_distribution))


def render(chosen: Chosen) -> str:
    """An operating point and its performance as text."""
    point, found = chosen.point, chosen.performance
    zone = "none" if point.grey_zone is None else "{:.3f} to {:.3f}".format(*point.grey_zone)
    return "\n".join([
        f"threshold {point.threshold:.3f}, grey zone {zone}",
        f"an escape costs {point.escape_cost:g}, an overkill {point.overkill_cost:g}, {point.prevalence:.2%} defects",
        f"chosen on {point.chosen_on}",
        f"escapes: {found.escapes}",
        f"overkill: {found.overkill}",
        f"to review: {found.defects_to_review} of the defects, {found.good_to_review} of the good ones",
    ])  # fmt: skip
