"""How well the map of a network that gives one finds the defects: AUROC over pixels, pointing game and mass inside.

Pictures are counted into histograms one by one, so no map is kept and intervals come from resampling pictures. For the
networks that say of each place (``defect_map``) or patch (``patch_map``) how defective it is; maps that are drawn from
a network's gradients are judged by :mod:`ecgviz.saliency.localisation`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch

from models.checkpoints import Checkpoint
from models.core.callbacks import Progress
from models.core.errors import CheckpointError, ReadError
from models.data.image_folder import ImageRow, truth_mask
from models.metrics.resampling import metrics_with_intervals
from models.tasks.image import ImageTask

_BINS = 4096
_RANGE = (-14.0, 10.0)
"""Natural logarithms of the values between which bins lie: each is 0.6% wide."""
RESAMPLINGS = 200


def gives_maps(checkpoint: Checkpoint) -> bool:
    """Whether the network of a checkpoint says of each place or patch how defective it is."""
    return _map_of(checkpoint) is not None


def _map_of(checkpoint: Checkpoint) -> Callable[[torch.Tensor], torch.Tensor] | None:
    network = checkpoint.network
    return getattr(network, "defect_map", None) or getattr(network, "patch_map", None)


def defect_map(checkpoint: Checkpoint, task: ImageTask, pixels: np.ndarray) -> np.ndarray:
    """How defective each pixel of a picture is, as its network says, float32 (H, W) in no certain unit, 0 or more.

    Raises:
        CheckpointError: the network gives no map; see :func:`gives_maps`.
    """
    device = next(checkpoint.network.parameters()).device
    x = task.prepare(pixels)[None].to(device).contiguous(memory_format=torch.channels_last)
    give = _map_of(checkpoint)
    if give is None:
        raise CheckpointError(checkpoint.name, "has a network that gives no map of its own; choose another")
    with torch.inference_mode():
        values = give(x)[0].float().cpu().numpy()
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
        ``pixel_auroc``, ``pointing`` (share of the defective pictures whose highest place lies in a defect: Zhang et
        al., IJCV 2018) and ``mass_inside`` (share of the map's sum that lies in defects), each with its interval,
        ``cover`` (the share of these pictures that defects cover, which a map without an idea would reach in both), and
        on how many ``pictures`` and ``marked`` ones they rest.
    """
    if not any(row.label and row.has_truth for row in rows):
        return None
    histograms, found, groups = [], [], []
    for done, row in enumerate(rows, start=1):
        counted = _counted(checkpoint, task, row)
        if counted is not None:
            histograms.append(counted[0])
            found.append(counted[1])
            groups.append(row.group)
        if progress is not None:
            progress(done, len(rows), row.name)
    if not histograms:
        return None
    table, shares = np.stack(histograms), np.array(found)
    marked = np.isfinite(shares[:, 0])

    def metrics(chosen: np.ndarray) -> dict[str, float]:
        weight = np.bincount(chosen, minlength=len(table)).astype(float)
        good, bad = np.tensordot(weight, table, axes=1)
        known = shares[chosen][marked[chosen]]
        pointing, mass = known[:, :2].mean(axis=0).tolist() if len(known) else (float("nan"),) * 2
        return {"pixel_auroc": binned_auroc(good, bad), "pointing": pointing, "mass_inside": mass}

    _, with_intervals = metrics_with_intervals(metrics, groups, resamplings=RESAMPLINGS)
    cover = float(shares[marked, 2].mean()) if marked.any() else None
    return with_intervals | {"cover": cover, "pictures": len(table), "marked": int(marked.sum())}


def binned_auroc(good: np.ndarray, bad: np.ndarray) -> float:
    """AUROC of counts in ascending bins, those of one bin counting half; NaN where a side has none."""
    if not good.sum() or not bad.sum():
        return float("nan")
    below = np.cumsum(good) - good / 2
    return float((bad * below).sum() / (bad.sum() * good.sum()))


def _counted(
    checkpoint: Checkpoint, task: ImageTask, row: ImageRow
) -> tuple[np.ndarray, tuple[float, float, float]] | None:
    """Counts of good and defective pixels in each bin, (2, bins), and whether the map points at a defect, the share of
    it that lies in one and the share of the picture that does (NaN for normal pictures); None of a picture whose truth
    is not known, or that cannot be read."""
    if row.label and not row.has_truth:
        return None
    try:
        pixels = row.pixels()
        truth = truth_mask(row, (pixels.shape[0], pixels.shape[1])) if row.label else None
    except ReadError:
        return None  # the scores of pictures name such files
    if row.label and truth is None:
        return None
    values = defect_map(checkpoint, task, pixels)
    span = _RANGE[1] - _RANGE[0]
    place = (np.log(np.maximum(values, 1e-30)) - _RANGE[0]) * (_BINS / span)
    place = place.clip(0, _BINS - 1).astype(np.int64)
    inside = np.zeros(values.shape, bool) if truth is None else truth
    counts = [np.bincount(place[side], minlength=_BINS) for side in (~inside, inside)]
    if truth is None or not inside.any():
        return np.stack(counts), (float("nan"),) * 3
    total = float(values.sum(dtype=np.float64))
    mass = float(values[inside].sum(dtype=np.float64)) / total if total > 0 else 0.0
    return np.stack(counts), (float(inside[values == values.max()].mean()), mass, float(inside.mean()))
