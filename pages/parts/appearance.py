"""CSS shared by all pages, beyond the theme."""

from __future__ import annotations

import streamlit as st

from pages.parts.key_scope import KeyScope

PANEL_PX = 300

styled = KeyScope("styled")
"""Keys of the containers that the style below speaks of: what looks alike has one key on every page, and no value."""

_RECORDINGS = """
/* the pages of recordings: pages/ecg/viewer.py */
.stMain h1 { font-size: 1.7rem; padding: .2rem 0; }
.stMain h2 { font-size: 1.2rem; padding: .3rem 0; }
.st-key-styled-head .stMarkdown h1 { font-size: 1.05rem; font-weight: 400; padding: 0; line-height: 1.35; }
.st-key-styled-head h1 strong { font-weight: 650; }
/* the place of the paper before its component is there: most papers are a little higher */
.st-key-holter-paper { min-height: 300px; }
/* Streamlit takes back the margin of a last paragraph, which a title has not: what follows would lie on it */
.st-key-styled-head [data-testid="stMarkdownContainer"]:has(h1) { margin-bottom: 0; }
.st-key-styled-panel h2 { font-size: 1.15rem; padding: 0; }
.stMain .st-key-styled-lists h2 { font-size: 1.15rem; padding: .3rem 0; }
.st-key-styled-summary { row-gap: .1rem; column-gap: 1.1rem; margin: -.4rem 0 -.3rem; min-height: 2rem;
  align-content: flex-start; }
.st-key-styled-summary > * { height: 1.95rem; overflow: hidden; }
@media (max-width: 1400px) { .st-key-styled-summary { min-height: 4rem; } }
@media (max-width: 1150px) { .st-key-styled-head h1 { min-height: 2.9rem; display: flex; align-items: center; } }
@media (max-width: 500px) {
  .st-key-styled-summary { min-height: 8rem; }
  .st-key-styled-told { min-height: 3.3rem; } }
.st-key-styled-summary [data-testid="stMetric"] > div, .st-key-styled-summary [data-testid="stMetric"] {
  display: flex; flex-direction: row; align-items: baseline; gap: .4rem; flex-wrap: nowrap; }
.st-key-styled-summary [data-testid="stMetricValue"] { font-size: .95rem; font-weight: 600; }
.st-key-styled-told { min-height: 2.3rem; gap: .3rem; justify-content: center; }
.st-key-styled-told [data-testid="stAlertContainer"] { padding: .35rem .7rem; font-size: .85rem; }
.st-key-styled-told [data-testid="stAlertContainer"] p, .st-key-styled-told li { font-size: .85rem; }
.st-key-styled-viewer:has(> * > .st-key-styled-column, > .st-key-styled-column) {
  flex-wrap: nowrap; align-items: flex-start; }
.st-key-styled-viewer > div:has(> .st-key-styled-column), .st-key-styled-column { flex: 1 1 0; min-width: 0; }
/* what a click on a row below does is seen: the paper stays, a high one with its lower part */
.st-key-styled-column > :is(.st-key-styled-paper, div:has(> .st-key-styled-paper)) {
  position: sticky; top: min(0px, calc(60vh - var(--paper-height, 0px))); z-index: 20; }
.st-key-styled-viewer:has(.st-key-styled-column) > :is(.st-key-styled-panel, div:has(> .st-key-styled-panel)) {
  position: sticky; top: 0; max-height: 100vh; overflow-y: auto; }
@media (max-width: 1150px) {
  .st-key-styled-viewer:has(.st-key-styled-column) { flex-direction: column; }
  .st-key-styled-viewer > div:has(> .st-key-styled-column), .st-key-styled-viewer .st-key-styled-column {
    display: contents; }
  .st-key-styled-column > *, .st-key-styled-viewer > :is(.st-key-styled-panel, div:has(> .st-key-styled-panel)) {
    width: 100%; min-width: 0; }
  .st-key-styled-viewer:has(.st-key-styled-column) > :is(.st-key-styled-panel, div:has(> .st-key-styled-panel)) {
    position: static; max-height: none; flex-basis: auto; }
  .st-key-styled-column > :is(.st-key-styled-lists, div:has(> .st-key-styled-lists)),
  .st-key-styled-column > :is(.st-key-styled-explained, div:has(> .st-key-styled-explained)) { order: 2; }
  .st-key-styled-viewer > :is(.st-key-styled-panel, div:has(> .st-key-styled-panel)) { order: 1; }
  .st-key-styled-head [data-testid="stPopoverButton"]:not([kind="primary"]) p {
    position: absolute; clip-path: inset(50%); font-size: 1px; }
}
"""

