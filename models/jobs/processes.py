"""Process identity: pids are reused, so a process is identified by pid and start time.

On Linux that time is counted from the boot in ticks, beside the boot's own id: setting the clock changes neither, and
after a reboot nothing is taken for what it was.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import psutil

_STARTED = 19
"""Place of ``starttime`` in /proc/PID/stat, counted from the state that follows the command's name."""


def started(pid: int) -> str:
    """Start time of process ``pid``, which identifies it; empty where there is none.

    A zombie has ended: it counts as none.
    """
    if sys.platform == "linux":
        return _linux_started(pid)
    try:
        process = psutil.Process(pid)
        return "" if process.status() == psutil.STATUS_ZOMBIE else repr(process.create_time())
    except psutil.Error:
        return ""


def _linux_started(pid: int) -> str:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""
    state, *rest = stat.rpartition(")")[2].split()
    if state in {"Z", "X"}:
        _bury(pid)
        return ""
    return f"{boot}:{rest[_STARTED - 1]}"


def _bury(pid: int) -> None:
    """Reap orphaned children, which the first process of a container inherits.

    Any other process leaves it alone: whoever started the child wants to read its exit status.
    """
    if os.getpid() != 1:
        return
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return


def alive(pid: int | None, pid_started: str) -> bool:
    """Whether the process with this pid and start time is running."""
    return pid is not None and bool(pid_started) and started(pid) == pid_started


def send(pid: int, pid_started: str, number: signal.Signals, *, group: bool = False) -> bool:
    """Send a signal to a process or, with ``group``, to the group that it leads; False where it is gone.

    SIGTERM goes to the process alone: those that load data for it would die first and take it along as an error.
    """
    if not alive(pid, pid_started):
        return False
    try:
        if group and os.getpgid(pid) == pid:
            os.killpg(pid, number)
        else:
            os.kill(pid, number)
    except ProcessLookupError:
        return False
    return True
