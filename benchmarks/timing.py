"""Ratios that can be trusted on a busy machine.

Two pieces of work are timed in turns, so that a neighbour who slows the machine slows both, and the figure is the
median of the ratios of each turn, with the range that the middle half of them spans.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Ratio:
    """How many times as long ``a`` takes as ``b``.

    Attributes:
        value: median over the turns of seconds of ``a`` / seconds of ``b``.
        low, high: quartiles of the same.
        a_s, b_s: median seconds of each.
        repeats: turns that were timed.
    """

    value: float
    low: float
    high: float
    a_s: float
    b_s: float
    repeats: int

    def __str__(self) -> str:
        return (
            f"{self.value:.2f} ({self.low:.2f}-{self.high:.2f}; "
            f"{self.a_s:.4g} s against {self.b_s:.4g} s, {self.repeats} turns)"
        )


def ratio(
    a: Callable[[], object],
    b: Callable[[], object],
    repeats: int = 7,
    *,
    warm_up: int = 1,
    clock: Callable[[], float] = time.perf_counter,
) -> Ratio:
    """Time ``a`` and ``b`` in turns; who goes first changes from turn to turn.

    Work on an accelerator must wait for its end itself (``torch.cuda.synchronize()``).

    Args:
        a, b: the two pieces of work.
        repeats: turns to time, at least 1.
        warm_up: turns before them that are not timed.
        clock: gives seconds.
    """
    if repeats < 1:
        raise ValueError(f"repeats must be at least 1, got {repeats}")
    for _ in range(warm_up):
        a()
        b()
    seconds: dict[str, list[float]] = {"a": [], "b": []}
    for turn in range(repeats):
        order = (("a", a), ("b", b))
        for name, work in order if turn % 2 == 0 else reversed(order):
            start = clock()
            work()
            seconds[name].append(clock() - start)
    ratios = [of_a / of_b for of_a, of_b in zip(seconds["a"], seconds["b"], strict=True)]
    low, _, high = statistics.quantiles(ratios, n=4, method="inclusive") if repeats > 1 else ratios * 3
    return Ratio(
        value=statistics.median(ratios),
        low=low,
        high=high,
        a_s=statistics.median(seconds["a"]),
        b_s=statistics.median(seconds["b"]),
        repeats=repeats,
    )
