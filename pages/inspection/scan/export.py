# ruff: noqa: ARG001 - an argument that a kept function does not read is a part of its key
"""Exports of a scan: verdict as CSV, slice as annotated PNG, PDF report."""

from __future__ import annotations

import re
from dataclasses import replace

import streamlit as st

from ecgviz.analysis.dispositions import Decisions, Final, Override
from ecgviz.figures.picture_layers import annotated
from ecgviz.reports.inspection import caption, verdicts_csv, verdicts_json
from ecgviz.reports.inspection_pdf import inspection_pdf
from ecgviz.results import Verdict
from models import Checkpoint
from models.checkpoints import INSPECTION_STATEMENT
from models.core.callbacks import Progress, ShouldStop
from models.evaluation.operating_point import OperatingPoint
from pages.inspection import caching, report_head
from pages.inspection.caching import Scored
from pages.inspection.picture import Shown
from pages.inspection.scan.keys import scope
from pages.parts import progress
from pages.parts.background_call import BackgroundCall

PATIENCE_S = 0.3


def picker(
    shown: Shown,
    scored: Scored | None,
    final: Final | None,
    checkpoint: Checkpoint,
    point: OperatingPoint,
    log: tuple[Override, ...],
) -> None:
    """Popover with the downloads, which are made when it opens."""
    popover = st.popover("Export", icon=":material/download:", key=scope("picture_export"), on_change="rerun")
    if popover.open:
        with popover:
            if final is None or scored is None:
                st.caption("There is something to take away when the slices are scored.")
            else:
                _downloads(shown, scored, final, checkpoint, point, log)
            st.caption(INSPECTION_STATEMENT)


def _downloads(
    shown: Shown,
    scored: Scored,
    final: Final,
    checkpoint: Checkpoint,
    point: OperatingPoint,
    log: tuple[Override, ...],
) -> None:
    verdict, decisions = final.network, Decisions(log, caching.RULE)
    head = report_head.fields(shown.stack.name)
    stem = re.sub(r"[^\w.-]+", "_", shown.stack.name)[:80] or "picture"
    place = f"_slice{shown.index + 1}" if shown.stack.n_slices > 1 else ""
    for label, content, ending, mime, icon in (
        ("Verdict (CSV)", verdicts_csv([verdict], decisions=decisions), "csv", "text/csv", ":material/table:"),
        ("Verdict (JSON)", verdicts_json(head.name, [verdict], decisions=decisions), "json", "application/json",
         ":material/data_object:"),
    ):  # fmt: skip
        st.download_button(
            label, content, f"{stem}_verdict.{ending}", mime, on_click="ignore", width="stretch",
            key=scope(f"verdict_{ending}"), icon=icon,
        )  # fmt: skip
    st.download_button(
        "This slice with its map (PNG)" if place else "The picture with its map (PNG)",
        png(shown, scored, final), f"{stem}{place}.png", "image/png", on_click="ignore", width="stretch",
        key=scope("slice_png"), icon=":material/image:",
    )  # fmt: skip
    key = f"{shown.opened.key}{checkpoint.sha256}{point.version}{len(log)}{head}"
    call = _report(verdict, checkpoint, point, log, head, key)
    if not call.wait(PATIENCE_S):
        progress.caption(call, "Making the report …")
    elif call.result is None:
        st.error(str(call.error or "The report was stopped."))
    else:
        st.download_button(
            "Report (PDF)", call.result, f"{stem}_report.pdf", "application/pdf", on_click="ignore", width="stretch",
            key=scope("report_pdf"), icon=":material/picture_as_pdf:",
        )  # fmt: skip


def png(shown: Shown, scored: Scored, final: Final) -> bytes:
    """The current slice with its map and caption lines."""
    several = shown.stack.n_slices > 1
    own = replace(final, network=replace(final.network, file=str(shown.opened.path))) if several else final
    lines = list(caption(own))
    if several:
        lines.insert(1, f"shown: slice {shown.index + 1}, probability {scored.scores[shown.index]:.3f}")
    return annotated(shown.grey(), lines, **shown.map_arguments())


@st.cache_resource(max_entries=8, show_spinner=False)
def _report(
    _verdict: Verdict,
    _checkpoint: Checkpoint,
    _point: OperatingPoint,
    _log: tuple[Override, ...],
    _head: report_head.Head,
    key: str,
) -> BackgroundCall:
    def compute(tell: Progress, should_stop: ShouldStop) -> bytes:
        return inspection_pdf([_verdict], _checkpoint, _point, overrides=_log, rule=caching.RULE, head=_head)

    return BackgroundCall(compute)
