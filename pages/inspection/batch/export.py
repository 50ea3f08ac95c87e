# ruff: noqa: ARG001 - an argument that a kept function does not read is a part of its key
"""Exports of a batch: table as CSV, annotated pictures in a zip, PDF report."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import asdict, fields

import streamlit as st

from ecgviz.analysis.overrides import Override, read_overrides
from ecgviz.reports.inspection import annotated_pictures, pictures_zip, verdicts_csv
from ecgviz.reports.inspection_pdf import inspection_pdf
from ecgviz.results import Verdict
from models import Checkpoint
from models.checkpoints import STATEMENT
from models.core.callbacks import Progress, ShouldStop
from models.evaluation.operating_point import OperatingPoint
from pages.inspection.batch.keys import scope
from pages.inspection.batch.sources import Source
from pages.inspection.batch.table import Decisions
from pages.inspection.caching import RULE
from pages.parts import progress
from pages.parts.background_call import BackgroundCall
from readers.images.listing import Aside

MOST_PICTURES = 200
_ASKED = scope("export_asked")


def picker(
    source: Source, verdicts: Sequence[Verdict], decided: Decisions, checkpoint: Checkpoint, point: OperatingPoint
) -> None:
    """Popover with the downloads; pictures and report are made on request."""
    popover = st.popover(
        "Export", icon=":material/download:", key=scope("export"), on_change="rerun", disabled=not verdicts
    )
    if not popover.open or not verdicts:
        return
    stem = re.sub(r"[^\w.-]+", "_", source.name)[:80] or "batch"
    with popover:
        st.download_button(
            "Verdicts (CSV)", verdicts_csv(verdicts, source.aside), f"{stem}_verdicts.csv", "text/csv",
            on_click="ignore", width="stretch", key=scope("csv"), icon=":material/table:",
        )  # fmt: skip
        here = [found for one in verdicts if (found := decided.get((one.sha256, one.checkpoint_sha256)))]
        if here:
            st.download_button(
                "Decisions of people (CSV)", _decisions_csv(here), f"{stem}_decisions.csv", "text/csv",
                on_click="ignore", width="stretch", key=scope("decisions"), icon=":material/gavel:",
            )  # fmt: skip
        most = st.number_input(
            "Pictures in the zip, worst first", 1, MOST_PICTURES, min(24, MOST_PICTURES), key=scope("most")
        )
        whole = f"{source.key}{checkpoint.sha256}{point.version}{len(verdicts)}"
        worst = tuple(verdicts[:most])
        _made("zip", "Pictures with maps (zip)", f"{stem}_pictures.zip", "application/zip",
              lambda: _zip(worst, checkpoint, f"{whole}{most}"))  # fmt: skip
        _made("pdf", "Report (PDF)", f"{stem}_report.pdf", "application/pdf",
              lambda: _pdf(tuple(verdicts), checkpoint, point, source.aside,
                           f"{whole}{len(read_overrides())}"))  # fmt: skip
        st.caption(STATEMENT)


def _made(kind: str, label: str, file: str, mime: str, start) -> None:
    """Button that starts the work, its progress bar, then the download."""
    asked = st.session_state.setdefault(_ASKED, set())
    if kind not in asked:
        st.button(
            f"Make: {label}", key=scope("make", kind), on_click=asked.add, args=(kind,), width="stretch",
            icon=":material/hourglass_empty:",
        )  # fmt: skip
        return
    call: BackgroundCall = start()
    if not call.done:
        progress.bar(call, label, scope(kind))
    elif call.result is None:
        asked.discard(kind)
        st.error(str(call.error or "It was stopped."))
    else:
        st.download_button(
            label, call.result, file, mime, on_click="ignore", width="stretch", key=scope(kind),
            icon=":material/download:",
        )  # fmt: skip


@st.cache_resource(max_entries=4, show_spinner=False)
def _zip(_worst: tuple[Verdict, ...], _checkpoint: Checkpoint, key: str) -> BackgroundCall:
    def compute(tell: Progress, should_stop: ShouldStop) -> bytes | None:
        found = pictures_zip(annotated_pictures(_worst, _checkpoint, progress=tell, should_stop=should_stop))
        return None if should_stop() else found

    return BackgroundCall(compute)


@st.cache_resource(max_entries=4, show_spinner=False)
def _pdf(
    _verdicts: tuple[Verdict, ...], _checkpoint: Checkpoint, _point: OperatingPoint, _aside: tuple[Aside, ...], key: str
) -> BackgroundCall:
    def compute(tell: Progress, should_stop: ShouldStop) -> bytes:
        return inspection_pdf(_verdicts, _checkpoint, _point, overrides=read_overrides(), aside=_aside, rule=RULE)

    return BackgroundCall(compute)


def _decisions_csv(decisions: Sequence[Override]) -> str:
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, [one.name for one in fields(Override)], lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(one) for one in decisions)
    return buffer.getvalue()
