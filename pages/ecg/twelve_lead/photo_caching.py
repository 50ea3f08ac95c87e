# ruff: noqa: ARG001 - an argument that a kept function does not read is a part of its key
"""Caches of the 12-lead page for pictures: labels, maps and evidence, as in :mod:`caching`."""

from __future__ import annotations

from ecgviz.analysis.ecg_pictures import PictureAnalysis, analyse_picture
from ecgviz.results import ImageEvidence
from ecgviz.saliency.ecg_pictures import EcgPictureMaps, explain_ecg_picture, judge_ecg_picture_map
from models import Checkpoint
from models.core.callbacks import Progress, ShouldStop
from pages.ecg.twelve_lead.caching import OpenedPicture
from pages.parts.background_call import BackgroundCall
from pages.parts.caching import stillness_s, stopping
from pages.parts.pool import Lane
from pages.parts.shared_calls import kept


@kept(unwatched=24)
def analysis(_opened: OpenedPicture, _checkpoint: Checkpoint, key: str, sha256: str) -> BackgroundCall:
    """Background call that labels a picture; its result is a ``PictureAnalysis``."""

    def compute(progress: Progress, should_stop: ShouldStop) -> PictureAnalysis:
        return analyse_picture(_opened.picture, _checkpoint)

    return BackgroundCall(compute, Lane.ANALYSIS)


@kept(unwatched=24)
def maps(_opened: OpenedPicture, _checkpoint: Checkpoint, key: str, sha256: str, method: str) -> BackgroundCall:
    """Background call for the maps of all labels; its result is an ``EcgPictureMaps``."""

    def compute(progress: Progress, should_stop: ShouldStop) -> EcgPictureMaps:
        return explain_ecg_picture(_opened.picture.pixels, _checkpoint, method=method)

    return BackgroundCall(compute, Lane.MAP)


@kept(unwatched=48)
def evidence(
    _opened: OpenedPicture, _checkpoint: Checkpoint, _maps: EcgPictureMaps, key: tuple, label: str
) -> BackgroundCall:
    """Background call for the evidence on a map; its result is an ``ImageEvidence``."""

    def compute(progress: Progress, should_stop: ShouldStop) -> ImageEvidence:
        tell = stopping(progress, should_stop)
        return judge_ecg_picture_map(_opened.picture.pixels, _checkpoint, _maps, label, progress=tell)

    return BackgroundCall(compute, Lane.TEST, stillness_s())
