"""Tab that compares two networks on one recording: labels, lead weights, and maps."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import streamlit as st

from ecgviz.analysis.records import RecordAnalysis, label_words
from ecgviz.errors import EcgvizError
from ecgviz.saliency.records import record_methods
from models import Checkpoint
from pages.ecg.controls import Map
from pages.ecg.twelve_lead import answer, caching, keys, paper
from pages.ecg.twelve_lead.controls import default_method
from pages.ecg.twelve_lead.keys import scope
from pages.ecg.twelve_lead.paper import Sheet
from pages.parts import progress, shared_calls, sidebar, tables

_OTHER = "other labels"
WAIT_S = 2.0


def show(sheet: Sheet, checkpoint: Checkpoint, analysis: RecordAnalysis, drawn: Map | None, label: str) -> None:
    """Selection of the other checkpoint, and both results."""
    names = tables.dated(one for one in sidebar.usable_checkpoints("record") if one.name != checkpoint.name)
    if not names:
        st.info(
            "There is only one checkpoint for whole recordings; train another one to compare it with: "
            "python -m models train --help"
        )
        return
    name = st.selectbox(
        "Compare with", list(names), key=keys.OTHER, bind="query-params", width=320, help=tables.dates(names.values())
    )  # what is chosen stands in the link, so its name alone does
    try:
        other = sidebar.chosen_checkpoint(name, kind="record")
        call = shared_calls.watch(_OTHER, caching.analysis, sheet.opened, other, sheet.opened.key, other.sha256)
    except EcgvizError as error:
        st.error(str(error))
        return
    if not call.wait(WAIT_S):
        progress.bar(call, f"Analysing with {name}", scope("beside"))
        return
    if call.result is None:
        st.error(str(call.error or "The analysis was stopped."))
        shared_calls.forget(_OTHER)
        return
    _sentence(analysis, call.result)
    pair = ((checkpoint, analysis), (other, call.result))
    for place, (column, (one, found)) in enumerate(zip(st.columns(2, gap="medium"), pair, strict=True)):
        with column:
            st.markdown(f"## {one.name}")
            answer.show(found, key=scope("labels", "beside", place))
            _where(sheet, one, found, drawn, label, place)


def _sentence(first: RecordAnalysis, second: RecordAnalysis) -> None:
    """Agreement on the common labels."""
    shared = [name for name in first.answer.classes if name in second.answer.classes]
    if not shared:
        st.caption("The two networks know different labels.")
        return
    rows = []
    for name in shared:
        a, b = first.answer.classes.index(name), second.answer.classes.index(name)
        rows.append((name, first.answer.probability[a], second.answer.probability[b],
                     bool(first.answer.positive[a]) == bool(second.answer.positive[b])))  # fmt: skip
    differing = [name for name, _, _, same in rows if not same]
    words = ", ".join(label_words(name) for name in differing)
    st.markdown(f"They differ on **{words}**." if differing else "They say the same labels.")
    tables.dataframe(
        pd.DataFrame(
            {
                "Label": [label_words(row[0]) for row in rows],
                first.checkpoint: [row[1] for row in rows],
                second.checkpoint: [row[2] for row in rows],
                "Difference": [row[2] - row[1] for row in rows],
            }
        ),
        key=scope("beside_table"),
        hide_index=True,
        width="content",
        column_config={
            first.checkpoint: st.column_config.NumberColumn(format="%.2f"),
            second.checkpoint: st.column_config.NumberColumn(format="%.2f"),
            "Difference": st.column_config.NumberColumn(format="%+.2f"),
        },
    )


def _where(
    sheet: Sheet, checkpoint: Checkpoint, analysis: RecordAnalysis, drawn: Map | None, label: str, place: int
) -> None:
    """Paper with this network's map, and its lead weights."""
    if label not in checkpoint.card.classes:
        label = analysis.answer.classes[int(analysis.answer.probability.argmax())]
    method = drawn.method if drawn is not None else ""
    if method not in record_methods(checkpoint):
        method = default_method(checkpoint)
    asked = (sheet.opened.key, checkpoint.sha256, sheet.start_s, sheet.seconds, method)
    call = shared_calls.watch(f"map beside {place}", caching.explanation, sheet.opened, checkpoint, *asked)
    if not call.wait(WAIT_S):
        progress.caption(call, "Measuring where this network looked …")
        return
    if call.result is None:
        st.error(str(call.error or "The map was stopped."))
        return
    maps = call.result.maps
    own = replace(
        sheet,
        network_input=checkpoint.task.describe(),
        saliency=maps.of(label) if drawn is not None else None,
        vmax=maps.vmax,
        drawn_map=drawn,
    )
    paper.show(own, key=scope("paper", "beside", place))
    answer.show_weights(call.result.weights, label, key=scope("weights", "beside", place))
