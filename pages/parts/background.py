"""Background work shown on the home page: jobs of this installation, and analyses of this session.

It is only looked at. `Backend.list` looks after the jobs, too, and starts a runner for those that wait; a page that
somebody opens to see what there is must not do that, so the store is read, and none is made where there is none.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

import streamlit as st

from ecgviz.errors import EcgvizError
from models.core.home import home_folder
from models.jobs import Job, JobState, JobStore, backend
from models.jobs.backend import SETTING
from models.jobs.processes import alive
from models.jobs.ray_backend import DEVICE as RAY
from models.jobs.store import FILE
from pages.navigation import BATCH, EXPERIMENTS, HOLTER, TRAIN, Entry
from pages.parts import access, keys, progress
from pages.parts.background_call import BackgroundCall

PACE_S = 3.0
_PAGES = {"holter": (HOLTER, "To the recording"), "batch": (BATCH, "To the batch")}


def note(page: str, what: str, call: BackgroundCall) -> None:
    """Record that this session started work on a page ("holter" or "batch"), such as "The analysis of 208"."""
    st.session_state[keys.AT_WORK] = _noted() | ({} if call.done else {page: (what, call)})


def show() -> None:
    """Current background work, refreshed every few seconds while there is any."""
    busy = bool(_noted() or _jobs()[0])

    @st.fragment(run_every=PACE_S if busy else None)
    def draw() -> None:
        noted, (jobs, fault) = _noted(), _jobs()
        if bool(noted or jobs) != busy:
            st.rerun()
        if fault:
            st.error(fault)
        elif not busy:
            st.markdown("Nothing runs.")
        for page, (what, call) in noted.items():
            st.markdown(f"{what}: {progress.describe(call)}.")
            st.page_link(_PAGES[page][0].page(), label=_PAGES[page][1])
        _counts([job for job in jobs if not job.lighter], "training", ("runs", "run"), TRAIN)
        _counts([job for job in jobs if job.lighter], "lighter form", ("is made", "are made"), EXPERIMENTS)

    draw()


def _noted() -> dict[str, tuple[str, BackgroundCall]]:
    """Work started by this session, by page; finished work is dropped."""
    return {page: found for page, found in st.session_state.get(keys.AT_WORK, {}).items() if not found[1].done}


def _jobs() -> tuple[list[Job], str]:
    """Running and queued jobs, and an error message; none for a user who may not train."""
    if not access.permit().allowed:
        return [], ""
    try:
        if os.environ.get(SETTING) == "fake":
            store = backend()
        elif (home_folder() / FILE).is_file():
            store = JobStore()
        else:
            return [], ""
        states = (JobState.RUNNING, JobState.STOPPING, JobState.QUEUED)
        return [job for state in states for job in store.list(state) if not _is_gone(job)], ""
    except EcgvizError as error:
        return [], str(error)


def _is_gone(job: Job) -> bool:
    """Whether a job is stored as running although its process has ended, which the page Train corrects."""
    return job.pid is not None and job.device != RAY and not alive(job.pid, job.pid_started)


def _counts(jobs: Sequence[Job], noun: str, verbs: tuple[str, str], entry: Entry) -> None:
    """Numbers of running and queued jobs, with a link."""
    if not jobs:
        return
    waiting = sum(job.state is JobState.QUEUED for job in jobs)
    running = len(jobs) - waiting
    words = [f"{running} {noun if running == 1 else f'{noun}s'} {verbs[running != 1]}"] if running else []
    if waiting:
        of = "" if running else f" {noun if waiting == 1 else f'{noun}s'}"
        words.append(f"{waiting}{of} {'waits' if waiting == 1 else 'wait'}")
    st.markdown(f"{', '.join(words)}.")
    st.page_link(entry.page(), label=f"To the page {entry.title}")
