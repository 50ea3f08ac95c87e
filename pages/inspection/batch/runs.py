"""Background inspection of many files, with intermediate results.

What the network said of a file is kept on disk by the file's content (``ecgviz.analysis.inspect``), so a batch that
was cancelled, or whose server was stopped, goes on where it was when it is started again.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from dataclasses import replace

import numpy as np
import streamlit as st

from ecgviz.analysis.inspect import inspect_files
from ecgviz.results import Verdict
from models import Checkpoint
from models.core.callbacks import Progress, ShouldStop
from models.evaluation.operating_point import OperatingPoint
from pages.inspection.batch.keys import scope
from pages.inspection.batch.sources import Source
from pages.inspection.caching import RULE
from pages.parts.background_call import BackgroundCall
from pages.parts.pool import Lane
from pages.parts.progress import pace_s, spell_seconds

REDRAW_S = 4.0
_MOST_RUNS = 6


class BatchRun:
    """A running or completed inspection.

    Attributes:
        source: its files.
        verdicts: one for each file so far, in the order of the files.
        call: the thread.
    """

    def __init__(self, source: Source, checkpoint: Checkpoint):
        self.source = source
        self.verdicts: list[Verdict] = []
        self._checkpoint = checkpoint
        self._began = time.monotonic()
        self.call = BackgroundCall(self._run, Lane.BATCH)

    @property
    def complete(self) -> bool:
        """Whether every file has its verdict."""
        return self.call.done and len(self.verdicts) == len(self.source.paths)

    def describe(self) -> str:
        """Progress, speed and remaining time as text."""
        done, total = len(self.verdicts), len(self.source.paths)
        text = f"{done:,} / {total:,}"
        spent = time.monotonic() - self._began
        if self.call.cancelled:
            return f"{text} · stopping"
        if done < 2 or spent < 0.5:
            return text
        rate = done / spent
        speed = f"{rate:.0f}/s" if rate >= 3 else f"{rate:.1f}/s"
        return f"{text} · {speed} · {spell_seconds((total - done) / rate)} left"

    def _run(self, progress: Progress, should_stop: ShouldStop) -> int:
        found = inspect_files(
            self.source.paths, self._checkpoint, rule=RULE, progress=progress, should_stop=should_stop
        )
        for verdict in found:
            self.verdicts.append(verdict)
        return len(self.verdicts)


class _Runs:
    """Latest runs of the server."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._runs: OrderedDict[tuple[str, str], BatchRun] = OrderedDict()

    def get(self, source: Source, checkpoint: Checkpoint) -> BatchRun | None:
        with self._lock:
            return self._runs.get((source.key, checkpoint.sha256))

    def start(self, source: Source, checkpoint: Checkpoint) -> BatchRun:
        """Start a run, unless one is in progress."""
        key = (source.key, checkpoint.sha256)
        with self._lock:
            run = self._runs.get(key)
            if run is None or run.call.done:
                run = self._runs[key] = BatchRun(source, checkpoint)
            self._runs.move_to_end(key)
            ended = [one for one, run in self._runs.items() if run.call.done and one != key]
            for one in ended[: max(0, len(self._runs) - _MOST_RUNS)]:
                del self._runs[one]
        return run


@st.cache_resource(show_spinner=False)
def runs() -> _Runs:
    """Runs shared by all sessions, so that the same folder shows the same run."""
    return _Runs()


def bar(run: BatchRun) -> None:
    """Progress bar with cancel button; periodically redraws the page with new results."""
    drawn, began = len(run.verdicts), time.monotonic()

    @st.fragment(run_every=pace_s())
    def draw() -> None:
        if run.call.done or (len(run.verdicts) > drawn and time.monotonic() - began > REDRAW_S):
            st.rerun()
        share = len(run.verdicts) / max(len(run.source.paths), 1)
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.progress(min(share, 1.0), text=run.describe())
            st.button(
                "Cancel", icon=":material/close:", key=scope("cancel"), on_click=run.call.cancel,
                disabled=run.call.cancelled, help="What was inspected is kept; starting again goes on from there.",
            )  # fmt: skip

    draw()


def at_point(verdict: Verdict, point: OperatingPoint) -> Verdict:
    """The verdict at another operating point; a partly unreadable file is never normal."""
    decision = point.decide(verdict.score, verdict.in_distribution)
    return replace(
        verdict,
        verdict="review" if verdict.error and decision == "normal" else decision,
        threshold=point.threshold,
        grey_zone=point.grey_zone,
        operating_point_version=point.version,
    )


def labelled(run: BatchRun, verdicts: list[Verdict]) -> tuple[np.ndarray, np.ndarray, np.ndarray | None, np.ndarray]:
    """Scores, labels, groups and in-distribution flags of the verdicts whose truth is known, (n,) each; groups None
    where each file is its own."""
    known = [
        (one, run.source.rows[one.file]) for one in verdicts if one.file in run.source.rows and not np.isnan(one.score)
    ]
    groups = np.array([row.group for _, row in known])
    return (
        np.array([one.score for one, _ in known], np.float64),
        np.array([row.label for _, row in known], np.int64),
        groups if len(np.unique(groups)) < len(groups) else None,
        np.array([one.in_distribution is not False for one, _ in known], bool),
    )
