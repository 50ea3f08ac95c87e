"""Session keys shared by the pages Scan and Batch; those in the URL are bound to widgets.

What leads to a picture or to a folder from any page stands in `pages.parts.picture_keys`.
"""

from __future__ import annotations

from pages.parts.key_scope import KeyScope

scope = KeyScope("inspection")

MAP = scope.in_url("heat")
METHOD = scope.in_url("heat_method")
TARGET = scope.in_url("heat_class")
OPACITY = scope.in_url("heat_opacity")
COLOURS = scope.in_url("heat_colours")
CONTOUR = scope.in_url("heat_contour")

DECIDER = scope("decider")
REASON = scope("reason")
SCOPE = scope("override_scope")
OUTCOME = scope("override_outcome")
"""What became of the last decision: a kind of message and its words."""
