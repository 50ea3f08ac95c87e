"""The ECG paper as a canvas of the browser, and the feeds that take bytes to it.

One component draws and listens. Others without a face hand it its code, the beats and the tiles, each a message of its
own, so that a rerun sends only what has changed: the paper's few kilobytes, not a day's beats. A message begins with a
mark of its content (what the browser has already is not read again), the number of the paper, and the kind.
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
    """What a message is."""

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
    """A message of bytes that :func:`ecgviz.figures.packed_arrays.pack` gave."""
    return md5(packed, usedforsecurity=False).digest() + bytes((paper, kind)) + packed


def unframed(message: bytes) -> tuple[Kind, bytes]:
    """Kind and packed bytes of a message."""
    return Kind(message[17]), message[18:]


def draw(key: str, message: bytes, on_view: Callable[[], None]) -> None:
    """The paper; ``on_view`` is called when the view rests elsewhere. Keys come as the state ``pressed``."""
    _code(key=f"{key}-code", height=1)
    _paper(
        key=key, data=message, default={"pressed": [], "view": None}, on_pressed_change=lambda: None,
        on_view_change=on_view,
    )  # fmt: skip


def feed(key: str, message: bytes) -> None:
    """What the paper draws; of tiles the browser says by the state ``want`` which it needs."""
    _feed(key=key, data=message, default={"want": None}, on_want_change=lambda: None, height=1)


def state_of(key: str, name: str) -> Any:
    """What the browser has told under a name; None before it has."""
    return getattr(st.session_state.get(key), name, None)
