"""Registry of saliency methods, and their common entry point :func:`compute_map`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from ecgviz.saliency.alignment import cell_offset, move
from ecgviz.saliency.target import AttributionTarget, match_network

Detail = Literal["maps", "samples", "parts"]
MapFunction = Callable[[nn.Module, AttributionTarget], Tensor]


@dataclass(frozen=True)
class Method:
    """One saliency method.

    Attributes:
        name: what code, command line and URL call it.
        title: what a page calls it.
        source: where it was published.
        compute: (network, attribution target) -> values >= 0 of each output, at the input's or the maps' resolution.
        detail: what its finest detail is: a sample of the feature "maps", of the input ("samples"), or the "parts" of
            ``AttributionTarget.occlusion`` samples that it replaces.
        per_class: another target gives another map.
        requires: attribute that a network must have for it; "" for none.
        pictures_only: it is for pictures, not for signals.
    """

    name: str
    title: str
    source: str
    compute: MapFunction
    detail: Detail
    per_class: bool = True
    requires: str = ""
    pictures_only: bool = False

    def fits(self, network: nn.Module) -> bool:
        """Whether the network meets the method's requirements."""
        return not self.requires or hasattr(network, self.requires)


_METHODS: dict[str, Method] = {}


def register_method(name: str, **fields: Any) -> Callable[[MapFunction], MapFunction]:
    """Decorator: register a function under ``name``; the fields are those of ``Method``."""

    def register(compute: MapFunction) -> MapFunction:
        _METHODS[name] = Method(name=name, compute=compute, **fields)
        return compute

    return register


def get_method(name: str) -> Method:
    """The method with a name.

    Raises:
        ValueError: there is none.
    """
    if name not in _METHODS:
        raise ValueError(f"no saliency method {name!r}; there are {', '.join(_METHODS)}")
    return _METHODS[name]


def list_methods(network: nn.Module | None = None, *, pictures: bool = False) -> list[str]:
    """Names of all methods, or of those for ``network``, in the order offered; with ``pictures`` those for pictures
    alone, too."""
    return [
        name
        for name, method in _METHODS.items()
        if (network is None or method.fits(network)) and (pictures or not method.pictures_only)
    ]


def compute_map(
    network: nn.Module, target: AttributionTarget, method: str = "grad_cam", *, aligned: bool = True
) -> tuple[Tensor, float]:
    """Importance of each input sample or pixel for each output, and its resolution.

    A map of L' samples for an input of L covers it in even parts: the middle of part i is (i + 0.5) * L / L' - 0.5,
    which is what interpolation with ``align_corners=False`` assumes. Where the cells of the network's maps look beside
    that, the map is moved there (:mod:`ecgviz.saliency.alignment`); captum leaves it on the even parts.

    Args:
        network: in evaluation mode.
        target: inputs, and the outputs that are asked for.
        method: a name of :func:`list_methods`.
        aligned: move the map to where its cells look; False gives captum's.

    Returns:
        values: float32 (N, L) or (N, H, W) on the network's device, >= 0, without a graph.
        spacing: finest detail in input samples or pixels (along the last axis).

    Raises:
        ValueError: an unknown method, one that does not suit the network, or a network in training mode.
    """
    chosen = get_method(method)
    if not chosen.fits(network):
        raise ValueError(
            f"{method} needs a network with {chosen.requires}(); choose {', '.join(list_methods(network))}"
        )
    target = match_network(network, target)
    with torch.inference_mode(False), torch.no_grad():
        values = chosen.compute(network, target).float()
    size = target.x.shape[2:]
    # Patches are even parts of the picture with what it was filled up with to whole patches.
    patches = chosen.detail == "maps" and hasattr(network, "padded")
    covered = network.padded(target.x).shape[2:] if patches else size
    spacing = target.occlusion if chosen.detail == "parts" else covered[-1] / values.shape[-1]
    if values.shape[1:] != size:
        mode = "linear" if len(size) == 1 else "bilinear"
        values = functional.interpolate(values[:, None], size=covered, mode=mode, align_corners=False)[:, 0]
        if patches:
            values = values[:, : size[0], : size[1]]
        elif aligned and chosen.detail == "maps":
            values = move(values, cell_offset(network, target))
    return values, float(spacing)
