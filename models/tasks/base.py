"""Base class of task parameters, which are stored in the card."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict

from models.plugins.registry import plugin_of


class Task(BaseModel):
    """Parameters of a task: immutable, complete, and stored in the card of each checkpoint.

    A subclass declares ``kind``, the literal that tells its parameters from those of other tasks, and a registered
    :class:`models.plugins.base.TaskPlugin` names it as its ``task_class``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    if TYPE_CHECKING:
        kind: str

    @property
    @abstractmethod
    def classes(self) -> tuple[str, ...]:
        """Names of the network's outputs."""

    @property
    @abstractmethod
    def in_channel(self) -> int:
        """Channels of the network's input."""

    @property
    def serves(self) -> str:
        """Kind of networks for it: the ``task`` of :func:`models.networks.registry.register_model`."""
        return plugin_of(self).networks

    @property
    def reads_rows(self) -> bool:
        """Whether its inputs are rows of a table of beats."""
        return False

    @property
    def reads_paper(self) -> bool:
        """Whether its networks read pictures of ECG paper."""
        return False

    @abstractmethod
    def describe(self) -> str:
        """One-line description of the network's input, for a page."""
