"""Callbacks of widgets whose key differs in each view.

A request that the browser sends while the page is drawn carries the values of widgets that the page no longer has.
Streamlit has dropped their state, takes them for changed and runs their callbacks: a slider of the previous view would
move the page back.
"""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from pages.ecg.holter.keys import scope


def while_drawn(slot: str, key: str, callback: Callable[..., None]) -> Callable[..., None]:
    """Wrap ``callback`` so that it runs only while ``key`` is the last one drawn in its ``slot``."""
    last = scope("drawn", slot)
    st.session_state[last] = key

    def call(*arguments: object) -> None:
        if st.session_state.get(last) == key:
            callback(*arguments)

    return call
