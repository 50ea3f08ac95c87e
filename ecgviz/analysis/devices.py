"""Selects the torch device."""

from __future__ import annotations

import copy

import torch
from torch import nn

from ecgviz.errors import ConfigError

DEVICES = ("auto", "cuda", "mps", "cpu")


def available_devices() -> tuple[str, ...]:
    """Devices of this machine, best first, ending with the CPU."""
    found = []
    if torch.cuda.is_available():
        found.append("cuda")
    if torch.backends.mps.is_available():
        found.append("mps")
    return (*found, "cpu")


def choose_device(wanted: str | None = None) -> torch.device:
    """The requested device, or the best one for "auto" or None.

    Raises:
        ConfigError: an unknown device, or one that this machine does not have.
    """
    there = available_devices()
    if wanted in (None, "auto"):
        return torch.device(there[0])
    if wanted not in DEVICES:
        raise ConfigError("device", f"there is no device {wanted!r}; choose one of {', '.join(DEVICES)}")
    if wanted not in there:
        raise ConfigError("device", f"{wanted} is not available on this machine; it has {', '.join(there)}")
    return torch.device(wanted)


def device_name(device: torch.device) -> str:
    """Display name, such as "CPU, threads: 2" or the name of the GPU."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"CPU, threads: {torch.get_num_threads()}" if device.type == "cpu" else device.type.upper()


def network_on(network: nn.Module, device: str | torch.device | None) -> nn.Module:
    """The network, or a copy on another device, since the shared one may be in use."""
    here = next(network.parameters()).device
    there = here if device is None else torch.device(device)
    same = there.type == here.type and there.index in (None, here.index)
    return network if same else copy.deepcopy(network).to(there)
