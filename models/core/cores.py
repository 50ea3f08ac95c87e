"""CPU inference with one batch per core.

Cores that share one batch wait for each other after each layer, and longer where something else (a decoder, the
preparation of the next batch) holds one of them; a recurrent layer keeps only one of them busy. Small batches side by
side do neither.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

import torch

Item = TypeVar("Item")
Result = TypeVar("Result")


_lock = threading.Lock()


def use_cores(count: int) -> None:
    """Set the number of torch threads of the calling thread only."""
    with _lock:
        if torch.get_num_threads() == count:  # a thread's first question sets its number; asked later it would undo it
            return
        # The number is the thread's own, but threads that begin later would begin with it.
        usual = _in_a_new_thread(torch.get_num_threads)
        torch.set_num_threads(count)
        _in_a_new_thread(torch.set_num_threads, usual)


def _in_a_new_thread(function: Callable[..., Result], *arguments: object) -> Result:
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(function, *arguments).result()


def single_threads() -> ThreadPoolExecutor:
    """A thread pool with one thread per core that torch would use, each limited to one core."""
    return ThreadPoolExecutor(
        torch.get_num_threads(), thread_name_prefix="network", initializer=use_cores, initargs=(1,)
    )


def in_order(function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[tuple[Item, Result]]:
    """Map a function over items, one core each, and yield (item, result) in order; items are taken as cores get free.

    Args:
        function: called in threads that compute on one core each.
        items: taken by the calling thread, no more than are needed.
    """
    depth = torch.get_num_threads() + 1
    waiting: deque[tuple[Item, Future[Result]]] = deque()
    pool = single_threads()
    try:
        for item in items:
            waiting.append((item, pool.submit(function, item)))
            if len(waiting) > depth:
                first, future = waiting.popleft()
                yield first, future.result()
        for item, future in waiting:
            yield item, future.result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
