"""A process is known by its pid and its start, not by its pid."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from models.jobs.processes import alive, send, started
from tests.models.jobs.conftest import wait_until


@pytest.fixture
def sleeper():
    process = subprocess.Popen(["/bin/sleep", "1000"])
    yield process
    process.kill()
    process.wait()


def test_a_process_is_itself_until_it_ends(sleeper: subprocess.Popen) -> None:
    mark = started(sleeper.pid)
    assert mark
    assert started(sleeper.pid) == mark
    assert alive(sleeper.pid, mark)
    sleeper.kill()
    sleeper.wait()
    assert not alive(sleeper.pid, mark)
    assert started(sleeper.pid) == ""


def test_another_with_the_same_pid_is_somebody_else(sleeper: subprocess.Popen) -> None:
    mark = started(os.getpid())
    assert mark != started(sleeper.pid)
    assert not alive(sleeper.pid, mark)
    assert not send(sleeper.pid, mark, signal.SIGKILL)
    assert sleeper.poll() is None, "a stranger is not signalled"
    assert not alive(None, "")
    assert not alive(sleeper.pid, "")


def test_a_zombie_has_ended_and_keeps_its_exit_status_for_its_parent() -> None:
    process = subprocess.Popen(["/bin/sh", "-c", "exit 3"])
    mark = started(process.pid)
    wait_until(lambda: psutil.Process(process.pid).status() == psutil.STATUS_ZOMBIE, "a zombie", 30)
    assert not alive(process.pid, mark)
    assert process.wait() == 3


def test_the_first_process_of_a_container_buries_what_it_inherits(monkeypatch) -> None:
    process = subprocess.Popen(["/bin/true"])
    wait_until(lambda: psutil.Process(process.pid).status() == psutil.STATUS_ZOMBIE, "a zombie", 30)
    monkeypatch.setattr("models.jobs.processes.os.getpid", lambda: 1)
    assert started(process.pid) == ""
    assert not psutil.pid_exists(process.pid)
    process.wait()


@pytest.mark.skipif(sys.platform != "linux", reason="counts ticks since the boot, as Linux does")
def test_the_start_does_not_hang_on_the_clock(monkeypatch) -> None:
    mark = started(os.getpid())
    monkeypatch.setattr("time.time", lambda: 0.0)
    monkeypatch.setattr(psutil, "boot_time", lambda: 0.0)
    assert started(os.getpid()) == mark
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    assert mark.startswith(boot), "after a reboot nothing is what it was"


def test_a_group_is_signalled_whole() -> None:
    leader = subprocess.Popen(
        ["/bin/sh", "-c", "sleep 1000 & echo $!; wait"], stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    child = psutil.Process(int(leader.stdout.readline()))
    assert send(leader.pid, started(leader.pid), signal.SIGKILL, group=True)
    leader.wait()
    leader.stdout.close()
    wait_until(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE, "the child ends too", 30)
