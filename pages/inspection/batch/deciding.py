"""Decisions in a batch: about the part on show and on to the next, about those that are marked, about the whole."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from ecgviz.analysis.dispositions import Decisions, Final, final_batch
from pages.inspection import override
from pages.inspection.batch import filmstrip, table
from pages.inspection.batch.keys import scope
from pages.inspection.batch.table import Chosen
from pages.inspection.verdict import COLOURS


def after(chosen: Chosen, rows: Sequence[Final]) -> Callable[[], None]:
    """What follows a decision about the part on show: the next row, which is named, so that a callback that comes
    twice goes on once."""
    following = chosen.following

    def go_on() -> None:
        if following:
            table.go_to(following, rows)

    return go_on


def marked(chosen: Chosen) -> None:
    """Buttons for the marked parts, where there are any."""
    found = [one.network for one in chosen.marked if one.network.sha256]
    if found:
        override.many(found, filmstrip.clear)


def whole(name: str, finals: Sequence[Final], decisions: Decisions) -> DeltaGenerator:
    """The verdict on the whole batch, and its override; returns a row for more."""
    found = final_batch(name, finals, decisions)
    row = st.container(horizontal=True, vertical_alignment="center", gap="small", key=scope("whole"))
    if found is None:
        return row
    with row:
        own = found.decision
        by = "the gravest of its parts" if own is None else f"decided by **{own.who}**: {own.reason}"
        st.markdown(f"Whole batch: :{COLOURS[found.verdict]}-badge[{found.verdict}] {by}", width="content")
        override.by()
        with st.popover("Override the batch", icon=":material/gavel:", key=scope("whole_override")):
            st.caption("Decides about the batch and changes none of its parts.")
            override.buttons(found, "batch", short=False)
    return row
