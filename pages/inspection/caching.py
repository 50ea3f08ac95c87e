# ruff: noqa: ARG001 - an argument that a kept function does not read is a part of its key
"""Caches of the inspection pages: open stacks, scores, maps, evidence.

Each is bounded, keyed by content and shared by all sessions, as in ``pages.parts.caching``. Pixels and maps are
megabytes each, so few are kept.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import streamlit as st

from ecgviz.analysis.inspect import Judge, StackRule, current_point, defect_scores, not_read, stack_outputs
from ecgviz.analysis.score_cache import NetworkOutputs, stack_sha256
from ecgviz.errors import EcgvizError
from ecgviz.figures.window_level import Window, window_presets
from ecgviz.results import ImageEvidence, ImageMap, Verdict
from ecgviz.saliency import explain_image, get_method, judge_image_map, stack_scale
from ecgviz.saliency.picture_parts import PictureReasons, explain_picture_parts, normal_slices
from ecgviz.saliency.picture_parts_evidence import judge_picture_parts
from ecgviz.saliency.reasons_evidence import PartsEvidence
from models import Checkpoint
from models.core.callbacks import Progress, ShouldStop
from models.evaluation.operating_point import FILE as POINT_FILE
from models.evaluation.operating_point import OperatingPoint
from models.evaluation.out_of_distribution import OutOfDistributionDetector
from pages.inspection.address import OpenedStack, open_picture
from pages.parts.background_call import BackgroundCall
from pages.parts.caching import stillness_s, stopping
from pages.parts.pool import Lane
from pages.parts.shared_calls import kept
from readers.image_stack import ImageStack

STILLNESS_S = 0.15
EVIDENCE_STILLNESS_S = 0.5
RULE = StackRule()


@dataclass(frozen=True)
class Scored:
    """Network outputs for the slices of a stack.

    Attributes:
        outputs: logits and distances.
        scores: calibrated probability of a defect of every slice, float32 (n_slices,); NaN where one was not read or is
            of one value.
        sha256: hash of the stack's files.
        error: what was not read, in words; empty for nothing.
    """

    outputs: NetworkOutputs
    scores: np.ndarray
    sha256: str
    error: str


@dataclass(frozen=True)
class MapWish:
    """Parameters of a requested map."""

    method: str
    target: str


@kept(unwatched=8)
def opening(address: str, mark: str) -> BackgroundCall:
    """Background call that opens a stack; its result is an ``OpenedStack``."""

    def compute(progress: Progress, should_stop: ShouldStop) -> OpenedStack:
        return open_picture(address, mark, progress=progress, should_stop=should_stop)

    return BackgroundCall(compute, Lane.OPENING)


@kept(unwatched=24)
def scoring(_opened: OpenedStack, _checkpoint: Checkpoint, key: str, sha256: str) -> BackgroundCall:
    """Background call that scores a stack's slices; its result is a ``Scored``."""
    stack, checkpoint = _opened.stack, _checkpoint

    def compute(progress: Progress, should_stop: ShouldStop) -> Scored:
        answered = stack_outputs(stack, checkpoint, progress=progress, should_stop=should_stop)
        if should_stop():
            raise EcgvizError("The scoring was stopped.")
        scores = defect_scores(answered.logits, checkpoint)
        return Scored(answered, scores, stack_sha256(stack), not_read(stack, answered))

    return BackgroundCall(compute, Lane.ANALYSIS)


@st.cache_resource(max_entries=64, show_spinner=False)
def _verdict(
    _opened: OpenedStack, _checkpoint: Checkpoint, _scored: Scored, _point: OperatingPoint, key: str, point: str
) -> Verdict:
    judge = Judge(_checkpoint, _point, RULE)
    found = judge.verdict(str(_opened.path), _scored.sha256, _scored.outputs, 0.0, _scored.error)
    return replace(found, slice_index=found.slice_index if _opened.stack.n_slices > 1 else None)


def verdict(opened: OpenedStack, checkpoint: Checkpoint, scored: Scored, point: OperatingPoint) -> Verdict:
    """Verdict on an open stack at an operating point."""
    return _verdict(
        opened, checkpoint, scored, point, f"{opened.key}{checkpoint.sha256}", f"{point.version}{point.threshold}"
    )


@st.cache_resource(max_entries=16, show_spinner=False)
def _point(_checkpoint: Checkpoint, folder: str, sha256: str, mark: str) -> OperatingPoint:
    return current_point(_checkpoint)


