"""Queue and runs: one fragment that polls the store, every few seconds while something runs.

Nothing that it shows is held here: jobs and curves are on disk, the chosen run is in the URL.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import datetime

import pandas as pd
import streamlit as st

from ecgviz.errors import EcgvizError
from models.experiments.curves import monitored
from models.jobs import Job, JobState, backend
from pages.parts import address_bar, progress, tables
from pages.workshop import keys, run_view
from pages.workshop.run_files import best

BUSY_S, IDLE_S = 3.0, 10.0
STATES = {
    JobState.QUEUED: "◌ waiting",
    JobState.RUNNING: "▶ running",
    JobState.STOPPING: "◼ stopping",
    JobState.DONE: "✓ done",
    JobState.FAILED: "✕ failed",
    JobState.CANCELLED: "– cancelled",
}
_LINKED = keys.scope("run_linked")
_ROW_PX, _MOST_ROWS_PX = 35, 250


def read_link() -> None:
    """Read the selected run from the URL, or from the session."""
    found = {keys.RUN: st.query_params.get(keys.RUN, "")}
    if found[keys.RUN] and not address_bar.is_ours(_LINKED, found):
        st.session_state[keys.RUN] = found[keys.RUN]


def write_link() -> None:
    """Write the selected run to the URL."""
    address_bar.write(_LINKED, {keys.RUN: st.session_state.get(keys.RUN) or ""})


def show() -> None:
    """Heading and refreshing part."""
    st.markdown("##### Queue and runs")
    pace = BUSY_S if _busy(_jobs()) else IDLE_S

    @st.fragment(run_every=pace)
    def live() -> None:
        jobs = _jobs()
        if before := _lighter_at_work():
            st.caption(f"{before} in the same queue: see Lighter forms on the page Experiments.")
        if _busy(jobs) != (pace == BUSY_S):
            st.rerun()
        if not jobs:
            st.caption("No training yet. The first one appears here when you press Start.")
            return
        chosen = _chosen(jobs)
        _table(jobs, chosen)
        run_view.show(chosen, jobs)

    live()


def _jobs() -> list[Job]:
    """Jobs, running and queued ones first, then newest first."""
    try:
        jobs = [job for job in backend().list() if not job.lighter]
    except EcgvizError as error:
        st.error(str(error))
        return []
    newest = list(reversed(jobs))
    return sorted(newest, key=lambda job: (job.state.ended, job.state is JobState.QUEUED))


def _lighter_at_work() -> str:
    """Number of queued and running lighter forms as text; empty for none."""
    try:
        count = sum(job.lighter and not job.state.ended for job in backend().list())
    except EcgvizError:
        return ""
    return "" if not count else "A lighter form is" if count == 1 else f"{count} lighter forms are"


def _busy(jobs: Sequence[Job]) -> bool:
    return any(not job.state.ended for job in jobs)


def _chosen(jobs: Sequence[Job]) -> Job:
    wanted = st.session_state.get(keys.RUN)
    found = next((job for job in jobs if job.id == wanted), jobs[0])
    st.session_state[keys.RUN] = found.id
    return found


def _table(jobs: Sequence[Job], chosen: Job) -> None:
    rows = pd.DataFrame(
        {
            "State": [STATES[job.state] for job in jobs],
            "Name": [job.name for job in jobs],
            "Done": [round(job.progress, 2) for job in jobs],
            "Epoch": [f"{job.epoch} of {job.epochs}" if job.epoch else "" for job in jobs],
            "Left": ["" if job.seconds_left is None else progress.spell_seconds(job.seconds_left) for job in jobs],
            "Best": [_best(job) for job in jobs],
            "Device": [job.device for job in jobs],
            "Submitted": [_when(job.created) for job in jobs],
            "By": [job.who for job in jobs],
            "Run": [job.id for job in jobs],
        }
    )
    if not any(rows["By"]):
        rows = rows.drop(columns="By")
    order = [job.id for job in jobs]
    # Another order is another table: a row that was chosen there means another run here.
    key = keys.scope("runs", hash(tuple(order)))
    tables.dataframe(
        rows,
        key=key,
        on_select=lambda: _select(key, order),
        selection_mode="single-row",
        selection_default={"selection": {"rows": [order.index(chosen.id)]}},
        hide_index=True,
        row_height=_ROW_PX,
        height=min(_ROW_PX * (len(jobs) + 1) + 2, _MOST_ROWS_PX),
        column_config={
            "Done": st.column_config.ProgressColumn(min_value=0.0, max_value=1.0, format="percent"),
            "Best": st.column_config.TextColumn(help="What the epoch is chosen by, on the validation data."),
            "Run": st.column_config.TextColumn(help="What `python -m models jobs show` takes."),
        },
    )


def _best(job: Job) -> str:
    name, mode = monitored(job.config)
    found = best(str(job.run_dir), name, mode)
    return "" if found is None else f"{found[0]:.3f}"


def _when(unix: float) -> str:
    then, now = datetime.fromtimestamp(unix).astimezone(), datetime.now().astimezone()
    return f"{then:%H:%M}" if then.date() == now.date() else f"{then:%d %b %H:%M}"


def _select(key: str, order: Sequence[str]) -> None:
    rows = st.session_state[key].selection.rows
    if rows and rows[0] < len(order):
        st.session_state[keys.RUN] = order[rows[0]]
        write_link()


def ago(unix: float) -> str:
    """Elapsed time as text."""
    return f"{progress.spell_seconds(max(time.time() - unix, 0))} ago"
