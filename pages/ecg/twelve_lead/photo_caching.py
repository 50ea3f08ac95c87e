# ruff: noqa: ARG001 - an argument that a kept function does not read is a part of its key
"""What the 12-lead page keeps of a picture of an ECG: its labels, its maps and their tests; as :mod:`caching` does."""

from __future__ import annotations

from ecgviz.analysis.ecg_pictures import PictureAnalysis, analyse_picture
from ecgviz.results import ImageEvidence
from ecgviz.saliency.ecg_pictures import EcgPictureMaps, explain_ecg_picture, judge_ecg_picture_map
from models import Checkpoint
from models.core.callbacks import Progress, ShouldStop
from pages.ecg.twelve_lead.caching import OpenedPicture
from pages.parts.caching import stillness_s, stopping
from pages.parts.looks import kept
from pages.parts.pool import Lane
from pages.parts.work import Work


@kept(unwatched=24)
def analysis(_opened: OpenedPicture, _checkpoint: Checkpoint, key: str, sha256: str) -> Work:
    """The labels of a picture; its result is a ``PictureAnalysis``."""

    def work(progress: Progress, should_stop: ShouldStop) -> PictureAnalysis:
        return analyse_picture(_opened.picture, _checkpoint)

    return Work(work, Lane.ANALYSIS)


@kept(unwatched=24)
def maps(_opened: OpenedPicture, _checkpoint: Checkpoint, key: str, sha256: str, method: str) -> Work:
    """Where the network looked, for each label; its result is an ``EcgPictureMaps``."""

    def work(progress: Progress, should_stop: ShouldStop) -> EcgPictureMaps:
        return explain_ecg_picture(_opened.picture.pixels, _checkpoint, method=method)

    return Work(work, Lane.MAP)


@kept(unwatched=48)
def evidence(_opened: OpenedPicture, _checkpoint: Checkpoint, _maps: EcgPictureMaps, key: tuple, label: str) -> Work:
    """What speaks for and against a map; its result is an ``ImageEvidence``."""

    def work(progress: Progress, should_stop: ShouldStop) -> ImageEvidence:
        tell = stopping(progress, should_stop)
        return judge_ecg_picture_map(_opened.picture.pixels, _checkpoint, _maps, label, progress=tell)

    return Work(work, Lane.TEST, stillness_s())
