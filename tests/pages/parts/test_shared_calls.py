"""Calls that sessions share: each is made once, and one that no session watches any more ends."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pages.parts import shared_calls
from pages.parts.background_call import BackgroundCall
from pages.parts.pool import POOL, Lane, threads_of
from pages.parts.shared_calls import Watches

WAIT_S = 30.0


class Desk:
    """Kept calls by number that goes on until it is told to stop or is let go."""

    def __init__(self, unwatched: int = 2):
        self.begun: list[int] = []
        self.free = threading.Event()
        self.kept = shared_calls.Kept(self._start, unwatched)

    def _start(self, number: int) -> BackgroundCall:
        def compute(progress, should_stop) -> int:
            self.begun.append(number)
            while not (self.free.is_set() or should_stop()):
                self.free.wait(0.01)
            return number

        return BackgroundCall(compute, Lane.TEST)


@pytest.fixture
def desk() -> Iterator[Desk]:
    found = Desk()
    found.kept.clear()
    yield found
    found.free.set()
    found.kept.clear()


def _until(true: Callable[[], bool]) -> None:
    for _ in range(round(WAIT_S / 0.01)):
        if true():
            return
        threading.Event().wait(0.01)
    raise AssertionError("it did not come about")


def test_work_that_the_view_has_left_is_stopped_or_never_begins(desk):
    mine = Watches()
    works = [mine.watch("map", desk.kept, number) for number in range(4)]
    assert all(one.cancelled for one in works[:-1])
    _until(lambda: 3 in desk.begun)
    assert all(one.wait(WAIT_S) for one in works[:-1])
    assert len(desk.begun) <= 1 + threads_of(Lane.TEST, POOL.cores)
    desk.free.set()
    assert works[-1].wait(WAIT_S)
    assert works[-1].result == 3


def test_two_sessions_share_work_and_neither_stops_that_of_the_other(desk):
    one, other = Watches(), Watches()
    call = one.watch("map", desk.kept, 7)
    assert other.watch("map", desk.kept, 7) is call
    one.watch("map", desk.kept, 8)
    one.close()
    assert not call.cancelled
    other.begin()
    other.settle()
    assert call.cancelled
    assert other.watch("map", desk.kept, 7) is not call


def test_a_page_that_is_drawn_without_it_lets_go_and_what_lasts_stays(desk):
    mine = Watches()
    passing, lasting = mine.watch("map", desk.kept, 1), mine.watch("analysis", desk.kept, 2, lasting=True)
    mine.begin()
    mine.settle()
    assert (passing.cancelled, lasting.cancelled) == (True, False)
    _until(lambda: lasting.begun)
    mine.close()
    assert not lasting.cancelled, "an analysis that runs is finished: the connection may come back"
    desk.free.set()
    assert lasting.wait(WAIT_S)
    assert Watches().watch("analysis", desk.kept, 2) is lasting


def test_what_is_looked_at_stays_however_much_there_is_and_of_the_rest_the_newest(desk):
    desk.free.set()
    sessions = [Watches() for _ in range(9)]
    works = [one.watch("recording", desk.kept, number) for number, one in enumerate(sessions)]
    assert all(one.wait(WAIT_S) for one in works)
    assert [one.watch("recording", desk.kept, number) for number, one in enumerate(sessions)] == works
    for one in sessions:
        one.close()
    again = [Watches().watch("recording", desk.kept, number) is works[number] for number in (7, 8, 0)]
    assert again == [True, True, False]


def test_what_was_asked_for_anew_is_not_forgotten_with_what_it_replaced(desk):
    """The work before is let go when it is out of the cache already."""
    desk.free.set()
    mine = Watches()
    before = mine.watch("analysis", desk.kept, 1)
    assert before.wait(WAIT_S)
    mine.forget("analysis")
    after = mine.watch("analysis", desk.kept, 1)
    assert after is not before
    for number in range(2, 9):
        mine.watch("map", desk.kept, number).wait(WAIT_S)
    assert mine.watch("analysis", desk.kept, 1) is after


@given(steps=st.lists(st.tuples(st.integers(0, 2), st.integers(0, 3), st.booleans()), max_size=30))
def test_watchers_are_counted(steps):
    """Whatever sessions look at, in whatever order: exactly what is in a slot counts as watched, and nothing of it was
    stopped."""
    desk = Desk()
    sessions, slots = [Watches() for _ in range(3)], {}
    seen: set[BackgroundCall] = set()
    try:
        for who, what, leaves in steps:
            if leaves:
                sessions[who].close()
                slots.pop(who, None)
            else:
                slots[who] = sessions[who].watch("map", desk.kept, what)
                seen.add(slots[who])
        assert {call: list(slots.values()).count(call) for call in seen} == {call: call.watchers for call in seen}
        assert not any(call.cancelled for call in slots.values())
        assert all(call.cancelled or call.done for call in seen - set(slots.values()))
    finally:
        desk.free.set()
        for one in sessions:
            one.close()
        desk.kept.clear()
