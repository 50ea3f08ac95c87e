# ruff: noqa: ARG001 - an argument that a kept function does not read is a part of its key
"""What the 12-lead page keeps between reruns and sessions: answers, maps, weights, intervals. Each is worked out in a
thread, keyed by content and shared by all sessions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import streamlit as st

from ecgviz.analysis.beats import in_memory
from ecgviz.analysis.records import RecordAnalysis, analyse_record
from ecgviz.results import Evidence
from ecgviz.saliency.reasons_evidence import PartsEvidence
from ecgviz.saliency.record_evidence import judge_record_map
from ecgviz.saliency.record_parts import RecordReasons, explain_record_parts
from ecgviz.saliency.record_parts_evidence import judge_record_parts
from ecgviz.saliency.records import (
    LeadWeights,
    RecordMaps,
    explain_record,
    read_stretch,
    weigh_leads,
    window_picture,
)
from ecgviz.signals.intervals import Intervals, measure_intervals
from ecgviz.signals.median_beat import MedianBeats, median_beats
from ecgviz.sources.address import open_address, picture_at
from models import Checkpoint
from models.core.callbacks import Progress, ShouldStop
from pages.parts.caching import Opened, stillness_s, stopping
from pages.parts.looks import kept
from pages.parts.pool import Lane
from pages.parts.work import Work
from readers.paper.pictures import EcgPicture, open_picture


@dataclass(frozen=True)
class Explained:
    """The maps of all labels of a stretch, what each lead weighs in it, and the first window of it as a picture, uint8
    (H, W, 3), where the network reads pictures."""

    maps: RecordMaps
    weights: LeadWeights
    picture: np.ndarray | None = None


@dataclass(frozen=True)
class Measured:
    """The median beats of a stretch and the intervals that they give."""

    median: MedianBeats
    intervals: Intervals


@dataclass(frozen=True)
class OpenedPicture:
    """A picture of an ECG with the key that everything computed from it is kept under."""

    picture: EcgPicture
    key: str


@kept(unwatched=8)
def opening(address: str, mark: str, fs: float | None, unit: str | None, page: int, turn: int) -> Work:
    """The opening of a recording or of a picture of one; its result is an ``Opened`` or an ``OpenedPicture``."""

    def work(progress: Progress, should_stop: ShouldStop) -> Opened | OpenedPicture:
        file = picture_at(address)
        if file is not None:
            return OpenedPicture(open_picture(file, page, turn), f"{address} {mark} {page} {turn}")
        recording = open_address(address, fs=fs, unit=unit, progress=progress, should_stop=should_stop)
        return Opened(recording, f"{address} {mark} {fs} {unit}")

    return Work(work, Lane.OPENING)


@kept(unwatched=48)
def analysis(_opened: Opened, _checkpoint: Checkpoint, key: str, sha256: str) -> Work:
    """The labels of a recording; its result is a ``RecordAnalysis``."""

    def work(progress: Progress, should_stop: ShouldStop) -> RecordAnalysis:
        return analyse_record(_opened.recording, _checkpoint, progress=progress, should_stop=should_stop)

    return Work(work, Lane.ANALYSIS)


@kept(unwatched=48)
def explanation(
    _opened: Opened, _checkpoint: Checkpoint, key: str, sha256: str, start_s: float, seconds: float, method: str
) -> Work:
    """Maps and weights of a stretch; its result is an ``Explained``."""

    def work(progress: Progress, should_stop: ShouldStop) -> Explained:
        weights = lead_weights(_opened, _checkpoint, key, sha256, start_s, seconds)
        maps = explain_record(_opened.recording, _checkpoint, start_s=start_s, seconds=seconds, method=method)
        return Explained(maps, weights, window_picture(_checkpoint.task, maps.stretch))

    return Work(work, Lane.MAP)


@st.cache_resource(max_entries=48, show_spinner=False)
def lead_weights(
    _opened: Opened, _checkpoint: Checkpoint, key: str, sha256: str, start_s: float, seconds: float
) -> LeadWeights:
    """What each lead weighs in a stretch, whatever the method of the map."""
    return weigh_leads(_checkpoint, read_stretch(_opened.recording, _checkpoint.task, start_s, seconds))


@kept(unwatched=96)
def evidence(_checkpoint: Checkpoint, _maps: RecordMaps, key: tuple, label: str) -> Work:
    """What speaks for and against a map; its result is an ``Evidence``."""

    def work(progress: Progress, should_stop: ShouldStop) -> Evidence:
        return judge_record_map(_checkpoint, _maps, label, progress=stopping(progress, should_stop))

    return Work(work, Lane.TEST, stillness_s())


@kept(unwatched=96)
def reasons(
    _opened: Opened, _checkpoint: Checkpoint, key: str, sha256: str, start_s: float, seconds: float, label: str
) -> Work:
    """What each wave of each group of leads brings to a label; its result is ``RecordReasons``."""

    def work(progress: Progress, should_stop: ShouldStop) -> RecordReasons:
        return explain_record_parts(_opened.recording, _checkpoint, target=label, start_s=start_s, seconds=seconds)

    return Work(work, Lane.MAP)


@kept(unwatched=96)
def parts_evidence(_checkpoint: Checkpoint, _reasons: RecordReasons, key: tuple) -> Work:
    """What speaks for and against reasons by parts; its result is a ``PartsEvidence``."""

    def work(progress: Progress, should_stop: ShouldStop) -> PartsEvidence:
        return judge_record_parts(_checkpoint, _reasons)

    return Work(work, Lane.TEST, stillness_s())


@kept(unwatched=24)
def measurement(_opened: Opened, key: str, start_s: float) -> Work:
    """Median beats and intervals of a minute from ``start_s`` on; its result is a ``Measured``, or None."""

    def work(progress: Progress, should_stop: ShouldStop) -> Measured | None:
        median = median_beats(in_memory(_opened.recording), start_s)
        return None if median is None else Measured(median, measure_intervals(median))

    return Work(work, Lane.MAP)
