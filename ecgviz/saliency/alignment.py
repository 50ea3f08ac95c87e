"""Aligns the cells of feature maps with positions in the input.

Interpolation takes a map's cells as even parts of the input. Convolutions with a stride do not keep to that: padded
alike on both sides, each moves the centre of its cells by half a sample to the front, padded as TensorFlow does to the
back. Over five strides of two these halves add up to 15.5 pixels, half a cell: a map would point beside a small defect.
The fields of view are measured instead of derived, so any network that splits its forward will do: in a copy whose
weights are all averages, the gradient of a cell counts the paths that lead to it (Araujo et al., Computing receptive
fields of convolutional neural networks, Distill 2019), and its centre is the field's.
"""

from __future__ import annotations

import copy
import math
import threading
import weakref

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from ecgviz.saliency.randomise import NORMS
from ecgviz.saliency.target import AttributionTarget

CELLS = 3
"""Cells along each axis that are asked, around the middle."""
_lock = threading.Lock()
_plans: weakref.WeakKeyDictionary[nn.Module, str] = weakref.WeakKeyDictionary()
_offsets: dict[tuple[str, tuple[int, ...]], tuple[float, ...]] = {}


def cell_offset(network: nn.Module, target: AttributionTarget) -> tuple[float, ...]:
    """Offset of the last maps' cells from an even division of the input, in samples or (rows, columns).

    It depends on the layers alone, so it is measured once for each architecture and size of its input; the many random
    twins that a map is tested with have it from the network.

    Args:
        network: with ``forward_features``, in eval mode.
        target: an input of the kind it reads; its first one is used.
    """
    size = tuple(target.x.shape[2:])
    with _lock:
        if network not in _plans:
            _plans[network] = repr(network)
        key = (_plans[network], size)
        if key not in _offsets:
            _offsets[key] = _measure(network, target)
        return _offsets[key]


def move(values: torch.Tensor, offset: tuple[float, ...]) -> torch.Tensor:
    """Maps (N, L) or (N, H, W) shifted by ``offset`` along each axis, in whole samples; edges are repeated."""
    for axis, distance in enumerate(offset, start=1):
        place = torch.arange(values.shape[axis], device=values.device) - math.floor(distance + 0.5)
        values = values.index_select(axis, place.clamp(0, values.shape[axis] - 1))
    return values


def _measure(network: nn.Module, target: AttributionTarget) -> tuple[float, ...]:
    # Fields are symmetric, so the true value is a multiple of half a sample; what else is seen is the choice of a pool.
    return tuple(round(2 * _centre(line)) / 2 for line in _fields(_averaging_twin(network), target.x[:1]))


def _averaging_twin(network: nn.Module) -> nn.Module:
    """A copy in which each layer outputs the mean of its receptive field."""
    with torch.inference_mode(False):
        twin = copy.deepcopy(network).cpu().double().eval().requires_grad_(False)
    for module in twin.modules():
        for name, parameter in module.named_parameters(recurse=False):
            if parameter.ndim > 1:
                parameter.fill_(1 / parameter[0].numel())
            else:
                parameter.fill_(1.0 if isinstance(module, NORMS) and name == "weight" else 0.0)
        if isinstance(module, _BatchNorm) and module.track_running_stats:
            module.reset_running_stats()
    return twin


def _fields(twin: nn.Module, like: torch.Tensor) -> list[torch.Tensor]:
    """Sensitivity of the middle cells along each axis over the distance from the middle of the cell's part, float64 (2
    x size + 1,) with distance 0 in the middle."""
    with torch.inference_mode(False), torch.enable_grad():
        generator = torch.Generator().manual_seed(0)
        # Twice the size, so that the fields end inside it. Small, so that no unit is cut off above; nearly even, so
        # that no place counts more than another; not quite, so that a pool has no favourite.
        shape = (*like.shape[:2], *(2 * whole for whole in like.shape[2:]))
        x = 1e-9 * (1 + 0.01 * torch.rand(shape, generator=generator, dtype=torch.float64))
        x.requires_grad_()
        maps = twin.forward_features(x)
        shape, size = maps.shape[2:], x.shape[2:]
        spacing = [whole / extent for whole, extent in zip(size, shape, strict=True)]
        lines = [torch.zeros(2 * whole + 1, dtype=torch.float64) for whole in size]
        for number in range(-(CELLS // 2), CELLS // 2 + 1):
            cell = [min(max(extent // 2 + number, 0), extent - 1) for extent in shape]
            (gradient,) = torch.autograd.grad(maps[(0, slice(None), *cell)].sum(), x, retain_graph=True)
            weight = gradient[0].abs().sum(dim=0)
            weight /= weight.sum().clamp_min(1e-300)
            for axis, line in enumerate(lines):
                others = [one for one in range(weight.ndim) if one != axis]
                along = weight.sum(dim=others) if others else weight
                nominal = math.floor((cell[axis] + 0.5) * spacing[axis])
                line[size[axis] - nominal : 2 * size[axis] - nominal] += along
    return lines


def _centre(profile: torch.Tensor) -> float:
    """Centre of mass of a profile, half a sample before its position 0 for the middle of a cell."""
    place = torch.arange(len(profile), dtype=torch.float64) - len(profile) // 2
    return float((profile * place).sum() / profile.sum().clamp_min(1e-300)) + 0.5
