"""Public names of :mod:`readers`; samples and addresses are in ecgviz.sources."""

from __future__ import annotations

from readers import FORMATS, Format, NeedsDetails, open_recording

__all__ = ["FORMATS", "Format", "NeedsDetails", "open_recording"]
