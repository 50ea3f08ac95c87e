"""The training example, where the documents import it from; it lives in :mod:`ecgviz.sources.training_example`."""

from __future__ import annotations

from ecgviz.sources.training_example import RECORDS, write_example

__all__ = ["RECORDS", "write_example"]
