"""Job store: one SQLite file shared by pages, commands, runners and jobs.

Each call is one short transaction, so any number of processes may share the file and any of them may be killed. Jobs
are taken under ``BEGIN IMMEDIATE``, in the order of a counter (a clock may be set back), and a device has one runner:
it holds a lease by who it is, not by what time it is.
"""

from __future__ import annotations

import json
import os
import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from models.core.errors import JobError
from models.core.home import home_folder
from models.core.sqlite import connect, transaction, use_wal
from models.jobs.processes import alive, started
from models.jobs.states import Job, JobState, check_transition

FILE = "ecgviz.db"
RUNS = "runs"
_VERSION = 1
_SCHEMA = """
CREATE TABLE IF NOT EXISTS jobs (
    number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, name TEXT NOT NULL, config TEXT NOT NULL,
    config_hash TEXT NOT NULL, state TEXT NOT NULL, progress REAL NOT NULL, epoch INTEGER NOT NULL,
    epochs INTEGER NOT NULL, note TEXT NOT NULL, figures TEXT NOT NULL, seconds_left REAL, pid INTEGER,
    pid_started TEXT NOT NULL, heartbeat REAL, device TEXT NOT NULL, run_dir TEXT NOT NULL, git_revision TEXT NOT NULL,
    who TEXT NOT NULL, reason TEXT NOT NULL, created REAL NOT NULL, started REAL, ended REAL, attempt INTEGER NOT NULL,
    checkpoint TEXT
);
CREATE INDEX IF NOT EXISTS jobs_by_state ON jobs (state, device, number);
CREATE TABLE IF NOT EXISTS runners (device TEXT PRIMARY KEY, pid INTEGER NOT NULL, pid_started TEXT NOT NULL);
"""
_COLUMNS = tuple(Job.__dataclass_fields__)


class JobStore:
    """The jobs of a home folder. Safe for threads and processes; holds nothing between calls.

    Args:
        path: the file; ``ecgviz.db`` in the home folder by default.

    Raises:
        JobError: the file cannot be opened, or was written by a newer version.
    """

    def __init__(self, path: str | Path | None = None):
        self.path = Path(path) if path is not None else home_folder() / FILE
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with self._open() as connection:
                use_wal(connection)
                version = connection.execute("PRAGMA user_version").fetchone()[0]
                if version == 0:
                    connection.executescript(f"BEGIN IMMEDIATE;{_SCHEMA}PRAGMA user_version = {_VERSION};COMMIT;")
        except (sqlite3.Error, OSError) as error:
            raise JobError(
                f"the jobs in {self.path} cannot be opened ({error}); set ECGVIZ_HOME to a folder that can be written"
            ) from error
        if version > _VERSION:
            raise JobError(f"{self.path.name} was written by a newer version of ecgviz; use that one")

    @property
    def home(self) -> Path:
        """Folder of the file; runs are below it."""
        return self.path.parent

    def run_dir(self, job_id: str) -> Path:
        """Run folder of a job."""
        return self.home / RUNS / job_id

    def add(self, job: Job) -> Job:
        """Append a job to the queue."""
        values = _values(vars(job) | {"created": time.time()})
        with self._transaction() as connection:
            names = ", ".join(values)
            connection.execute(
                f"INSERT INTO jobs ({names}) VALUES ({', '.join('?' * len(values))})",  # noqa: S608 (our own names)
                list(values.values()),
            )
        return self.get(job.id)

    def get(self, job_id: str) -> Job:
        """A job.

        Raises:
            JobError: there is none of that name.
        """
        with self._open() as connection:
            return _one(connection, job_id)

    def list(self, state: JobState | None = None) -> list[Job]:
        """All jobs in order of submission, or those in one state."""
        where, values = ("WHERE state = ?", [str(state)]) if state else ("", [])
        with self._open() as connection:
            rows = connection.execute(f"SELECT * FROM jobs {where} ORDER BY number", values)  # noqa: S608
            return [_job(row) for row in rows]

    def transition(self, job_id: str, to: JobState, *, only_pid: int | None = None, **fields: Any) -> Job:
        """Change the state of a job together with other ``fields``.

        Args:
            job_id: which.
            to: the new state.
            only_pid: refuse where the job has another process by now.
            **fields: columns of :class:`Job`.

        Raises:
            JobError: no such job, or a change that :data:`models.jobs.states.TRANSITIONS` does not hold.
        """
        with self._transaction() as connection:
            job = _one(connection, job_id)
            check_transition(job_id, job.state, to)
            if only_pid is not None and job.pid != only_pid:
                raise JobError(f"job {job_id} is not run by process {only_pid} any more")
            _update(connection, job_id, {"state": to} | _marks(to) | fields)
            return _one(connection, job_id)

    def take(self, device: str) -> Job | None:
        """Mark the first job queued for ``device`` as running; None where there is none, or one is running.

        A job for "cuda" goes to whichever GPU asks first.
        """
        with self._transaction() as connection:
            if _active(connection, device) is not None:
                return None
            row = connection.execute(
                "SELECT id, attempt FROM jobs WHERE state = 'queued' AND device IN (?, ?) ORDER BY number LIMIT 1",
                (device, device.partition(":")[0]),
            ).fetchone()
            if row is None:
                return None
            marks = {"state": JobState.RUNNING, "device": device, "attempt": row["attempt"] + 1}
            _update(connection, row["id"], marks | _marks(JobState.RUNNING))
            return _one(connection, row["id"])

    def active(self, device: str) -> Job | None:
        """The running or stopping job of a device."""
        with self._open() as connection:
            return _active(connection, device)

    def claim(self, job_id: str, pid: int) -> Job:
        """Store the process of a started job; called by the runner and by the process itself.

        Raises:
            JobError: the job is not running, or another process has it.
        """
        with self._transaction() as connection:
            job = _one(connection, job_id)
            if not job.state.active:
                raise JobError(f"job {job_id} is {job.state}; `python -m models jobs resume` queues it again")
            if job.pid not in {None, pid, os.getppid()}:
                raise JobError(f"job {job_id} is run by process {job.pid}")
            if job.pid is None:
                runner = _runner(connection, job.device)
                if runner is None or runner["pid"] not in {os.getpid(), os.getppid()}:
                    raise JobError(f"job {job_id} was not started by its runner")
                _update(connection, job_id, {"pid": pid, "pid_started": started(pid), "heartbeat": time.time()})
            return _one(connection, job_id)

    def heartbeat(self, job_id: str) -> None:
        """Update the heartbeat of a job."""
        with self._transaction() as connection:
            _update(connection, job_id, {"heartbeat": time.time()})

    def report(self, job_id: str, **fields: Any) -> None:
        """Store progress, epoch, epochs, note, figures or seconds_left of a job, and its heartbeat."""
        with self._transaction() as connection:
            _update(connection, job_id, fields | {"heartbeat": time.time()})

    def delete(self, job_id: str) -> None:
        """Delete an ended job; its run folder stays.

        Raises:
            JobError: it has not ended.
        """
        with self._transaction() as connection:
            job = _one(connection, job_id)
            if not job.state.ended:
                raise JobError(f"job {job_id} is {job.state}; cancel it before it is deleted")
            connection.execute("DELETE FROM jobs WHERE id = ?", (job_id,))

    def runner(self, device: str) -> tuple[int, str] | None:
        """Pid and start time of the runner of a device; None where none is alive."""
        with self._open() as connection:
            row = _runner(connection, device)
        return (row["pid"], row["pid_started"]) if row is not None else None

    @contextmanager
    def lease(self, device: str) -> Iterator[Lease | None]:
        """Lock for starting a runner of the device; None where one is alive."""
        with self._transaction() as connection:
            yield None if _runner(connection, device) is not None else Lease(connection, device)

    def release(self, device: str) -> bool:
        """Release the lease of a device, unless a job is queued for it; False in that case."""
        with self._transaction() as connection:
            waiting = connection.execute(
                "SELECT 1 FROM jobs WHERE state IN ('queued', 'running', 'stopping') AND device IN (?, ?) LIMIT 1",
                (device, device.partition(":")[0]),
            ).fetchone()
            if waiting is not None:
                return False
            connection.execute("DELETE FROM runners WHERE device = ?", (device,))
            return True

    def _open(self) -> AbstractContextManager[sqlite3.Connection]:
        return connect(self.path)

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._open() as connection, transaction(connection):
            yield connection


