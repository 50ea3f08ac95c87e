"""Callbacks of widgets that have another key in every view.

A request that the browser sends while a page is being drawn carries the values of widgets that the page no longer has.
Streamlit has forgotten them by then, takes them for changed, and calls back: a slider of the view before would turn the
page back to it.
"""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from pages.ecg.holter.keys import scope


def while_drawn(slot: str, key: str, callback: Callable[..., None]) -> Callable[..., None]:
    """``callback``, called only as long as ``key`` is the last one that was drawn in its ``slot``."""
    last = scope("drawn", slot)
    st.session_state[last] = key

    def call(*arguments: object) -> None:
        if st.session_state.get(last) == key:
            callback(*arguments)

    return call
