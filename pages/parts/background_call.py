"""A call in a thread of the pool that a page can poll: progress, result, and cancellation.

A page never waits for more than a moment. A finished call keeps its result, so several sessions may share one.
"""

from __future__ import annotations

import atexit
import logging
import threading
import time
from collections.abc import Callable
from typing import Any
from weakref import WeakSet

from ecgviz.errors import EcgvizError
from models.core.callbacks import Progress, ShouldStop
from pages.parts.pool import POOL, Lane

logger = logging.getLogger(__name__)
LAST_WAIT_S = 20.0
_started: WeakSet[BackgroundCall] = WeakSet()


class BackgroundCall:
    """A call ``function(progress, should_stop)`` in the pool, started when a thread is free and ``delay_s`` has passed.

    Attributes:
        result: what it returned, None before.
        error: why it failed, None otherwise; its text is a sentence for the person.
        note: what it is doing.
        cancelled: whether it was asked to stop.
        begun: whether a thread has taken it.
        watchers: how many views it is for, counted by `pages.parts.shared_calls`.
        forgotten: whether it is no longer what is kept under its key, counted by the same.
    """

    def __init__(self, function: Callable[[Progress, ShouldStop], Any], lane: Lane = Lane.TASK, delay_s: float = 0.0):
        self.result: Any = None
        self.error: EcgvizError | None = None
        self.note = ""
        self.fraction = 0.0
        self.cancelled = False
        self.begun = False
        self.watchers = 0
        self.forgotten = False
        self._function: Callable[[Progress, ShouldStop], Any] | None = function
        self._stop = threading.Event()
        self._done = threading.Event()
        self._stage_began = time.monotonic()
        _started.add(self)
        POOL.submit(lane, self._run, delay_s)

    @property
    def done(self) -> bool:
        """Whether it has ended, successfully or not."""
        return self._done.is_set()

    @property
    def seconds_left(self) -> float | None:
        """Estimated remaining seconds of the current stage; None until known."""
        spent = time.monotonic() - self._stage_began
        if self.fraction < 0.02 or spent < 0.5:
            return None
        return spent * (1 - self.fraction) / self.fraction

    def wait(self, timeout_s: float) -> bool:
        """Wait for the end up to a timeout; returns whether it has ended."""
        return self._done.wait(timeout_s)

    def cancel(self) -> None:
        """Request cancellation, effective at the call's next check or before it starts."""
        self.cancelled = True
        self._stop.set()
        if POOL.withdraw(self._run):
            self._end()

    def _run(self) -> None:
        self.begun, self._stage_began = True, time.monotonic()
        try:
            self.result = self._function(self._progress, self._stop.is_set)
        except EcgvizError as error:
            self.error = error
        except Exception:
            logger.exception("work failed")
            self.error = EcgvizError(
                "This failed for a reason that was not foreseen; the server's log has the details."
            )
        finally:
            self._end()

    def _end(self) -> None:
        self._function = None  # what it was to read may go
        self._done.set()

    def _progress(self, done: int, total: int, note: str) -> None:
        if note.partition(" (")[0] != self.note.partition(" (")[0]:
            self._stage_began = time.monotonic()
        self.note = note
        self.fraction = min(done / total, 1.0) if total > 0 else 0.0


@atexit.register
def stop_all() -> None:
    """Cancel all calls and wait for them: torch aborts the process if a thread is killed at exit."""
    running = [call for call in _started if not call.done]
    for call in running:
        call.cancel()
    deadline = time.monotonic() + LAST_WAIT_S
    for call in running:
        call.wait(max(deadline - time.monotonic(), 0.0))
