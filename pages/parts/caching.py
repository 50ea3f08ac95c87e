# ruff: noqa: ARG001 - an argument that a kept function does not read is a part of its key
"""Caches of the ECG pages: open recordings, checkpoints, analyses, maps.

Each is bounded, keyed by content (address and stamp of the files, hash of the weights, options) and shared by all
sessions; nothing here depends on who looks.
"""

from __future__ import annotations

from dataclasses import dataclass

import plotly.graph_objects as go
import streamlit as st

from ecgviz.analysis import analyse_beats, choose_device
from ecgviz.analysis.beat_rows import RowPredictions, analyse_rows, explain_row
from ecgviz.analysis.compare import Comparison, compare_beats
from ecgviz.analysis.lead_choice import leads_to_avoid
from ecgviz.analysis.summary import Summary, summarise
from ecgviz.errors import EcgvizError
from ecgviz.figures import ecg_paper
from ecgviz.figures.overview import overview_figure
from ecgviz.results import Beats, Evidence, SaliencyMap
from ecgviz.review.families import Shapes, beat_shapes
from ecgviz.review.log import recording_hash
from ecgviz.review.patient import Tried, try_adaptation
from ecgviz.review.state import ReviewState
from ecgviz.saliency import explain_beat, get_method, judge_map, recording_scale
from ecgviz.saliency.parts import Reasons, explain_parts
from ecgviz.saliency.parts_evidence import PartsEvidence, judge_parts
from ecgviz.signals.quality import Quality, assess_quality
from ecgviz.sources.address import open_address
from models import Checkpoint, CheckpointSummary, list_checkpoints, load_checkpoint
from models.core.callbacks import Progress, ShouldStop
from pages.parts.background_call import BackgroundCall
from pages.parts.pool import POOL, Lane
from pages.parts.shared_calls import kept
from readers.arrays.beat_rows import BeatRows, HoldsBeats
from readers.recording import Recording

STILLNESS_S = 0.35


@dataclass(frozen=True)
class Opened:
    """An open recording with its cache key."""

    recording: Recording
    key: str
    avoid: tuple[str, ...] = ()  # leads that are read only where there are no others


@dataclass(frozen=True)
class OpenedRows:
    """An open table of single beats with its cache key."""

    rows: BeatRows
    key: str


@dataclass(frozen=True)
class Analysis:
    """Analysis of a recording on the Holter page."""

    beats: Beats
    quality: Quality
    summary: Summary
    recording_hash: str = ""
    revision: int = 0

    @property
    def mark(self) -> str:
        """Distinguishes analyses of one recording with the same checkpoint: other leads or beats, or stopped early."""
        beats = self.beats
        return f"{beats.source} {' '.join(beats.leads)} {len(beats)} {len(self.quality.time_s)} {self.revision}"


@kept(unwatched=8)
def opening(address: str, mark: str, fs: float | None, unit: str | None) -> BackgroundCall:
    """Background call that opens a recording; its result is an ``Opened``, or an ``OpenedRows`` of single beats."""

    def compute(progress: Progress, should_stop: ShouldStop) -> Opened | OpenedRows:
        try:
            recording = open_address(address, fs=fs, unit=unit, progress=progress, should_stop=should_stop)
        except HoldsBeats as found:
            return OpenedRows(found.rows, f"{address} {mark}")
        return Opened(recording, f"{address} {mark} {fs} {unit}", leads_to_avoid(recording))

    return BackgroundCall(compute, Lane.OPENING)


@st.cache_resource(ttl=20, show_spinner=False)
def checkpoints() -> list[CheckpointSummary]:
    """All checkpoints, refreshed periodically."""
    return list_checkpoints()


@st.cache_resource(max_entries=6, show_spinner=False)
def checkpoint(name: str, sha256: str, device: str) -> Checkpoint:
    """A checkpoint on its device.

    Raises:
        CheckpointError: it cannot be loaded. ConfigError: there is no such device.
    """
    return load_checkpoint(name, choose_device(device))


@kept(unwatched=24)
def analysis(
    _opened: Opened, _checkpoint: Checkpoint, key: str, sha256: str, lead: str | None, positions: str
) -> BackgroundCall:
    """Background call that analyses a recording; its result is an ``Analysis``."""
    network = _checkpoint

    def compute(progress: Progress, should_stop: ShouldStop) -> Analysis:
        recording = _opened.recording.in_memory()  # for the beats and for the quality
        beats = analyse_beats(
            recording, network, lead=lead, positions=positions, progress=progress, should_stop=should_stop
        )
        column = recording.lead_index(beats.leads[0])
        quality = assess_quality(
            lambda start, stop: recording.signal_mV(start, stop)[:, column],
            recording.fs,
            recording.n_samples,
            progress=progress,
            should_stop=should_stop,
        )
        return Analysis(beats, quality, summarise(beats, quality), recording_hash(recording))

    return BackgroundCall(compute, Lane.ANALYSIS)


@kept(unwatched=4)
def shapes(_opened: Opened, _beats: Beats, key: str) -> BackgroundCall:
    """What the families of an answer are made of; its result is a ``Shapes``."""

    def compute(progress: Progress, should_stop: ShouldStop) -> Shapes:
        return beat_shapes(_opened.recording, _beats, progress=progress, should_stop=should_stop)

    return BackgroundCall(compute, Lane.TASK)


