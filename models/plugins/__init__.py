"""Task plug-ins: everything specific to a task, from configuration and data to scores and page texts.

:func:`plugin_of` gives the plug-in of a configuration, a checkpoint, a card or a task; whoever would ask of which kind
a task is asks the plug-in instead. :func:`register_task` enters a further one, from this package or from outside.
"""

from models.plugins.base import TaskPlugin
from models.plugins.registry import find_plugin, list_tasks, plugin_of, plugins, register_task, task_for_data

__all__ = ["TaskPlugin", "find_plugin", "list_tasks", "plugin_of", "plugins", "register_task", "task_for_data"]
