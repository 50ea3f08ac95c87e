"""``python -m models.jobs.runner DEVICE``: runs the jobs of a device in order, each in its own process, then exits.

Whoever submits a job starts it where none lives (:mod:`models.jobs.local`); it belongs to no terminal and no server. It
may be killed: the job at work goes on, and the next runner watches it to its end before it takes another.
"""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from models.core.errors import JobError
from models.jobs.outcome import OUTPUT, settle
from models.jobs.processes import alive, send, started
from models.jobs.states import Job, JobState
from models.jobs.store import FILE, JobStore

_ROOT = Path(__file__).resolve().parents[2]
_LOOK_S = 0.25
_PATIENCE_S = 60.0
logger = logging.getLogger("models.jobs.runner")
T = TypeVar("T")


class Runner:
    """Runs the jobs of one device.

    Args:
        store: the jobs.
        device: "cpu", "cuda:0" ...
        command: program that is run for a job, with the job's id as last argument.
        grace_s: a job that was asked to stop is killed after so many seconds.
    """

    def __init__(self, store: JobStore, device: str, command: Sequence[str], grace_s: float):
        self.store = store
        self.device = device
        self.command = list(command)
        self.grace_s = grace_s

    def serve(self) -> None:
        """Run jobs until the queue is empty."""
        if not self._is_mine():
            logger.info("%s has a runner already", self.device)
            return
        while True:
            at_work = patiently(lambda: self.store.active(self.device))
            if at_work is not None:
                self._adopt(at_work)
                continue
            job = patiently(lambda: self.store.take(self.device))
            if job is not None:
                self._run(job)
            elif patiently(lambda: self.store.release(self.device)):
                return

    def _is_mine(self) -> bool:
        with self.store.lease(self.device) as lease:
            if lease is not None:
                lease.give(os.getpid())
                return True
        holder = self.store.runner(self.device)
        return holder is not None and holder[0] == os.getpid()

    def _run(self, job: Job) -> None:
        logger.info("job %s begins, attempt %d", job.id, job.attempt)
        try:
            job.run_dir.mkdir(parents=True, exist_ok=True)
            with (job.run_dir / OUTPUT).open("ab") as output:
                process = subprocess.Popen(
                    [*self.command, job.id],
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                    cwd=_ROOT,
                    env=self._environment(),
                )
        except OSError as error:
            reason = f"it could not be started ({error}); see to it and resume it"
            patiently(lambda: self.store.transition(job.id, JobState.FAILED, reason=reason))
            return
        mark = started(process.pid)
        try:
            patiently(lambda: self.store.claim(job.id, process.pid))
        except JobError as error:
            logger.info("%s", error)  # it was quicker, or was cancelled meanwhile
        self._watch(job.id, process.pid, mark, process.poll)
        patiently(lambda: settle(self.store, job.id, process.returncode))

    def _adopt(self, job: Job) -> None:
        """Watch the job that a previous runner started."""
        if job.pid is not None and alive(job.pid, job.pid_started):
            logger.info("job %s is at work already, process %d", job.id, job.pid)
            self._watch(job.id, job.pid, job.pid_started, lambda: None if alive(job.pid, job.pid_started) else 0)
        patiently(lambda: settle(self.store, job.id, None))

    def _watch(self, job_id: str, pid: int, mark: str, poll: Callable[[], int | None]) -> None:
        """Wait for a process to end; terminate, then kill it once its job is stopping."""
        asked: float | None = None
        while poll() is None:
            if asked is None:
                if patiently(lambda: self.store.get(job_id)).state is JobState.STOPPING:
                    send(pid, mark, signal.SIGTERM)
                    asked = time.monotonic()
            elif time.monotonic() - asked > self.grace_s:
                logger.info("job %s did not stop within %g s; it is killed", job_id, self.grace_s)
                send(pid, mark, signal.SIGKILL, group=True)
            time.sleep(_LOOK_S)

    def _environment(self) -> dict[str, str]:
        environment = os.environ | {"ECGVIZ_HOME": str(self.store.home), "PYTHONUNBUFFERED": "1"}
        kind, _, number = self.device.partition(":")
        if kind == "cuda":
            shown = [name for name in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if name]
            environment["CUDA_VISIBLE_DEVICES"] = shown[int(number)] if shown else number
        return environment


def patiently(call: Callable[[], T]) -> T:
    """Call the store, retrying for a minute while it cannot be written to (a full disk)."""
    until = time.monotonic() + _PATIENCE_S
    while True:
        try:
            return call()
        except sqlite3.OperationalError as error:
            if time.monotonic() > until:
                raise
            logger.warning("%s", error)
            time.sleep(1.0)


def main() -> int:
    """Run the jobs of the device on the command line; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m models.jobs.runner", description="Runs the jobs of a device.")
    parser.add_argument("device", help="cpu, cuda:0 ...")
    parser.add_argument("--home", type=Path, required=True, help="folder of the jobs")
    parser.add_argument("--grace", type=float, required=True, help="seconds until a job that is to stop is killed")
    parser.add_argument("command", nargs="+", help="program for a job; its id is added")
    options = parser.parse_args()
    if os.getpid() != os.getsid(0):
        os.setsid()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    Runner(JobStore(options.home / FILE), options.device, options.command, options.grace).serve()
    return 0


if __name__ == "__main__":
    sys.exit(main())
