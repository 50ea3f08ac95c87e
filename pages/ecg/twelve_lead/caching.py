# ruff: noqa: ARG001 - an argument that a kept function does not read is a part of its key
"""Caches of the 12-lead page: labels, maps, lead weights, intervals, made in background calls keyed by content."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import streamlit as st

from ecgviz.analysis.records import RecordAnalysis, analyse_record
from ecgviz.reports.resting_pdf import Earlier
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
from ecgviz.signals.resting import RestingMeasurements, measure_resting
from ecgviz.sources.address import open_address, picture_at
from models import Checkpoint
from models.core.callbacks import Progress, ShouldStop
from pages.parts.background_call import BackgroundCall
from pages.parts.caching import Opened, stillness_s, stopping
from pages.parts.pool import Lane
from pages.parts.shared_calls import kept
from readers.paper.pictures import EcgPicture, open_picture


@dataclass(frozen=True)
class Explained:
    """Maps of all labels of a stretch, lead weights, and for picture networks the first window as a picture, uint8 (H,
    W, 3)."""

    maps: RecordMaps
    weights: LeadWeights
    picture: np.ndarray | None = None


@dataclass(frozen=True)
class OpenedPicture:
    """An open picture of an ECG with its cache key."""

    picture: EcgPicture
    key: str


@kept(unwatched=8)
def opening(address: str, mark: str, fs: float | None, unit: str | None, page: int, turn: int) -> BackgroundCall:
    """Background call that opens a recording or a picture; its result is an ``Opened`` or an ``OpenedPicture``."""

    def compute(progress: Progress, should_stop: ShouldStop) -> Opened | OpenedPicture:
        file = picture_at(address)
        if file is not None:
            return OpenedPicture(open_picture(file, page, turn), f"{address} {mark} {page} {turn}")
        recording = open_address(address, fs=fs, unit=unit, progress=progress, should_stop=should_stop)
        return Opened(recording, f"{address} {mark} {fs} {unit}")

    return BackgroundCall(compute, Lane.OPENING)


@kept(unwatched=48)
def analysis(_opened: Opened, _checkpoint: Checkpoint, key: str, sha256: str) -> BackgroundCall:
    """Background call that labels a recording; its result is a ``RecordAnalysis``."""

    def compute(progress: Progress, should_stop: ShouldStop) -> RecordAnalysis:
        return analyse_record(_opened.recording, _checkpoint, progress=progress, should_stop=should_stop)

    return BackgroundCall(compute, Lane.ANALYSIS)


@kept(unwatched=48)
def explanation(
    _opened: Opened, _checkpoint: Checkpoint, key: str, sha256: str, start_s: float, seconds: float, method: str
) -> BackgroundCall:
    """Background call for maps and lead weights of a stretch; its result is an ``Explained``."""

    def compute(progress: Progress, should_stop: ShouldStop) -> Explained:
        weights = lead_weights(_opened, _checkpoint, key, sha256, start_s, seconds)
        maps = explain_record(_opened.recording, _checkpoint, start_s=start_s, seconds=seconds, method=method)
        return Explained(maps, weights, window_picture(_checkpoint.task, maps.stretch))

    return BackgroundCall(compute, Lane.MAP)


@st.cache_resource(max_entries=48, show_spinner=False)
def lead_weights(
    _opened: Opened, _checkpoint: Checkpoint, key: str, sha256: str, start_s: float, seconds: float
) -> LeadWeights:
    """Lead weights of a stretch, independent of the map's method."""
    return weigh_leads(_checkpoint, read_stretch(_opened.recording, _checkpoint.task, start_s, seconds))


@kept(unwatched=96)
def evidence(_checkpoint: Checkpoint, _maps: RecordMaps, key: tuple, label: str) -> BackgroundCall:
    """Background call for the evidence on a map; its result is an ``Evidence``."""

    def compute(progress: Progress, should_stop: ShouldStop) -> Evidence:
        return judge_record_map(_checkpoint, _maps, label, progress=stopping(progress, should_stop))

    return BackgroundCall(compute, Lane.TEST, stillness_s())


@kept(unwatched=96)
def reasons(
    _opened: Opened, _checkpoint: Checkpoint, key: str, sha256: str, start_s: float, seconds: float, label: str
) -> BackgroundCall:
    """Background call for the contributions of waves by lead groups to a label; its result is ``RecordReasons``."""

    def compute(progress: Progress, should_stop: ShouldStop) -> RecordReasons:
        return explain_record_parts(_opened.recording, _checkpoint, target=label, start_s=start_s, seconds=seconds)

    return BackgroundCall(compute, Lane.MAP)


@kept(unwatched=96)
def parts_evidence(_checkpoint: Checkpoint, _reasons: RecordReasons, key: tuple) -> BackgroundCall:
    """Background call for the evidence on reasons by parts; its result is a ``PartsEvidence``."""

    def compute(progress: Progress, should_stop: ShouldStop) -> PartsEvidence:
        return judge_record_parts(_checkpoint, _reasons)

    return BackgroundCall(compute, Lane.TEST, stillness_s())


@kept(unwatched=24)
def measurement(_opened: Opened, key: str, start_s: float) -> BackgroundCall:
    """Background call for :func:`measure_resting` from ``start_s`` on."""

    def compute(progress: Progress, should_stop: ShouldStop) -> RestingMeasurements | None:
        return measure_resting(_opened.recording.in_memory(), start_s)

    return BackgroundCall(compute, Lane.MAP)


@kept(unwatched=8)
def earlier(address: str, mark: str) -> BackgroundCall:
    """Background call that measures an earlier recording; its result is an ``Earlier``, or None where nothing can be
    measured."""

    def compute(progress: Progress, should_stop: ShouldStop) -> Earlier | None:
        recording = open_address(address, progress=progress, should_stop=should_stop)
        measured = measure_resting(recording.in_memory())
        return None if measured is None else Earlier(recording.name, measured)

    return BackgroundCall(compute, Lane.OPENING)
