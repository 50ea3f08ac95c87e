# ruff: noqa: ARG001 - an argument that a kept function does not read is a part of its key
"""Exports of a scan: verdict as CSV, slice as annotated PNG, PDF report."""

from __future__ import annotations

import re
from dataclasses import replace

import streamlit as st

from ecgviz.analysis.overrides import read_overrides
from ecgviz.figures.picture_layers import annotated
from ecgviz.reports.inspection import caption, verdicts_csv
from ecgviz.reports.inspection_pdf import inspection_pdf
from ecgviz.results import Verdict
from models import Checkpoint
from models.checkpoints import STATEMENT
from models.core.callbacks import Progress, ShouldStop
from models.evaluation.operating_point import OperatingPoint
from pages.inspection import caching
from pages.inspection.caching import Scored
from pages.inspection.picture import Shown
from pages.inspection.scan.keys import scope
from pages.parts import progress
from pages.parts.background_call import BackgroundCall

PATIENCE_S = 0.3


def picker(shown: Shown, scored: Scored | None, verdict: Verdict | None, checkpoint: Checkpoint, point) -> None:
    """Popover with the downloads, which are made when it opens."""
    popover = st.popover("Export", icon=":material/download:", key=scope("picture_export"), on_change="rerun")
    if popover.open:
        with popover:
            if verdict is None or scored is None:
                st.caption("There is something to take away when the slices are scored.")
            else:
                _downloads(shown, scored, verdict, checkpoint, point)
            st.caption(STATEMENT)


def _downloads(shown: Shown, scored: Scored, verdict: Verdict, checkpoint: Checkpoint, point: OperatingPoint) -> None:
    stem = re.sub(r"[^\w.-]+", "_", shown.stack.name)[:80] or "picture"
    place = f"_slice{shown.index + 1}" if shown.stack.n_slices > 1 else ""
    st.download_button(
        "Verdict (CSV)", verdicts_csv([verdict]), f"{stem}_verdict.csv", "text/csv", on_click="ignore",
        width="stretch", key=scope("verdict_csv"), icon=":material/table:",
    )  # fmt: skip
    st.download_button(
        "This slice with its map (PNG)" if place else "The picture with its map (PNG)",
        png(shown, scored, verdict), f"{stem}{place}.png", "image/png", on_click="ignore", width="stretch",
        key=scope("slice_png"), icon=":material/image:",
    )  # fmt: skip
    call = _report(verdict, checkpoint, point, f"{shown.opened.key}{checkpoint.sha256}{point.version}", _decided())
    if not call.wait(PATIENCE_S):
        progress.caption(call, "Making the report …")
    elif call.result is None:
        st.error(str(call.error or "The report was stopped."))
    else:
        st.download_button(
            "Report (PDF)", call.result, f"{stem}_report.pdf", "application/pdf", on_click="ignore", width="stretch",
            key=scope("report_pdf"), icon=":material/picture_as_pdf:",
        )  # fmt: skip


def png(shown: Shown, scored: Scored, verdict: Verdict) -> bytes:
    """The current slice with its map and two caption lines."""
    own = verdict
    if shown.stack.n_slices > 1:
        own = replace(verdict, file=str(shown.opened.path))
    lines = list(caption(own))
    if shown.stack.n_slices > 1:
        lines.insert(1, f"shown: slice {shown.index + 1}, probability {scored.scores[shown.index]:.3f}")
    return annotated(shown.grey(), lines, **shown.map_arguments())


def _decided() -> int:
    return len(read_overrides())


@st.cache_resource(max_entries=8, show_spinner=False)
def _report(
    _verdict: Verdict, _checkpoint: Checkpoint, _point: OperatingPoint, key: str, decided: int
) -> BackgroundCall:
    def compute(tell: Progress, should_stop: ShouldStop) -> bytes:
        return inspection_pdf([_verdict], _checkpoint, _point, overrides=read_overrides(), rule=caching.RULE)

    return BackgroundCall(compute)
