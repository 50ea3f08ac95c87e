"""Gradient methods on the input: as fine as the input, and noisier than class activation maps."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from ecgviz.saliency.registry import register_method
from ecgviz.saliency.target import GRADIENT_LIMIT, AttributionTarget, input_gradients

STEPS = 16


def input_gradient(network: nn.Module, target: AttributionTarget) -> Tensor:
    """Gradient of each output's target logit with respect to its input, (N, C, ...); one output per row."""
    parts = []
    for part in target.batches(GRADIENT_LIMIT):
        with input_gradients(network, part.x.device):
            x = part.x.detach().requires_grad_()
            logits = network(x, **part.kwargs)
            parts.append(torch.autograd.grad(part.score(logits).sum(), x)[0])
    return torch.cat(parts)


@register_method("saliency", title="Gradient", source="Simonyan et al., ICLR workshop 2014", detail="samples")
def saliency(network: nn.Module, target: AttributionTarget) -> Tensor:
    """Largest absolute gradient over the leads, (N, L) or (N, H, W)."""
    return input_gradient(network, target.row_per_output()).abs().amax(dim=1)


def baseline_of(target: AttributionTarget) -> Tensor:
    """Baseline input: each channel constant at its mean, (B, C, ...)."""
    x = target.x
    return x.mean(dim=tuple(range(2, x.ndim)), keepdim=True).expand_as(x)


def path_attributions(network: nn.Module, target: AttributionTarget, steps: int = STEPS) -> Tensor:
    """Signed integrated gradients (N, C, ...) of the target logit along the line from ``baseline_of`` to the input.

    Their sum is the logit of the input less that of the baseline, but for the error of the quadrature
    (Gauss-Legendre with ``steps`` nodes, as in captum).
    """
    nodes, weights = np.polynomial.legendre.leggauss(steps)
    x, total = target.x, []
    shape = (steps, *[1] * (x.ndim - 1))
    alpha = torch.as_tensor((nodes + 1) / 2, dtype=x.dtype, device=x.device).reshape(shape)
    weight = torch.as_tensor(weights / 2, dtype=x.dtype, device=x.device).reshape(shape)
    for index in range(len(target)):
        one = target.only(index)
        start = baseline_of(one)
        gradients = input_gradient(network, one.with_inputs(start + alpha * (one.x - start)))
        total.append((weight * gradients).sum(dim=0, keepdim=True) * (one.x - start))
    return torch.cat(total)


@register_method(
    "integrated_gradients", title="Integrated gradients", source="Sundararajan et al., ICML 2017", detail="samples"
)
def integrated_gradients(network: nn.Module, target: AttributionTarget) -> Tensor:
    """Integrated gradients summed over leads, negative values clipped to 0, (N, L) or (N, H, W)."""
    return path_attributions(network, target).sum(dim=1).clamp(min=0)
