"""Thread pool shared by all sessions, with a lane for each kind of work.

A lane has so many threads and takes its work first come, first served. The lanes are apart so that nobody waits for
work of another kind: a map not for a batch of two thousand pictures, an analysis not for a slow download. Fewer threads
do more here: twenty networks at once on two cores would each take the caches and the memory of all others.

Cores that share one small batch mostly wait for each other, and the more so the more there is to do beside it. So the
cores are dealt out to the sessions: one that is alone on the server has them all, of several each piece of work has its
own.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

import torch

from models.core.cores import use_cores

Run = Callable[[], None]
NICENESS = 5
"""How far the work that nobody sits and waits for gives way."""


class Lane(Enum):
    """A kind of work."""

    OPENING = "opening"  # reading and fetching files; waits more than it computes
    ANALYSIS = "analysis"  # all of a recording or a stack through a network
    MAP = "map"  # what a view waits for: maps, their scale, intervals, thumbnails
    TEST = "test"  # the evidence on a map, which comes after it
    BATCH = "batch"  # the inspection of a folder: minutes or hours
    TASK = "task"  # what was asked for by a button: reports, checks, comparisons


def threads_of(lane: Lane, cores: int) -> int:
    """Number of threads of a lane on a machine with so many cores."""
    half = max(1, cores // 2)
    return {
        Lane.OPENING: max(4, cores),
        Lane.ANALYSIS: max(2, half),  # a second one, so that half an hour need not wait for a day
        Lane.MAP: cores,
        Lane.TEST: half,
        Lane.BATCH: 2,
        Lane.TASK: max(2, half),
    }[lane]


@dataclass(frozen=True)
class _Waiting:
    run: Run
    due: float


class Pool:
    """Threads that run submitted calls, started on demand.

    Attributes:
        cores: how many there are to deal out.
        sessions: how many people there are to deal them out to.
    """

    def __init__(self, cores: int):
        self.cores, self.sessions = cores, 0
        self._news = threading.Condition()
        self._waiting: dict[Lane, list[_Waiting]] = {lane: [] for lane in Lane}
        self._threads: Counter[Lane] = Counter()
        self._running: Counter[Lane] = Counter()

    def submit(self, lane: Lane, run: Run, delay_s: float = 0.0) -> None:
        """Call ``run`` in a thread of the lane, ``delay_s`` from now at the earliest."""
        with self._news:
            self._waiting[lane].append(_Waiting(run, time.monotonic() + delay_s))
            wanted = self._running[lane] + len(self._waiting[lane])
            if self._threads[lane] < min(wanted, threads_of(lane, self.cores)):
                self._threads[lane] += 1
                threading.Thread(target=self._work, args=(lane,), daemon=True, name=f"ecgviz-{lane.value}").start()
            self._news.notify_all()

    def withdraw(self, run: Run) -> bool:
        """Withdraw a call that has not begun; returns whether it was queued."""
        with self._news:
            for waiting in self._waiting.values():
                for one in waiting:
                    if one.run == run:
                        waiting.remove(one)
                        return True
        return False

    def waiting(self, lane: Lane) -> int:
        """Number of queued calls in a lane."""
        with self._news:
            return len(self._waiting[lane])

    def session_begins(self) -> None:
        """Count one more session."""
        with self._news:
            self.sessions += 1

    def session_ends(self) -> None:
        """Count one session less."""
        with self._news:
            self.sessions -= 1

    def _work(self, lane: Lane) -> None:
        if lane in (Lane.TEST, Lane.BATCH):
            _give_way()
        while True:
            run = self._next(lane)
            try:
                use_cores(self._share())
                run()
            finally:
                with self._news:
                    self._running[lane] -= 1
            del run  # what it holds may go

    def _next(self, lane: Lane) -> Run:
        with self._news:
            while True:
                now = time.monotonic()
                for one in self._waiting[lane]:
                    if one.due <= now:
                        self._waiting[lane].remove(one)
                        self._running[lane] += 1
                        return one.run
                self._news.wait(min((one.due - now for one in self._waiting[lane]), default=None))

    def _share(self) -> int:
        """Number of cores for a call that begins now."""
        with self._news:
            running = sum(count for lane, count in self._running.items() if lane is not Lane.OPENING)
        return max(1, self.cores // max(running, self.sessions, 1))


def _give_way() -> None:
    """Lower the priority of the calling thread, and of those that it starts, below that of view changes."""
    if sys.platform == "linux":  # elsewhere a thread has no niceness of its own
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), min(os.nice(0) + NICENESS, 19))


POOL = Pool(torch.get_num_threads())
"""The pool of this server."""
