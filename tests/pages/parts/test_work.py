"""Work in a thread: its end, its failure, its stop."""

from __future__ import annotations

import threading

from ecgviz.errors import EcgvizError, ReadError
from pages.parts.progress import describe, spell_seconds
from pages.parts.work import Work


def test_result_and_progress():
    go = threading.Event()

    def function(progress, should_stop):
        progress(1, 4, "Reading beats (1 of 4)")
        assert go.wait(10)
        return 42

    work = Work(function)
    while not work.note:
        pass
    assert not work.done
    assert work.fraction == 0.25
    assert describe(work) == "reading beats (1 of 4), 25%"
    go.set()
    assert work.wait(10)
    assert (work.result, work.error) == (42, None)


def test_a_sentence_for_every_failure():
    def expected(progress, should_stop):
        raise ReadError("a.dat", "is short")

    def unexpected(progress, should_stop):
        raise RuntimeError("secret detail")

    failed = Work(expected)
    assert failed.wait(10)
    assert str(failed.error) == "a.dat: is short"
    failed = Work(unexpected)
    assert failed.wait(10)
    assert isinstance(failed.error, EcgvizError)
    assert "secret" not in str(failed.error)


def test_stopped_work_ends_and_delayed_work_never_starts():
    began = threading.Event()

    def function(progress, should_stop):
        began.set()
        while not should_stop():
            pass
        return "part"

    work = Work(function)
    assert began.wait(10)
    work.cancel()
    assert work.wait(10)
    assert work.result == "part"
    began.clear()
    work = Work(function, delay_s=60)
    work.cancel()
    assert work.wait(10)
    assert not began.is_set()


def test_durations_in_words():
    assert [spell_seconds(s) for s in (0.2, 42, 150, 5000)] == ["1 s", "42 s", "2 min", "1 h 23 min"]
