"""Registry of tasks: :func:`register_task` fills it, :func:`plugin_of` looks up.

Tasks of other installed packages come in through their entry points of the group ``ecgviz.tasks``, so that every
process (a page, a command line, the process of a job) knows the same ones.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from importlib import import_module
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any, TypeVar

from models.core.errors import ConfigError
from readers.core.once import once

if TYPE_CHECKING:
    from models.plugins.base import TaskPlugin

ENTRY_POINTS = "ecgviz.tasks"
"""Group of the entry points; the value of each names a module that registers tasks, and networks for them."""
_BUILT_IN = (
    "models.plugins.beats",
    "models.plugins.recordings",
    "models.plugins.pictures",
    "models.plugins.good_only",
    "models.plugins.small_defects",
)
logger = logging.getLogger(__name__)
_plugins: dict[str, TaskPlugin[Any, Any]] = {}
Plugin = TypeVar("Plugin", bound="type[TaskPlugin[Any, Any]]")


def register_task(plugin: Plugin) -> Plugin:
    """Class decorator: register a task under its ``name``.

    Raises:
        ValueError: the name is taken.
    """
    if plugin.name in _plugins:
        raise ValueError(f"two tasks are called {plugin.name!r}")
    _plugins[plugin.name] = plugin()
    return plugin


@once
def _load() -> None:
    for module in _BUILT_IN:
        import_module(module)
    load_packages()


@once
def load_packages() -> None:
    """Import tasks and networks from the entry points of other packages."""
    for entry in entry_points(group=ENTRY_POINTS):
        try:
            entry.load()
        except Exception as error:  # noqa: BLE001 (whatever somebody else's package raises)
            logger.warning("the tasks of %s cannot be loaded (%s: %s)", entry.value, type(error).__name__, error)


def plugins() -> tuple[TaskPlugin[Any, Any], ...]:
    """All tasks, in the order offered on pages."""
    _load()
    return tuple(_plugins.values())


def list_tasks() -> list[str]:
    """Names of all tasks, in the order offered on pages."""
    return [plugin.name for plugin in plugins()]


def task(name: str) -> TaskPlugin[Any, Any]:
    """The plug-in with a name.

    Raises:
        ConfigError: there is no task of that name.
    """
    _load()
    if name not in _plugins:
        raise ConfigError("task", f"there is no task {name!r}; there are {', '.join(_plugins)}")
    return _plugins[name]


def kinds() -> tuple[str, ...]:
    """Values of ``task.kind``, each once; several tasks may share one (a recording, and a recording as a picture)."""
    return tuple(dict.fromkeys(plugin.kind for plugin in plugins()))


def find_plugin(owner: Any) -> TaskPlugin[Any, Any] | None:
    """The plug-in of a configuration, card, checkpoint or plain values; None where the task is unknown.

    Args:
        owner: a task, whatever has one (a configuration, a checkpoint, a card), or plain values of either.
    """
    parameters = _parameters(owner)
    found = (plugin for plugin in plugins() if plugin.kind == parameters.get("kind"))
    return next((plugin for plugin in found if plugin.suits(parameters)), None)


def plugin_of(owner: Any) -> TaskPlugin[Any, Any]:
    """The plug-in of a configuration, card, checkpoint or plain values.

    Raises:
        ConfigError: there is no such task.
    """
    found = find_plugin(owner)
    if found is None:
        kind = _parameters(owner).get("kind")
        raise ConfigError("task", f"there is no kind {kind!r}; set task.kind to one of {', '.join(kinds())}")
    return found


def task_for_data(data_kind: str) -> TaskPlugin[Any, Any]:
    """The first task that trains on a kind of data set.

    Raises:
        ConfigError: there is none.
    """
    for plugin in plugins():
        if plugin.data_kind == data_kind:
            return plugin
    raise ConfigError("data", f"no task is trained on {data_kind}; choose other data")


def _parameters(owner: Any) -> Mapping[str, Any]:
    task = owner.get("task", owner) if isinstance(owner, Mapping) else getattr(owner, "task", owner)
    return task if isinstance(task, Mapping) else dict(task)
