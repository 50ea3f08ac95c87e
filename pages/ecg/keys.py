"""Session keys shared by the pages of recordings; those in the URL are bound to widgets."""

from __future__ import annotations

from pages.parts.key_scope import KeyScope

scope = KeyScope("ecg")

SPEED = scope.in_url("speed")
GAIN = scope.in_url("gain")
FILTER = scope.in_url("filter")
LAYOUT = scope.in_url("layout")

MAP = scope.in_url("map")
METHOD = scope.in_url("method")
TARGET = scope.in_url("class")
OPACITY = scope.in_url("opacity")
STYLE = scope.in_url("style")
COLOURS = scope.in_url("colours")
