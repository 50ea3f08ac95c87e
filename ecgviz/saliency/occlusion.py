"""Maps and tests that replace a part of a signal and look what the network says then."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ecgviz.saliency.question import Question, answer
from ecgviz.saliency.registry import register_method

PARTS = 64


def bridge(x: Tensor, hole: Tensor) -> Tensor:
    """Signals with straight lines across their holes: no wave is left in them and no step is added at their edges.

    A hole at the end of the signal is filled with its nearest sample, a signal that is all hole with its mean.

    Args:
        x: one input (C, L).
        hole: samples to replace, bool (M, L).

    Returns:
        (M, C, L).
    """
    length = x.shape[-1]
    at = torch.arange(length, device=x.device).expand(hole.shape)
    left = torch.where(hole, -1, at).cummax(dim=1).values
    right = torch.where(hole, length, at).flip(1).cummin(dim=1).values.flip(1)
    left, right = torch.where(left < 0, right, left), torch.where(right >= length, left, right)
    left, right = left.clamp(0, length - 1), right.clamp(0, length - 1)
    share = ((at - left) / (right - left).clamp(min=1)).to(x.dtype)[:, None]
    # x[:, left] is (C, M, L): a straight line between the samples on both sides of the hole.
    filled = x[:, left].movedim(1, 0) * (1 - share) + x[:, right].movedim(1, 0) * share
    filled = torch.where(hole.all(dim=1)[:, None, None], x.mean(dim=-1, keepdim=True), filled)
    return torch.where(hole[:, None], filled, x)


@register_method("occlusion", title="Occlusion", source="Zeiler and Fergus, ECCV 2014", detail="parts")
def occlusion(network: nn.Module, question: Question) -> Tensor:
    """How far the target's logit falls when the part around each sample is bridged, (N, L); 0 where it rises.

    A part of ``question.occlusion`` samples moves in steps of a quarter of it over ``question.region``; a sample gets
    the mean of the parts that cover it, and 0 outside the region.

    Raises:
        ValueError: the input is no signal (B, C, L).
    """
    if question.x.ndim != 3:
        raise ValueError(f"occlusion takes signals (B, C, L), not an input of shape {tuple(question.x.shape)}")
    length = question.x.shape[-1]
    first, last = question.region or (0, length)
    width = max(1, min(question.occlusion, last - first))
    starts = torch.arange(first - width // 2, last - width // 2, max(1, width // 4), device=question.x.device)
    at = torch.arange(length, device=question.x.device)
    parts = (at >= starts[:, None]) & (at < starts[:, None] + width)
    parts &= (at >= first) & (at < last)
    covered = parts.sum(dim=0).clamp(min=1)
    rows = []
    for index in range(len(question)):
        one, target = question.only(index), int(question.target[index])
        whole = answer(network, one)[:, target]
        variants = torch.cat([_fall(network, one, part, whole) for part in parts.split(PARTS)])
        rows.append((variants[:, None] * parts).sum(dim=0) / covered)
    return torch.stack(rows)


def _fall(network: nn.Module, one: Question, parts: Tensor, whole: Tensor) -> Tensor:
    """Fall of the target's logit below ``whole`` for each part (M, L) that is bridged, at least 0, (M,)."""
    variants = one.with_inputs(bridge(one.x[0], parts))
    return (whole - answer(network, variants)[:, int(one.target[0])]).clamp(min=0)
