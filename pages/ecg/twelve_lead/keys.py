"""Session keys of the page 12-lead; those in the URL are bound to widgets."""

from __future__ import annotations

from pages.parts.key_scope import KeyScope

scope = KeyScope("twelve_lead")

MAP = scope.in_url("map12")
METHOD = scope.in_url("method12")
LABEL = scope.in_url("label")
OPACITY = scope.in_url("opacity12")
STYLE = scope.in_url("style12")
COLOURS = scope.in_url("colours12")

TAB = scope.in_url("tab12")
OTHER = scope.in_url("beside")
