"""Three linked planes on canvases: a click moves the other planes, the wheel its own; right-drag sets window and level.

The browser redraws at once what it can (cross-hairs, the window on the pixels that it has) and notifies the page, which
sends new planes. No external resources are loaded.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import streamlit as st

_FOLDER = Path(__file__).resolve().parent
_HTML = "<div class='planes' role='group' aria-label='Three linked planes of the volume'></div>"
_component = st.components.v2.component(
    "ecgviz_planes",
    html=_HTML,
    css=(_FOLDER / "canvas.css").read_text(encoding="utf-8"),
    js=(_FOLDER / "canvas.js").read_text(encoding="utf-8"),
)


def mount(message: bytes, key: str, moved: Callable[[], None]) -> None:
    """The planes of a message of ``ecgviz.figures.plane_pixels``; ``moved`` is called after a move in the browser."""
    _component(key=key, data=message, on_view_change=moved)


def told(key: str) -> object:
    """The latest message of the browser: a dictionary with "at", "window" or "points"; None for none."""
    return getattr(st.session_state[key], "view", None) if key in st.session_state else None
