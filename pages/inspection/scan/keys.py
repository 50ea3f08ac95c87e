"""The keys of the page Scan, each once; those in the URL belong to widgets that are bound to it."""

from __future__ import annotations

from pages.parts.key_scope import KeyScope

scope = KeyScope("scan")

WINDOW = scope.in_url("window")
INVERSE = scope.in_url("inverse")
TRUTH = scope.in_url("truth")
