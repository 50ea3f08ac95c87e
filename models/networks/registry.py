"""Registry of networks: :func:`register_model` fills it, :func:`create_model` builds from it.

After timm's ``models/_registry.py``: a name is all that a configuration, a card or a page needs to know.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatch
from importlib import import_module
from typing import Any

from torch import nn

from models.core.errors import ConfigError
from models.plugins.registry import load_packages
from readers.core.once import once

_FAMILIES = (
    "models.networks.ecg.dcrnn",
    "models.networks.ecg.se_resnet_lstm",
    "models.networks.ecg.beat_strip",
    "models.networks.ecg.se_resnet1d",
    "models.networks.ecg.xresnet1d",
    "models.networks.ecg.inception1d",
    "models.networks.ecg.resnext1d",
    "models.networks.ecg.vit",
    "models.networks.ecg.deit",
    "models.networks.image.plain",
    "models.networks.image.modern",
    "models.networks.image.resnet_se",
    "models.networks.image.multiscale",
    "models.networks.image.patches",
    "models.networks.image.places",
)


@dataclass(frozen=True)
class Architecture:
    """One entry of the registry.

    Attributes:
        name: what :func:`create_model` is asked for.
        build: class or function that makes the network from keyword arguments.
        task: kind of task it is made for: "beat" (a window), "strip" (all beats of a strip), "record" (a whole
            recording), "record_picture" (a whole recording as a picture) or "image" (a picture).
        summary: one line for people.
        also: further kinds that it serves as it is.
    """

    name: str
    build: Callable[..., nn.Module]
    task: str
    summary: str
    also: tuple[str, ...] = ()

    def serves(self, kind: str) -> bool:
        """Whether it can be trained for a kind of task."""
        return kind == self.task or kind in self.also


_architectures: dict[str, Architecture] = {}


def register_model(
    name: str, *, task: str, also: tuple[str, ...] = ()
) -> Callable[[Callable[..., nn.Module]], Callable[..., nn.Module]]:
    """Decorator: register a network under ``name``; the first line of its docstring becomes its summary.

    ``task`` is the kind of task that it is made for, ``also`` are further ones that it serves as it is.

    Raises:
        ValueError: the name is taken.
    """

    def enter(build: Callable[..., nn.Module]) -> Callable[..., nn.Module]:
        if name in _architectures:
            raise ValueError(f"two networks are called {name!r}")
        _architectures[name] = Architecture(name, build, task, (inspect.getdoc(build) or "").split("\n")[0], also)
        return build

    return enter


@once
def _load_families() -> None:
    for module in _FAMILIES:
        import_module(module)
    load_packages()


def list_models(pattern: str = "*", *, task: str | None = None) -> list[str]:
    """Names of the networks that match a wildcard pattern, for one kind of task or all, sorted."""
    _load_families()
    return sorted(
        a.name for a in _architectures.values() if fnmatch(a.name, pattern) and (task is None or a.serves(task))
    )


def architecture(name: str) -> Architecture:
    """The registry entry of a network.

    Raises:
        ConfigError: there is no network of that name.
    """
    _load_families()
    if name not in _architectures:
        raise ConfigError(
            "network.architecture", f"there is no network {name!r}; choose one of {', '.join(list_models())}"
        )
    return _architectures[name]


def create_model(name: str, **arguments: Any) -> nn.Module:
    """Build a network with random weights.

    Args:
        name: one of :func:`list_models`.
        **arguments: its own keyword arguments, such as ``in_channel`` and ``num_classes``.

    Raises:
        ConfigError: an unknown name or argument.
        ValueError: a value that the architecture does not permit.
    """
    build = architecture(name).build
    known = inspect.signature(build).parameters
    for argument in arguments:
        if argument not in known:
            raise ConfigError(
                f"network.arguments.{argument}", f"{name} has no such argument; it takes {', '.join(known)}"
            )
    return build(**arguments)
