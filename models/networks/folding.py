"""Folds batch normalisation into the preceding convolution: the same output with fewer passes over memory.

In evaluation a batch normalisation is one product and one sum for each channel, which the convolution can do with its
own weights. Which normalisation follows which convolution is seen in one pass of a small input, so that no network has
to describe itself; what the folded copy answers is held against the network's own answer.
"""

from __future__ import annotations

import copy
import threading
from weakref import WeakKeyDictionary

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.utils.fusion import fuse_conv_bn_weights

Example = tuple[torch.Tensor, dict[str, torch.Tensor]]
PROBE_SIDE = 64
TOLERANCE = 1e-4
"""Of the largest logit of the probe, or of 1 where that is larger."""

_lock = threading.Lock()
_kept: WeakKeyDictionary[nn.Module, tuple[dict[str, torch.Tensor], nn.Module]] = WeakKeyDictionary()


def folded_once(network: nn.Module, example: Example) -> nn.Module:
    """:func:`folded`, cached while the network lives and its weights stay the same.

    The copy is shared: call it only in evaluation, in as many threads as you like.
    """
    state = network.state_dict()
    with _lock:
        weights, light = _kept.get(network, ({}, None))
        if light is None or not _same(weights, state):
            light = folded(network, example=example)
            _kept[network] = {name: value.clone() for name, value in state.items()}, light
    return light


def _same(weights: dict[str, torch.Tensor], state: dict[str, torch.Tensor]) -> bool:
    return weights.keys() == state.keys() and all(
        weights[name].dtype == value.dtype and torch.equal(weights[name], value) for name, value in state.items()
    )


@torch.inference_mode(False)
@torch.no_grad()
def folded(network: nn.Module, in_channel: int = 3, example: Example | None = None) -> nn.Module:
    """A copy of a network in eval mode, channels last, with its batch normalisations folded.

    Args:
        network: takes pictures (B, in_channel, H, W), or what ``example`` holds; it is left as it is.
        in_channel: channels of its input.
        example: a small input and the keyword arguments beside it, of a network that takes no pictures.

    Returns:
        The folded copy, or a plain one where there is nothing to fold or the results would change.
    """
    light = _copy(network)
    parameter = next(light.parameters(), None)
    if parameter is None or not any(isinstance(module, _BatchNorm) for module in light.modules()):
        return light
    if example is None:
        generator = torch.Generator().manual_seed(0)
        example = torch.randn(1, in_channel, PROBE_SIDE, PROBE_SIDE, generator=generator).to(parameter), {}
    probe, others = example
    pairs, expected = _pairs(light, example)
    if not pairs:
        return light
    for convolution, normalisation in pairs:
        _fold(light, convolution, normalisation)
    difference = (light(probe, **others) - expected).abs().max()
    return light if difference <= TOLERANCE * expected.abs().max().clamp_min(1) else _copy(network)


def _copy(network: nn.Module) -> nn.Module:
    return copy.deepcopy(network).to(memory_format=torch.channels_last).eval().requires_grad_(False)


def _pairs(network: nn.Module, example: Example) -> tuple[list[tuple[str, str]], torch.Tensor]:
    """Names of convolutions and of the normalisation that follows each, and the network's output."""
    results: list[tuple[str, torch.Tensor]] = []
    found: list[tuple[str, str]] = []
    calls: dict[str, int] = {}

    def answered(name: str, result: torch.Tensor) -> None:
        calls[name] = calls.get(name, 0) + 1
        results.append((name, result))

    def asked(name: str, x: torch.Tensor) -> None:
        calls[name] = calls.get(name, 0) + 1
        found.extend((convolution, name) for convolution, result in results if result is x)

    hooks = []
    for name, module in network.named_modules():
        if isinstance(module, nn.Conv2d):
            hooks.append(module.register_forward_hook(lambda _m, _x, result, name=name: answered(name, result)))
        elif isinstance(module, _BatchNorm) and module.track_running_stats:
            hooks.append(module.register_forward_pre_hook(lambda _m, x, name=name: asked(name, x[0])))
    try:
        expected = network(example[0], **example[1])
    finally:
        for hook in hooks:
            hook.remove()
    return [pair for pair in found if calls[pair[0]] == calls[pair[1]] == 1], expected


def _fold(network: nn.Module, convolution: str, normalisation: str) -> None:
    """Fold the normalisation into the convolution; activations inside timm's layer stay."""
    conv, norm = network.get_submodule(convolution), network.get_submodule(normalisation)
    conv.weight, conv.bias = fuse_conv_bn_weights(
        conv.weight, conv.bias, norm.running_mean, norm.running_var, norm.eps, norm.weight, norm.bias
    )
    conv.requires_grad_(False)
    parent, _, name = normalisation.rpartition(".")
    setattr(network.get_submodule(parent), name, getattr(norm, "act", nn.Identity()))
