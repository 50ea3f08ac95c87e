"""What sessions look at: shared work is done once, and work that nobody looks at any more ends."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pages.parts import looks
from pages.parts.looks import Looks
from pages.parts.pool import POOL, Lane, threads_of
from pages.parts.work import Work

WAIT_S = 30.0


class Desk:
    """Kept work by number that goes on until it is told to stop or is let go."""

    def __init__(self, unwatched: int = 2):
        self.begun: list[int] = []
        self.free = threading.Event()
        self.kept = looks.Kept(self._start, unwatched)

    def _start(self, number: int) -> Work:
        def work(progress, should_stop) -> int:
            self.begun.append(number)
            while not (self.free.is_set() or should_stop()):
                self.free.wait(0.01)
            return number

        return Work(work, Lane.TEST)


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
    mine = Looks()
    works = [mine.at("map", desk.kept, number) for number in range(4)]
    assert all(one.cancelled for one in works[:-1])
    _until(lambda: 3 in desk.begun)
    assert all(one.wait(WAIT_S) for one in works[:-1])
    assert len(desk.begun) <= 1 + threads_of(Lane.TEST, POOL.cores)
    desk.free.set()
    assert works[-1].wait(WAIT_S)
    assert works[-1].result == 3


def test_two_sessions_share_work_and_neither_stops_that_of_the_other(desk):
    one, other = Looks(), Looks()
    work = one.at("map", desk.kept, 7)
    assert other.at("map", desk.kept, 7) is work
    one.at("map", desk.kept, 8)
    one.close()
    assert not work.cancelled
    other.begin()
    other.settle()
    assert work.cancelled
    assert other.at("map", desk.kept, 7) is not work


def test_a_page_that_is_drawn_without_it_lets_go_and_what_lasts_stays(desk):
    mine = Looks()
    passing, lasting = mine.at("map", desk.kept, 1), mine.at("analysis", desk.kept, 2, lasting=True)
    mine.begin()
    mine.settle()
    assert (passing.cancelled, lasting.cancelled) == (True, False)
    _until(lambda: lasting.begun)
    mine.close()
    assert not lasting.cancelled, "an analysis that runs is finished: the connection may come back"
    desk.free.set()
    assert lasting.wait(WAIT_S)
    assert Looks().at("analysis", desk.kept, 2) is lasting


def test_what_is_looked_at_stays_however_much_there_is_and_of_the_rest_the_newest(desk):
    desk.free.set()
    sessions = [Looks() for _ in range(9)]
    works = [one.at("recording", desk.kept, number) for number, one in enumerate(sessions)]
    assert all(one.wait(WAIT_S) for one in works)
    assert [one.at("recording", desk.kept, number) for number, one in enumerate(sessions)] == works
    for one in sessions:
        one.close()
    again = [Looks().at("recording", desk.kept, number) is works[number] for number in (7, 8, 0)]
    assert again == [True, True, False]


def test_what_was_asked_for_anew_is_not_forgotten_with_what_it_replaced(desk):
    """The work before is let go when it is out of the cache already."""
    desk.free.set()
    mine = Looks()
    before = mine.at("analysis", desk.kept, 1)
    assert before.wait(WAIT_S)
    mine.forget("analysis")
    after = mine.at("analysis", desk.kept, 1)
    assert after is not before
    for number in range(2, 9):
        mine.at("map", desk.kept, number).wait(WAIT_S)
    assert mine.at("analysis", desk.kept, 1) is after


@given(steps=st.lists(st.tuples(st.integers(0, 2), st.integers(0, 3), st.booleans()), max_size=30))
def test_watchers_are_counted(steps):
    """Whatever sessions look at, in whatever order: exactly what is in a slot counts as watched, and nothing of it was
    stopped."""
    desk = Desk()
    sessions, slots = [Looks() for _ in range(3)], {}
    seen: set[Work] = set()
    try:
        for who, what, leaves in steps:
            if leaves:
                sessions[who].close()
                slots.pop(who, None)
            else:
                slots[who] = sessions[who].at("map", desk.kept, what)
                seen.add(slots[who])
        assert {work: list(slots.values()).count(work) for work in seen} == {work: work.watchers for work in seen}
        assert not any(work.cancelled for work in slots.values())
        assert all(work.cancelled or work.done for work in seen - set(slots.values()))
    finally:
        desk.free.set()
        for one in sessions:
            one.close()
        desk.kept.clear()
