"""What a session remembers of the page Batch alone, each key once; those without a _ are names in the link too."""

from __future__ import annotations

ESCAPE = "_escape_cost"
OVERKILL = "_overkill_cost"
PREVALENCE = "_prevalence"
SHOWN = "verdicts"
CURVE = "curve"
