"""The interface of job backends, and the backend that the settings select."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from models.core.errors import ConfigError
from models.jobs.fake import FakeBackend
from models.jobs.local import LocalBackend
from models.jobs.ray_backend import RayBackend
from models.jobs.states import Job, JobState
from readers.core.once import once

if TYPE_CHECKING:
    from models.compress.make import LighterConfig
    from models.config import TrainConfig

SETTING = "ECGVIZ_JOBS"


class Backend(Protocol):
    """Interface of job backends. Methods raise :class:`models.core.errors.JobError` for invalid requests."""

    def submit(
        self, config: TrainConfig | LighterConfig | Mapping[str, Any], *, who: str = "", name: str | None = None
    ) -> str:
        """Queue a training, or the making of a lighter form; returns the job's id.

        What cannot work is refused by ConfigError with the field's name.
        """

    def get(self, job_id: str) -> Job:
        """Current state of a job."""

    def list(self, state: JobState | None = None) -> list[Job]:
        """All jobs in order of submission, or those in one state."""

    def cancel(self, job_id: str) -> None:
        """Remove a job from the queue, or ask it to write a checkpoint and stop."""

    def resume(self, job_id: str) -> str:
        """Queue a failed or cancelled job again; returns its unchanged id."""

    def logs(self, job_id: str, tail: int = 200) -> str:
        """Last lines of a job's output."""

    def delete(self, job_id: str) -> None:
        """Remove an ended job with its run folder."""

    def look(self) -> None:
        """Update the state of jobs whose process is gone."""


_fake = once(FakeBackend)
_BACKENDS: dict[str, Callable[[], Backend]] = {"local": LocalBackend, "ray": RayBackend, "fake": _fake}


def backend() -> Backend:
    """The backend that ``ECGVIZ_JOBS`` names: "local" (the default), "ray", or "fake", one for the whole process.

    Raises:
        ConfigError: it names none.
    """
    name = os.environ.get(SETTING) or "local"
    if name not in _BACKENDS:
        raise ConfigError(SETTING, f"there is no backend {name!r}; set it to one of {', '.join(_BACKENDS)}")
    return _BACKENDS[name]()
