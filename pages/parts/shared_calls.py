"""Background calls shared by sessions: each is made once, and dropped when no session watches it.

A page asks for a kept call by a slot, a name for what there is one of in a view: the map, its test, the analysis. When
the slot of a session takes another call, or when a page is drawn without it, the call before loses a watcher. A call
without watchers is taken from the queue, or told to stop, and forgotten; of those that are done, the newest few stay
for a session that comes back. Two sessions that watch the same call share it, and neither stops that of the other.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

from pages.parts.background_call import BackgroundCall
from pages.parts.pool import POOL

_lock = threading.RLock()
_unwatched: dict[tuple[str, str], OrderedDict[BackgroundCall, tuple]] = {}


class Kept:
    """A function with kept calls, one per key, like `st.cache_resource`; made by :func:`kept`."""

    def __init__(self, function: Callable[..., BackgroundCall], unwatched: int):
        self.unwatched = unwatched
        # The script of a page is run again and again, and makes its functions each time.
        self.name = (function.__code__.co_filename, function.__qualname__)
        self._cached = st.cache_resource(show_spinner=False)(function)

    def __call__(self, *arguments: object) -> BackgroundCall:
        """The call with this key, started if necessary."""
        return self._cached(*arguments)

    def clear(self, *arguments: object) -> None:
        """Drop the call with this key; without arguments, all."""
        self._cached.clear(*arguments)


def kept(unwatched: int) -> Callable[[Callable[..., BackgroundCall]], Kept]:
    """Decorator: keep the background calls that a function starts.

    Args:
        unwatched: how many calls that are done stay when no session watches them; a watched one always stays.
    """
    return lambda function: Kept(function, unwatched)


@dataclass(frozen=True)
class _Watch:
    call: BackgroundCall
    kept: Kept
    arguments: tuple
    lasting: bool


class Watches:
    """Watched calls of one session, by slot."""

    def __init__(self) -> None:
        self._slots: dict[str, _Watch] = {}
        self._seen: set[str] = set()

    def watch(self, slot: str, kept: Kept, *arguments: object, lasting: bool = False) -> BackgroundCall:
        """``kept(*arguments)``, with this session as a watcher.

        Args:
            slot: what it is in the view; the call that it held before is let go.
            kept: what begins it.
            arguments: its arguments.
            lasting: stays when another page is drawn; else :meth:`settle` lets it go.
        """
        with _lock:
            call = kept(*arguments)
            self._seen.add(slot)
            before = self._slots.get(slot)
            if before is None or before.call is not call:
                call.watchers += 1
                _unwatched.get(kept.name, {}).pop(call, None)
                self._slots[slot] = _Watch(call, kept, arguments, lasting)
                if before is not None:
                    _let_go(before)
            return call

    def forget(self, slot: str) -> None:
        """Drop the call of a slot for all sessions, so that it is made anew."""
        with _lock:
            watch = self._slots.pop(slot, None)
            if watch is not None and not watch.call.forgotten:
                watch.call.forgotten = True
                watch.kept.clear(*watch.arguments)

    def begin(self) -> None:
        """Start of a script run."""
        self._seen.clear()

    def settle(self) -> None:
        """End of a script run that drew a whole page: stop watching calls that it did not ask for."""
        with _lock:
            gone = [slot for slot, watch in self._slots.items() if slot not in self._seen and not watch.lasting]
            for slot in gone:
                _let_go(self._slots.pop(slot))

    def close(self) -> None:
        """End of the session. A running analysis is completed, since a lost connection may come back."""
        with _lock:
            for watch in self._slots.values():
                _let_go(watch, finish=watch.lasting)
            self._slots.clear()


def _let_go(watch: _Watch, *, finish: bool = False) -> None:
    """Remove a watcher; the last one cancels the call, unless it is done, or running and to be completed."""
    call = watch.call
    call.watchers -= 1
    if call.watchers > 0 or call.forgotten:
        return
    if not call.done and not (finish and call.begun):
        call.forgotten = True
        call.cancel()
        watch.kept.clear(*watch.arguments)
        return
    unwatched = _unwatched.setdefault(watch.kept.name, OrderedDict())
    unwatched[call] = watch.arguments
    while len(unwatched) > watch.kept.unwatched:
        oldest, arguments = unwatched.popitem(last=False)
        if not oldest.forgotten:
            oldest.forgotten = True
            watch.kept.clear(*arguments)


def _ended(shared_calls: Watches) -> None:
    shared_calls.close()
    POOL.session_ends()


@st.cache_resource(scope="session", show_spinner=False, on_release=_ended)
def of_session() -> Watches:
    """Watches of the current session."""
    POOL.session_begins()
    return Watches()


def watch(slot: str, kept: Kept, *arguments: object, lasting: bool = False) -> BackgroundCall:
    """:meth:`Watches.watch` of the current session."""
    return of_session().watch(slot, kept, *arguments, lasting=lasting)


def forget(slot: str) -> None:
    """:meth:`Watches.forget` of the current session."""
    of_session().forget(slot)
