"""What a session remembers of the page Simulator alone, each key once."""

from __future__ import annotations

REAL = "_real_folder"
DRAW = "_simulator_draw"
KIND = "_simulator_kind"
