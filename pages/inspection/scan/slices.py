"""Slice navigation: score strip, slider, buttons and keys.

Each way names the slice it leads to, so that a callback that comes twice moves once.
"""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from ecgviz.analysis.dispositions import Final
from ecgviz.figures.slices import mark_decided, mark_left_out, slice_strip
from ecgviz.results import Verdict
from models.evaluation.operating_point import OperatingPoint
from pages.inspection.caching import Scored
from pages.inspection.scan.keys import scope
from pages.parts import appearance, picture_keys
from readers.image_stack import ImageStack

_CHART, _PLACES = scope("slice_scores"), "places"
STRIP_PX = 130


def settle(stack: ImageStack, verdict: Verdict | None) -> int:
    """Current slice: the selected one, or in a new stack the deciding one once known."""
    state = st.session_state
    chosen = state.get(picture_keys.SLICE)
    if chosen is None and verdict is None:
        return stack.n_slices // 2
    index = min(max(int(verdict.slice_index or 0) if chosen is None else int(chosen), 0), stack.n_slices - 1)
    if index != chosen:
        go_to(index)
    return index


def go_to(index: int) -> None:
    """Go to a slice. Replaces the slider, since the browser would restore the value of a moved one."""
    st.session_state[picture_keys.SLICE] = index
    st.session_state[picture_keys.SLIDER] = st.session_state.get(picture_keys.SLIDER, 0) + 1


def show(stack: ImageStack, index: int, scored: Scored | None, final: Final | None, point: OperatingPoint) -> None:
    """Score strip with the slice marked, and the slider between its buttons."""
    scores = scored.scores if scored is not None else np.full(stack.n_slices, np.nan)
    names = stack.slice_names
    if stack.slice_mm:
        names = [f"{name} · {place:.2f} mm" for name, place in zip(names, stack.slice_mm, strict=True)]
    figure = slice_strip(
        scores,
        threshold=point.threshold,
        grey_zone=point.grey_zone,
        selected=index,
        names=names,
        theme=appearance.theme(),
        height_px=STRIP_PX,
    )
    if scored is None:
        # Nothing was scored yet, which is not the same as unread.
        figure.data = figure.data[:1]
    elif final is not None:
        mark_left_out(figure, final.network.left_out, appearance.theme())
        mark_decided(figure, scores, {one.slice_index or 0: one.new for one in final.slices})
    _places(figure, stack.n_slices)
    figure.update_xaxes(title_text="")  # the slider, which lies close below, says what the numbers are
    st.plotly_chart(
        figure,
        key=_CHART,
        theme=None,
        config={"displayModeBar": False, "scrollZoom": False},
        on_select=_clicked,
        selection_mode="points",
        alt=f"Score of each of the {stack.n_slices} slices; slice {index + 1} is shown",
    )
    with st.container(key=scope("slice_row")):
        _slider(stack, index)
    with st.container(horizontal=True, gap="xsmall", vertical_alignment="center", key=scope("step_row")):
        _button("", ":material/chevron_left:", "Left", scope("slice_back"), index - 1, index <= 0, "The slice before")
        last = stack.n_slices - 1
        _button("", ":material/chevron_right:", "Right", scope("slice_on"), index + 1, index >= last, "The slice after")
        worst = final.network.slice_index if final is not None else None
        st.button(
            "Worst slice", shortcut="J", key=scope("slice_worst"), on_click=go_to, args=(worst or 0,),
            disabled=worst is None or worst == index, help="The slice of the highest score, which decides.",
        )  # fmt: skip


def _button(label: str, icon: str, shortcut: str, key: str, to: int, off: bool, words: str) -> None:
    st.button(label, icon=icon, shortcut=shortcut, key=key, on_click=go_to, args=(to,), disabled=off, help=words)


def _slider(stack: ImageStack, index: int) -> None:
    key = _slider_key(stack.n_slices)
    st.slider(
        "Slice", 1, stack.n_slices, index + 1, key=key, on_change=_slid, args=(key, stack.n_slices),
        label_visibility="collapsed",
        format=f"slice %d of {stack.n_slices}",
    )  # fmt: skip


def _slider_key(n_slices: int) -> str:
    return scope("slice_slider", st.session_state.get(picture_keys.SLIDER, 0), n_slices)


def _slid(key: str, n_slices: int) -> None:
    """Callback of the slider; ignores values of earlier sliders from a slow browser."""
    if key == _slider_key(n_slices):
        st.session_state[picture_keys.SLICE] = st.session_state[key] - 1


def _places(figure: go.Figure, n_slices: int) -> None:
    """An invisible point per slice, so that any click selects the nearest slice."""
    figure.add_scatter(
        x=list(range(1, n_slices + 1)), y=[0.5] * n_slices, customdata=list(range(n_slices)), mode="markers",
        marker={"opacity": 0, "size": 8}, hoverinfo="none", name=_PLACES,
    )  # fmt: skip
    figure.update_layout(hovermode="x")


def _clicked() -> None:
    """Callback of a click on the strip; the invisible points are the last trace."""
    points = [one for one in st.session_state[_CHART].selection.points if "customdata" in one]
    if points:
        found = max(points, key=lambda one: one.get("curve_number", 0))["customdata"]
        go_to(int(found[0] if isinstance(found, list | tuple) else found))
