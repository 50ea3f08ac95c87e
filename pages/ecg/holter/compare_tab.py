"""Tab that compares two checkpoints on one recording, beat by beat."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from ecgviz.analysis.compare import Comparison
from ecgviz.errors import EcgvizError
from models import Checkpoint
from models.core.words import clock
from pages.ecg.holter.drawn import while_drawn
from pages.ecg.holter.keys import OTHER, scope
from pages.parts import caching, progress, shared_calls, sidebar, tables, view
from pages.parts.appearance import styled
from pages.parts.caching import Analysis, Opened
from readers.recording import Recording

_OTHER = "other analysis"
_LONGEST = 1000


def show(opened: Opened, checkpoint: Checkpoint, analysis: Analysis, lead: str | None, positions: str) -> None:
    """Selection of the other checkpoint, counts, and links to differing beats."""
    names = tables.dated(one for one in sidebar.usable_checkpoints() if one.name != checkpoint.name)
    if not names:
        st.info("There is only one checkpoint; train another one to compare it with: python -m models train --help")
        return
    name = st.selectbox(
        "Compare with", list(names), key=OTHER, bind="query-params", width=320, help=tables.dates(names.values())
    )  # what is chosen stands in the link, so its name alone does
    try:
        other = sidebar.chosen_checkpoint(name)
        call = shared_calls.watch(_OTHER, caching.analysis, opened, other, opened.key, other.sha256, lead, positions)
    except EcgvizError as error:
        st.error(str(error))
        return
    if not call.wait(2.0):
        progress.bar(call, f"Analysing with {name}", scope("compare"))
        return
    if call.error is not None:
        st.error(str(call.error))
        shared_calls.forget(_OTHER)
        return
    if call.cancelled:
        # It holds the beats up to there; to count the others as beats that this network did not find would be wrong.
        st.info(f"The analysis with {name} was stopped before its end.")
        st.button("Analyse again", on_click=shared_calls.forget, args=(_OTHER,), key=scope("again_other"))
        return
    try:
        found = caching.comparison(
            analysis.beats,
            call.result.beats,
            f"{opened.key} {checkpoint.sha256} {analysis.mark}",
            f"{other.sha256} {call.result.mark}",
        )
    except ValueError as error:
        st.error(str(error))
        return
    _draw(opened.recording, found)


def _draw(recording: Recording, found: Comparison) -> None:
    first, second, differing = found.first, found.second, found.differing
    with st.container(key=styled("comparison")):
        counts, table = st.columns([2, 3], gap="large")
    with counts:
        st.markdown(
            f"**{found.agreement:.1%}** of {len(found.pairs):,} beats have the same class; "
            f"**{len(differing):,}** differ."
        )
        tables.dataframe(
            pd.DataFrame(
                found.counts,
                index=[f"{c} by {first.checkpoint}" for c in first.classes],
                columns=[f"{c}" for c in second.classes],
            ),
            key=scope("counts"),
            alt=f"Beats by class: rows {first.checkpoint}, columns {second.checkpoint}",
        )
        st.caption(f"Rows: {first.checkpoint}. Columns: {second.checkpoint}.")
        lone = len(found.only_first), len(found.only_second)
        if any(lone):
            st.caption(f"Found by the first alone: {lone[0]:,}, by the second alone: {lone[1]:,}.")
    # A chosen row is one of this comparison; kept for another it would mark a beat that nobody chose.
    key = scope("difference_table", first.checkpoint, second.checkpoint)
    with table:
        if not len(differing):
            st.success("No beat on which they differ.")
            return
        shown = differing[:_LONGEST]
        hours = recording.duration_s >= 3600
        tables.dataframe(
            pd.DataFrame(
                {
                    "beat": shown[:, 0] + 1,
                    "time": [clock(t, hours=hours, decimals=2) for t in first.time_s[shown[:, 0]]],
                    "first": first.label[shown[:, 0]],
                    "first_prob": first.confidence[shown[:, 0]].astype(float),
                    "second": second.label[shown[:, 1]],
                    "second_prob": second.confidence[shown[:, 1]].astype(float),
                }
            ),
            key=key,
            on_select=while_drawn("difference_table", key, lambda: _chosen(recording, found, key)),
            selection_mode="single-row",
            hide_index=True,
            height=320,
            column_config={
                "beat": st.column_config.NumberColumn("Beat", format="localized", width="small"),
                "time": st.column_config.TextColumn("Time", width="small"),
                "first": st.column_config.TextColumn(first.checkpoint),
                "first_prob": st.column_config.NumberColumn("Probability", format="%.2f"),
                "second": st.column_config.TextColumn(second.checkpoint),
                "second_prob": st.column_config.NumberColumn("Probability", format="%.2f"),
            },
        )


def _chosen(recording: Recording, found: Comparison, key: str) -> None:
    rows = st.session_state[key].selection.rows
    if rows and rows[0] < len(found.differing):
        view.to_beat(recording, found.first, int(found.differing[rows[0], 0]))
