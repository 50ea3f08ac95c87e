"""Work in a thread: its end, its failure, its stop."""

from __future__ import annotations

import threading

from ecgviz.errors import EcgvizError, ReadError
from pages.parts.background_call import BackgroundCall
from pages.parts.progress import describe, spell_seconds


def test_result_and_progress():
    go = threading.Event()

    def function(progress, should_stop):
        progress(1, 4, "Reading beats (1 of 4)")
        assert go.wait(10)
        return 42

    call = BackgroundCall(function)
    while not call.note:
        pass
    assert not call.done
    assert call.fraction == 0.25
    assert describe(call) == "reading beats (1 of 4), 25%"
    go.set()
    assert call.wait(10)
    assert (call.result, call.error) == (42, None)


def test_a_sentence_for_every_failure():
    def expected(progress, should_stop):
        raise ReadError("a.dat", "is short")

    def unexpected(progress, should_stop):
        raise RuntimeError("secret detail")

    failed = BackgroundCall(expected)
    assert failed.wait(10)
    assert str(failed.error) == "a.dat: is short"
    failed = BackgroundCall(unexpected)
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

    call = BackgroundCall(function)
    assert began.wait(10)
    call.cancel()
    assert call.wait(10)
    assert call.result == "part"
    began.clear()
    call = BackgroundCall(function, delay_s=60)
    call.cancel()
    assert call.wait(10)
    assert not began.is_set()


def test_durations_in_words():
    assert [spell_seconds(s) for s in (0.2, 42, 150, 5000)] == ["1 s", "42 s", "2 min", "1 h 23 min"]