@kept(unwatched=4)
def adaptation(_state: ReviewState, _shapes: Shapes, key: str) -> BackgroundCall:
    """The network adapted by what was decided; its result is a ``Tried``."""

    def compute(progress: Progress, should_stop: ShouldStop) -> Tried:
        return try_adaptation(_state, _shapes.beats, _shapes.waves)

    return BackgroundCall(compute, Lane.TASK)


@kept(unwatched=8)
def row_predictions(_rows: BeatRows, _checkpoint: Checkpoint, key: str, sha256: str) -> BackgroundCall:
    """Background call that classifies a table of single beats; its result is a ``RowPredictions``."""

    def compute(progress: Progress, should_stop: ShouldStop) -> RowPredictions:
        return analyse_rows(_rows, _checkpoint, progress=progress, should_stop=should_stop)

    return BackgroundCall(compute, Lane.ANALYSIS)


@kept(unwatched=64)
def row_map(_predictions: RowPredictions, _checkpoint: Checkpoint, key: str, sha256: str, row: int) -> BackgroundCall:
    """Background call for the map of one row of such a table; its result is a ``SaliencyMap``."""

    def compute(progress: Progress, should_stop: ShouldStop) -> SaliencyMap:
        return explain_row(_predictions, _checkpoint, row)

    return BackgroundCall(compute, Lane.MAP)


@st.cache_resource(max_entries=256, show_spinner=False)
def lead_ranges(_recording: Recording, key: str) -> dict[str, ecg_paper.Range]:
    """Range of each lead, for constant lane heights."""
    return ecg_paper.lead_ranges(_recording)


@st.cache_resource(max_entries=1, show_spinner=False, scope="session")
def overview(
    _recording: Recording, _analysis: Analysis | None, key: str, sha256: str, mark: str, theme: str, rhythms: bool
) -> go.Figure:
    """Overview figure of this session, in which it marks its view; optionally with a row of ``rhythms``."""
    result = _analysis
    return overview_figure(
        _recording.duration_s,
        result.beats if result else None,
        quality=result.quality.usable if result else None,
        view=(0.0, 1.0),
        theme=theme,
        name=key,
        height_px=140,
        rhythms=rhythms,
    )


@kept(unwatched=256)
def saliency_map(
    _opened: Opened, _checkpoint: Checkpoint, _beats: Beats, key: str, index: int, target: str | None, method: str
) -> BackgroundCall:
    """Background call for the map of one beat; its result is a ``SaliencyMap``."""

    def compute(progress: Progress, should_stop: ShouldStop) -> SaliencyMap:
        return explain_beat(_opened.recording, _checkpoint, _beats, index, target=target, method=method)

    return BackgroundCall(compute, Lane.MAP)


@kept(unwatched=256)
def reasons(
    _opened: Opened, _checkpoint: Checkpoint, _beats: Beats, key: str, index: int, target: str | None
) -> BackgroundCall:
    """Background call for the contributions of a beat's parts; its result is ``Reasons``."""

    def compute(progress: Progress, should_stop: ShouldStop) -> Reasons:
        return explain_parts(_opened.recording, _checkpoint, _beats, index, target=target)

    return BackgroundCall(compute, Lane.MAP)


@kept(unwatched=256)
def parts_evidence(
    _opened: Opened, _checkpoint: Checkpoint, _beats: Beats, _reasons: Reasons, key: str, index: int, target: str
) -> BackgroundCall:
    """Background call for the evidence on reasons by parts; its result is a ``PartsEvidence``."""

    def compute(progress: Progress, should_stop: ShouldStop) -> PartsEvidence:
        return judge_parts(_opened.recording, _checkpoint, _beats, _reasons)

    return BackgroundCall(compute, Lane.TEST, stillness_s())


@kept(unwatched=64)
def map_scale(
    _opened: Opened, _checkpoint: Checkpoint, _beats: Beats, key: str, target: str | None, method: str
) -> BackgroundCall:
    """Background call for the common upper end of a recording's colour scale; its result is a float."""

    def compute(progress: Progress, should_stop: ShouldStop) -> float:
        # A map by replacing parts costs a hundred passes through the network, the others two.
        sample = 6 if get_method(method).detail == "parts" else 32
        return recording_scale(
            _opened.recording, _checkpoint, _beats, target=target, method=method, sample=sample,
            progress=stopping(progress, should_stop),
        )  # fmt: skip

    return BackgroundCall(compute, Lane.MAP)


@kept(unwatched=256)
def evidence(
    _opened: Opened,
    _checkpoint: Checkpoint,
    _beats: Beats,
    _map: SaliencyMap,
    key: str,
    index: int,
    target: str,
    method: str,
) -> BackgroundCall:
    """Background call for the evidence on a map; its result is an ``Evidence``."""

    def compute(progress: Progress, should_stop: ShouldStop) -> Evidence:
        return judge_map(_opened.recording, _checkpoint, _beats, _map, progress=stopping(progress, should_stop))

    return BackgroundCall(compute, Lane.TEST, stillness_s())


def stillness_s() -> float:
    """Seconds of a still view before its map is tested, more with more users, whose moves come first."""
    return max(STILLNESS_S, POOL.sessions / 10)


def stopping(progress: Progress, should_stop: ShouldStop) -> Progress:
    """``progress`` that raises once nobody watches the call."""

    def tell(done: int, total: int, note: str) -> None:
        if should_stop():
            raise EcgvizError("It was stopped, since the view moved on.")
        progress(done, total, note)

    return tell


@st.cache_resource(max_entries=16, show_spinner=False)
def comparison(_first: Beats, _second: Beats, first_key: str, second_key: str) -> Comparison:
    """Two analyses of one recording, paired."""
    return compare_beats(_first, _second)
