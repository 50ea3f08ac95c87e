"""Randomised networks for the weight-randomisation check (Adebayo et al., NeurIPS 2018).

A map that looks the same when nothing of the training is left shows the input, not what the network learned.
"""

from __future__ import annotations

import copy
import math
import threading
import weakref

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from ecgviz.saliency.target import AttributionTarget

TWINS = 3
NORMS = (_BatchNorm, nn.LayerNorm, nn.GroupNorm, nn.RMSNorm)

_lock = threading.Lock()
_twins: weakref.WeakKeyDictionary[nn.Module, list[nn.Module]] = weakref.WeakKeyDictionary()


def random_twins(network: nn.Module, count: int = TWINS) -> list[nn.Module]:
    """Copies of the network with random weights, deterministic, on the network's device.

    They are kept as long as the network lives. The network is not touched, nor is torch's global random state.
    """
    device = next(network.parameters()).device
    with _lock, torch.inference_mode(False):
        kept = _twins.get(network, [])
        if len(kept) < count or next(kept[0].parameters()).device != device:
            kept = [_random_twin(network, seed) for seed in range(count)]
            _twins[network] = kept
        return kept[:count]


def _random_twin(network: nn.Module, seed: int) -> nn.Module:
    """A copy with weights in torch's default initialisation: uniform in +-1/sqrt(fan in), norms neutral."""
    twin = copy.deepcopy(network).eval().requires_grad_(False)
    generator = torch.Generator().manual_seed(seed)
    for module in twin.modules():
        for name, parameter in module.named_parameters(recurse=False):
            parameter.grad = None
            if parameter.ndim < 2:
                parameter.fill_(1.0 if isinstance(module, NORMS) and name == "weight" else 0.0)
            else:
                bound = 1 / math.sqrt(parameter[0].numel())
                parameter.copy_(torch.empty(parameter.shape).uniform_(-bound, bound, generator=generator))
    return twin


def fitted_twins(network: nn.Module, target: AttributionTarget, count: int = TWINS) -> list[nn.Module]:
    """Random twins with batch norm statistics of this input.

    With the statistics of the trained network, or with none, the activations of a deep random network grow or die
    away and its map would differ for that reason alone. The copies belong to the caller: threads share none.
    """
    twins = random_twins(network, count)
    if not any(isinstance(module, _BatchNorm) for module in network.modules()):
        return twins
    return [_fit_norms(copy.deepcopy(twin), target) for twin in twins]


def _fit_norms(twin: nn.Module, target: AttributionTarget) -> nn.Module:
    """Set the running statistics of each batch norm from its input, in one forward pass."""

    def measure(norm: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        values = inputs[0].transpose(0, 1).flatten(1).float()
        if values.shape[1] > 1 and norm.running_mean is not None:
            norm.running_mean.copy_(values.mean(dim=1))
            norm.running_var.copy_(values.var(dim=1, unbiased=False))

    handles = [m.register_forward_pre_hook(measure) for m in twin.modules() if isinstance(m, _BatchNorm)]
    with torch.inference_mode(False), torch.no_grad():
        twin(target.x, **target.kwargs)
    for handle in handles:
        handle.remove()
    return twin
