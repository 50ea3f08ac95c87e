"""The front door: ``streamlit run app.py``."""

from __future__ import annotations

from urllib.parse import urlsplit

import streamlit as st
from streamlit.runtime.pages_manager import PagesManager

from pages.navigation import SECTIONS
from pages.parts import look, sidebar

st.set_page_config(
    page_title="ecgviz", page_icon=":material/ecg_heart:", layout="wide", initial_sidebar_state=look.SIDEBAR_PX
)
# Until a first run has called st.navigation, Streamlit takes the folder pages/ for its old kind of pages and tells
# whoever comes by a link that there is no such page.
came_too_early = bool(PagesManager.uses_pages_directory)
page = st.navigation(SECTIONS)
if came_too_early and urlsplit(st.context.url or "").path.strip("/"):
    st.html("<script>window.location.reload()</script>", unsafe_allow_javascript=True)
    st.stop()
look.apply()
sidebar.show()
page.run()
