"""The inspected picture: as stored on the left, with map and ground truth on the right."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from ecgviz.errors import EcgvizError
from ecgviz.figures.picture import CHART_CONFIG, Truth, picture_figure
from ecgviz.figures.picture_layers import scale_words
from ecgviz.figures.window_level import Window, apply_window
from pages.inspection.address import OpenedStack
from pages.inspection.keys import scope
from pages.inspection.maps import Drawn, Explained
from pages.inspection.zoom import Zoom
from pages.parts import appearance
from pages.parts.width import measure
from readers.image_stack import ImageStack

_CHART = scope("picture")
_PROBE = scope("picture_width")
_HIGHEST_PX, _LOWEST_PX = 640, 180
_HEAD_PX, _BAR_PX = 32, 64
_NARROW_PX = 480

_zoom = Zoom(_CHART)


@dataclass(frozen=True)
class Shown:
    """Content of the picture, for screen and file."""

    opened: OpenedStack
    index: int
    pixels: np.ndarray
    window: Window
    explained: Explained | None
    drawn: Drawn | None
    truth: Truth | None

    @property
    def stack(self) -> ImageStack:
        """Its stack."""
        return self.opened.stack

    def grey(self) -> np.ndarray:
        """The slice as displayed, uint8 (H, W)."""
        return apply_window(self.pixels, self.window)

    def map_arguments(self) -> dict:
        """Map arguments shared by figure and file."""
        if self.explained is None or self.drawn is None:
            return {}
        return {
            "image_map": self.explained.map,
            "scale": self.drawn.scale(self.explained.vmax),
            "level": self.drawn.contour,
        }


def figure(shown: Shown, width_px: int, theme: str) -> go.Figure:
    """Figure of both sides, of constant size with and without a map."""
    stack, (height, width) = shown.stack, shown.pixels.shape
    ratio = stack.spacing_mm[0] / stack.spacing_mm[1] if stack.spacing_mm and stack.spacing_mm[1] > 0 else 1.0
    stacked = width_px < _NARROW_PX
    side_px = (width_px - _BAR_PX) / (1 if stacked else 2) * height / width * ratio
    side_px = round(min(max(side_px, _LOWEST_PX), _HIGHEST_PX))
    found = picture_figure(
        shown.grey(),
        values=shown.pixels,
        value_unit=stack.value_unit,
        truth=shown.truth,
        spacing_mm=stack.spacing_mm,
        revision=shown.opened.key,
        height_px=side_px * (2 if stacked else 1) + _HEAD_PX,
        theme=theme,
        stacked=stacked,
        **shown.map_arguments(),
    )
    # The words of the scale and of the lines stand below the picture, where they have room on every screen.
    found.update_layout(margin_r=_BAR_PX, showlegend=False)
    found.update_traces({"marker.colorbar.title.text": ""}, selector={"name": "colour bar"})
    return found


def show(shown: Shown, kind: str = "stack") -> None:
    """Draw it; ``kind`` is what shares a colour scale: a stack or a batch."""
    place = f", slice {shown.index + 1} of {shown.stack.n_slices}" if shown.stack.n_slices > 1 else ""
    over = "with the map over it on the right" if shown.explained is not None else "the same on the right"
    drawn = figure(shown, measure(_PROBE), appearance.theme())
    _zoom.apply(drawn, shown.opened.key, shown.pixels.shape)
    st.plotly_chart(
        drawn,
        key=_CHART,
        theme=None,
        config=CHART_CONFIG,
        alt=f"{shown.stack.name}{place}: as stored on the left, {over}",
    )
    st.caption(_words(shown, kind))
    _zoom.listen(shown.opened.key, shown.stack.spacing_mm)


def _words(shown: Shown, kind: str) -> str:
    """Caption of colours and lines; a blank line where there are none."""
    words = []
    if shown.explained is not None and shown.drawn is not None:
        words.append(f"Colour: {scale_words(shown.explained.map)}. One scale for all pictures of this {kind}.")
        if shown.drawn.contour is not None:
            words.append(f"Dotted: the map at {shown.drawn.contour:.0%} of the scale.")
    if shown.truth is not None and (shown.truth.mask is not None or shown.truth.boxes):
        words.append("Blue: where the defect is known to be.")
    return " ".join(words) or "&nbsp;"


def truth_of(opened: OpenedStack, index: int, shape: tuple[int, int]) -> Truth | None:
    """Mask or boxes of a slice, for drawing."""
    try:
        return opened.truth.of_slice(opened.stack, index, shape)
    except EcgvizError as error:
        st.warning(str(error), icon=":material/warning:")
        return None
