"""Class activation maps: Grad-CAM, HiResCAM, and SE attention.

The functions know no number of dimensions: maps (N, C, L) of signals and (N, C, H, W) of pictures go the same way.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ecgviz.saliency.registry import register_method
from ecgviz.saliency.target import AttributionTarget, input_gradients


def maps_and_gradients(network: nn.Module, target: AttributionTarget) -> tuple[Tensor, Tensor]:
    """Feature maps of each output's input and the gradient of its target logit, float32 (N, C, ...) each.

    The maps are computed once for each input and without a graph; only the head is differentiated, once for all
    outputs, so several beats of one strip share the costly part.
    """
    features = network.forward_features(target.x)
    with input_gradients(network, target.x.device):
        maps = target.per_output(features).detach().requires_grad_()
        logits = network.forward_head(maps, **target.kwargs_per_output())
        (gradients,) = torch.autograd.grad(target.score(logits).sum(), maps)
    return maps.detach().float(), gradients.float()


@register_method("grad_cam", title="Grad-CAM", source="Selvaraju et al., ICCV 2017", detail="maps")
def grad_cam(network: nn.Module, target: AttributionTarget) -> Tensor:
    """Maps weighted by the mean gradient of their channel, summed and rectified, (N, L') or (N, H', W').

    The weights are one number a channel: they say which features speak for the class, not where. In a strip the
    same features at a neighbouring beat light up too; ``hires_cam`` keeps the place.
    """
    maps, gradients = maps_and_gradients(network, target)
    weights = gradients.mean(dim=tuple(range(2, gradients.ndim)), keepdim=True)
    return torch.relu((weights * maps).sum(dim=1))


@register_method("hires_cam", title="HiResCAM", source="Draelos and Carin, arXiv 2011.08891, 2020", detail="maps")
def hires_cam(network: nn.Module, target: AttributionTarget) -> Tensor:
    """Elementwise product of maps and gradients, summed over channels and rectified, (N, L') or (N, H', W')."""
    maps, gradients = maps_and_gradients(network, target)
    return torch.relu((gradients * maps).sum(dim=1))


def se_gates(network: nn.Module, target: AttributionTarget) -> dict[str, Tensor]:
    """Channel gates of each squeeze-and-excitation block in the order of the forward pass, {name: (N, channels)}."""
    with torch.no_grad():
        gates = network.se_gates(target.x)
    return {name: target.per_output(gate).float() for name, gate in gates.items()}


@register_method(
    "se_attention",
    title="SE attention",
    source="Hu et al., CVPR 2018 (the gates)",
    detail="maps",
    per_class=False,
    requires="se_gates",
)
def se_attention(network: nn.Module, target: AttributionTarget) -> Tensor:
    """Mean activation of the last maps, each channel weighted by its gate, (N, L') or (N, H', W').

    It says what the network attends to before it decides, so it is the same for every class and every beat of a strip.

    Raises:
        ValueError: the last gates do not belong to the channels of the maps.
    """
    maps = target.per_output(network.forward_features(target.x)).float()
    gates = list(se_gates(network, target).values())[-1]
    if gates.shape[1] != maps.shape[1]:
        raise ValueError(f"the last SE block gates {gates.shape[1]} channels, the maps have {maps.shape[1]}")
    weights = (gates / gates.sum(dim=1, keepdim=True)).reshape(*gates.shape, *[1] * (maps.ndim - 2))
    return (weights * maps.abs()).sum(dim=1)
