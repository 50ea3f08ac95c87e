"""Exports: labels as JSON, the sheet as PNG or PDF, made when the popover opens."""

from __future__ import annotations

import json

import streamlit as st

from ecgviz.analysis.records import RecordAnalysis
from ecgviz.reports.annotations import wfdb_record_name
from ecgviz.reports.records import record_document
from ecgviz.reports.resting_pdf import resting_pdf
from ecgviz.signals.resting import measure_resting
from models.checkpoints import STATEMENT
from pages.ecg.twelve_lead import earlier_tab
from pages.ecg.twelve_lead.keys import scope
from pages.ecg.twelve_lead.paper import Sheet


def show(sheet: Sheet, analysis: RecordAnalysis | None) -> None:
    """The downloads."""
    recording = sheet.opened.recording
    stem = wfdb_record_name(recording.name)
    document = "" if analysis is None else json.dumps(record_document(recording, analysis), indent=1)
    st.download_button(
        "Labels (JSON)", document, f"{stem}_labels.json", "application/json", on_click="ignore",
        disabled=analysis is None, width="stretch", key=scope("json"), icon=":material/data_object:",
    )  # fmt: skip
    call = earlier_tab.chosen()
    sheet_of_ten_s = resting_pdf(
        recording, measure_resting(recording, sheet.start_s), analysis, start_s=sheet.start_s,
        earlier=call.result if call is not None and call.done else None,
    )  # fmt: skip
    st.download_button(
        "Report (PDF)", sheet_of_ten_s, f"{stem}_report.pdf", "application/pdf", on_click="ignore", width="stretch",
        key=scope("report"), icon=":material/description:", help="A4: labels, intervals, axis, ST levels, ten seconds.",
    )  # fmt: skip
    for file_format, mime in (("png", "image/png"), ("pdf", "application/pdf")):
        st.download_button(
            f"This sheet ({file_format.upper()})", sheet.file(file_format), f"{stem}.{file_format}", mime,
            on_click="ignore", width="stretch", key=scope(file_format), icon=":material/image:",
            help="True to scale: printed at 100 %, a ruler measures 25 mm for a second at 25 mm/s.",
        )  # fmt: skip
    st.caption(STATEMENT)
