"""Exports: beats as CSV or WFDB annotations, rhythms as CSV, the strip as PNG or PDF.

The files are made when the popover is opened and belong to the page from then on. (Streamlit can also call for the
data after the click, but it drops such a file when two fragments rerun before the browser has fetched it.)
"""

from __future__ import annotations

import json
from urllib.parse import urlsplit

import streamlit as st

from ecgviz.reports.annotations import wfdb_record_name
from ecgviz.reports.archive import annotations_zip
from ecgviz.reports.holter import edits_of
from ecgviz.reports.holter_tables import report_csv, report_document
from ecgviz.reports.links import Links
from ecgviz.reports.review import review_json
from ecgviz.reports.tables import beats_csv, episodes_csv
from models.checkpoints import STATEMENT
from pages.ecg.holter.keys import scope
from pages.ecg.holter.measures import MadeReport, report_made
from pages.ecg.holter.reviewing import Reviewing
from pages.ecg.holter.strip import Strip
from pages.navigation import HOLTER
from pages.parts import keys, progress, shared_calls
from pages.parts.caching import Analysis

_WANTED = scope("report_wanted")


def show(strip: Strip, analysis: Analysis | None, reviewed: Reviewing | None = None) -> None:
    """The downloads; of a recording that was reviewed, the edited beats and the network's own."""
    _report(strip, analysis, reviewed)
    _downloads(strip, reviewed if reviewed is not None and reviewed.state.events else None)


def _report(strip: Strip, analysis: Analysis | None, reviewed: Reviewing | None) -> None:
    """The Holter report: made on request, since it takes seconds, then offered for download."""
    state, opened, checkpoint = st.session_state, strip.opened, strip.checkpoint
    mark = analysis.mark if analysis is not None else ""
    asked = state.get(_WANTED) == (opened.key, checkpoint.sha256, mark)
    if analysis is None or not asked:
        st.button(
            "Make the Holter report", icon=":material/clinical_notes:", width="stretch", key=scope("report"),
            disabled=analysis is None or not len(analysis.beats), help="A4 as PDF, and its numbers as JSON and CSV.",
            on_click=_want_report, args=((opened.key, checkpoint.sha256, mark),),
        )  # fmt: skip
        return
    edits = edits_of(reviewed.state, opened.recording.duration_s) if reviewed is not None else ()
    links = Links(_base_url(), state.get(keys.RECORD) or "", checkpoint.name)
    key = f"{opened.key} {checkpoint.sha256} {mark}"
    call = shared_calls.watch("report", report_made, opened, checkpoint, analysis, edits, key, links)
    if not call.wait(0.5):
        progress.bar(call, "Report", scope("report_bar"))
        return
    if call.result is None:
        st.error(str(call.error or "The report was stopped."))
        state.pop(_WANTED, None)
        shared_calls.forget("report")
        return
    made: MadeReport = call.result
    stem = f"{wfdb_record_name(opened.recording.name)}_report"
    document = json.dumps(report_document(made.report), indent=1) + "\n"
    for kind, content, mime in (
        ("pdf", made.pdf, "application/pdf"),
        ("json", document, "application/json"),
        ("csv", report_csv(made.report), "text/csv"),
    ):
        st.download_button(
            f"Holter report ({kind.upper()})", content, f"{stem}.{kind}", mime, on_click="ignore", width="stretch",
            key=scope("report", kind), icon=":material/clinical_notes:",
        )  # fmt: skip


def _want_report(of: tuple[str, str, str]) -> None:
    """Make the report of this recording, network and analysis."""
    st.session_state[_WANTED] = of


def _base_url() -> str:
    """Address of this dashboard in the browser; empty if unknown."""
    parts = urlsplit(st.context.url or "")
    path = parts.path.rstrip("/").removesuffix(f"/{HOLTER.url_path}")
    return f"{parts.scheme}://{parts.netloc}{path}" if parts.netloc else ""


def _downloads(strip: Strip, reviewed: Reviewing | None) -> None:
    recording, beats = strip.opened.recording, strip.beats
    stem = wfdb_record_name(recording.name)
    at = f"{stem}_{strip.start_s:.0f}s"
    nothing = beats is None or not len(beats)
    original = None if reviewed is None else reviewed.network.beats
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
        "WFDB annotations (zip)", b"" if nothing else annotations_zip(beats, recording, original), f"{stem}_atr.zip",
        "application/zip", on_click="ignore", disabled=nothing, width="stretch", key=scope("atr"),
        icon=":material/label:",
        help="A .atr file that PhysioNet's tools read; unpack it beside the record's header. Of a reviewed recording "
        "it has the edited beats, and a .net file the network's own.",
    )  # fmt: skip
    if reviewed is not None:
        st.download_button(
            "Review with its log (JSON)", review_json(recording, reviewed.state, reviewed.checkpoint.sha256),
            f"{stem}_review.json", "application/json", on_click="ignore", width="stretch", key=scope("review_json"),
            icon=":material/history_edu:",
        )  # fmt: skip
    for file_format, mime in (("png", "image/png"), ("pdf", "application/pdf")):
        st.download_button(
            f"This strip ({file_format.upper()})", strip.file(file_format), f"{at}.{file_format}", mime,
            on_click="ignore", width="stretch", key=scope(file_format), icon=":material/image:",
            help="True to scale: printed at 100 %, a ruler measures 25 mm for a second at 25 mm/s.",
        )  # fmt: skip
    st.caption(STATEMENT)
