"""The store: allowed changes, one job a device, order, and many processes at once."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from models.core.errors import JobError
from models.jobs import TRANSITIONS, Job, JobState, JobStore

TAKER = """
import sys
from models.jobs import JobState, JobStore
store = JobStore()
while (job := store.take("cpu")) is not None or store.list(JobState.QUEUED):
    if job is not None:
        print(job.id)
        store.transition(job.id, JobState.DONE)
"""


def add(store: JobStore, name: str, device: str = "cpu") -> Job:
    return store.add(Job(id=name, name=name, config={"lr": 1e-3}, device=device, run_dir=store.run_dir(name)))


def bring(store: JobStore, job_id: str, state: JobState) -> None:
    """A job into a state, by changes that are allowed."""
    ways = {
        JobState.QUEUED: (),
        JobState.RUNNING: (JobState.RUNNING,),
        JobState.STOPPING: (JobState.RUNNING, JobState.STOPPING),
        JobState.DONE: (JobState.RUNNING, JobState.DONE),
        JobState.FAILED: (JobState.RUNNING, JobState.FAILED),
        JobState.CANCELLED: (JobState.CANCELLED,),
    }
    for step in ways[state]:
        store.transition(job_id, step)


def test_a_job_comes_back_as_it_was_entered(store: JobStore) -> None:
    config = {"a": {"b": [1, 2]}}
    job = store.add(Job(id="a", name="n", config=config, figures={"f1": 0.5}, run_dir=Path("/x/a"), who="me"))
    assert job == store.get("a")
    assert job.config == config
    assert job.run_dir == Path("/x/a")
    assert job.state is JobState.QUEUED
    assert job.created > 0
    assert JobStore().list() == [job]


@pytest.mark.parametrize("old", list(JobState))
@pytest.mark.parametrize("new", list(JobState))
def test_only_the_changes_of_the_table_are_made(store: JobStore, old: JobState, new: JobState) -> None:
    add(store, "a")
    bring(store, "a", old)
    if new in TRANSITIONS[old]:
        assert store.transition("a", new, reason="because").state is new
    else:
        with pytest.raises(JobError, match=f"job a is {old} and cannot become {new}"):
            store.transition("a", new, reason="because")
        assert store.get("a").state is old
        assert store.get("a").reason == ""


def test_every_state_has_a_row_in_the_table() -> None:
    assert set(TRANSITIONS) == set(JobState)
    assert all(not TRANSITIONS[state] for state in JobState if state is JobState.DONE)


def test_jobs_are_taken_in_order_one_a_device_whatever_the_clock_says(store: JobStore, monkeypatch) -> None:
    times = iter(range(1_000_000, 0, -3600))  # an hour back at each look
    monkeypatch.setattr("models.jobs.store.time.time", lambda: float(next(times)))
    for name in "abc":
        add(store, name)
    add(store, "g", "cuda")
    taken = []
    for _ in range(3):
        job = store.take("cpu")
        assert job is not None
        taken.append(job.id)
        assert store.take("cpu") is None, "one job a device"
        store.transition(job.id, JobState.DONE)
    assert taken == ["a", "b", "c"]
    assert store.take("cpu") is None
    first = store.take("cuda:1")
    assert first is not None
    assert (first.id, first.device, first.attempt) == ("g", "cuda:1", 1)
    assert store.get("a").ended is not None


def test_many_processes_take_each_job_once(store: JobStore) -> None:
    names = [f"job{number}" for number in range(40)]
    for name in names:
        add(store, name)
    takers = [subprocess.Popen([sys.executable, "-c", TAKER], stdout=subprocess.PIPE, text=True) for _ in range(3)]
    taken = [line for taker in takers for line in taker.communicate(timeout=120)[0].split()]
    assert all(taker.returncode == 0 for taker in takers)
    assert sorted(taken) == sorted(names)


def test_a_new_process_does_not_get_the_end_of_the_old_one(store: JobStore) -> None:
    add(store, "a")
    store.take("cpu")
    store.transition("a", JobState.FAILED, pid=11)
    with pytest.raises(JobError, match="not run by process 12"):
        store.transition("a", JobState.QUEUED, only_pid=12)


def test_what_cannot_be_is_said(store: JobStore, tmp_path: Path) -> None:
    with pytest.raises(JobError, match="there is no job zzz; `python -m models jobs list`"):
        store.get("zzz")
    add(store, "a")
    with pytest.raises(JobError, match="cancel it before it is deleted"):
        store.delete("a")
    store.transition("a", JobState.CANCELLED)
    store.delete("a")
    assert store.list() == []
    with pytest.raises(ValueError, match="a job has no colour"):
        store.report("a", colour=3)
    (tmp_path / "file").write_text("x")
    with pytest.raises(JobError, match="set ECGVIZ_HOME to a folder that can be written"):
        JobStore(tmp_path / "file" / "ecgviz.db")
    (tmp_path / "ecgviz.db").write_bytes(b"no database at all, but long enough to be looked at" * 40)
    with pytest.raises(JobError, match="cannot be opened"):
        JobStore(tmp_path / "ecgviz.db")


def test_a_newer_file_is_left_alone(tmp_path: Path) -> None:
    newer = tmp_path / "newer" / "ecgviz.db"
    JobStore(newer)
    with sqlite3.connect(newer) as connection:
        connection.execute("PRAGMA user_version = 99")
    with pytest.raises(JobError, match="newer version"):
        JobStore(newer)


def test_the_home_is_for_its_owner_alone(store: JobStore, home: Path) -> None:
    assert home.stat().st_mode & 0o777 == 0o700
    with sqlite3.connect(store.path) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
