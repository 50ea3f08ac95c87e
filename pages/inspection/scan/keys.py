"""Session keys of the page Scan; those in the URL are bound to widgets."""

from __future__ import annotations

from pages.parts.key_scope import KeyScope

scope = KeyScope("scan")

WINDOW = scope.in_url("window")
INVERSE = scope.in_url("inverse")
TRUTH = scope.in_url("truth")
