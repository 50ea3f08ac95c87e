"""Determines the outcome of a job whose process has ended, and its message."""

from __future__ import annotations

import logging
import os
import signal
from pathlib import Path

from models.core.errors import JobError
from models.jobs.states import Job, JobState
from models.jobs.store import JobStore

OUTPUT = "output.txt"
_TAIL_BYTES = 4096
logger = logging.getLogger(__name__)


def settle(store: JobStore, job_id: str, status: int | None) -> None:
    """Record the outcome of a job whose process has ended, unless the process did.

    Args:
        store: the jobs.
        job_id: which.
        status: exit status of its process, negative for a signal; None where nobody saw it end.
    """
    job = store.get(job_id)
    if not job.state.active:
        return
    try:
        if job.state is JobState.STOPPING:
            store.transition(job_id, JobState.CANCELLED, only_pid=job.pid)
        elif status == 0:
            store.transition(job_id, JobState.DONE, only_pid=job.pid, progress=1.0, note="")
        elif job.pid is None and status is None:
            # Its runner was killed before the process was entered; a process that did begin is refused by the store.
            store.transition(job_id, JobState.QUEUED, device=job.device.partition(":")[0])
        else:
            store.transition(job_id, JobState.FAILED, only_pid=job.pid, reason=_reason(job, status))
    except JobError as error:
        logger.info("%s", error)  # somebody else has settled it


def _reason(job: Job, status: int | None) -> str:
    if status is None:
        return (
            "its process is gone (it was killed, or the machine was restarted); resume goes on from the last checkpoint"
        )
    if status == os.EX_IOERR:
        return "it could not write what became of it: is the disk full? Free some space and resume it"
    if status < 0:
        name = signal.Signals(-status).name
        hint = ", for example because memory ran out" if -status == signal.SIGKILL else ""
        return f"its process was ended by {name}{hint}; resume goes on from the last checkpoint"
    last = (last_lines(job.run_dir / OUTPUT, 1) or "no output").strip()
    return f"its process ended with status {status} ({last}); see its log"


def last_lines(file: Path, lines: int) -> str:
    """Last lines of a file; empty where there is none."""
    try:
        with file.open("rb") as stream:
            size = stream.seek(0, os.SEEK_END)
            wanted, content = _TAIL_BYTES, b""
            while content.count(b"\n") <= lines and len(content) < size:
                stream.seek(max(0, size - wanted))
                content = stream.read(wanted)
                wanted *= 4
    except OSError:
        return ""
    return "\n".join(content.decode("utf-8", errors="replace").splitlines()[-lines:])
