"""Verdict overlay of a volume: the score of each slice, and the maps of the slices explained so far."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import streamlit as st

from ecgviz.results import ImageMap, Verdict
from ecgviz.saliency import image_methods
from ecgviz.volumes.overlay import VolumeOverlay
from models import Checkpoint
from models.evaluation.operating_point import OperatingPoint
from pages.inspection import caching as inspected
from pages.inspection.address import OpenedStack, along
from pages.inspection.caching import MapWish, Scored
from pages.inspection.verdict import COLOURS
from pages.inspection.volume import view
from pages.inspection.volume.keys import scope
from pages.inspection.volume.view import View
from pages.parts import progress, shared_calls
from pages.parts.background_call import BackgroundCall
from pages.parts.twin import has_maps
from readers.volumes.volume import Volume

_MAPS = scope("maps")
_MOST_MAPS = 400


@dataclass(frozen=True)
class Shown:
    """Overlay on the planes.

    Attributes:
        overlay: scores and maps; None if off or not known yet.
        verdict: verdict on the stack, once it is scored.
        point: operating point of the verdict.
        vmax: importance at the end of the colour scale.
        waiting: pending computations, with their display names.
    """

    overlay: VolumeOverlay | None = None
    verdict: Verdict | None = None
    point: OperatingPoint | None = None
    vmax: float = 0.0
    waiting: tuple[BackgroundCall, str] | None = None


NOTHING = Shown()


def overlay(opened: OpenedStack, checkpoint: Checkpoint, volume: Volume, index: int) -> Shown:
    """The current results; requests the scores of all slices, then the map of the slice shown.

    Raises:
        CheckpointError: the checkpoint is not for pictures.
    """
    key = (opened.key, checkpoint.sha256)
    point = inspected.operating_point(checkpoint)
    call = shared_calls.watch("scores", inspected.scoring, opened, checkpoint, *key, lasting=True)
    if not call.wait(0.3) or call.result is None:
        if call.error is not None:
            st.error(str(call.error))
        return Shown(point=point, waiting=None if call.done else (call, "Scoring the slices"))
    scored: Scored = call.result
    found = VolumeOverlay(along(opened.stack), volume.shape, scored.scores, _kept(key))
    verdict = inspected.verdict(opened, checkpoint, scored, point)
    if not has_maps(checkpoint) or np.isnan(scored.scores[index]):
        return Shown(found, verdict, point)
    wish = MapWish(image_methods(checkpoint)[0], "defect")
    of_map = shared_calls.watch("map", inspected.image_map, opened, checkpoint, "".join(key), index, wish)
    waiting = None if of_map.wait(0.3) else (of_map, "Making the map of this slice")
    if of_map.result is not None and index not in found.maps:
        image_map: ImageMap = of_map.result
        found = found.with_map(index, image_map)
        _keep(key, found.maps)
    of_scale = shared_calls.watch("scale", inspected.map_scale, opened, checkpoint, scored, "".join(key), wish)
    vmax = of_scale.result if of_scale.wait(0.3) and of_scale.result else 0.0
    waiting = waiting or (None if of_scale.done else (of_scale, "Comparing the maps of some slices"))
    return Shown(found, verdict, point, float(vmax), waiting)


def panel(shown: Shown, at: View, volume: Volume) -> None:
    """Verdict, score of the slice shown, button to the worst slice, and progress of pending computations."""
    if shown.verdict is not None and shown.overlay is not None:
        axis = shown.overlay.axis
        score = shown.overlay.scores[at.at[axis]]
        st.markdown(
            f":{COLOURS[shown.verdict.verdict]}[**{shown.verdict.verdict.upper()}**] · this slice "
            f"{'not scored' if np.isnan(score) else f'{score:.2f}'} · {len(shown.overlay.maps)} of "
            f"{volume.shape[axis]} slices explained"
        )
        worst = int(shown.verdict.slice_index or 0)
        st.button(
            f"Worst slice ({'zyx'[axis]} {worst})", key=scope("worst"), on_click=_to_worst,
            args=(volume, at, axis, worst), disabled=at.at[axis] == worst,
        )  # fmt: skip
    if shown.waiting is not None:
        call, words = shown.waiting
        progress.caption(call, f"{words} …")


def _to_worst(volume: Volume, at: View, axis: int, worst: int) -> None:
    place = list(at.at)
    place[axis] = worst
    view.go_to(volume, at, (place[0], place[1], place[2]), axis)


def _kept(key: tuple[str, str]) -> dict[int, np.ndarray]:
    """Maps of this session by their slice, of one volume and network."""
    kept = st.session_state.get(_MAPS)
    return kept[1] if kept is not None and kept[0] == key else {}


def _keep(key: tuple[str, str], maps: dict[int, np.ndarray]) -> None:
    st.session_state[_MAPS] = key, dict(list(maps.items())[-_MOST_MAPS:])
