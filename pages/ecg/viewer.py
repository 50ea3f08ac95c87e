"""Layout shared by both pages of recordings; all containers are reserved before anything is computed.

Below the head: the summary in one line, warnings, navigation; then a column with the paper, its controls and the lists,
and beside it the panel. The paper stays visible while the lists below it scroll, so the effect of a click on a row is
seen (`pages/parts/appearance.py` has the CSS rules; a script here sets the height of the paper).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.ecg.keys import scope
from pages.parts import appearance
from pages.parts.appearance import styled

_SCRIPT = """
const root = document.documentElement;
export default function () {
  const paper = document.querySelector(".st-key-styled-column > * > .st-key-styled-paper, .st-key-styled-paper");
  if (!paper) return;
  const tell = () => root.style.setProperty("--paper-height", `${Math.round(paper.offsetHeight)}px`);
  const watcher = new ResizeObserver(tell);
  watcher.observe(paper);
  tell();
  return () => watcher.disconnect();
}
"""
_height = st.components.v2.component("ecgviz_paper_height", html="<span></span>", js=_SCRIPT)


@dataclass(frozen=True)
class HeadPlaces:
    """Of the row at the top, behind title and Open."""

    display: DeltaGenerator
    other_page: DeltaGenerator
    export: Any
    help: DeltaGenerator


@dataclass(frozen=True)
class Places:
    """Of everything below the head, in the order of reading."""

    summary: DeltaGenerator
    told: DeltaGenerator
    moves: DeltaGenerator
    paper: DeltaGenerator
    overview: DeltaGenerator
    verdict: DeltaGenerator
    lists: DeltaGenerator
    panel: DeltaGenerator


def head_places(row: DeltaGenerator) -> HeadPlaces:
    """Containers in the head row; "Display" holds the settings that are rarely changed."""
    with row:
        display = st.popover(
            "Display", icon=":material/tune:", key=scope("display"), help="Paper, map, and what is read: set once"
        )
        other_page = st.container(width="content")
        # Its content is created when it is opened, its container at the start.
        export = st.popover("Export", icon=":material/download:", key=scope("export"), on_change="rerun")
        return HeadPlaces(display, other_page, export, st.container(width="content"))


def places() -> Places:
    """Containers of a viewer."""
    summary = st.container(horizontal=True, key=styled("summary"))
    told = st.container(key=styled("told"))
    moves = st.container(horizontal=True, gap="xsmall", vertical_alignment="center", key=styled("moves"))
    with st.container(horizontal=True, key=styled("viewer")):
        with st.container(key=styled("column")):
            paper = st.container(key=styled("paper"))
            overview, verdict = st.container(), st.container(key=styled("explained"))
            lists = st.container(key=styled("lists"))
        panel = st.container(key=styled("panel"), width=appearance.PANEL_PX)
    _height(key=scope("paper_height"), height=1)
    return Places(summary, told, moves, paper, overview, verdict, lists, panel)
