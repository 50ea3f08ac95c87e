# ruff: noqa: ARG001 - an argument that a kept function does not read is a part of its key
"""Cached measurements of an analysis for the Holter page, shared by all sessions."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from ecgviz.holter.hrv import NN, HeartRateVariability, nn_intervals, variability
from ecgviz.holter.numbers import HolterNumbers, holter_numbers
from ecgviz.holter.st_level import StMinutes, StTrend, st_trend
from ecgviz.reports.holter import EditMade, HolterReport, Wanted, holter_report
from ecgviz.reports.holter_pdf import holter_pdf
from ecgviz.reports.links import Links
from models import Checkpoint
from models.core.callbacks import Progress, ShouldStop
from pages.parts.background_call import BackgroundCall
from pages.parts.caching import Analysis, Opened, stopping
from pages.parts.pool import Lane
from pages.parts.shared_calls import kept


@dataclass(frozen=True)
class Measures:
    """Slow measurements (seconds): heart rate variability, with its intervals, and ST level."""

    nn: NN
    hrv: HeartRateVariability
    st: StTrend


@dataclass(frozen=True)
class MadeReport:
    """A report with its PDF."""

    report: HolterReport
    pdf: bytes


@kept(unwatched=8)
def holter_counts(_opened: Opened, _analysis: Analysis, key: str, sha256: str, mark: str) -> BackgroundCall:
    """Background call for the counts of an analysis, fast even for a day; its result is ``HolterNumbers``."""

    def compute(progress: Progress, should_stop: ShouldStop) -> HolterNumbers:
        recording, beats, quality = _opened.recording, _analysis.beats, _analysis.quality
        return holter_numbers(beats, recording.duration_s, quality, recording.start, recording=recording)

    return BackgroundCall(compute, Lane.MAP)


@kept(unwatched=8)
def measured(_opened: Opened, _analysis: Analysis, key: str, sha256: str, mark: str) -> BackgroundCall:
    """Background call for the slow measurements; its result is ``Measures``."""

    def compute(progress: Progress, should_stop: ShouldStop) -> Measures:
        tell = stopping(progress, should_stop)
        nn = nn_intervals(_analysis.beats, _analysis.quality)
        trend = st_trend(_opened.recording, _analysis.beats, minutes=_minutes(_opened.key), progress=tell)
        return Measures(nn, variability(nn, progress=tell), trend)

    return BackgroundCall(compute, Lane.TASK)


@kept(unwatched=4)
def report_made(
    _opened: Opened, _checkpoint: Checkpoint, _analysis: Analysis, _edits: tuple[EditMade, ...], key: str, links: Links
) -> BackgroundCall:
    """The Holter report of an analysis; its result is a ``MadeReport``."""

    def compute(progress: Progress, should_stop: ShouldStop) -> MadeReport:
        wanted = Wanted(edits=_edits, links=links, minutes=_minutes(_opened.key))
        report = holter_report(
            _opened.recording, _analysis.beats, _checkpoint, _analysis.quality, wanted,
            progress=stopping(progress, should_stop),
        )  # fmt: skip
        return MadeReport(report, holter_pdf(report))

    return BackgroundCall(compute, Lane.TASK)


@st.cache_resource(max_entries=8, show_spinner=False)
def _minutes(key: str) -> StMinutes:
    """Cache of an open recording, so that an edit recomputes only the minute that it lies in."""
    return StMinutes()
