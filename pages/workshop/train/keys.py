"""Session keys of the page Train."""

from __future__ import annotations

from pages.parts.key_scope import KeyScope

scope = KeyScope("train")

REFUSED = scope("refused")
"""Why the last start was refused, until it is shown."""
