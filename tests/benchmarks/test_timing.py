"""The helper behind every figure of benchmarks/, on a clock that the test winds."""

from __future__ import annotations

import pytest

from benchmarks.timing import ratio


class Clock:
    """A clock that stands still but for the work."""

    def __init__(self):
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def work(self, *seconds: float):
        left = iter(seconds)

        def run():
            self.now += next(left)

        return run


def test_ratio_is_the_median_of_the_turns_and_forgives_one_slow_turn():
    clock = Clock()
    a = clock.work(99, 2, 2, 200, 4, 6)
    b = clock.work(99, 1, 1, 1, 2, 2)
    result = ratio(a, b, repeats=5, clock=clock)
    assert result.value == 2
    assert (result.low, result.high) == (2, 3)
    assert (result.a_s, result.b_s, result.repeats) == (4, 1, 5)


def test_a_slow_machine_slows_both_and_leaves_the_ratio():
    clock = Clock()
    pace = [1, 5, 1, 3]
    result = ratio(clock.work(*(3 * p for p in pace)), clock.work(*(2 * p for p in pace)), 4, warm_up=0, clock=clock)
    assert (result.low, result.value, result.high) == (1.5, 1.5, 1.5)


def test_turns_alternate_after_the_warm_up():
    order = []
    ratio(lambda: order.append("a"), lambda: order.append("b"), 3, warm_up=2, clock=iter(range(100)).__next__)
    assert "".join(order) == "abab" + "ab" + "ba" + "ab"


def test_one_turn_is_enough_and_none_is_refused():
    clock = Clock()
    assert str(ratio(clock.work(3), clock.work(2), 1, warm_up=0, clock=clock)).startswith("1.50 (1.50-1.50; 3 s")
    with pytest.raises(ValueError, match="at least 1"):
        ratio(int, int, 0)
