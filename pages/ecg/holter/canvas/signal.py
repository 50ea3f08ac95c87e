"""Tiles of the signal, read on request of the paper in a separate fragment, so that the page does not rerun."""

# ruff: noqa: ARG001 - an argument that a kept function does not read is a part of its key

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import streamlit as st

from ecgviz.figures.packed_arrays import pack
from ecgviz.figures.strip_signal import Range
from ecgviz.figures.tile_pyramid import BASE_LEVEL, FACTOR, TILE, Base, TileSource, make_base, steps_of
from models.core.callbacks import Progress, ShouldStop
from pages.ecg.holter.canvas import component
from pages.ecg.holter.canvas.component import Kind
from pages.parts import shared_calls
from pages.parts.background_call import BackgroundCall
from pages.parts.pool import Lane
from pages.parts.shared_calls import kept
from readers.recording import Read, Recording

_USUAL_PX = 1200
"""Assumed width of a paper before it reports its own, pixels."""
_MOST = 24
"""Most tiles per response."""
_BASE_S = 0.3


@dataclass(frozen=True)
class Signal:
    """The signal to draw; ``mark`` identifies its recording and filter."""

    source: TileSource
    fs: float
    mark: str


def signal_of(recording: Recording, ranges: dict[str, Range], read: Read | None, mark: str) -> Signal:
    """The signal of a recording, through the display filter that ``read`` applies."""
    steps = steps_of(recording.units, recording.leads, ranges)
    return Signal(TileSource(read or recording.signal_mV, recording.n_samples, steps), recording.fs, mark)


@st.fragment
def serve(key: str, signal: Signal, start_s: float, seconds: float) -> None:
    """Send the requested tiles, or those of the first view before any request."""
    asked = _asked(component.state_of(key, "want"), signal)
    number, tiles = asked if asked is not None else (0, _first(signal, start_s, seconds))
    base = _base(signal) if any(level >= BASE_LEVEL for level, _ in tiles) else None
    component.feed(key, _message(signal, base, signal.mark, number, tuple(tiles), base is not None))


def _asked(want: Any, signal: Signal) -> tuple[int, list[tuple[int, int]]] | None:
    """Number and tiles of a request, validated; None without a request or if it is for another signal."""
    if not isinstance(want, dict) or want.get("source") != signal.mark or not isinstance(want.get("tiles"), list):
        return None
    number = want.get("number")
    if not isinstance(number, int):
        return None
    source, found = signal.source, []
    for one in want["tiles"][:_MOST]:
        if not (isinstance(one, list) and len(one) == 2 and all(isinstance(value, int) for value in one)):
            continue
        level, index = one
        if 0 <= level < source.levels and 0 <= index * TILE < source.columns(level):
            found.append((level, index))
    return number, found


def _first(signal: Signal, start_s: float, seconds: float) -> list[tuple[int, int]]:
    """Tiles of a view at the assumed width."""
    columns = seconds * signal.fs / _USUAL_PX
    level = min(max(int(math.log(max(columns, 1), FACTOR)), 0), BASE_LEVEL - 1, signal.source.levels - 1)
    size = FACTOR**level * TILE
    low, high = int(start_s * signal.fs // size), int((start_s + seconds) * signal.fs // size)
    last = (signal.source.columns(level) - 1) // TILE
    return [(level, index) for index in range(max(low, 0), min(high, last) + 1)][:_MOST]


def _base(signal: Signal) -> Base | None:
    """Base of the coarse levels, computed in the background; None until it is ready."""
    call = shared_calls.watch("pyramid", _made, signal, signal.mark)
    return call.result if call.wait(_BASE_S) else None


@kept(unwatched=4)
def _made(_signal: Signal, mark: str) -> BackgroundCall:
    """Background call that reads a whole recording once; its result is a ``Base``."""

    def compute(progress: Progress, should_stop: ShouldStop) -> Base:
        source = _signal.source
        return make_base(source.read, source.n_samples, source.steps, progress, should_stop)

    return BackgroundCall(compute, Lane.TASK)


@st.cache_resource(max_entries=24, show_spinner=False)
def _message(
    _signal: Signal, _base: Base | None, mark: str, number: int, tiles: tuple[tuple[int, int], ...], with_base: bool
) -> bytes:
    """Response to one request."""
    source = TileSource(_signal.source.read, _signal.source.n_samples, _signal.source.steps, _base)
    arrays, there, pending = {}, [], []
    for level, index in tiles:
        tile = source.tile(level, index)
        if tile is None:
            pending.append([level, index])
            continue
        name = f"{level} {index}"
        arrays[name] = tile
        there.append([level, index, name])
    header = {"source": mark, "number": number, "tiles": there, "pending": pending}
    return component.framed(pack(header, arrays), Kind.TILES)
