"""Computing on single cores: the order, the number of threads, how much is taken ahead, an early end."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from models.core.cores import in_order, single_threads


@pytest.fixture
def two_cores():
    usual = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(usual)


@pytest.mark.usefixtures("two_cores")
def test_each_thread_has_one_core_and_other_threads_keep_theirs() -> None:
    with single_threads() as pool:
        alone = list(pool.map(lambda _: torch.get_num_threads(), range(4)))
    with ThreadPoolExecutor(1) as other:
        later = other.submit(torch.get_num_threads).result()
    assert (set(alone), later, torch.get_num_threads()) == ({1}, 2, 2)


@pytest.mark.usefixtures("two_cores")
def test_results_come_in_order_and_few_items_are_taken_ahead() -> None:
    taken: list[int] = []

    def items():
        for number in range(20):
            taken.append(number)
            yield number

    def slow_first(number: int) -> int:
        time.sleep(0.05 if number == 0 else 0)
        return number * number

    for number, result in in_order(slow_first, items()):
        assert result == number * number
        assert taken[-1] <= number + 4
    assert taken == list(range(20))


@pytest.mark.usefixtures("two_cores")
def test_an_error_comes_through_and_an_early_end_waits_for_nothing_more() -> None:
    done: list[int] = []
    with pytest.raises(ZeroDivisionError):
        list(in_order(lambda number: 1 / number, [1, 0, 2]))
    results = in_order(done.append, range(1000))
    next(results)
    results.close()
    assert len(done) <= 8
