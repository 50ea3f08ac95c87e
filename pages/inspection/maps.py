"""Map controls of the inspection pages, and the background calls that make the maps."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from ecgviz.figures.overlay import COLORMAPS
from ecgviz.figures.picture_layers import picture_scale
from ecgviz.results import ImageMap
from ecgviz.saliency import get_method, image_methods
from ecgviz.saliency.picture_parts import FULL_LOG_ODDS
from ecgviz.saliency.picture_parts import METHOD as PARTS
from models import Checkpoint
from pages.inspection import caching, keys
from pages.inspection.address import OpenedStack
from pages.inspection.caching import MapWish, Scored
from pages.parts import picture_evidence, shared_calls, why
from pages.parts.background_call import BackgroundCall
from pages.parts.twin import has_maps

_SCALE_S = 0.25


@dataclass(frozen=True)
class Drawn:
    """Drawing options of a map."""

    wish: MapWish
    opacity: float
    colours: str
    contour: float | None

    def scale(self, vmax: float):
        """Colour scale with the full colour at ``vmax``."""
        return picture_scale(vmax, colormap=self.colours, opacity=self.opacity)


@dataclass(frozen=True)
class Explained:
    """A map with the upper end of its stack's colour scale."""

    map: ImageMap
    vmax: float


def picker(checkpoint: Checkpoint) -> Drawn | None:
    """Row of map controls; None where the map is off."""
    if not has_maps(checkpoint):
        return None
    methods = image_methods(checkpoint)
    classes = list(checkpoint.task.classes)
    on = st.toggle(
        "Show where the network looked", value=True, key=keys.MAP, bind="query-params",
        help="Colour over the picture on the right: the stronger, the more that place spoke for the class. "
        "All slices of a stack share one scale of colours.",
    )  # fmt: skip
    method = st.selectbox(
        "Method", methods, key=keys.METHOD, bind="query-params", format_func=lambda name: get_method(name).title,
        width=190, label_visibility="collapsed", disabled=not on,
    )  # fmt: skip
    target = st.selectbox(
        "Class", classes, index=1, key=keys.TARGET, bind="query-params", width=130,
        format_func=lambda name: f"for {name}", label_visibility="collapsed", disabled=not on,
    )  # fmt: skip
    with st.popover("Appearance", icon=":material/palette:", disabled=not on):
        opacity = st.slider("Opacity", 0.1, 1.0, 0.6, 0.1, key=keys.OPACITY, bind="query-params")
        colours = st.selectbox(
            "Colours", COLORMAPS, key=keys.COLOURS, bind="query-params",
            format_func=lambda name: "one hue" if name == "hue" else name,
        )  # fmt: skip
        contour = st.slider(
            "Line around values above, % of the scale", 0, 90, 50, 10, key=keys.CONTOUR, bind="query-params",
            help="0 draws no line.",
        )  # fmt: skip
    if not on:
        return None
    return Drawn(MapWish(method or methods[0], target or "defect"), opacity, colours or "hue", contour / 100 or None)


def explain(
    opened: OpenedStack, checkpoint: Checkpoint, scored: Scored | None, index: int, drawn: Drawn | None
) -> tuple[Explained | None, BackgroundCall | None]:
    """The map of a slice, or the pending call for it or its scale."""
    if drawn is None or scored is None:
        return None, None
    if drawn.wish.method == PARTS:
        return _of_reasons(reasons(opened, checkpoint, scored, index, drawn))
    return _of_pixels(opened, checkpoint, scored, index, drawn)


def _of_pixels(
    opened: OpenedStack, checkpoint: Checkpoint, scored: Scored, index: int, drawn: Drawn
) -> tuple[Explained | None, BackgroundCall | None]:
    """The map by a method that marks pixels, on the one scale of the stack."""
    key = f"{opened.key}{checkpoint.sha256}"
    scale = shared_calls.watch("scale", caching.map_scale, opened, checkpoint, scored, key, drawn.wish)
    if not scale.wait(_SCALE_S):
        return None, scale
    if scale.result is None:
        st.error(str(scale.error or "The map was stopped."))
        return None, None
    found = shared_calls.watch("map", caching.image_map, opened, checkpoint, key, index, drawn.wish)
    if not found.done:
        return None, found
    if found.result is None:
        st.error(str(found.error or "The map was stopped; move to another slice and back."))
        return None, None
    return Explained(found.result, scale.result), None


def _of_reasons(asked: BackgroundCall) -> tuple[Explained | None, BackgroundCall | None]:
    if asked.result is None:
        return None, asked
    return Explained(asked.result.map, FULL_LOG_ODDS), None


def reasons(opened: OpenedStack, checkpoint: Checkpoint, scored: Scored, index: int, drawn: Drawn) -> BackgroundCall:
    """What each part of a slice brings to the class; its map is ``reasons.map``."""
    key, threshold = f"{opened.key}{checkpoint.sha256}", caching.operating_point(checkpoint).threshold
    return shared_calls.watch(
        "map", caching.reasons, opened, checkpoint, scored, key, index, drawn.wish.target, threshold
    )


def show_reasons(opened: OpenedStack, checkpoint: Checkpoint, scored: Scored, index: int, drawn: Drawn) -> None:
    """Why the slice has the class: one sentence, a bar for each part, and whether they hold."""
    key, threshold = f"{opened.key}{checkpoint.sha256}", caching.operating_point(checkpoint).threshold
    asked = (key, index, drawn.wish.target, threshold)
    why.show(
        reasons(opened, checkpoint, scored, index, drawn),
        lambda found: shared_calls.watch("evidence", caching.parts_evidence, checkpoint, found, *asked),
        why.OF_A_PICTURE,
    )


def show_evidence(opened: OpenedStack, checkpoint: Checkpoint, explained: Explained, index: int, drawn: Drawn) -> None:
    """The evidence on a map, which is tested when somebody asks for it."""
    key = f"{opened.key}{checkpoint.sha256}"
    picture_evidence.on_demand(
        explained.map,
        f"{key} {index} {drawn.wish}",
        lambda: shared_calls.watch(
            "evidence", caching.evidence, opened, checkpoint, explained.map, key, index, drawn.wish
        ),
    )
