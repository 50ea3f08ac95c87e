"""CSS of the workshop pages, beyond the theme."""

from __future__ import annotations

import streamlit as st

from pages.parts import appearance
from pages.parts.appearance import theme

__all__ = ["apply", "theme"]

_STYLE = """<style>
.st-key-train-steps > .stElementContainer { flex: 1 1 170px; min-width: 150px; }
.st-key-train-steps > .stElementContainer:nth-child(3) { flex-grow: 2; }
.st-key-train-steps > div:has(.stPopover) { flex: 0 0 auto; width: auto; min-width: 0; }
.st-key-train-fields > .stElementContainer,
.st-key-train-more_fields > .stElementContainer { flex: 0 1 205px; min-width: 180px; }
.st-key-train-fields { row-gap: .5rem; min-height: 5.2rem; align-items: flex-start; }
.st-key-train-before { row-gap: .4rem; }
.st-key-train-before_figures, .st-key-workshop-run_figures { row-gap: .3rem; column-gap: 2rem; }
.st-key-train-before_figures .stElementContainer,
.st-key-workshop-run_figures .stElementContainer { height: auto; min-height: 0; }
.st-key-train-before_note { min-height: 3.4rem; }
.st-key-workshop-run_view { min-height: 290px; }
[class*="st-key-workshop-actions"] { row-gap: .4rem; }
</style>"""


def apply() -> None:
    """Insert the CSS."""
    appearance.apply()
    st.html(_STYLE)
