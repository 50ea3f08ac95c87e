"""One-time set-up: once, in whichever thread, and never by a cache, which is no lock."""

from __future__ import annotations

import ast
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from readers.core.once import once

ROOT = Path(__file__).resolve().parents[3]
THREADS = 16


def test_threads_that_ask_together_wait_for_one_and_get_its_result() -> None:
    calls, barrier = [], threading.Barrier(THREADS)

    @once
    def set_up() -> object:
        calls.append(1)
        time.sleep(0.05)
        return object()

    def ask(_: int) -> object:
        barrier.wait()
        return set_up()

    with ThreadPoolExecutor(THREADS) as pool:
        results = list(pool.map(ask, range(THREADS)))
    assert len(calls) == 1
    assert len(set(map(id, results))) == 1


def test_what_failed_is_told_and_tried_again() -> None:
    tries = []

    @once
    def set_up() -> int:
        tries.append(1)
        if len(tries) == 1:
            raise OSError("the disk was away")
        return len(tries)

    with pytest.raises(OSError, match="away"):
        set_up()
    assert set_up() == set_up() == 2
    set_up.cache_clear()
    assert set_up() == 3


def cached_set_ups() -> Iterator[str]:
    """Functions without arguments under a cache of functools, which two threads may enter at once."""
    for path in [file for folder in ("ecgviz", "models", "pages", "readers") for file in (ROOT / folder).rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.FunctionDef) or node.args.args or node.args.kwonlyargs or node.args.vararg:
                continue
            if any("cache" in ast.unparse(mark) and "st." not in ast.unparse(mark) for mark in node.decorator_list):
                yield f"{path.relative_to(ROOT).as_posix()}:{node.name}"


def test_no_set_up_relies_on_a_cache() -> None:
    # The group of a process that trains together with others: asked by its one training thread.
    assert set(cached_set_ups()) == {"models/training/distributed.py:_control"}
