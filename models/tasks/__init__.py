"""Tasks: what a network is asked, and everything between a recording and its input.

A task is a frozen set of parameters (it stands in the checkpoint's card) with the code that they parametrise.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, TypeAdapter

from models.tasks.beat import BeatTask
from models.tasks.inputs import BeatInputs
from models.tasks.leads import LeadChoice
from models.tasks.strip import StripTask

AnyTask = Annotated[BeatTask | StripTask, Field(discriminator="kind")]
_adapter: TypeAdapter[BeatTask | StripTask] = TypeAdapter(AnyTask)

__all__ = ["AnyTask", "BeatInputs", "BeatTask", "LeadChoice", "StripTask", "create_task"]


def create_task(parameters: dict) -> BeatTask | StripTask:
    """A task from its parameters, as a card or a configuration holds them.

    Raises:
        pydantic.ValidationError: an unknown kind, or a parameter out of its bounds.
    """
    return _adapter.validate_python(parameters)
