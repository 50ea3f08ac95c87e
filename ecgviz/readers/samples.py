"""Public names of :mod:`ecgviz.sources.samples`."""

from __future__ import annotations

from ecgviz.sources.samples import list_samples, open_sample

__all__ = ["list_samples", "open_sample"]
