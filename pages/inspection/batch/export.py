# ruff: noqa: ARG001 - an argument that a kept function does not read is a part of its key
"""Exports of a batch: table as CSV, annotated pictures in a zip, PDF report."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import asdict, fields

import streamlit as st

from ecgviz.analysis.dispositions import Decisions, Override
from ecgviz.analysis.label_order import Candidate
from ecgviz.reports.inspection import annotated_pictures, label_order_csv, pictures_zip, verdicts_csv, verdicts_json
from ecgviz.reports.inspection_pdf import inspection_pdf
from ecgviz.results import Verdict
from models import Checkpoint
from models.checkpoints import INSPECTION_STATEMENT
from models.core.callbacks import Progress, ShouldStop
from models.evaluation.operating_point import OperatingPoint
from pages.inspection import report_head
from pages.inspection.batch.keys import scope
from pages.inspection.batch.sources import Source
from pages.inspection.caching import RULE
from pages.parts import progress
from pages.parts.background_call import BackgroundCall
from readers.images.listing import Aside

MOST_PICTURES = 200
_ASKED = scope("export_asked")


def picker(
    source: Source,
    verdicts: Sequence[Verdict],
    log: tuple[Override, ...],
    checkpoint: Checkpoint,
    point: OperatingPoint,
    order: tuple[Candidate, ...] = (),
) -> None:
    """Popover with the downloads; pictures and report are made on request; ``order`` is that of labelling, if shown."""
    popover = st.popover(
        "Export", icon=":material/download:", key=scope("export"), on_change="rerun", disabled=not verdicts
    )
    if not popover.open or not verdicts:
        return
    stem = re.sub(r"[^\w.-]+", "_", source.name)[:80] or "batch"
    decisions = Decisions(log, RULE)
    with popover:
        head = report_head.fields(source.name)
        st.download_button(
            "Verdicts (CSV)", verdicts_csv(verdicts, source.aside, decisions), f"{stem}_verdicts.csv", "text/csv",
            on_click="ignore", width="stretch", key=scope("csv"), icon=":material/table:",
        )  # fmt: skip
        st.download_button(
            "Verdicts (JSON)", verdicts_json(source.name, verdicts, source.aside, decisions), f"{stem}_verdicts.json",
            "application/json", on_click="ignore", width="stretch", key=scope("json"), icon=":material/data_object:",
        )  # fmt: skip
        if order:
            st.download_button(
                "Order of labelling (CSV)", label_order_csv(order), f"{stem}_label_order.csv", "text/csv",
                on_click="ignore", width="stretch", key=scope("order_csv"), icon=":material/format_list_numbered:",
            )  # fmt: skip
        about = {(one.sha256, one.checkpoint_sha256) for one in verdicts}
        here = [one for one in log if (one.file_sha256, one.checkpoint_sha256) in about]
        if here:
            st.download_button(
                "Decisions of people (CSV)", _decisions_csv(here), f"{stem}_decisions.csv", "text/csv",
                on_click="ignore", width="stretch", key=scope("decisions"), icon=":material/gavel:",
            )  # fmt: skip
        most = st.number_input(
            "Pictures in the zip, worst first", 1, MOST_PICTURES, min(24, MOST_PICTURES), key=scope("most")
        )
        whole = f"{source.key}{checkpoint.sha256}{point.version}{len(verdicts)} {len(log)}"
        worst = tuple(verdicts[:most])
        _made("zip", "Pictures with maps (zip)", f"{stem}_pictures.zip", "application/zip",
              lambda: _zip(worst, checkpoint, log, f"{whole}{most}"))  # fmt: skip
        beside = source.aside, log, head
        _made("pdf", "Report (PDF)", f"{stem}_report.pdf", "application/pdf",
              lambda: _pdf(tuple(verdicts), checkpoint, point, beside, f"{whole}{head}"))  # fmt: skip
        st.caption(INSPECTION_STATEMENT)


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
def _zip(_worst: tuple[Verdict, ...], _checkpoint: Checkpoint, _log: tuple[Override, ...], key: str) -> BackgroundCall:
    def compute(tell: Progress, should_stop: ShouldStop) -> bytes | None:
        found = pictures_zip(
            annotated_pictures(
                _worst, _checkpoint, decisions=Decisions(_log, RULE), progress=tell, should_stop=should_stop
            )
        )
        return None if should_stop() else found

    return BackgroundCall(compute)


@st.cache_resource(max_entries=4, show_spinner=False)
def _pdf(
    _verdicts: tuple[Verdict, ...],
    _checkpoint: Checkpoint,
    _point: OperatingPoint,
    _beside: tuple[tuple[Aside, ...], tuple[Override, ...], report_head.Head],
    key: str,
) -> BackgroundCall:
    def compute(tell: Progress, should_stop: ShouldStop) -> bytes:
        aside, log, head = _beside
        return inspection_pdf(_verdicts, _checkpoint, _point, overrides=log, aside=aside, rule=RULE, head=head)

    return BackgroundCall(compute)


def _decisions_csv(decisions: Sequence[Override]) -> str:
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, [one.name for one in fields(Override)], lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(one) for one in decisions)
    return buffer.getvalue()
