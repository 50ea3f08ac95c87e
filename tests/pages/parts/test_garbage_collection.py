"""The garbage collector leaves the libraries alone."""

from __future__ import annotations

import gc
import time

from pages.parts import garbage_collection


def test_a_full_collection_is_cheap_after_a_page(app):
    gc.unfreeze()
    garbage_collection._seen = 0
    since = time.process_time()
    gc.collect()
    before = time.process_time() - since
    garbage_collection.settle()
    since = time.process_time()
    gc.collect()
    assert time.process_time() - since < before / 4
    assert gc.get_freeze_count() > 100_000


def test_it_settles_once(app):
    garbage_collection.settle()
    frozen = gc.get_freeze_count()
    kept = [[] for _ in range(1000)]
    garbage_collection.settle()
    assert gc.get_freeze_count() <= frozen
    assert len(kept) == 1000
