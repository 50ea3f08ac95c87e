"""The keys of the page Batch, each once; those in the URL belong to widgets that are bound to it."""

from __future__ import annotations

from pages.parts.key_scope import KeyScope

scope = KeyScope("batch")

ESCAPE = scope("escape_cost")
OVERKILL = scope("overkill_cost")
PREVALENCE = scope("prevalence")
SHOWN = scope.in_url("verdicts")
CURVE = scope.in_url("curve")
