"""Tasks: what a network is asked, and everything between a file's content and the network's input.

A task is a frozen set of parameters (it stands in the checkpoint's card) with the code that they parametrise.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, TypeAdapter

from models.tasks.beat import BeatTask
from models.tasks.image import ImageTask
from models.tasks.inputs import BeatInputs
from models.tasks.leads import LeadChoice
from models.tasks.record import RecordTask
from models.tasks.strip import StripTask

AnyBeatTask = Annotated[BeatTask | StripTask, Field(discriminator="kind")]
AnyTask = Annotated[BeatTask | StripTask | RecordTask | ImageTask, Field(discriminator="kind")]
_adapter: TypeAdapter[BeatTask | StripTask | RecordTask | ImageTask] = TypeAdapter(AnyTask)

__all__ = [
    "AnyBeatTask",
    "AnyTask",
    "BeatInputs",
    "BeatTask",
    "ImageTask",
    "LeadChoice",
    "RecordTask",
    "StripTask",
    "create_task",
]


def create_task(parameters: dict) -> BeatTask | StripTask | RecordTask | ImageTask:
    """A task from its parameters, as a card or a configuration holds them.

    Raises:
        pydantic.ValidationError: an unknown kind, or a parameter out of its bounds.
    """
    return _adapter.validate_python(parameters)
