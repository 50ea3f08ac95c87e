"""What the theme cannot say: less air, compact metrics, a panel that goes below the paper on a narrow screen."""

from __future__ import annotations

import streamlit as st

PANEL_PX = 300

_STYLE = f"""<style>
.stMainBlockContainer {{ padding: 2.4rem 1.6rem 2rem; max-width: 1900px; }}
/* where the sidebar is closed, Streamlit's own header lies above what the page begins with */
.stApp:has([data-testid="stExpandSidebarButton"]) .stMainBlockContainer {{ padding-top: 4rem; }}
.stSidebar [data-testid="stSelectbox"] [data-baseweb="select"] {{ font-size: .82rem; }}
/* all of it is in sight on a screen of 900 px */
.stSidebar [data-testid="stSidebarUserContent"] [data-testid="stVerticalBlock"] {{ gap: .5rem; }}
.stSidebar [data-testid="stSidebarHeader"] {{ height: 2.4rem; margin-bottom: 0; }}
.st-key-head > .stElementContainer:first-child {{ flex: 1 1 420px; }}
.st-key-metrics, .st-key-evidence_figures {{ row-gap: .3rem; column-gap: 2rem; }}
.st-key-metrics .stElementContainer, .st-key-evidence_figures .stElementContainer,
[data-testid="stMetric"] {{ height: auto; min-height: 0; }}
[data-testid="stMetric"] {{ padding: 0; }}
[data-testid="stMetricLabel"] p {{ font-size: .78rem; }}
[data-testid="stMetricValue"] {{ font-size: 1.22rem; line-height: 1.4; }}
.st-key-rhythm_legend {{
  margin-bottom: -1rem; min-height: 1.1rem; font-size: .72rem; line-height: 1.5; text-align: right; }}
[class*="st-key-_position"] {{ margin: -1.1rem 0 -.9rem; padding-left: 62px; padding-right: 10px; }}
/* Shift+S on a button of one letter trebles it: read out, but not drawn; its tooltip and the help name the key */
.st-key-moves [class*="st-key-_next_"] kbd[aria-label*="Shift"] {{
  position: absolute; clip-path: inset(50%); font-size: 1px; }}
.st-key-viewer {{ flex-wrap: wrap; align-items: flex-start; }}
.st-key-viewer > div:has(> .st-key-paper), .st-key-viewer > .st-key-paper {{
  flex: 1 1 520px; min-width: min(520px, 100%); }}
.st-key-viewer > div:has(> .st-key-panel), .st-key-viewer > .st-key-panel {{ flex: 0 0 {PANEL_PX}px; }}
/* the map's verdict below the paper; where there is no room beside it, the panel with its reasons comes first */
.st-key-viewer:has(.st-key-explained) {{
  display: grid; grid-template: "paper panel" auto "explained panel" 1fr / minmax(0, 1fr) {PANEL_PX}px; }}
.st-key-viewer > :is(.st-key-paper, div:has(> .st-key-paper)) {{ grid-area: paper; }}
.st-key-viewer > :is(.st-key-panel, div:has(> .st-key-panel)) {{ grid-area: panel; }}
.st-key-viewer > :is(.st-key-explained, div:has(> .st-key-explained)) {{ grid-area: explained; }}
@media (max-width: 1150px) {{ .st-key-viewer:has(.st-key-explained) {{
  grid-template: "paper paper" auto "panel explained" auto / {PANEL_PX}px minmax(0, 1fr); }} }}
@media (max-width: 900px) {{ .st-key-viewer:has(.st-key-explained) {{
  grid-template: "paper" auto "panel" auto "explained" auto / minmax(0, 1fr); }} }}
.st-key-panel {{ gap: .5rem; }}
:is(.st-key-comparison, .st-key-card) [data-testid="stColumn"] {{ min-width: min(400px, 100%); }}
.st-key-about_recording [data-testid="stColumn"] {{ min-width: min(300px, 100%); }}
.st-key-_paper_width {{ height: 0; margin-bottom: -1rem; }}
/* the metrics and the one or two reasons that mostly come with them, so that a table below stays under the pointer */
.st-key-evidence {{ min-height: 10.6rem; gap: .4rem; }}
@media (max-width: 1000px) {{ .st-key-evidence {{ min-height: 13rem; }} }}
/* the sentence, the bars and the verdict of their tests, so that what lies below stays when they come */
.st-key-reasons {{ min-height: 23.4rem; }}
.stMain [data-testid="stPageLink-NavLink"] * {{ white-space: normal; }}
.st-key-evidence [data-testid="stMetricValue"] {{ font-size: 1rem; }}
.st-key-evidence_figures {{ column-gap: 1.4rem; }}
</style>"""


def apply() -> None:
    """Put the style into the page."""
    st.html(_STYLE)


def theme() -> str:
    """The theme that the browser shows: "light" or "dark"."""
    return "dark" if st.context.theme.type == "dark" else "light"
