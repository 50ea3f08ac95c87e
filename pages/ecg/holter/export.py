"""Exports: beats as CSV or WFDB annotations, rhythms as CSV, the strip as PNG or PDF.

The files are made when the popover is opened and belong to the page from then on. (Streamlit can also call for the
data after the click, but it drops such a file when two fragments rerun before the browser has fetched it.)
"""

from __future__ import annotations

import streamlit as st

from ecgviz.reports.annotations import wfdb_record_name
from ecgviz.reports.archive import annotations_zip
from ecgviz.reports.tables import beats_csv, episodes_csv
from models.checkpoints import STATEMENT
from pages.ecg.holter.keys import scope
from pages.ecg.holter.strip import Strip


def picker(strip: Strip) -> None:
    """Popover with the downloads."""
    popover = st.popover("Export", icon=":material/download:", key=scope("export"), on_change="rerun")
    if popover.open:
        with popover:
            _downloads(strip)


def _downloads(strip: Strip) -> None:
    recording, beats = strip.opened.recording, strip.beats
    stem = wfdb_record_name(recording.name)
    at = f"{stem}_{strip.start_s:.0f}s"
    nothing = beats is None or not len(beats)
    st.download_button(
        "Beats (CSV)", b"" if nothing else beats_csv(beats), f"{stem}_beats.csv", "text/csv", on_click="ignore",
        disabled=nothing, width="stretch", key=scope("csv"), icon=":material/table:",
    )  # fmt: skip
    if not nothing and beats.rhythm_classes:
        st.download_button(
            "Rhythms (CSV)", episodes_csv(beats), f"{stem}_rhythms.csv", "text/csv", on_click="ignore",
            width="stretch", key=scope("rhythms_csv"), icon=":material/table:",
        )  # fmt: skip
    st.download_button(
        "WFDB annotations (zip)", b"" if nothing else annotations_zip(beats, recording), f"{stem}_atr.zip",
        "application/zip", on_click="ignore", disabled=nothing, width="stretch", key=scope("atr"),
        icon=":material/label:", help="A .atr file that PhysioNet's tools read; unpack it beside the record's header.",
    )  # fmt: skip
    for file_format, mime in (("png", "image/png"), ("pdf", "application/pdf")):
        st.download_button(
            f"This strip ({file_format.upper()})", strip.file(file_format), f"{at}.{file_format}", mime,
            on_click="ignore", width="stretch", key=scope(file_format), icon=":material/image:",
            help="True to scale: printed at 100 %, a ruler measures 25 mm for a second at 25 mm/s.",
        )  # fmt: skip
    st.caption(STATEMENT)
