"""Maps of networks that read a recording as a picture, mapped back to lead and time.

A matrix has the leads one below the other, so its rows are leads and its columns are time. A sheet of paper shows each
lead for a part of the time (:func:`models.data.ecg_paper.stretches`): what it does not show is 0.
"""

from __future__ import annotations

from math import ceil, floor

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from ecgviz.saliency.registry import compute_map
from ecgviz.saliency.target import AttributionTarget
from models.data.ecg_paper import MM_PER_S, Stretch
from models.tasks.record import RecordTask

METHODS = ("grad_cam", "hires_cam", "attention_rollout", "se_attention", "integrated_gradients", "occlusion")
"""For pictures of ECG, in the order in which to offer them."""
OCCLUSION_SHARE = 6
"""Occlusion replaces squares with this part of the shorter side of the network's input as their side."""


def occlusion_px(shape: tuple[int, int]) -> int:
    """Side of the occluded squares in a picture of this size."""
    return max(1, min(shape) // OCCLUSION_SHARE)


def drawn_map(network: nn.Module, target: AttributionTarget, method: str, task: RecordTask) -> tuple[Tensor, float]:
    """Importance of each sample of each lead, for each output of a picture network.

    Args:
        network: in eval mode.
        target: with pictures of windows, of a task whose form is matrix or paper.
        method: registered name.
        task: that drew them.

    Returns:
        values: float32 (N, n_leads, length of a window), >= 0, without a graph.
        spacing: finest detail in samples.

    Raises:
        ValueError: an unknown method, one that does not suit the network, or a network in training mode.
    """
    found, spacing = compute_map(network, target, method)
    places = task.on_sheet()
    if not places:
        return _from_matrix(found, task), spacing * task.length / found.shape[-1]
    values = torch.zeros(len(found), len(task.ecg_leads), task.length, device=found.device)
    for place in places:
        lead, part = _samples(task, place)
        rows = slice(max(0, floor(place.top)), min(found.shape[1], ceil(place.bottom)))
        columns = slice(max(0, floor(place.left)), min(found.shape[2], ceil(place.right)))
        along = found[:, rows, columns].mean(dim=1)
        # Lead II stands twice on a sheet; what counts in either place counts.
        values[:, lead, part] = torch.maximum(values[:, lead, part], _resized(along, part.stop - part.start))
    return values, spacing / (task.px_per_mm * MM_PER_S) * task.fs_out


def shown(task: RecordTask) -> np.ndarray:
    """Samples of each lead of a window that the network sees, bool (n_leads, length); all except on paper."""
    places = task.on_sheet()
    there = np.full((len(task.ecg_leads), task.length), not places)
    for place in places:
        there[_samples(task, place)] = True
    return there


def _from_matrix(found: Tensor, task: RecordTask) -> Tensor:
    """Rows of a picture (N, H, W) to leads, columns to samples, (N, n_leads, length)."""
    rows = functional.adaptive_avg_pool2d(found[:, None], (len(task.ecg_leads), found.shape[-1]))[:, 0]
    return _resized(rows, task.length)


def _resized(values: Tensor, length: int) -> Tensor:
    """Values (N, n) or (N, leads, n) resampled evenly to ``length``."""
    by_lead = values[:, None] if values.ndim == 2 else values
    found = functional.interpolate(by_lead, size=length, mode="linear", align_corners=False)
    return found[:, 0] if values.ndim == 2 else found


def _samples(task: RecordTask, place: Stretch) -> tuple[int, slice]:
    """Lead index of a stretch, and its samples."""
    lead = [name.lower() for name in task.ecg_leads].index(place.lead.lower())
    return lead, slice(round(place.start_s * task.fs_out), min(round(place.end_s * task.fs_out), task.length))
