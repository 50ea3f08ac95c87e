"""Lighter forms of a checkpoint: request, comparison with the original, promotion.

Nothing is computed here: the job leaves its metrics and the gate's verdict in its folder.
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from ecgviz.errors import EcgvizError
from ecgviz.operator import readable_folder
from models import CheckpointSummary, list_checkpoints
from models.compress.job import Result, read_result
from models.compress.make import METHODS, TUNED, LighterConfig
from models.data import catalogue
from models.experiments import promotion
from models.jobs import Job, JobState, backend
from models.plugins import find_plugin, plugin_of
from pages.parts import access, caching, progress, tables
from pages.workshop import datasets
from pages.workshop.experiments.keys import scope
from pages.workshop.runs import BUSY_S, IDLE_S, STATES

_LOG_LINES = 30
_OUTCOME = scope("lighter_said")
_CHOSEN = scope("lighter_chosen")
_PROMOTED = scope("lighter_promoted")
"""Set until the sidebar has been drawn with the new checkpoint."""


def show() -> None:
    """Heading, request form, and the refreshing part."""
    st.markdown("##### Lighter forms of a checkpoint")
    known = (one for one in list_checkpoints() if one.card and find_plugin(one.card))
    found = {one.name: one for one in known if one.card.format == "torch"}
    if not found:
        st.caption("There is no checkpoint yet.")
        return
    with st.container(horizontal=True, vertical_alignment="bottom", key=scope("lighter_request")):
        name = st.selectbox(
            "Checkpoint", list(found), key=scope("lighter_checkpoint"), width=320, help="What is to become lighter.",
            persist_state="session", format_func=tables.dated(found.values()).get,
        )  # fmt: skip
        if access.permit().allowed:
            _request(found[name])
    _forms(name)


def _request(original: CheckpointSummary) -> None:
    """Method and data, and the button that starts the job."""
    plugin = plugin_of(original.card)
    kind = original.card.kind
    methods = [method for method in METHODS if plugin.fine_tunes or method not in TUNED]
    method = st.selectbox(
        "Method", methods, index=methods.index("int8"), key=scope("lighter_method", kind), width=150,
        help="\n\n".join(f"**{method}**: {METHODS[method]}" for method in methods),
    )  # fmt: skip
    data = {one.name: one for one in catalogue.list_data_sets() if one.kind == plugin.data_kind and one.there}
    chosen = st.selectbox(
        "Labelled data", list(data), index=0 if data else None, key=scope("lighter_data", kind, len(data)), width=240,
        placeholder="add some on the page Data",
        format_func=lambda name: f"{name}: {datasets.summary(data[name])}" if name in data else name,
        help="Scales and fine-tuning take the training side; the test side judges, and is what nobody trained on.",
    )  # fmt: skip
    more = ""
    if plugin.has_more:
        more = st.text_input(
            "Further recordings", key=scope("lighter_more"), width=200, placeholder="none",
            help="Folder on the server with signals_100hz.npz and labels.csv, where the original had one.",
        )  # fmt: skip
    st.button(
        "Make and judge", type="primary", icon=":material/compress:", key=scope("lighter_start"),
        disabled=chosen is None, on_click=_start,
        args=(original.name, method, str(data[chosen].root) if chosen in data else "", more.strip()),
        help="A job in the background: makes the form, asks it and the original the same test cases, measures both.",
    )  # fmt: skip


def _start(checkpoint: str, method: str, root: str, more: str) -> None:
    if not access.permit().allowed:
        return
    try:
        folders = {"root": str(readable_folder(root)), "more": str(readable_folder(more)) if more else ""}
        job = backend().submit(LighterConfig(checkpoint=checkpoint, method=method, **folders), who=access.who())
    except EcgvizError as error:
        st.session_state[_OUTCOME] = ("error", str(error))
        return
    st.session_state[_CHOSEN] = job
    st.session_state.pop(_OUTCOME, None)


def _jobs(checkpoint: str) -> list[Job]:
    """Jobs for forms of a checkpoint, newest first."""
    try:
        found = [job for job in backend().list() if job.lighter and job.config["checkpoint"] == checkpoint]
    except EcgvizError as error:
        st.error(str(error))
        return []
    return found[::-1]


def _forms(checkpoint: str) -> None:
    pace = BUSY_S if any(not job.state.ended for job in _jobs(checkpoint)) else IDLE_S

    @st.fragment(run_every=pace)
    def live() -> None:
        jobs = _jobs(checkpoint)
        if any(not job.state.ended for job in jobs) != (pace == BUSY_S) or st.session_state.pop(_PROMOTED, False):
            st.rerun()
        kind, words = st.session_state.get(_OUTCOME) or ("", "")
        if words:
            (st.error if kind == "error" else st.success)(words)
        if not jobs:
            st.caption(f"No lighter form of {checkpoint} yet.")
            return
        results = {job.id: read_result(job.run_dir) for job in jobs}
        chosen = _table(jobs, results)
        _one(chosen, results[chosen.id])

    live()


def _table(jobs: Sequence[Job], results: dict[str, Result | None]) -> Job:
    """The original and its forms; returns the selected form."""
    first = next((found for found in results.values() if found is not None), None)
    rows = [] if first is None else [{"Form": f"{first.verdict.original} (original)", **_cells(first.rows[0])}]
    for job in jobs:
        found = results[job.id]
        state = STATES[job.state] if found is None else ("passes" if not found.verdict.faults else "refused")
        rows.append({"Form": job.name, "State": state, **({} if found is None else _cells(found.rows[1]))})
    offset = 0 if first is None else 1
    order = [job.id for job in jobs]
    event = tables.dataframe(
        pd.DataFrame(rows).fillna(""), key=scope("lighter", hash((*order, offset))), hide_index=True, on_select="rerun",
        selection_mode="single-row", height=min(35 * (len(rows) + 1) + 2, 320),
        column_config={
            "Metric": st.column_config.TextColumn(help="On the test side, with its 95% interval."),
            "Difference": st.column_config.TextColumn(help="To the original, on the same cases, with its interval."),
            "Changed": st.column_config.TextColumn(help="Labels that differ from the original's."),
            "One case": st.column_config.TextColumn(help="Time on one core, and how often that fits the original's."),
            "Throughput": st.column_config.TextColumn(help="In the best batch, on one core."),
            "Memory": st.column_config.TextColumn(help="What that batch adds at its peak."),
        },
    )  # fmt: skip
    ticked = [row - offset for row in event.selection.rows if offset <= row < len(rows)]
    if ticked:
        st.session_state[_CHOSEN] = order[ticked[0]]
    return next((job for job in jobs if job.id == st.session_state.get(_CHOSEN)), jobs[0])


def _cells(row: dict) -> dict[str, str]:
    low, high = row["interval95"]
    spread = row["difference95"]
    difference = "" if spread is None else f"{row['difference']:+.4f} ({spread[0]:+.4f} to {spread[1]:+.4f})"
    memory = row["memory_mb"]
    return {
        "Metric": f"{row['figure']:.4f} ({low:.3f} to {high:.3f})",
        "Difference": difference,
        "Changed": str(len(row["changed"])) if spread is not None else "",
        "Bytes": f"{row['bytes']:,}",
        "One case": f"{row['latency_ms']:.2f} ms, {row['faster_at_1']:.1f} x",
        "Throughput": f"{row['per_second']:,.0f}/s at {row['best_batch']}, {row['faster_at_best']:.1f} x",
        "Memory": "" if memory is None else f"{memory:.0f} MB",
    }


def _one(job: Job, found: Result | None) -> None:
    """The selected form: progress or verdict, changed labels, and actions."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key=scope("lighter_actions")):
        st.markdown(f"**{job.name}** · {_state(job)}", width="stretch")
        if access.permit().allowed:
            _actions(job, found)
    if not job.state.ended:
        left = "" if job.seconds_left is None else f" · {progress.spell_seconds(job.seconds_left)} left"
        st.progress(job.progress, text=f"{job.note or 'waiting'}{left}")
    if job.reason:
        st.error(job.reason)
        with st.expander("Log"):
            st.code(backend().logs(job.id, tail=_LOG_LINES) or "Nothing was printed.", language=None)
    if found is not None:
        _verdict(found)


