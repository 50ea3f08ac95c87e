"""Entry point: ``streamlit run app.py``."""

from __future__ import annotations

import streamlit as st

from pages.navigation import page_of_this_run, reads
from pages.parts import appearance

# Drawn here: the browser would fetch an icon of Streamlit's lists from their makers' servers.
ICON = (
    '<svg viewBox="0 0 24 24" fill="none" stroke="#0f766e" stroke-width="2.4" stroke-linejoin="round">'
    '<path d="M1 13h5l2-5 4 13 4-18 2.5 10H23"/></svg>'
)
st.set_page_config(page_title="ecgviz", page_icon=ICON, layout="wide", initial_sidebar_state=250)
appearance.apply()  # before all that takes long: what comes later would move when it comes
page = page_of_this_run()
if page is None:
    st.html("<script>window.location.reload()</script>", unsafe_allow_javascript=True)
    st.stop()

from pages.parts import garbage_collection, shared_calls, sidebar  # noqa: E402 - torch takes seconds, and the navigation need not wait for it

shared_calls.of_session().begin()
sidebar.show(reads(page))
page.run()
shared_calls.of_session().settle()
garbage_collection.settle()
