"""Tab with the table of beats; selecting a row moves the view."""

from __future__ import annotations

import streamlit as st

from ecgviz.figures.geometry import CLASS_WORDS
from ecgviz.reports.beat_list import BeatList, list_beats
from ecgviz.results import Beats
from models.core.words import clock, counted
from pages.ecg.holter.drawn import while_drawn
from pages.ecg.holter.keys import scope
from pages.parts import tables, view
from pages.parts.caching import Analysis
from readers.recording import Recording

_ORDER = scope("beat_order")
_ORDERS = {"time": "in time order", "sure": "lowest confidence first"}


def show(recording: Recording, analysis: Analysis) -> None:
    """Filter and table."""
    beats = analysis.beats
    with st.container(horizontal=True, vertical_alignment="bottom"):
        present = [letter for letter in beats.classes if analysis.summary.counts[letter]]
        default = [letter for letter in present if letter != "N"] or present
        # Each set of classes has pills of its own: one that another network or recording lacks would come up unpressed.
        letters = st.pills(
            "Classes", present, selection_mode="multi", default=default, key=scope("beat_classes", *present),
            format_func=lambda letter: f"{CLASS_WORDS.get(letter, letter)} ({letter})",
        )  # fmt: skip
        order = st.segmented_control(
            "Order", list(_ORDERS), format_func=_ORDERS.get, default="time", required=True, key=_ORDER
        )
    rows = list_beats(beats, letters, by=order or "time", around_s=view.start(recording))
    if rows.total > len(rows.table):
        st.caption(f"{len(rows.table):,} of {counted(rows.total, 'beat')}, near the view; Export gives all of them.")
    elif not rows.total:
        st.caption("No beat of these classes.")
        return
    hours = recording.duration_s >= 3600
    tables.dataframe(
        rows.table.assign(time=[clock(t, hours=hours, decimals=2) for t in rows.table["time_s"]]),
        key=(key := scope("beat_table", rows.token)),
        on_select=while_drawn("beat_table", key, lambda: _chosen(recording, beats, rows)),
        selection_mode="single-row",
        hide_index=True,
        height=320,
        column_order=["beat", "time", "label", "edit", "probability", "entropy", "rr_before_ms", "rr_after_ms"],
        column_config={
            "beat": st.column_config.NumberColumn("Beat", format="localized", width="small"),
            "time": st.column_config.TextColumn("Time", width="small"),
            "label": st.column_config.TextColumn("Class", width="small"),
            "edit": st.column_config.TextColumn("By a person", width="small"),
            "probability": st.column_config.ProgressColumn("Probability", min_value=0, max_value=1, format="%.2f"),
            "entropy": st.column_config.NumberColumn("Entropy, bit", format="%.2f", width="small"),
            "rr_before_ms": st.column_config.NumberColumn("RR before, ms", format="%.0f"),
            "rr_after_ms": st.column_config.NumberColumn("RR after, ms", format="%.0f"),
        },
    )


def _chosen(recording: Recording, beats: Beats, rows: BeatList) -> None:
    selected = st.session_state[scope("beat_table", rows.token)].selection.rows
    if selected and selected[0] < len(rows.table):
        view.to_beat(recording, beats, int(rows.table["beat"].iloc[selected[0]]) - 1)