def operating_point(checkpoint: Checkpoint) -> OperatingPoint:
    """Current operating point on disk.

    Raises:
        CheckpointError: its file is damaged.
    """
    file = checkpoint.folder / POINT_FILE
    found = file.stat() if file.is_file() else None
    mark = f"{found.st_mtime_ns} {found.st_size}" if found else ""
    return _point(checkpoint, str(checkpoint.folder), checkpoint.sha256, mark)


@st.cache_resource(max_entries=16, show_spinner=False)
def distance_limit(_checkpoint: Checkpoint, folder: str, sha256: str) -> float | None:
    """Limit of the out-of-distribution distance; None where the checkpoint has none."""
    found = OutOfDistributionDetector.load(_checkpoint.folder)
    return None if found is None else float(found.limit)


@st.cache_resource(max_entries=6, show_spinner=False)
def pixels(_stack: ImageStack, key: str, index: int) -> np.ndarray:
    """Stored pixels of a slice; read-only."""
    found = _stack.pixels(index)
    found.flags.writeable = False
    return found


@st.cache_resource(max_entries=16, show_spinner=False)
def presets(_stack: ImageStack, key: str) -> dict[str, Window]:
    """Preset windows of a stack, from its middle slice."""
    return window_presets(_stack.pixels(_stack.n_slices // 2), _stack)


@kept(unwatched=32)
def map_scale(
    _opened: OpenedStack, _checkpoint: Checkpoint, _scored: Scored, key: str, wish: MapWish
) -> BackgroundCall:
    """Background call for the common upper end of a stack's colour scale; its result is a float."""

    def compute(progress: Progress, should_stop: ShouldStop) -> float:
        # A map by replacing parts costs a hundred passes through the network, the others two.
        sample = 3 if get_method(wish.method).detail == "parts" else 12
        return stack_scale(
            _opened.stack, _checkpoint, _scored.scores, target=wish.target, method=wish.method, sample=sample
        )

    return BackgroundCall(compute, Lane.MAP)


@kept(unwatched=16)
def image_map(_opened: OpenedStack, _checkpoint: Checkpoint, key: str, index: int, wish: MapWish) -> BackgroundCall:
    """Background call for the map of a slice; its result is an ``ImageMap``. Starts once the view stands still."""

    def compute(progress: Progress, should_stop: ShouldStop) -> ImageMap:
        values = _opened.stack.pixels(index)
        return explain_image(values, _checkpoint, target=wish.target, method=wish.method)

    return BackgroundCall(compute, Lane.MAP, STILLNESS_S)


@kept(unwatched=16)
def reasons(
    _opened: OpenedStack, _checkpoint: Checkpoint, _scored: Scored, key: str, index: int, target: str, threshold: float
) -> BackgroundCall:
    """Background call for a slice's ``PictureReasons``. Starts once the view stands still."""

    def compute(progress: Progress, should_stop: ShouldStop) -> PictureReasons:
        stack = _opened.stack
        normal = [stack.pixels(one) for one in normal_slices(_scored.scores, index, threshold)]
        return explain_picture_parts(stack.pixels(index), _checkpoint, target=target, normal=normal)

    return BackgroundCall(compute, Lane.MAP, STILLNESS_S)


@kept(unwatched=128)
def parts_evidence(
    _checkpoint: Checkpoint, _reasons: PictureReasons, key: str, index: int, target: str, threshold: float
) -> BackgroundCall:
    """Background call for the evidence on reasons by parts; its result is a ``PartsEvidence``."""

    def compute(progress: Progress, should_stop: ShouldStop) -> PartsEvidence:
        return judge_picture_parts(_checkpoint, _reasons, threshold)

    return BackgroundCall(compute, Lane.TEST, max(EVIDENCE_STILLNESS_S, stillness_s()))


@kept(unwatched=128)
def evidence(
    _opened: OpenedStack, _checkpoint: Checkpoint, _map: ImageMap, key: str, index: int, wish: MapWish
) -> BackgroundCall:
    """Background call for the evidence on a map; its result is an ``ImageEvidence``."""

    def compute(progress: Progress, should_stop: ShouldStop) -> ImageEvidence:
        tell = stopping(progress, should_stop)
        values = _opened.stack.pixels(index)
        return judge_image_map(values, _checkpoint, _map, spacing_mm=_opened.stack.spacing_mm, progress=tell)

    return BackgroundCall(compute, Lane.TEST, max(EVIDENCE_STILLNESS_S, stillness_s()))
