"""The job record, its states, and the table of allowed transitions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Any

from models.core.errors import JobError


class JobState(StrEnum):
    """State of a job."""

    QUEUED = "queued"
    RUNNING = "running"
    STOPPING = "stopping"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def active(self) -> bool:
        """Whether a process may be working on it."""
        return self in {JobState.RUNNING, JobState.STOPPING}

    @property
    def ended(self) -> bool:
        """Whether it is final unless resumed."""
        return self in {JobState.DONE, JobState.FAILED, JobState.CANCELLED}


TRANSITIONS: Mapping[JobState, frozenset[JobState]] = MappingProxyType(
    {
        JobState.QUEUED: frozenset({JobState.RUNNING, JobState.CANCELLED}),
        # Back to the queue: its runner was killed before the job's own process began.
        JobState.RUNNING: frozenset({JobState.STOPPING, JobState.DONE, JobState.FAILED, JobState.QUEUED}),
        # Done: it came to its end before it heard that it should stop. Whatever else ends it now is the cancellation.
        JobState.STOPPING: frozenset({JobState.CANCELLED, JobState.DONE}),
        JobState.DONE: frozenset(),
        JobState.FAILED: frozenset({JobState.QUEUED}),
        JobState.CANCELLED: frozenset({JobState.QUEUED}),
    }
)
"""From a state to those that may follow it; the store refuses every other change."""


def check_transition(job_id: str, old: JobState, new: JobState) -> None:
    """Refuse a transition that is not in the table.

    Raises:
        JobError: it does not; the message says what is possible.
    """
    if new not in TRANSITIONS[old]:
        possible = ", ".join(sorted(TRANSITIONS[old])) or "nothing"
        raise JobError(f"job {job_id} is {old} and cannot become {new}; after {old} comes {possible}")


@dataclass(frozen=True)
class Job:
    """A request to train a network, or to make a lighter form of a checkpoint.

    Attributes:
        id: what it is called by, 12 hexadecimal digits.
        name: of the checkpoint that it makes.
        config: its whole configuration, plain values; paths are absolute. Of a training, or of a
            :class:`models.compress.make.LighterConfig`.
        config_hash: first 16 hexadecimal digits of the SHA-256 of the configuration.
        state: see :data:`TRANSITIONS`.
        progress: share done, 0 to 1.
        epoch: the epoch at work, from 1; 0 before the first.
        epochs: how many there will be at most.
        note: what it is doing, in words.
        figures: the latest metrics, such as ``validation/macro_f1``; a column of the store and a key of the JSON, which
            keep this name.
        seconds_left: a guess from the pace of this attempt; None where there is none.
        pid: of its process; None while it has none.
        pid_started: what tells its process from another that got the same pid later; see :mod:`models.jobs.processes`.
        heartbeat: when it last said that it lives, Unix time. For people: nothing is decided by it.
        device: "cpu", "cuda" (any GPU, while it is queued), "cuda:0", "mps", "ray".
        run_dir: its folder.
        git_revision: of the program at submission; empty outside of a repository.
        who: who submitted it.
        reason: why it failed or was cancelled; empty else.
        created, started, ended: Unix times; None where it has not come to that.
        attempt: how often it was started.
        checkpoint: folder of the finished checkpoint; None before it is done.
    """

    id: str
    name: str
    config: dict[str, Any] = field(repr=False)
    config_hash: str = ""
    state: JobState = JobState.QUEUED
    progress: float = 0.0
    epoch: int = 0
    epochs: int = 0
    note: str = ""
    figures: dict[str, float] = field(default_factory=dict, repr=False)
    seconds_left: float | None = None
    pid: int | None = None
    pid_started: str = ""
    heartbeat: float | None = None
    device: str = "cpu"
    run_dir: Path = Path()
    git_revision: str = ""
    who: str = ""
    reason: str = ""
    created: float = 0.0
    started: float | None = None
    ended: float | None = None
    attempt: int = 0
    checkpoint: Path | None = None

    @property
    def lighter(self) -> bool:
        """Whether it makes a lighter form instead of training."""
        return self.config.get("kind") == "lighter"
