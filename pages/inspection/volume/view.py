"""View of the Volume page, per volume and session: voxel, window, and points of a measure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import streamlit as st

from ecgviz.figures.window_level import Window, window_between
from ecgviz.volumes.planes import Voxel, middle, within
from pages.inspection.volume import keys
from pages.parts import picture_keys
from readers.volumes.volume import Volume

POINTS = {"distance": 2, "angle": 3}
"""Number of points of each measuring tool."""


@dataclass(frozen=True)
class View:
    """View of a volume.

    Attributes:
        key: cache key of the volume.
        at: voxel (z, y, x).
        window: window set by the user; None for the default.
        points: voxels (z, y, x) of a measure, which may lie between the planes' pixels.
    """

    key: str
    at: Voxel
    window: Window | None = None
    points: tuple[tuple[float, float, float], ...] = ()


def current(volume: Volume, key: str, along: int) -> View:
    """View of a volume: the last one, or the centre at the slice shown on another page."""
    kept = st.session_state.get(keys.STATE)
    if isinstance(kept, View) and kept.key == key:
        return kept
    at = list(middle(volume))
    chosen = st.session_state.get(picture_keys.SLICE)
    if chosen is not None:
        at[along] = int(chosen)
    return set_view(View(key, within(volume, (at[0], at[1], at[2]))))


def set_view(view: View) -> View:
    """Change the view."""
    st.session_state[keys.STATE] = view
    return view


def go_to(volume: Volume, view: View, at: Voxel, along: int) -> View:
    """Move to another voxel, also on the slice pages. Replaces the position widgets."""
    st.session_state[keys.EDITION] = st.session_state.get(keys.EDITION, 0) + 1
    found = set_view(replace(view, at=within(volume, at)))
    st.session_state[picture_keys.SLICE] = found.at[along]
    return found


def told(volume: Volume, view: View, message: Any, along: int, tool: str) -> None:
    """Apply a message of the browser (voxel, window, points); each value is validated, as messages are untrusted."""
    if not isinstance(message, Mapping):
        return
    at = _numbers(message.get("at"), 3)
    if at is not None:
        view = go_to(volume, view, (round(at[0]), round(at[1]), round(at[2])), along)
    edges = _numbers(message.get("window"), 2)
    if edges is not None and edges[1] > edges[0]:
        view = set_view(replace(view, window=window_between(edges[0], edges[1], volume.dtype)))
    points = message.get("points")
    if isinstance(points, list) and len(points) <= POINTS.get(tool, 0):
        sound = [one for one in (_numbers(point, 3) for point in points) if one is not None]
        set_view(replace(view, points=tuple((one[0], one[1], one[2]) for one in sound)))


def _numbers(value: Any, count: int) -> list[float] | None:
    if not isinstance(value, list) or len(value) != count:
        return None
    if not all(isinstance(one, int | float) and math.isfinite(one) and abs(one) < 1e12 for one in value):
        return None
    return [float(one) for one in value]
