"""Session keys of the page Simulator."""

from __future__ import annotations

from pages.parts.key_scope import KeyScope

scope = KeyScope("simulator")

REAL = scope("real_folder")
DRAW = scope("draw")
KIND = scope("kind")
