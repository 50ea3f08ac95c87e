"""CSS of the inspection pages, beyond the theme."""

from __future__ import annotations

import streamlit as st

_STYLE = """<style>
.st-key-scan-slice_row { margin: -1.1rem 0 -.6rem; padding: 0 8px 0 44px; }
.st-key-scan-step_row { padding-left: 44px; }
.st-key-inspection-picture_width, [class*="st-key-inspection-picture-zoom-"] { height: 0; margin-bottom: -1rem; }
.st-key-batch-point_sides { flex-wrap: wrap; align-items: flex-start; }
.st-key-batch-point_sides > div:has(> .st-key-batch-point_left),
.st-key-batch-point_sides > .st-key-batch-point_left {
  flex: 3 1 520px; min-width: min(480px, 100%); }
.st-key-batch-point_sides > div:has(> .st-key-batch-point_right),
.st-key-batch-point_sides > .st-key-batch-point_right {
  flex: 2 1 360px; min-width: min(360px, 100%); }
.st-key-styled-panel .st-key-styled-evidence { min-height: 13rem; }
.st-key-styled-panel [data-testid="stMetricValue"] { font-size: 1rem; }
.st-key-styled-panel .st-key-styled-evidence_figures { column-gap: .6rem; }
</style>"""


def apply() -> None:
    """Insert the CSS."""
    st.html(_STYLE)
