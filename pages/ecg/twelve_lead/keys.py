"""What a session remembers of the 12-lead page, each key once; a widget's key is its name in the link too."""

from __future__ import annotations

from pages.parts.keys import RECORD_CHECKPOINT as CHECKPOINT

__all__ = ["CHECKPOINT"]

MAP = "map12"
METHOD = "method12"
LABEL = "label"
OPACITY = "opacity12"
STYLE = "style12"
COLOURS = "colours12"

TAB = "tab12"
OTHER = "beside"
