"""Set-up that a process does once, in whichever thread asks first: ``functools.cache`` is no lock."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import wraps
from typing import TypeVar

Result = TypeVar("Result")


def once(set_up: Callable[[], Result]) -> Callable[[], Result]:
    """Decorator: a function without arguments runs once in a process; every other call waits and gets its result.

    Where it raises, whoever called it sees that, and the next call tries again. ``cache_clear()`` makes it run anew.
    """
    lock = threading.RLock()
    done: list[Result] = []

    @wraps(set_up)
    def ensured() -> Result:
        if not done:
            with lock:
                if not done:
                    done.append(set_up())
        return done[0]

    ensured.cache_clear = done.clear
    return ensured
