"""Session keys of the page Volume; those in the URL are bound to widgets."""

from __future__ import annotations

from pages.parts.key_scope import KeyScope

scope = KeyScope("volume")

SLAB = scope.in_url("slab")
THICKNESS = scope.in_url("planes")
OVERLAY = scope.in_url("overlay")
UNROLLED = scope.in_url("unrolled")

TOOL = scope("tool")
STATE = scope("state")
"""View of each volume; see ``view.View``."""
EDITION = scope("edition")
"""Number in the keys of the position widgets, which are replaced when the position is changed elsewhere."""
