# ruff: noqa: ARG001 - an argument that a kept function does not read is a part of its key
"""Caches of the Volume page: the open volume, its window, its mandrel, its report pictures."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from ecgviz.figures.window_level import Window
from ecgviz.volumes.planes import part_window
from ecgviz.volumes.unroll import Centre, Unrolled, along_mandrel, find_centre, unroll
from models.core.callbacks import Progress, ShouldStop
from pages.inspection.address import OpenedStack, volume_of
from pages.parts.background_call import BackgroundCall
from pages.parts.pool import Lane
from pages.parts.shared_calls import kept
from readers.volumes.volume import Volume

_STILLNESS_S = 0.1


@dataclass(frozen=True)
class OpenedVolume:
    """An open volume.

    Attributes:
        volume: the volume.
        window: default window, from the inside of the part.
        key: cache key of everything computed from it.
    """

    volume: Volume
    window: Window
    key: str


@kept(unwatched=2)
def opening(_opened: OpenedStack, key: str) -> BackgroundCall:
    """Background call that opens the volume of a stack; its result is an ``OpenedVolume``.

    It reads the planes for the default window, which also unpacks a compressed volume.
    """

    def compute(progress: Progress, should_stop: ShouldStop) -> OpenedVolume:
        progress(0, 1, "Opening the volume")
        volume = volume_of(_opened)
        return OpenedVolume(volume, part_window(volume), key)

    return BackgroundCall(compute, Lane.OPENING)


@st.cache_resource(max_entries=32, show_spinner=False)
def mandrel(_volume: Volume, key: str, index: int) -> Centre:
    """Position of the mandrel found in an axial slice."""
    spacing = None if _volume.spacing_mm is None else _volume.spacing_mm[1:]
    return find_centre(_volume.plane(0, index), spacing)


@kept(unwatched=6)
def unrolled(_volume: Volume, key: str, index: int, centre: Centre) -> BackgroundCall:
    """Background call for an axial slice unrolled; its result is an ``Unrolled``."""

    def compute(progress: Progress, should_stop: ShouldStop) -> Unrolled:
        spacing = None if _volume.spacing_mm is None else _volume.spacing_mm[1:]
        return unroll(_volume.plane(0, index), centre, spacing_mm=spacing)

    return BackgroundCall(compute, Lane.MAP, _STILLNESS_S)


@kept(unwatched=6)
def along(_volume: Volume, key: str, centre: Centre, angle_deg: float) -> BackgroundCall:
    """Background call for the half plane along the mandrel; its result is an ``Unrolled``."""

    def compute(progress: Progress, should_stop: ShouldStop) -> Unrolled:
        return along_mandrel(_volume, centre, angle_deg)

    return BackgroundCall(compute, Lane.MAP, _STILLNESS_S)
