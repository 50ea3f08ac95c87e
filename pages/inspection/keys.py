"""What a session remembers of the pages Scan and Batch, each key once; a widget's key is its name in the link too.

What leads to a picture or to a folder from any page stands in `pages.parts.picture_keys`.
"""

from __future__ import annotations

MAP = "heat"
METHOD = "heat_method"
TARGET = "heat_class"
OPACITY = "heat_opacity"
COLOURS = "heat_colours"
CONTOUR = "heat_contour"

DECIDER = "_decider"
