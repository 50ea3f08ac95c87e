"""How well the map of a network that gives one finds the pixels of defects: AUROC over pixels, and the pointing game.

Pictures are counted into histograms one by one, so no map is kept and intervals come from resampling pictures. For the
networks that say of each place how defective it is (``defect_map``); maps that are drawn from a network's gradients are
judged by :mod:`ecgviz.saliency.localisation`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from models.checkpoints import Checkpoint
from models.core.callbacks import Progress
from models.core.errors import ReadError
from models.data.image_folder import ImageRow, truth_mask
from models.metrics.resampling import metrics_with_intervals
from models.tasks.image import ImageTask

_BINS = 4096
_RANGE = (-14.0, 10.0)
"""Natural logarithms of the values between which bins lie: each is 0.6% wide."""
RESAMPLINGS = 200


def gives_maps(checkpoint: Checkpoint) -> bool:
    """Whether the network of a checkpoint says of each place how defective it is."""
    return hasattr(checkpoint.network, "defect_map")


def defect_map(checkpoint: Checkpoint, task: ImageTask, pixels: np.ndarray) -> np.ndarray:
    """How defective each pixel of a picture is, as its network says, float32 (H, W) in no certain unit, 0 or more."""
    device = next(checkpoint.network.parameters()).device
    x = task.prepare(pixels)[None].to(device).contiguous(memory_format=torch.channels_last)
    with torch.inference_mode():
        values = checkpoint.network.defect_map(x)[0].float().cpu().numpy()
    return task.to_picture(values, (pixels.shape[0], pixels.shape[1]))


def score_maps(
    checkpoint: Checkpoint, task: ImageTask, rows: Sequence[ImageRow], *, progress: Progress | None = None
) -> dict[str, Any] | None:
    """Figures of the maps on pictures whose defects are marked, ready for JSON; None where none is marked.

    Normal pictures count with all their pixels, defective ones whose truth is not known not at all.

    Args:
        checkpoint: its network gives maps.
        task: its task.
        rows: the pictures.
        progress: told pictures done, pictures in all, a file name.

    Returns:
        ``pixel_auroc`` and ``pointing`` (share of the defective pictures whose highest place lies in a defect), each
        with its interval, and on how many ``pictures`` and ``marked`` ones they rest.
    """
    if not any(row.label and row.has_truth for row in rows):
        return None
    histograms, pointed, groups = [], [], []
    for done, row in enumerate(rows, start=1):
        counted = _counted(checkpoint, task, row)
        if counted is not None:
            histograms.append(counted[0])
            pointed.append(counted[1])
            groups.append(row.group)
        if progress is not None:
            progress(done, len(rows), row.name)
    if not histograms:
        return None
    table, hits = np.stack(histograms), np.array(pointed)

    def metrics(chosen: np.ndarray) -> dict[str, float]:
        weight = np.bincount(chosen, minlength=len(table)).astype(float)
        good, bad = np.tensordot(weight, table, axes=1)
        known = hits[chosen][np.isfinite(hits[chosen])]
        return {
            "pixel_auroc": binned_auroc(good, bad),
            "pointing": float(known.mean()) if len(known) else float("nan"),
        }

    _, with_intervals = metrics_with_intervals(metrics, groups, resamplings=RESAMPLINGS)
    return with_intervals | {"pictures": len(table), "marked": int(np.isfinite(hits).sum())}


def binned_auroc(good: np.ndarray, bad: np.ndarray) -> float:
    """AUROC of counts in ascending bins, those of one bin counting half; NaN where a side has none."""
    if not good.sum() or not bad.sum():
        return float("nan")
    below = np.cumsum(good) - good / 2
    return float((bad * below).sum() / (bad.sum() * good.sum()))


def _counted(checkpoint: Checkpoint, task: ImageTask, row: ImageRow) -> tuple[np.ndarray, float] | None:
    """Counts of good and defective pixels in each bin, (2, bins), and whether the map points at a defect (NaN for
    normal pictures); None of a picture whose truth is not known, or that cannot be read."""
    if row.label and not row.has_truth:
        return None
    try:
        pixels = row.pixels()
        truth = truth_mask(row, (pixels.shape[0], pixels.shape[1])) if row.label else None
    except ReadError:
        return None  # the scores of pictures name such files
    values = defect_map(checkpoint, task, pixels)
    span = _RANGE[1] - _RANGE[0]
    place = (np.log(np.maximum(values, 1e-30)) - _RANGE[0]) * (_BINS / span)
    place = place.clip(0, _BINS - 1).astype(np.int64)
    inside = np.zeros(values.shape, bool) if truth is None else truth
    counts = [np.bincount(place[side], minlength=_BINS) for side in (~inside, inside)]
    hit = float("nan") if truth is None else float(inside.ravel()[int(values.argmax())])
    return np.stack(counts), hit
