"""CSS shared by all pages, beyond the theme."""

from __future__ import annotations

import streamlit as st

from pages.parts.key_scope import KeyScope

PANEL_PX = 300

styled = KeyScope("styled")
"""Keys of the containers that the style below speaks of: what looks alike has one key on every page, and no value."""

_STYLE = f"""<style>
.stMainBlockContainer {{ padding: 2.4rem 1.6rem 2rem; max-width: 1900px; }}
/* where the sidebar is closed, Streamlit's own header lies above what the page begins with */
.stApp:has([data-testid="stExpandSidebarButton"]) .stMainBlockContainer {{ padding-top: 4rem; }}
.stSidebar [data-testid="stSelectbox"] [data-baseweb="select"] {{ font-size: .82rem; }}
/* all of it is in sight on a screen of 900 px */
.stSidebar [data-testid="stSidebarUserContent"] [data-testid="stVerticalBlock"] {{ gap: .5rem; }}
.stSidebar [data-testid="stSidebarHeader"] {{ height: 2.4rem; margin-bottom: 0; }}
.st-key-styled-head > .stElementContainer:first-child {{ flex: 1 1 420px; }}
.st-key-styled-metrics, .st-key-styled-measures, .st-key-styled-evidence_figures {{
  row-gap: .3rem; column-gap: 2rem; }}
.st-key-styled-metrics .stElementContainer, .st-key-styled-evidence_figures .stElementContainer,
[data-testid="stMetric"] {{ height: auto; min-height: 0; }}
[data-testid="stMetric"] {{ padding: 0; }}
[data-testid="stMetricLabel"] p {{ font-size: .78rem; }}
[data-testid="stMetricValue"] {{ font-size: 1.22rem; line-height: 1.4; }}
.st-key-styled-rhythm_legend {{
  margin-bottom: -1rem; min-height: 1.1rem; font-size: .72rem; line-height: 1.5; text-align: right; }}
[class*="st-key-holter-position-"] {{ margin: -1.1rem 0 -.9rem; padding-left: 62px; padding-right: 10px; }}
/* Shift+S on a button of one letter trebles it: read out, but not drawn; its tooltip and the help name the key */
.st-key-styled-moves [class*="st-key-ecg-next-"] kbd[aria-label*="Shift"] {{
  position: absolute; clip-path: inset(50%); font-size: 1px; }}
.st-key-styled-viewer {{ flex-wrap: wrap; align-items: flex-start; }}
.st-key-styled-viewer > div:has(> .st-key-styled-paper), .st-key-styled-viewer > .st-key-styled-paper {{
  flex: 1 1 520px; min-width: min(520px, 100%); }}
.st-key-styled-viewer > div:has(> .st-key-styled-panel), .st-key-styled-viewer > .st-key-styled-panel {{
  flex: 0 0 {PANEL_PX}px; }}
/* the map's verdict below the paper; where there is no room beside it, the panel with its reasons comes first */
.st-key-styled-viewer:has(.st-key-styled-explained) {{
  display: grid; grid-template: "paper panel" auto "explained panel" 1fr / minmax(0, 1fr) {PANEL_PX}px; }}
.st-key-styled-viewer > :is(.st-key-styled-paper, div:has(> .st-key-styled-paper)) {{ grid-area: paper; }}
.st-key-styled-viewer > :is(.st-key-styled-panel, div:has(> .st-key-styled-panel)) {{ grid-area: panel; }}
.st-key-styled-viewer > :is(.st-key-styled-explained, div:has(> .st-key-styled-explained)) {{
  grid-area: explained; }}
@media (max-width: 1150px) {{ .st-key-styled-viewer:has(.st-key-styled-explained) {{
  grid-template: "paper paper" auto "panel explained" auto / {PANEL_PX}px minmax(0, 1fr); }} }}
@media (max-width: 900px) {{ .st-key-styled-viewer:has(.st-key-styled-explained) {{
  grid-template: "paper" auto "panel" auto "explained" auto / minmax(0, 1fr); }} }}
.st-key-styled-panel {{ gap: .5rem; }}
:is(.st-key-styled-comparison, .st-key-styled-card, .st-key-styled-numbers) [data-testid="stColumn"] {{
  min-width: min(400px, 100%); }}
.st-key-styled-about_recording [data-testid="stColumn"] {{ min-width: min(300px, 100%); }}
[class*="st-key-holter-paper-"], .st-key-twelve_lead-paper-width {{ height: 0; margin-bottom: -1rem; }}
/* the metrics and the one or two reasons that mostly come with them, so that a table below stays under the pointer */
.st-key-styled-evidence {{ min-height: 10.6rem; gap: .4rem; }}
@media (max-width: 1000px) {{ .st-key-styled-evidence {{ min-height: 13rem; }} }}
/* the sentence, the bars and the verdict of their tests, so that what lies below stays when they come */
.st-key-styled-reasons {{ min-height: 23.4rem; }}
.st-key-styled-measures {{ flex-wrap: wrap; column-gap: 1.4rem; }}
.st-key-styled-measures [data-testid="stMetricValue"] {{ font-size: 1rem; }}
.stMain [data-testid="stPageLink-NavLink"] * {{ white-space: normal; }}
.st-key-styled-evidence [data-testid="stMetricValue"] {{ font-size: 1rem; }}
.st-key-styled-evidence_figures {{ column-gap: 1.4rem; }}
</style>"""


def apply() -> None:
    """Insert the CSS."""
    st.html(_STYLE)


def theme() -> str:
    """Theme of the browser: "light" or "dark"."""
    return "dark" if st.context.theme.type == "dark" else "light"
