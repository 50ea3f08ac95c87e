"""Against the annotations: the beats of the page compared with the file's own as EC57 defines it."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from ecgviz.analysis.bench import annotation_marks, beat_marks
from ecgviz.results import Beats
from models.core.words import clock, counted
from models.metrics.ec57.beat_by_beat import ROWS, beat_pairs
from models.metrics.ec57.comparison import Comparison, compare, share, words
from models.metrics.ec57.marks import Protocol, beat_class
from pages.ecg.holter.keys import scope
from pages.parts import tables, view
from pages.parts.appearance import styled
from readers.recording import Recording

_LEARNING = {"the first 5 min": 300.0, "nothing": 0.0}
_MOST = 500
_SHORT_S = 600.0


def show(recording: Recording, beats: Beats) -> None:
    """The matrix, the shares, and the beats that are not alike."""
    if recording.annotations is None or not any(beat_class(symbol) for symbol in set(recording.annotations.symbol)):
        st.caption("The file has no annotated beats to compare with.")
        return
    left_out = st.segmented_control(
        "Left out", list(_LEARNING), default=list(_LEARNING)[int(recording.duration_s <= _SHORT_S)], required=True,
        key=scope("learning"), help="EC57 leaves out five minutes, in which an algorithm may learn the patient.",
    )  # fmt: skip
    protocol = Protocol(learning_s=_LEARNING[left_out])
    truth = annotation_marks(recording.annotations, recording.fs, recording.n_samples)
    test = beat_marks(beats, recording.n_samples)
    found = compare(recording.name, truth, test, protocol)
    with st.container(key=styled("comparison")):
        counts, differing = st.columns([3, 2], gap="large")
    with counts:
        _counts(found)
    with differing:
        _differing(recording, beats, [pair for pair in beat_pairs(truth, test, protocol) if pair[1] != pair[2]])
    st.caption(
        "As WFDB's bxb, rxr and epicmp compare (ANSI/AAMI EC57:2012): beats within 150 ms are a pair; O has none, "
        "X none where nothing could be read. Escape beats count as S. python -m ecgviz bench compares files."
    )


def _counts(found: Comparison) -> None:
    if found.paced:
        st.info("The reference has paced beats: EC57 leaves such a recording out of the figures over several.")
    rows = [row for i, row in enumerate(ROWS) if found.beats.matrix[i].any() or row in "NSVFQ"]
    tables.dataframe(
        pd.DataFrame(
            found.beats.matrix[[ROWS.index(row) for row in rows]], index=rows, columns=[c.lower() for c in ROWS]
        ),
        key=scope("matrix"),
        alt="Beats by class: rows the annotations, columns the network",
    )
    table: dict[str, dict[str, str]] = {}
    for name, value in found.scores.items():
        of_what, which = words(name)
        if value[1]:
            seconds = " s" if "duration" in name else ""
            table.setdefault(of_what, {})[which] = (
                f"{100 * share(*value):.2f}% ({value[0]:,.0f}/{value[1]:,.0f}{seconds})"
            )
    tables.dataframe(
        pd.DataFrame(table.values(), index=list(table)), key=scope("shares"), alt="Sensitivity and predictivity"
    )


def _differing(recording: Recording, beats: Beats, pairs: list[tuple[int, str, str]]) -> None:
    if not pairs:
        st.success("Every beat is as it is annotated.")
        return
    st.markdown(
        f"**{counted(len(pairs), 'beat')}** not as annotated{f'; the first {_MOST}' if len(pairs) > _MOST else ''}"
    )
    shown, hours = pairs[:_MOST], recording.duration_s >= 3600
    key = scope("differing", len(pairs))

    def chosen() -> None:
        rows = st.session_state[key].selection.rows
        if rows and rows[0] < len(shown):
            view.to_sample(recording, beats, shown[rows[0]][0])

    tables.dataframe(
        pd.DataFrame(
            {
                "Time": [clock(at / recording.fs, hours=hours, decimals=2) for at, _, _ in shown],
                "Annotated": [row for _, row, _ in shown],
                "Here": [column for _, _, column in shown],
            }
        ),
        key=key, on_select=chosen, selection_mode="single-row", hide_index=True, height=420,
    )  # fmt: skip
