"""Session keys of the page Batch; those in the URL are bound to widgets."""

from __future__ import annotations

from pages.parts.key_scope import KeyScope

scope = KeyScope("batch")

ESCAPE = scope("escape_cost")
OVERKILL = scope("overkill_cost")
PREVALENCE = scope("prevalence")
SHOWN = scope.in_url("verdicts")
CURVE = scope.in_url("curve")
ORDER = scope.in_url("order")
