"""View of a table of single beats: class of each row, and one row in detail."""

from __future__ import annotations

import numpy as np
import streamlit as st

from ecgviz.analysis.beat_rows import RowPredictions
from ecgviz.errors import EcgvizError
from ecgviz.figures.beat_marks import words_of
from ecgviz.figures.beat_row import beat_row_figure
from ecgviz.figures.curves import class_probability_bars
from ecgviz.figures.geometry import CLASS_WORDS
from ecgviz.figures.overlay import heat_scale, scale_title
from ecgviz.reports.beat_rows import agreement, confusion_table, row_table, rows_csv
from models import Checkpoint
from models.checkpoints import STATEMENT
from models.core.words import counted
from pages.ecg.holter.keys import scope
from pages.ecg.viewer import HeadPlaces
from pages.parts import appearance, caching, notices, progress, shared_calls, sidebar, tables
from pages.parts.appearance import styled
from pages.parts.caching import OpenedRows
from readers.arrays.beat_rows import FS

LONGEST = 1000
PATIENCE_S = 2.0
_CLASSES, _ORDER = scope("row_classes"), scope("row_order")
_ORDERS = {"table": "as in the table", "sure": "lowest confidence first", "other": "unlike the stated class first"}
_STATIC = {"displayModeBar": False, "staticPlot": True}


def show(head: HeadPlaces, title, opened: OpenedRows) -> None:
    """Contents for an open table of beats; ``title`` is the place of its name in the head."""
    with head.display:
        st.caption("A table of single beats has no paper; its map is switched on below the table.")
    rows = opened.rows
    title.markdown(f"# **{rows.name}** · {counted(len(rows), 'single beat')}")
    st.info(f"This is a table of beats: {rows.sentence}", icon=":material/table_rows:")
    sidebar.offer_networks("row")
    try:
        checkpoint = sidebar.chosen_checkpoint(kind="row")
    except EcgvizError as error:
        st.error(str(error))
        return
    call = shared_calls.watch(
        "rows", caching.row_predictions, rows, checkpoint, opened.key, checkpoint.sha256, lasting=True
    )
    if not call.wait(PATIENCE_S):
        progress.bar(call, "Classifying", scope("rows"))
        return
    if call.result is None:
        st.error(str(call.error or "The analysis was stopped."))
        st.button("Analyse again", on_click=shared_calls.forget, args=("rows",), key=scope("again"))
        return
    if head.export.open:
        with head.export:
            _export(call.result)
    _predictions(call.result, checkpoint, opened)


def _predictions(predictions: RowPredictions, checkpoint: Checkpoint, opened: OpenedRows) -> None:
    notices.show(predictions.warnings)
    with st.container(horizontal=True, key=styled("metrics")):
        total = int(predictions.answered.sum())
        st.metric("Rows classified", f"{total:,}", width="content")
        for letter, count in predictions.counts.items():
            share = f" ({tables.percent(count / total)})" if total else ""
            st.metric(f"{letter}: {CLASS_WORDS.get(letter, letter)}", f"{count:,}{share}", width="content")
    chosen = _table(predictions)
    with st.container(horizontal=True, key=styled("viewer")):
        paper, panel = st.container(key=styled("paper")), st.container(key=styled("panel"), width=appearance.PANEL_PX)
    with panel:
        _this_row(predictions, chosen)
    with paper:
        _row(predictions, checkpoint, opened, chosen)
    if (table := confusion_table(predictions)) is not None:
        st.markdown(f"**Stated by the table (rows) and answered (columns)**: {agreement(predictions)}")
        tables.dataframe(table, width="content")
    limits = "\n".join(f"- {sentence}" for sentence in checkpoint.card.limits)
    st.caption(f"Classified by {predictions.checkpoint} on {predictions.device}. {STATEMENT} The network:\n\n{limits}")


def _export(predictions: RowPredictions) -> None:
    st.download_button(
        "Rows (CSV)", rows_csv(predictions), f"{predictions.rows.name}_classes.csv", "text/csv",
        on_click="ignore", icon=":material/table:", key=scope("rows_csv"),
    )  # fmt: skip


def _table(predictions: RowPredictions) -> int:
    """Filter and table; returns the selected row, by default the first one shown."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        present = [name for name, count in predictions.counts.items() if count]
        letters = st.pills(
            "Classes", present, selection_mode="multi", default=present, key=_CLASSES, format_func=words_of
        )
        orders = [order for order in _ORDERS if order != "other" or predictions.stated is not None]
        order = st.segmented_control(
            "Order", orders, format_func=_ORDERS.get, default="table", required=True, key=_ORDER
        )
    found = np.flatnonzero(np.isin(predictions.label, letters))
    if order == "sure":
        found = found[np.argsort(predictions.confidence[found], kind="stable")]
    elif order == "other":
        found = found[np.argsort(predictions.stated[found] == predictions.label[found], kind="stable")]
    if not len(found):
        st.caption("No row of these classes.")
        return 0
    if len(found) > LONGEST:
        st.caption(f"The first {LONGEST:,} of {len(found):,} rows; the CSV has all of them.")
    shown = found[:LONGEST]
    event = tables.dataframe(
        row_table(predictions).iloc[shown],
        key=scope("row_table", order, *letters),
        on_select="rerun",
        selection_mode="single-row",
        hide_index=True,
        height=260,
        column_order=["row", "label", "stated", "probability"],
        column_config={
            "row": st.column_config.NumberColumn("Row", format="localized", width="small"),
            "label": st.column_config.TextColumn("Class", width="small"),
            "stated": st.column_config.TextColumn("Stated by the table", width="small"),
            "probability": st.column_config.ProgressColumn("Probability", min_value=0, max_value=1, format="%.2f"),
        },
    )
    selected = event.selection.rows
    return int(shown[selected[0]]) if selected and selected[0] < len(shown) else int(shown[0])


def _this_row(predictions: RowPredictions, row: int) -> None:
    """Predicted and stated class of a row."""
    st.markdown(f"**Row {row + 1:,}**")
    if not predictions.answered[row]:
        st.caption("It has no answer.")
        return
    stated = "" if predictions.stated is None else f"  \nthe table states **{predictions.stated[row] or 'no class'}**"
    st.markdown(f"## {words_of(predictions.label[row])}  \n probability **{predictions.confidence[row]:.2f}**{stated}")
    st.plotly_chart(
        class_probability_bars(predictions.prob[row], predictions.classes, theme=appearance.theme()),
        key=scope("bars"), theme=None, config=_STATIC, alt="Probability of each class of this row",
    )  # fmt: skip


def _row(predictions: RowPredictions, checkpoint: Checkpoint, opened: OpenedRows, row: int) -> None:
    """Samples of a row, optionally with its saliency map."""
    saliency = None
    if st.toggle("Show where the network looked", key=scope("row_map")) and predictions.answered[row]:
        call = shared_calls.watch("map", caching.row_map, predictions, checkpoint, opened.key, checkpoint.sha256, row)
        if not call.wait(PATIENCE_S):
            progress.caption(call, "Measuring where the network looked …")
        elif call.result is None:
            st.error(str(call.error or "The map was stopped."))
        saliency = call.result
    st.plotly_chart(
        beat_row_figure(opened.rows.rows[row], FS, predictions.label[row], saliency, theme=appearance.theme()),
        key=scope("row"), theme=None, config={"displayModeBar": False},
        alt=f"Row {row + 1} of the table: {opened.rows.rows.shape[1]} samples from the R peak on",
    )  # fmt: skip
    if saliency is not None:
        st.caption(scale_title(saliency, heat_scale(saliency, None)).replace("\n", "; ") + ". Not tested.")
