"""The queue and its runner, with shell scripts for trainings: order, cancellation, kills, many at once."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from models.__main__ import main
from models.core.errors import JobError
from models.jobs import JobState, JobStore, LocalBackend
from models.jobs.processes import started
from models.jobs.submission import prepare
from tests.models.jobs.conftest import kill, wait_for, wait_until

ROOT = Path(__file__).resolve().parents[3]
Script = Callable[..., LocalBackend]
FOREVER = "exec sleep 1000"
DEAF = "trap '' TERM; echo deaf; while :; do sleep 0.1; done"
SUBMITTER = """
import sys
from models.config import load_config
from models.jobs import LocalBackend
backend = LocalBackend(command=("/bin/sh", "-c", sys.argv[1], "sh"))
config = load_config(sys.argv[2])
for _ in range(int(sys.argv[3])):
    print(backend.submit(config))
"""


def runner_of(store: JobStore) -> int:
    """Pid of the runner, once there is one."""
    wait_until(lambda: store.runner("cpu") is not None, "there should be a runner")
    return store.runner("cpu")[0]


def pid_of(backend: LocalBackend, job_id: str) -> int:
    wait_until(lambda: backend.get(job_id).pid is not None, f"{job_id} should have a process")
    return backend.get(job_id).pid


def marked(tmp_path: Path) -> str:
    """A script that notes its job in a file, and that it is alone."""
    return f"cd {tmp_path}; mkdir alone || echo beside another >>ran; echo $1 >>ran; rmdir alone"


def test_jobs_run_in_order_and_the_runner_ends_by_itself(script: Script, tiny, tmp_path: Path) -> None:
    backend = script(marked(tmp_path))
    ids = [backend.submit(tiny(), who="me") for _ in range(3)]
    runner = runner_of(backend.store)
    for job_id in ids:
        job = wait_for(backend, job_id, JobState.DONE)
        assert (job.progress, job.attempt, job.who) == (1.0, 1, "me")
    assert (tmp_path / "ran").read_text().split() == ids
    wait_until(lambda: backend.store.runner("cpu") is None, "an idle runner ends")
    wait_until(lambda: not psutil.pid_exists(runner), "and leaves no zombie")
    assert not [child for child in psutil.Process().children() if child.status() == psutil.STATUS_ZOMBIE]
    late = backend.submit(tiny())
    wait_for(backend, late, JobState.DONE)


def test_the_runner_belongs_to_nobody(script: Script, tiny) -> None:
    backend = script(FOREVER)
    job_id = backend.submit(tiny())
    runner, job = runner_of(backend.store), pid_of(backend, job_id)
    wait_until(lambda: os.getsid(runner) == runner, "a session of its own")
    assert os.getpgid(job) == job, "each job has a process group of its own"
    assert os.getsid(job) not in {os.getsid(0), runner}
    for pid in (runner, job):
        for number in (0, 1, 2):
            assert not (Path(f"/proc/{pid}/fd/{number}").readlink().name.startswith("pipe:")), "no pipe holds it"
    backend.cancel(job_id)
    wait_for(backend, job_id, JobState.CANCELLED)


def test_fifty_jobs_of_several_processes_run_once_each(store: JobStore, tiny, tmp_path: Path) -> None:
    import yaml

    file = tmp_path / "config.yaml"
    file.write_text(yaml.safe_dump(tiny().model_dump(mode="json")))
    counts = (17, 17, 16)
    submitters = [
        subprocess.Popen(
            [sys.executable, "-c", SUBMITTER, marked(tmp_path), str(file), str(count)],
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        for count in counts
    ]
    ids = [line for submitter in submitters for line in submitter.communicate(timeout=200)[0].split()]
    assert len(set(ids)) == 50
    backend = LocalBackend(store)
    wait_until(lambda: all(job.state.ended for job in store.list()), "all end")
    assert {job.state for job in backend.list()} == {JobState.DONE}
    assert sorted((tmp_path / "ran").read_text().split()) == sorted(ids), "none lost, none twice, none beside another"


def test_a_waiting_job_is_cancelled_at_once_and_never_runs(script: Script, tiny, tmp_path: Path) -> None:
    backend = script(f"echo $1 >>{tmp_path}/ran; {FOREVER}")
    first, second = backend.submit(tiny()), backend.submit(tiny())
    pid_of(backend, first)
    backend.cancel(second)
    assert backend.get(second).state is JobState.CANCELLED
    backend.cancel(first)
    wait_for(backend, first, JobState.CANCELLED)
    wait_until(lambda: backend.store.runner("cpu") is None, "the runner ends")
    assert (tmp_path / "ran").read_text().split() == [first]
    with pytest.raises(JobError, match="is cancelled and cannot become stopping"):
        backend.cancel(first)


def test_a_job_that_does_not_stop_is_killed_and_the_next_one_runs(script: Script, tiny) -> None:
    backend = script(DEAF, grace_s=0.5)
    first, second = backend.submit(tiny()), backend.submit(tiny())
    wait_until(lambda: "deaf" in backend.logs(first), "it no longer hears")
    backend.cancel(first)
    backend.cancel(first)
    job = wait_for(backend, first, JobState.CANCELLED)
    assert not psutil.pid_exists(job.pid)
    wait_for(backend, second, JobState.RUNNING)
    pid_of(backend, second)
    backend.cancel(second)
    wait_for(backend, second, JobState.CANCELLED)


@pytest.mark.parametrize("status", [0, 3])
def test_a_cancelled_job_is_neither_done_nor_failed_however_it_ends(script: Script, tiny, status: int) -> None:
    backend = script(f"trap 'exit {status}' TERM; echo listens; while :; do sleep 0.05; done")
    job_id = backend.submit(tiny())
    wait_until(lambda: "listens" in backend.logs(job_id), "it hears")
    backend.cancel(job_id)
    job = wait_for(backend, job_id, JobState.CANCELLED)
    assert (job.reason, job.checkpoint) == ("", None)


def test_a_job_is_cancelled_without_its_runner(script: Script, tiny) -> None:
    backend = script(DEAF, grace_s=0.5)
    job_id = backend.submit(tiny())
    wait_until(lambda: "deaf" in backend.logs(job_id), "it no longer hears")
    process = psutil.Process(pid_of(backend, job_id))
    kill(runner_of(backend.store))
    backend.cancel(job_id)
    cancelled = wait_for(backend, job_id, JobState.CANCELLED)
    assert cancelled.ended
    assert not process.is_running() or process.status() == psutil.STATUS_ZOMBIE, "no orphan goes on"


def test_after_kill_9_of_the_runner_the_job_goes_on_and_the_queue_too(script: Script, tiny, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    backend = script(f"echo $1 >>{tmp_path}/ran; while [ ! -e {gate} ]; do sleep 0.1; done")
    first = backend.submit(tiny())
    process = pid_of(backend, first)
    kill(runner_of(backend.store))
    assert backend.get(first).state is JobState.RUNNING
    second = backend.submit(tiny())
    runner_of(backend.store)
    assert psutil.pid_exists(process)
    assert backend.get(second).state is JobState.QUEUED, "one job a device"
    gate.touch()
    wait_for(backend, second, JobState.DONE)
    # A script cannot say what became of it, and the runner that could have seen it is dead; a training does say so.
    assert backend.get(first).state is JobState.FAILED
    assert "its process is gone" in backend.get(first).reason
    assert (tmp_path / "ran").read_text().split() == [first, second], "none runs twice"


def test_kill_9_of_a_job_is_a_failure_with_the_reason(script: Script, tiny, capsys) -> None:
    backend = script(FOREVER)
    job_id = backend.submit(tiny())
    pid = pid_of(backend, job_id)
    os.kill(pid, signal.SIGKILL)
    job = wait_for(backend, job_id, JobState.FAILED)
    assert "ended by SIGKILL" in job.reason
    assert "resume goes on from the last checkpoint" in job.reason
    assert main(["jobs", "show", job_id]) == 0
    shown = dict(
        line.split(maxsplit=1) for line in capsys.readouterr().out.replace("run folder", "folder").splitlines()
    )
    assert shown["state"] == "failed"
    assert shown["reason"] == job.reason
    assert shown["pid"] == str(pid)
    assert shown["progress"] == "0%"
    assert shown["folder"] == str(job.run_dir)
    assert main(["jobs", "show", job_id, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [told[name] for name in ("id", "state", "pid", "progress", "run_dir", "reason")] == [
        job_id, "failed", pid, 0.0, str(job.run_dir), job.reason,
    ]  # fmt: skip


def test_kill_9_of_both_is_found_at_the_next_look(script: Script, tiny) -> None:
    backend = script(FOREVER)
    job_id = backend.submit(tiny())
    process = pid_of(backend, job_id)
    kill(runner_of(backend.store))
    kill(process)
    job = backend.get(job_id)
    assert job.state is JobState.FAILED
    assert "its process is gone" in job.reason


def test_a_job_that_breaks_says_its_last_word(script: Script, tiny) -> None:
    backend = script("echo first; echo 'the last word'; exit 3")
    job = wait_for(backend, backend.submit(tiny()), JobState.FAILED)
    assert job.reason == "its process ended with status 3 (the last word); see its log"
    assert backend.logs(job.id) == "first\nthe last word"
    assert backend.logs(job.id, tail=1) == "the last word"


def test_a_failed_job_is_resumed_under_its_id(script: Script, tiny, tmp_path: Path) -> None:
    backend = script(f"[ -e {tmp_path}/again ] || {{ touch {tmp_path}/again; exit 1; }}")
    job_id = backend.submit(tiny())
    wait_for(backend, job_id, JobState.FAILED)
    assert backend.resume(job_id) == job_id
    job = wait_for(backend, job_id, JobState.DONE)
    assert (job.attempt, job.reason) == (2, "")
    with pytest.raises(JobError, match="is done and cannot become queued"):
        backend.resume(job_id)
    backend.delete(job_id)
    assert not job.run_dir.exists()
    assert backend.list() == []


def test_a_program_that_is_not_there_fails_the_job(store: JobStore, tiny) -> None:
    backend = LocalBackend(store, command=("/no/such/program",))
    job = wait_for(backend, backend.submit(tiny()), JobState.FAILED)
    assert "could not be started" in job.reason


def test_much_output_stalls_nobody(script: Script, tiny) -> None:
    backend = script("head -c 3000000 /dev/zero | tr '\\0' 'x'; echo; echo end")
    job = wait_for(backend, backend.submit(tiny()), JobState.DONE)
    assert backend.logs(job.id, tail=1) == "end"
    assert (job.run_dir / "output.txt").stat().st_size > 3_000_000


def put(backend: LocalBackend, tiny, **fields) -> str:
    """A job in a state that a killed runner left behind."""
    store = backend.store
    job = store.add(replace(prepare(tiny(), store), device="cpu"))
    store.take("cpu")
    if fields:
        store.report(job.id, **fields)
    return job.id


def test_a_job_whose_runner_died_before_it_began_runs_once(script: Script, tiny, tmp_path: Path) -> None:
    backend = script(f"echo $1 >>{tmp_path}/ran")
    job_id = put(backend, tiny)
    assert backend.store.get(job_id).state is JobState.RUNNING
    job = wait_for(backend, job_id, JobState.DONE)
    assert job.attempt == 2
    assert (tmp_path / "ran").read_text().split() == [job_id]


@pytest.mark.parametrize("mark", ["a-boot-before-this:4711", ""])
def test_a_reused_pid_is_no_sign_of_life_and_no_target(script: Script, tiny, mark: str) -> None:
    backend = script("true")
    stranger = subprocess.Popen(["/bin/sleep", "1000"])
    try:
        real = started(stranger.pid)
        job_id = put(backend, tiny, pid=stranger.pid, pid_started=mark or real[:-1] + ("0" if real[-1] != "0" else "1"))
        with pytest.raises(JobError, match="is failed and cannot become stopping"):
            backend.cancel(job_id)
        assert "its process is gone" in backend.get(job_id).reason
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_a_clock_that_is_set_back_ends_no_job(script: Script, tiny, monkeypatch) -> None:
    backend = script(FOREVER)
    job_id = backend.submit(tiny())
    pid_of(backend, job_id)
    kill(runner_of(backend.store))
    monkeypatch.setattr("time.time", lambda: 1_000.0)
    monkeypatch.setattr(psutil, "boot_time", lambda: 0.0)
    assert backend.get(job_id).state is JobState.RUNNING
    backend.cancel(job_id)
    job = wait_for(backend, job_id, JobState.CANCELLED)
    assert job.pid is not None


def test_a_second_runner_leaves_at_once(script: Script, tiny) -> None:
    backend = script(FOREVER)
    job_id = backend.submit(tiny())
    runner = runner_of(backend.store)
    pid_of(backend, job_id)
    begun = time.monotonic()
    again = subprocess.run(
        [sys.executable, "-m", "models.jobs.runner", "cpu", "--home", str(backend.store.home), "--grace", "1", "true"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=120,
        check=True,
    )
    assert "cpu has a runner already" in again.stderr
    assert time.monotonic() - begun < 120
    assert backend.store.runner("cpu")[0] == runner
    backend.cancel(job_id)
    wait_for(backend, job_id, JobState.CANCELLED)
