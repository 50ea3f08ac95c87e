"""What a session remembers of the inspection pages alone, each key once; a widget's key is its name in the link too.

What leads to a picture or to a folder from any page stands in `pages.parts.picture_keys`.
"""

from __future__ import annotations

WINDOW = "window"
INVERSE = "inverse"

MAP = "heat"
METHOD = "heat_method"
TARGET = "heat_class"
OPACITY = "heat_opacity"
COLOURS = "heat_colours"
CONTOUR = "heat_contour"
TRUTH = "truth"

DECIDER = "_decider"

ESCAPE = "_escape_cost"
OVERKILL = "_overkill_cost"
PREVALENCE = "_prevalence"
SHOWN = "verdicts"
CURVE = "curve"

REAL = "_real_folder"
DRAW = "_simulator_draw"
KIND = "_simulator_kind"
