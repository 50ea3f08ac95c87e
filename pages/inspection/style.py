"""What the theme cannot say of the inspection pages: the slider between its buttons, a panel of even metrics."""

from __future__ import annotations

import streamlit as st

_STYLE = """<style>
.st-key-slice_row { margin: -.9rem 0 -.2rem; padding-left: 44px; }
.st-key-slice_row > .stElementContainer:has(.stSlider) { flex: 1 1 200px; }
.st-key-_picture_width, [class*="st-key-_zoom_picture_at_"] { height: 0; margin-bottom: -1rem; }
.st-key-point_sides { flex-wrap: wrap; align-items: flex-start; }
.st-key-point_sides > div:has(> .st-key-point_left), .st-key-point_sides > .st-key-point_left {
  flex: 3 1 520px; min-width: min(480px, 100%); }
.st-key-point_sides > div:has(> .st-key-point_right), .st-key-point_sides > .st-key-point_right {
  flex: 2 1 360px; min-width: min(360px, 100%); }
.st-key-panel .st-key-evidence { min-height: 13rem; }
.st-key-panel [data-testid="stMetricValue"] { font-size: 1rem; }
.st-key-panel .st-key-evidence_figures { column-gap: .6rem; }
</style>"""


def apply() -> None:
    """Put the style into the page."""
    st.html(_STYLE)
