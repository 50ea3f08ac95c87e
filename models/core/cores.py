"""Inference on the cores of a CPU: every core computes batches of its own.

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
    """From now on torch computes on so many cores in the calling thread; other threads keep theirs."""
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
    """A thread for each core that torch would use, in which it computes on that core alone."""
    return ThreadPoolExecutor(
        torch.get_num_threads(), thread_name_prefix="network", initializer=use_cores, initargs=(1,)
    )


def in_order(function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[tuple[Item, Result]]:
    """Each item with its result, in order; every core computes one, and one more is ready for each that ends.

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
