"""The keys of the page Holter, each once; those in the URL belong to widgets that are bound to it."""

from __future__ import annotations

from pages.parts.key_scope import KeyScope

scope = KeyScope("holter")

LEAD = scope.in_url("lead")
POSITIONS = scope.in_url("beats")

TAB = scope.in_url("tab")
OTHER = scope.in_url("compare")