_STYLE = f"""<style>
.stSlider [data-testid="stSliderThumbValue"] p {{ color: inherit; }}
.stSlider [data-testid="stSliderThumbValue"] {{ color: inherit; }}
.stSidebar .stElementContainer:has(style) {{ display: none; }}
.stMainBlockContainer {{ padding: 2.4rem 1.6rem 2rem; max-width: 1900px; }}
/* where the sidebar is closed, Streamlit's own header lies above what the page begins with */
.stApp:has([data-testid="stExpandSidebarButton"]) .stMainBlockContainer {{ padding-top: 4rem; }}
.stSidebar [data-testid="stSelectbox"] [data-baseweb="select"] {{ font-size: .82rem; }}
/* all of it is in sight on a screen of 900 px */
.stSidebar [data-testid="stSidebarUserContent"] [data-testid="stVerticalBlock"] {{ gap: .5rem; }}
.stSidebar [data-testid="stSidebarHeader"] {{ height: 2.4rem; margin-bottom: 0; }}
.st-key-styled-head > .stElementContainer:first-child {{ flex: 1 1 220px; }}
.st-key-styled-head > :is(:empty, div:has(> div:empty:only-child)) {{ display: none; }}
.st-key-styled-head {{ column-gap: .6rem; row-gap: .3rem; }}
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
/* a key that would treble its button, or has no room: read out, but not drawn; its tooltip and the help name it */
.st-key-styled-moves kbd[aria-label*="Shift"] {{ position: absolute; clip-path: inset(50%); font-size: 1px; }}
@media (max-width: 1150px) {{
  .st-key-styled-moves kbd {{ position: absolute; clip-path: inset(50%); font-size: 1px; }} }}
.st-key-styled-viewer {{ flex-wrap: wrap; align-items: flex-start; }}
.st-key-styled-viewer > div:has(> .st-key-styled-paper), .st-key-styled-viewer > .st-key-styled-paper {{
  flex: 1 1 520px; min-width: min(520px, 100%); }}
.st-key-styled-viewer > div:has(> .st-key-styled-panel), .st-key-styled-viewer > .st-key-styled-panel {{
  flex: 0 0 {PANEL_PX}px; }}
{_RECORDINGS}.st-key-styled-panel {{ gap: .5rem; }}
:is(.st-key-styled-comparison, .st-key-styled-card, .st-key-styled-numbers) [data-testid="stColumn"] {{
  min-width: min(400px, 100%); }}
.st-key-styled-about_recording [data-testid="stColumn"] {{ min-width: min(300px, 100%); }}
[class*="st-key-holter-paper-"], .st-key-twelve_lead-paper-width {{ height: 0; margin-bottom: -1rem; }}
/* the metrics and the one or two reasons that mostly come with them, so that a table below stays under the pointer */
.st-key-styled-evidence {{ gap: .4rem; }}
.st-key-styled-evidence:has(.st-key-styled-evidence_figures) {{ min-height: 10.6rem; }}
@media (max-width: 1000px) {{
  .st-key-styled-evidence:has(.st-key-styled-evidence_figures) {{ min-height: 13rem; }} }}
/* the sentence, the bars and the verdict of their tests, so that what lies below stays when they come */
.st-key-styled-reasons {{ min-height: 23.4rem; }}
.st-key-styled-measures {{ flex-wrap: wrap; column-gap: 1.4rem; }}
.st-key-styled-measures [data-testid="stMetricValue"] {{ font-size: 1rem; }}
.stMain [data-testid="stPageLink-NavLink"] * {{ white-space: normal; }}
.st-key-styled-evidence [data-testid="stMetricValue"] {{ font-size: 1rem; }}
.st-key-styled-evidence_figures {{ column-gap: 1.4rem; }}
</style>"""


def apply() -> None:
    """Insert the CSS; in the sidebar, which is drawn first, and not by `st.html`, whose part of the frontend is fetched
    when a page asks for it: until then everything would stand elsewhere."""
    st.sidebar.markdown(_STYLE, unsafe_allow_html=True)


def theme() -> str:
    """Theme of the browser: "light" or "dark"."""
    return "dark" if st.context.theme.type == "dark" else "light"
