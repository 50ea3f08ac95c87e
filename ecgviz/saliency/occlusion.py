"""Occlusion maps, and the replacement of parts of a signal or picture."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ecgviz.saliency.registry import register_method
from ecgviz.saliency.target import AttributionTarget, variant_logits

NUMBERS_AT_ONCE = 2**23
"""Numbers of input that are replaced in one go: enough for 64 signals of several leads, or a few pictures."""


def bridge(x: Tensor, hole: Tensor) -> Tensor:
    """Signals with holes interpolated linearly, which leaves neither waves nor steps.

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


def bridge_picture(x: Tensor, hole: Tensor) -> Tensor:
    """Pictures with holes interpolated along rows and columns, weighted by the distance from their ends.

    What stood in the hole is gone, and no edge is added around it: straight lines meet the picture on all four sides.

    Args:
        x: one input (C, H, W).
        hole: pixels to replace, bool (M, H, W).

    Returns:
        (M, C, H, W).
    """
    along_rows, across = _bridge_lines(x, hole)
    along_columns, down = _bridge_lines(x.transpose(1, 2), hole.transpose(1, 2))
    along_columns, down = along_columns.transpose(2, 3), down.transpose(1, 2)
    weight = (down / (across + down).clamp(min=1e-6))[:, None]
    filled = along_rows * weight + along_columns * (1 - weight)
    return torch.where(hole[:, None], filled, x)


def _bridge_lines(x: Tensor, hole: Tensor) -> tuple[Tensor, Tensor]:
    """Every row (C, H, W) interpolated across its holes (M, H, W), and each pixel's distance from the nearer end, (M,
    H, W).

    A row that is all hole gets the mean of the picture and counts for next to nothing.
    """
    length = x.shape[-1]
    at = torch.arange(length, device=x.device).expand(hole.shape)
    left = torch.where(hole, -1, at).cummax(dim=-1).values
    right = torch.where(hole, length, at).flip(-1).cummin(dim=-1).values.flip(-1)
    lost = hole.all(dim=-1, keepdim=True)
    near = torch.minimum(torch.where(left < 0, length, at - left), torch.where(right >= length, length, right - at)).to(
        x.dtype
    )
    near = torch.where(lost, 1e6, near)
    left, right = torch.where(left < 0, right, left), torch.where(right >= length, left, right)
    left, right = left.clamp(0, length - 1), right.clamp(0, length - 1)
    share = ((at - left) / (right - left).clamp(min=1)).to(x.dtype)[:, None]
    rows = x[None].expand(len(hole), *x.shape)
    ends = [torch.gather(rows, 3, end[:, None].expand(rows.shape)) for end in (left, right)]
    filled = ends[0] * (1 - share) + ends[1] * share
    return torch.where(lost[:, None], x.mean(dim=(1, 2), keepdim=True), filled), near


@register_method("occlusion", title="Occlusion", source="Zeiler and Fergus, ECCV 2014", detail="parts")
def occlusion(network: nn.Module, target: AttributionTarget) -> Tensor:
    """Decrease of the target logit when the part around each sample or pixel is bridged, (N, L) or (N, H, W).

    A part of ``target.occlusion`` samples (squared, in a picture) moves over the input, in steps of a quarter of it
    over ``target.region`` of a signal and of a half over a picture; a sample gets the mean of the parts that cover
    it, 0 where the logit rises, and 0 outside the region. Classes of one input share the passes through the network.
    """
    parts = _signal_parts(target) if target.x.ndim == 3 else _picture_parts(target)
    covered = parts.sum(dim=0).clamp(min=1)
    rows = max(1, NUMBERS_AT_ONCE // target.x[0].numel())
    found = torch.zeros(len(target), *parts.shape[1:], device=parts.device)
    for outputs in _alike(target):
        one, targets = target.only(outputs[0]), target.class_index[outputs]
        whole = variant_logits(network, one)[:, targets]
        for some in parts.split(rows):
            fall = _fall(network, one, some, whole, targets)
            found[outputs] += torch.tensordot(fall.T, some.float(), dims=1)
    return found / covered


def _alike(target: AttributionTarget) -> list[list[int]]:
    """Groups of outputs that differ in their target only."""
    groups: dict[tuple[int, int], list[int]] = {}
    for index in range(len(target)):
        row = index if target.row is None else int(target.row[index])
        slot = 0 if target.slot is None else int(target.slot[index])
        groups.setdefault((row, slot), []).append(index)
    return list(groups.values())


def _signal_parts(target: AttributionTarget) -> Tensor:
    """Parts of a signal, bool (M, L)."""
    length = target.x.shape[-1]
    first, last = target.region or (0, length)
    width = max(1, min(target.occlusion, last - first))
    starts = torch.arange(first - width // 2, last - width // 2, max(1, width // 4), device=target.x.device)
    at = torch.arange(length, device=target.x.device)
    parts = (at >= starts[:, None]) & (at < starts[:, None] + width)
    return parts & (at >= first) & (at < last)


def _picture_parts(target: AttributionTarget) -> Tensor:
    """Squares of a picture, bool (M, H, W), possibly smaller at the lower and right border."""
    height, width = target.x.shape[2:]
    side = max(1, min(target.occlusion, height, width))
    bands = []
    for length in (height, width):
        at = torch.arange(length, device=target.x.device)
        starts = torch.arange(0, max(1, length - side // 2), max(1, side // 2), device=target.x.device)
        bands.append((at >= starts[:, None]) & (at < starts[:, None] + side))
    return (bands[0][:, None, :, None] & bands[1][None, :, None, :]).flatten(0, 1)


def _fall(network: nn.Module, one: AttributionTarget, parts: Tensor, whole: Tensor, targets: Tensor) -> Tensor:
    """Decrease of the target logits (K,) below ``whole`` (1, K) for each bridged part (M, ...), at least 0, (M, K)."""
    fill = bridge if parts.ndim == 2 else bridge_picture
    variants = one.with_inputs(fill(one.x[0], parts))
    return (whole - variant_logits(network, variants)[:, targets]).clamp(min=0)
