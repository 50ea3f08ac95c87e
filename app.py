"""The front door: ``streamlit run app.py``."""

from __future__ import annotations

import streamlit as st
from streamlit.runtime.pages_manager import PagesManager

from pages.navigation import reads, sections

# Drawn here: the browser would fetch an icon of Streamlit's lists from their makers' servers.
ICON = (
    '<svg viewBox="0 0 24 24" fill="none" stroke="#0f766e" stroke-width="2.4" stroke-linejoin="round">'
    '<path d="M1 13h5l2-5 4 13 4-18 2.5 10H23"/></svg>'
)
st.set_page_config(page_title="ecgviz", page_icon=ICON, layout="wide", initial_sidebar_state=250)
# Until the first run of a server has called st.navigation, Streamlit takes the folder pages/ for its old kind of pages:
# the first visitor sees its files in the sidebar, and who comes by a link is told that there is no such page.
came_first = bool(PagesManager.uses_pages_directory) and bool(st.context.url)
page = st.navigation(sections())
if came_first:
    st.html("<script>window.location.reload()</script>", unsafe_allow_javascript=True)
    st.stop()

from pages.parts import appearance, memory, shared_calls, sidebar  # noqa: E402 - torch takes seconds, and the navigation need not wait for it

appearance.apply()
shared_calls.of_session().begin()
sidebar.show(reads(page))
page.run()
shared_calls.of_session().settle()
memory.settle()