def _state(job: Job) -> str:
    return {
        JobState.QUEUED: "waits for the jobs before it",
        JobState.RUNNING: "at work",
        JobState.STOPPING: "stops",
        JobState.DONE: "made and judged",
        JobState.FAILED: "failed",
        JobState.CANCELLED: "cancelled",
    }[job.state]


def _actions(job: Job, found: Result | None) -> None:
    st.button("Cancel", icon=":material/stop:", key=scope("lighter_cancel"), on_click=_do, args=("cancel", job.id),
              disabled=job.state.ended or job.state is JobState.STOPPING)  # fmt: skip
    st.button("Again", icon=":material/resume:", key=scope("lighter_resume"), on_click=_do, args=("resume", job.id),
              disabled=job.state not in {JobState.FAILED, JobState.CANCELLED},
              help="A fine-tuning goes on from its last state.")  # fmt: skip
    st.button("Delete", icon=":material/delete:", key=scope("lighter_delete"), on_click=_do, args=("delete", job.id),
              disabled=not job.state.ended, help="The form with its metrics; what was promoted stays.")  # fmt: skip
    st.button("Promote", icon=":material/upgrade:", type="primary", key=scope("lighter_promote"), on_click=_promote,
              args=(job,), disabled=found is None or job.state is not JobState.DONE,
              help="The other pages offer it then. The gate refuses what lost or changed too much.")  # fmt: skip


def _do(what: str, job_id: str) -> None:
    st.session_state.pop(_OUTCOME, None)
    if not access.permit().allowed:
        return
    try:
        getattr(backend(), what)(job_id)
    except EcgvizError as error:
        st.session_state[_OUTCOME] = ("error", str(error))


def _promote(job: Job) -> None:
    if not access.permit().allowed:
        return
    try:
        folder = promotion.promote(job.checkpoint or job.run_dir, job.name)
    except EcgvizError as error:
        st.session_state[_OUTCOME] = ("error", str(error).replace("\n", "\n\n"))
        return
    caching.checkpoints.clear()
    st.session_state[_PROMOTED] = True
    st.session_state[_OUTCOME] = (
        "success",
        f"**{folder.name}** is one of the checkpoints now; the other pages offer it.",
    )


def _verdict(found: Result) -> None:
    """Verdict of the gate, and all changed labels."""
    verdict = found.verdict
    held = f"{verdict.metric} may fall by {verdict.trial.tolerance:g}, {verdict.trial.most_changed} labels may change"
    if verdict.faults:
        st.warning(f"The gate refuses it: {'; '.join(verdict.faults)}.", icon=":material/block:")
    else:
        st.success(f"It passes the gate ({held}).", icon=":material/check:")
    with st.expander(f"{len(verdict.changed):,} of {verdict.labels:,} labels changed"):
        if verdict.changed:
            rows = pd.DataFrame({"Label, then and now": verdict.changed})
            tables.dataframe(
                rows, hide_index=True, key=scope("lighter_changed"), height=min(35 * (len(rows) + 1) + 2, 320)
            )
