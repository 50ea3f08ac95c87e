"""Tasks: the way from a file's content to a network's input, and the meaning of its output.

A task is a frozen set of parameters (it stands in the checkpoint's card) with the code that they parametrise.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from models.plugins.registry import plugin_of
from models.tasks.base import Task
from models.tasks.beat import BeatTask
from models.tasks.image import ImageTask
from models.tasks.inputs import BeatInputs
from models.tasks.leads import LeadChoice
from models.tasks.record import RecordTask
from models.tasks.strip import StripTask

AnyBeatTask = Annotated[BeatTask | StripTask, Field(discriminator="kind")]
AnyTask = Annotated[BeatTask | StripTask | RecordTask | ImageTask, Field(discriminator="kind")]

__all__ = [
    "AnyBeatTask",
    "AnyTask",
    "BeatInputs",
    "BeatTask",
    "ImageTask",
    "LeadChoice",
    "RecordTask",
    "StripTask",
    "Task",
    "create_task",
]


def create_task(parameters: Mapping[str, Any]) -> Task:
    """A task from its parameters in a card or configuration.

    Raises:
        ConfigError: an unknown kind. pydantic.ValidationError: a parameter that is unknown or out of its bounds.
    """
    return plugin_of(parameters).task_class.model_validate(parameters)
