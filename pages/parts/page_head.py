"""The frame of a page: its head row with title, Open and Help, and what it says while nothing is open."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.parts.appearance import styled


def head() -> DeltaGenerator:
    """The row at the top of a page."""
    return st.container(horizontal=True, vertical_alignment="center", gap="small", key=styled("head"))


def help_popover(text: str) -> None:
    """How the page is used."""
    with st.popover("Help", icon=":material/help:"):
        st.markdown(text)


def title_and_picker(row: DeltaGenerator, picker: Callable[[], None]) -> DeltaGenerator:
    """Begin the head row of what is open: the place of its title, which is known later, and what opens another."""
    with row:
        title = st.empty()
        title.markdown("&nbsp;")
        picker()
    return title


def invite(row: DeltaGenerator, title: str, purpose: str, help_text: str, picker: Callable[[], None]) -> None:
    """What an empty page says; its examples come below."""
    with row:
        st.subheader(title, anchor=False)
        picker()
        help_popover(help_text)
    st.markdown(purpose)
    st.caption("An example to open:")
