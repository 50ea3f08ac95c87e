"""Public names of :mod:`ecgviz.sources.training_example`."""

from __future__ import annotations

from ecgviz.sources.training_example import RECORDS, write_example

__all__ = ["RECORDS", "write_example"]
