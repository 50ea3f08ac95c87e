"""What a session remembers of the inspection pages, each key once; a widget's key is its name in the link too.

``PICTURE``, ``SLICE`` and ``FOLDER`` are kept by the pages themselves (`pages.parts.inspection.link` puts them into the
URL), the others by widgets that are bound to it or live for a session.
"""

from __future__ import annotations

NETWORK = "network"

PICTURE = "picture"
SLICE = "slice"
FOLDER = "folder"

WINDOW = "window"
INVERSE = "inverse"
RANGE = "_range"

MAP = "heat"
METHOD = "heat_method"
TARGET = "heat_class"
OPACITY = "heat_opacity"
COLOURS = "heat_colours"
CONTOUR = "heat_contour"
TRUTH = "truth"

OPENINGS = "_picture_openings"
SLIDER = "_slice_slider"
LINKED = "_picture_linked"
FOLDER_LINKED = "_folder_linked"
DECIDER = "_decider"

ESCAPE = "_escape_cost"
OVERKILL = "_overkill_cost"
PREVALENCE = "_prevalence"
SHOWN = "verdicts"
CURVE = "curve"
PAGE = "_batch_page"
CHOSEN = "_batch_chosen"

REAL = "_real_folder"
DRAW = "_simulator_draw"
KIND = "_simulator_kind"