class Lease:
    """The right to start the runner of a device."""

    def __init__(self, connection: sqlite3.Connection, device: str):
        self._connection = connection
        self._device = device

    def give(self, pid: int) -> None:
        """Hand the lease to the started process."""
        self._connection.execute(
            "INSERT OR REPLACE INTO runners (device, pid, pid_started) VALUES (?, ?, ?)",
            (self._device, pid, started(pid)),
        )


def _runner(connection: sqlite3.Connection, device: str) -> sqlite3.Row | None:
    row = connection.execute("SELECT * FROM runners WHERE device = ?", (device,)).fetchone()
    return row if row is not None and alive(row["pid"], row["pid_started"]) else None


def _active(connection: sqlite3.Connection, device: str) -> Job | None:
    row = connection.execute(
        "SELECT * FROM jobs WHERE state IN ('running', 'stopping') AND device = ? ORDER BY number LIMIT 1", (device,)
    ).fetchone()
    return None if row is None else _job(row)


def _one(connection: sqlite3.Connection, job_id: str) -> Job:
    row = connection.execute("SELECT * FROM jobs WHERE id = ?", (job_id,)).fetchone()
    if row is None:
        raise JobError(f"there is no job {job_id}; `python -m models jobs list` shows those there are")
    return _job(row)


def _job(row: sqlite3.Row) -> Job:
    values = {name: row[name] for name in _COLUMNS}
    return Job(
        **values
        | {
            "config": json.loads(row["config"]),
            "figures": json.loads(row["figures"]),
            "state": JobState(row["state"]),
            "run_dir": Path(row["run_dir"]),
            "checkpoint": Path(row["checkpoint"]) if row["checkpoint"] else None,
        }
    )


def _marks(to: JobState) -> dict[str, Any]:
    """Other columns that change with a state."""
    if to is JobState.RUNNING:
        return {"started": time.time(), "ended": None, "reason": "", "pid": None, "pid_started": ""}
    if to is JobState.QUEUED:
        return {"pid": None, "pid_started": "", "ended": None, "reason": "", "note": "", "seconds_left": None}
    return {"ended": time.time(), "seconds_left": None} if to.ended else {}


def _update(connection: sqlite3.Connection, job_id: str, fields: Mapping[str, Any]) -> None:
    values = _values(fields)
    sets = ", ".join(f"{name} = ?" for name in values)
    connection.execute(f"UPDATE jobs SET {sets} WHERE id = ?", [*values.values(), job_id])  # noqa: S608 (our own names)


def _values(fields: Mapping[str, Any]) -> dict[str, Any]:
    unknown = set(fields) - set(_COLUMNS)
    if unknown:
        raise ValueError(f"a job has no {', '.join(sorted(unknown))}")
    return {name: _plain(value) for name, value in fields.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return json.dumps(value)
    return str(value) if isinstance(value, Path | JobState) else value
