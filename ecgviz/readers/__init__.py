"""The door to :mod:`readers` that documents show; samples and addresses, a floor above, are in ecgviz.sources."""

from __future__ import annotations

from readers import FORMATS, Format, NeedsDetails, open_recording

__all__ = ["FORMATS", "Format", "NeedsDetails", "open_recording"]
