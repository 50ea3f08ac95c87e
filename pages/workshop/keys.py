"""Session keys shared by the workshop pages."""

from __future__ import annotations

from pages.parts.key_scope import KeyScope

scope = KeyScope("workshop")

RUN = scope.in_url("run")
"""The chosen run, in the URL and in the session."""
BASELINE = scope.in_url("baseline")
"""The run that the chosen one is drawn against."""
REGISTERED = scope("registered")
"""How many data sets were added."""
