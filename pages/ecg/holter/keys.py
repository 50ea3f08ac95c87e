"""Session keys of the page Holter; those in the URL are bound to widgets."""

from __future__ import annotations

from pages.parts.key_scope import KeyScope

scope = KeyScope("holter")

LEAD = scope.in_url("lead")
POSITIONS = scope.in_url("beats")

TAB = scope.in_url("tab")
OTHER = scope.in_url("compare")
KIND = scope("kind_of_event")
