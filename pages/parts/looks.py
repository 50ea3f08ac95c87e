"""What each session looks at, so that work which nobody waits for any more is dropped.

A page asks for kept work by a slot, a name for what there is one of in a view: the map, its test, the analysis. When
the slot of a session takes other work, or when a page is drawn without it, the work before has a watcher less. Work
without watchers is taken from the queue, or told to stop, and forgotten; of what is done, the newest few stay for who
comes back. Two sessions that look at the same thing share its work, and neither stops that of the other.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

from pages.parts.pool import POOL
from pages.parts.work import Work

_lock = threading.RLock()
_unwatched: dict[tuple[str, str], OrderedDict[Work, tuple]] = {}


class Kept:
    """A function whose work is kept, one piece for each key, as `st.cache_resource` does; made by :func:`kept`."""

    def __init__(self, function: Callable[..., Work], unwatched: int):
        self.unwatched = unwatched
        # The script of a page is run again and again, and makes its functions each time.
        self.name = (function.__code__.co_filename, function.__qualname__)
        self._cached = st.cache_resource(show_spinner=False)(function)

    def __call__(self, *arguments: object) -> Work:
        """The work under this key, begun now or before."""
        return self._cached(*arguments)

    def clear(self, *arguments: object) -> None:
        """Forget the work under this key; without arguments, all."""
        self._cached.clear(*arguments)


def kept(unwatched: int) -> Callable[[Callable[..., Work]], Kept]:
    """Keep the work that a function begins.

    Args:
        unwatched: how many pieces that are done stay when no session looks at them; what is looked at always stays.
    """
    return lambda function: Kept(function, unwatched)


@dataclass(frozen=True)
class _Look:
    work: Work
    kept: Kept
    arguments: tuple
    lasting: bool


class Looks:
    """The slots of one session."""

    def __init__(self) -> None:
        self._slots: dict[str, _Look] = {}
        self._seen: set[str] = set()

    def at(self, slot: str, kept: Kept, *arguments: object, lasting: bool = False) -> Work:
        """``kept(*arguments)``, with this session as a watcher.

        Args:
            slot: what it is in the view; the work that it held before is let go.
            kept: what begins it.
            arguments: its arguments.
            lasting: stays when another page is drawn; else :meth:`settle` lets it go.
        """
        with _lock:
            work = kept(*arguments)
            self._seen.add(slot)
            before = self._slots.get(slot)
            if before is None or before.work is not work:
                work.watchers += 1
                _unwatched.get(kept.name, {}).pop(work, None)
                self._slots[slot] = _Look(work, kept, arguments, lasting)
                if before is not None:
                    _let_go(before)
            return work

    def forget(self, slot: str) -> None:
        """Forget what a slot holds, for everybody: asked for again, it is made anew."""
        with _lock:
            look = self._slots.pop(slot, None)
            if look is not None and not look.work.forgotten:
                look.work.forgotten = True
                look.kept.clear(*look.arguments)

    def begin(self) -> None:
        """A run of the script begins."""
        self._seen.clear()

    def settle(self) -> None:
        """The run has drawn a whole page: what it did not ask for, nobody looks at."""
        with _lock:
            gone = [slot for slot, look in self._slots.items() if slot not in self._seen and not look.lasting]
            for slot in gone:
                _let_go(self._slots.pop(slot))

    def close(self) -> None:
        """The session has ended. An analysis that runs is finished: a lost connection comes back."""
        with _lock:
            for look in self._slots.values():
                _let_go(look, finish=look.lasting)
            self._slots.clear()


def _let_go(look: _Look, *, finish: bool = False) -> None:
    """A watcher less; the last one takes the work along, unless it is done or is to be finished once it runs."""
    work = look.work
    work.watchers -= 1
    if work.watchers > 0 or work.forgotten:
        return
    if not work.done and not (finish and work.begun):
        work.forgotten = True
        work.cancel()
        look.kept.clear(*look.arguments)
        return
    unwatched = _unwatched.setdefault(look.kept.name, OrderedDict())
    unwatched[work] = look.arguments
    while len(unwatched) > look.kept.unwatched:
        oldest, arguments = unwatched.popitem(last=False)
        if not oldest.forgotten:
            oldest.forgotten = True
            look.kept.clear(*arguments)


def _ended(looks: Looks) -> None:
    looks.close()
    POOL.session_ends()


@st.cache_resource(scope="session", show_spinner=False, on_release=_ended)
def of_session() -> Looks:
    """The slots of the session that runs."""
    POOL.session_begins()
    return Looks()


def at(slot: str, kept: Kept, *arguments: object, lasting: bool = False) -> Work:
    """:meth:`Looks.at` of the session that runs."""
    return of_session().at(slot, kept, *arguments, lasting=lasting)


def forget(slot: str) -> None:
    """:meth:`Looks.forget` of the session that runs."""
    of_session().forget(slot)
