"""Which map lies over the picture and how it is drawn, and the work that makes it."""

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
from pages.parts import looks, why
from pages.parts.twin import has_maps
from pages.parts.work import Work

_SCALE_S = 0.25


@dataclass(frozen=True)
class Drawn:
    """How a map is drawn."""

    wish: MapWish
    opacity: float
    colours: str
    contour: float | None

    def scale(self, vmax: float):
        """The colours, up to the full one at ``vmax``."""
        return picture_scale(vmax, colormap=self.colours, opacity=self.opacity)


@dataclass(frozen=True)
class Explained:
    """A map with the upper end of its stack's colours."""

    map: ImageMap
    vmax: float


def picker(checkpoint: Checkpoint) -> Drawn | None:
    """The row of the map; None where it is switched off."""
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
        "Class", classes, index=classes.index("defect"), key=keys.TARGET, bind="query-params", width=130,
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
) -> tuple[Explained | None, Work | None]:
    """The map of a slice, or the work that still prepares it or its scale."""
    if drawn is None or scored is None:
        return None, None
    if drawn.wish.method == PARTS:
        return _of_reasons(reasons(opened, checkpoint, scored, index, drawn))
    return _of_pixels(opened, checkpoint, scored, index, drawn)


def _of_pixels(
    opened: OpenedStack, checkpoint: Checkpoint, scored: Scored, index: int, drawn: Drawn
) -> tuple[Explained | None, Work | None]:
    """The map by a method that marks pixels, on the one scale of the stack."""
    key = f"{opened.key}{checkpoint.sha256}"
    scale = looks.at("scale", caching.map_scale, opened, checkpoint, scored, key, drawn.wish)
    if not scale.wait(_SCALE_S):
        return None, scale
    if scale.result is None:
        st.error(str(scale.error or "The map was stopped."))
        return None, None
    found = looks.at("map", caching.image_map, opened, checkpoint, key, index, drawn.wish)
    if not found.done:
        return None, found
    if found.result is None:
        st.error(str(found.error or "The map was stopped; move to another slice and back."))
        return None, None
    return Explained(found.result, scale.result), None


def _of_reasons(asked: Work) -> tuple[Explained | None, Work | None]:
    if asked.result is None:
        return None, asked
    return Explained(asked.result.map, FULL_LOG_ODDS), None


def reasons(opened: OpenedStack, checkpoint: Checkpoint, scored: Scored, index: int, drawn: Drawn) -> Work:
    """What each part of a slice brings to the class; its map is ``reasons.map``."""
    key, threshold = f"{opened.key}{checkpoint.sha256}", caching.operating_point(checkpoint).threshold
    return looks.at("map", caching.reasons, opened, checkpoint, scored, key, index, drawn.wish.target, threshold)


def show_reasons(opened: OpenedStack, checkpoint: Checkpoint, scored: Scored, index: int, drawn: Drawn) -> None:
    """Why the slice has the class: one sentence, a bar for each part, and whether they hold."""
    key, threshold = f"{opened.key}{checkpoint.sha256}", caching.operating_point(checkpoint).threshold
    asked = (key, index, drawn.wish.target, threshold)
    why.show(
        reasons(opened, checkpoint, scored, index, drawn),
        lambda found: looks.at("evidence", caching.parts_evidence, checkpoint, found, *asked),
        why.OF_A_PICTURE,
    )


def evidence(opened: OpenedStack, checkpoint: Checkpoint, explained: Explained, index: int, drawn: Drawn) -> Work:
    """The test of a map."""
    key = f"{opened.key}{checkpoint.sha256}"
    return looks.at("evidence", caching.evidence, opened, checkpoint, explained.map, key, index, drawn.wish)
