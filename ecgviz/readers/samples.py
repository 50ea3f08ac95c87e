"""The samples, where the documents import them from; they live in :mod:`ecgviz.sources.samples`."""

from __future__ import annotations

from ecgviz.sources.samples import list_samples, open_sample

__all__ = ["list_samples", "open_sample"]
