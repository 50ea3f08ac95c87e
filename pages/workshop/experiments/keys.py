"""Session keys of the page Experiments."""

from __future__ import annotations

from pages.parts.key_scope import KeyScope

scope = KeyScope("experiments")
