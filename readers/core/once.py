"""Thread-safe one-time set-up; ``functools.cache`` does not lock."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import update_wrapper
from typing import Generic, TypeVar

Result = TypeVar("Result")


class once(Generic[Result]):  # noqa: N801 (a decorator)
    """Decorator: run a function without arguments once per process; concurrent calls wait for the result.

    Where it raises, whoever called it sees that, and the next call tries again.
    """

    def __init__(self, set_up: Callable[[], Result]):
        self._set_up = set_up
        self._lock = threading.RLock()
        self._done: list[Result] = []
        update_wrapper(self, set_up)

    def __call__(self) -> Result:
        """The result, computed by the first call."""
        if not self._done:
            with self._lock:
                if not self._done:
                    self._done.append(self._set_up())
        return self._done[0]

    def cache_clear(self) -> None:
        """Forget the result."""
        self._done.clear()
