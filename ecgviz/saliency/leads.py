"""Saliency maps per lead: importance of each sample of each lead, (outputs, leads, samples).

Class activation maps look at features that all leads were mixed into, so they have one row for all; methods that work
on the input keep the leads. The two families share everything else with the maps of beats.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ecgviz.saliency.gradients import input_gradient, path_attributions
from ecgviz.saliency.occlusion import bridge
from ecgviz.saliency.registry import compute_map, get_method
from ecgviz.saliency.target import AttributionTarget, match_network, variant_logits

VARIANTS_AT_ONCE = 256


def tells_leads_apart(method: str) -> bool:
    """Whether a method gives a map per lead.

    Raises:
        ValueError: there is no such method.
    """
    return get_method(method).detail != "maps"


def lead_map(network: nn.Module, target: AttributionTarget, method: str) -> tuple[Tensor, float]:
    """Importance of each sample of each lead for each output.

    Returns:
        values: float32 (N, C, L), or (N, 1, L) where one map holds for all leads; >= 0, without a graph.
        spacing: finest detail in input samples.

    Raises:
        ValueError: an unknown method, one that does not suit the network, or a network in training mode.
    """
    if not tells_leads_apart(method):
        values, spacing = compute_map(network, target, method)
        return values[:, None], spacing
    target = match_network(network, target)
    with torch.inference_mode(False), torch.no_grad():
        if method == "saliency":
            return input_gradient(network, target.row_per_output()).abs().float(), 1.0
        if method == "integrated_gradients":
            return path_attributions(network, target).clamp(min=0).float(), 1.0
        return _occlusion(network, target), float(target.occlusion)


def bridge_leads(x: Tensor, holes: Tensor) -> Tensor:
    """Signals with holes interpolated linearly, separately for each lead, (M, C, L).

    Args:
        x: one input (C, L).
        holes: samples to replace, bool (M, C, L).
    """
    return torch.cat([bridge(x[lead : lead + 1], holes[:, lead]) for lead in range(len(x))], dim=1)


def _occlusion(network: nn.Module, target: AttributionTarget) -> Tensor:
    """Decrease of the target logit when a part of one lead is bridged, (N, C, L); 0 where it increases.

    Parts of ``target.occlusion`` samples lie side by side: overlapping ones would cost twelve times what they cost
    for all leads together. All outputs of one input share the passes through the network.
    """
    length, width, device = target.x.shape[-1], max(1, target.occlusion), target.x.device
    at = torch.arange(length, device=device)
    parts = at // width == torch.arange(-(-length // width), device=device)[:, None]
    rows = torch.arange(len(target), device=device) if target.row is None else target.row
    found = torch.zeros(len(target), *target.x.shape[1:], device=device)
    for row in rows.unique().tolist():
        outputs = (rows == row).nonzero()[:, 0]
        one = target.only(int(outputs[0]))
        whole = variant_logits(network, one)[0]
        for lead in range(one.x.shape[1]):
            falls = []
            for some in parts.split(VARIANTS_AT_ONCE):
                variants = one.x.repeat(len(some), 1, 1)
                variants[:, lead] = bridge(one.x[0, lead : lead + 1], some)[:, 0]
                falls.append((whole - variant_logits(network, one.with_inputs(variants))).clamp(min=0))
            fall = torch.cat(falls)[:, target.class_index[outputs]]
            found[outputs, lead] = fall.T @ parts.float()
    return found
