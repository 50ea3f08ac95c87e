"""The ECG paper as a canvas component of the browser, and the invisible components that send data to it.

One component draws and handles events. Invisible ones send it its code, the beats and the tiles, each as a separate
message, so a rerun sends only what has changed: the paper's few kilobytes, not a day's beats. A message starts with a
mark that identifies its content (the browser skips content that it has), the number of the paper, and the kind.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum
from hashlib import md5
from pathlib import Path
from typing import Any

import streamlit as st

_FOLDER = Path(__file__).parent
_CODE = ("unpack", "store", "draw", "marks", "measure", "face", "paper", "keys", "act", "hand")


class Kind(IntEnum):
    """Kinds of messages."""

    PAPER = 0
    BEATS = 1
    TILES = 2


def _text(name: str) -> str:
    return (_FOLDER / name).read_text("utf-8")


def _script(*names: str) -> str:
    return "\n".join(_text(f"{name}.js") for name in names)


_code = st.components.v2.component("ecgviz_code_of_paper", html="<span></span>", js=_script(*_CODE))
_paper = st.components.v2.component(
    "ecgviz_paper", html=_text("paper.html"), css=_text("paper.css"), js=_script("unpack", "mount")
)
_feed = st.components.v2.component("ecgviz_paper_feed", html="<span></span>", js=_script("unpack", "feed"))


def framed(packed: bytes, kind: Kind, paper: int = 0) -> bytes:
    """A message from bytes of :func:`ecgviz.figures.packed_arrays.pack`."""
    return md5(packed, usedforsecurity=False).digest() + bytes((paper, kind)) + packed


def unframed(message: bytes) -> tuple[Kind, bytes]:
    """Kind and packed bytes of a message."""
    return Kind(message[17]), message[18:]


def draw(key: str, message: bytes, on_view: Callable[[], None]) -> None:
    """The paper; ``on_view`` is called after the view has moved. Pressed keys are in the state ``pressed``."""
    _code(key=f"{key}-code", height=1)
    _paper(
        key=key, data=message, default={"pressed": [], "view": None}, on_pressed_change=lambda: None,
        on_view_change=on_view,
    )  # fmt: skip


def feed(key: str, message: bytes) -> None:
    """Send data to the paper; the browser requests tiles by the state ``want``."""
    _feed(key=key, data=message, default={"want": None}, on_want_change=lambda: None, height=1)


def state_of(key: str, name: str) -> Any:
    """State of the component by name; None before the browser has set it."""
    return getattr(st.session_state.get(key), name, None)
