"""Page head with title, Open and Help, and the text of an empty page."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.parts.appearance import styled


def head() -> DeltaGenerator:
    """Row at the top of a page."""
    return st.container(horizontal=True, vertical_alignment="center", gap="small", key=styled("head"))


def help_popover(text: str) -> None:
    """Popover with the page's help."""
    with st.popover("Help", icon=":material/help:"):
        st.markdown(text)


def title_and_picker(row: DeltaGenerator, picker: Callable[[], None]) -> DeltaGenerator:
    """Head row of what is open: the place of its title, and the Open popover."""
    with row:
        title = st.empty()
        title.markdown("&nbsp;")
        picker()
    return title


def invite(row: DeltaGenerator, title: str, purpose: str, help_text: str, picker: Callable[[], None]) -> None:
    """Text of an empty page, above its examples."""
    with row:
        st.title(title, anchor=False)
        picker()
        help_popover(help_text)
    st.markdown(purpose)
    st.caption("An example to open:")
