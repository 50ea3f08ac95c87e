# ruff: noqa: ARG001 - an argument that a kept function does not read is a part of its key
"""Selected run: state, curves against a baseline, log, and actions."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go
import streamlit as st

from ecgviz.errors import EcgvizError
from ecgviz.figures.training import METRIC_WORDS, run_figure
from models.experiments.curves import monitored
from models.experiments.fields import differences
from models.jobs import Job, JobState, backend
from pages.parts import access, appearance, progress, tables
from pages.workshop import draft as drafts
from pages.workshop import promoting, run_files
from pages.workshop.keys import scope

_VIEWS = ("Curves", "Log", "Settings")
_LOG_LINES = 200


def show(job: Job, jobs: Sequence[Job]) -> None:
    """Everything about one run."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key=scope("actions")):
        st.markdown(f"**{job.name}** · {_state(job)}", width="stretch")
        _actions(job)
    if job.reason:
        st.error(job.reason)
    promoting.show_outcome()
    with st.container(horizontal=True, key=scope("run_figures")):
        _metrics(job)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        view = st.segmented_control(
            "View", _VIEWS, default="Curves", required=True, key=scope("view"), label_visibility="collapsed",
            persist_state="session",
        )  # fmt: skip
        baseline = _baseline(job, jobs) if view != "Log" else None
    with st.container(key=scope("run_view")):
        if view == "Log":
            _log(job)
        elif view == "Settings":
            _settings(job, baseline)
        else:
            _curves(job, baseline)


def _state(job: Job) -> str:
    if job.state is JobState.QUEUED:
        return "waits for the trainings before it"
    if job.state is JobState.STOPPING:
        return "writes a checkpoint and stops"
    words = {
        JobState.RUNNING: job.note or "starting",
        JobState.DONE: "done",
        JobState.FAILED: "failed",
        JobState.CANCELLED: "cancelled",
    }
    return words[job.state]


def _actions(job: Job) -> None:
    """Actions for a run in its state, in constant places."""
    st.button("Cancel", icon=":material/stop:", key=scope("run_cancel"), on_click=_do, args=("cancel", job.id),
              disabled=job.state.ended or job.state is JobState.STOPPING,
              help="A training at work writes a checkpoint first and can be resumed.")  # fmt: skip
    st.button("Resume", icon=":material/resume:", key=scope("run_resume"), on_click=_do, args=("resume", job.id),
              disabled=job.state not in {JobState.FAILED, JobState.CANCELLED},
              help="Goes on from the last checkpoint, as if it had not been stopped.")  # fmt: skip
    if st.button(
        "Clone", icon=":material/content_copy:", key=scope("run_clone"), help="Copy its settings into the form."
    ):
        drafts.set_base(job.id)
        st.rerun()
    promoting.popover(job)
    with st.popover(
        "", icon=":material/delete:", disabled=not job.state.ended, key=scope("delete", job.id), help="Delete"
    ):
        st.markdown("Delete this run with its curves, log and checkpoints? A promoted checkpoint stays.")
        st.button("Delete the run", key=scope("run_delete"), on_click=_do, args=("delete", job.id))


def _do(what: str, job_id: str) -> None:
    promoting.note("", "")
    if not access.permit().allowed:
        return
    try:
        getattr(backend(), what)(job_id)
    except EcgvizError as error:
        promoting.note("error", str(error))


def _metrics(job: Job) -> None:
    name, mode = monitored(job.config)
    found = run_files.best(str(job.run_dir), name, mode)
    words = METRIC_WORDS.get(name, name.rpartition("/")[2])
    st.metric(f"Best {words}", "–" if found is None else f"{found[0]:.3f}",
              width="content", help="On the validation data, which the epoch is chosen by.")  # fmt: skip
    st.metric("Done", f"{job.progress:.0%}", width="content")
    st.metric("Left", "–" if job.seconds_left is None else progress.spell_seconds(job.seconds_left), width="content")
    st.metric("In epoch", "–" if found is None else f"{found[1]:.0f} of {job.epochs}", width="content")
    load = run_files.meter(job.pid, job.pid_started, job.device).read() if job.state.active and job.pid else None
    cores = "–" if load is None or load.cores is None else f"{load.cores:.1f} of {load.of_cores} cores"
    st.metric("Processor", cores, width="content", help="What the training's process uses at this moment.")
    memory = "–" if load is None else f"{load.memory_bytes / 1e9:.1f} of {load.of_memory_bytes / 1e9:.0f} GB"
    st.metric("Memory", memory, width="content")
    if load is not None and load.gpu is not None:
        st.metric("GPU", f"{load.gpu:.0%}", width="content")


def _baseline(job: Job, jobs: Sequence[Job]) -> Job | None:
    """Another run of the same kind as baseline of the curves."""
    kind = monitored(job.config)
    others = {one.id: one for one in jobs if one.id != job.id and monitored(one.config) == kind and one.epoch}
    chosen = st.selectbox(
        "Baseline", list(others), index=None, placeholder="compare with another run", width=300,
        format_func=lambda one: f"{others[one].name} ({one[:6]})" if one in others else one,
        key=scope("baseline", kind[0]), label_visibility="collapsed",
    )  # fmt: skip
    return others.get(chosen or "")


@st.cache_resource(max_entries=32, show_spinner=False)
def _figure(
    run_dir: str, stamp: tuple, base_dir: str | None, base_stamp: tuple | None, metric: str, epochs: int, theme: str
) -> go.Figure:
    baseline = run_files.curves(base_dir) if base_dir else None
    return run_figure(run_files.curves(run_dir), metric, epochs, baseline=baseline, theme=theme, name=run_dir)


def _curves(job: Job, baseline: Job | None) -> None:
    name, _ = monitored(job.config)
    metric = "validation/auroc" if name.endswith("loss") else name
    folder, other = str(job.run_dir), str(baseline.run_dir) if baseline else None
    epochs = max(job.epochs, baseline.epochs if baseline else 0, 1)
    figure = _figure(
        folder,
        run_files.mark(folder),
        other,
        run_files.mark(other) if other else None,
        metric,
        epochs,
        appearance.theme(),
    )
    st.plotly_chart(
        figure, key=scope("run_curves"), theme=None, config={"displayModeBar": False},
        alt=f"Loss, {metric} and learning rate of {job.name} over its epochs",
    )  # fmt: skip


def _log(job: Job) -> None:
    try:
        text = backend().logs(job.id, tail=_LOG_LINES)
    except EcgvizError as error:
        text = str(error)
    lines = "\n".join(reversed(text.splitlines()))
    st.code(lines or "Nothing was printed yet.", language=None, height=250)
    st.caption(f"Newest line first. All of it: `python -m models jobs logs {job.id}`")


def _settings(job: Job, baseline: Job | None) -> None:
    if baseline is None:
        st.code(drafts.as_yaml(job.config), language="yaml", height=250)
        return
    found = differences(job.config, baseline.config)
    st.markdown(tables.facts([("Setting", f"this run, then {baseline.name}"), *[
        (path, f"{mine}   ·   {theirs}") for path, (mine, theirs) in found.items()]])
        if found else "No setting differs.")  # fmt: skip
