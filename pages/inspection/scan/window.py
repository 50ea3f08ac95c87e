"""Window and level popover: presets, edges, inverse, and histogram.

For the eye alone; the network reads the stored values.
"""

from __future__ import annotations

import numpy as np
import streamlit as st

from ecgviz.figures.slices import histogram_figure
from ecgviz.figures.window_level import Window, window_between
from pages.inspection.scan import keys
from pages.inspection.scan.keys import scope
from pages.parts import appearance, picture_keys
from readers.image_stack import ImageStack

_STEPS = 1000


def picker(stack: ImageStack, presets: dict[str, Window], pixels: np.ndarray) -> Window:
    """The popover, and its window, which its label shows."""
    names = list(presets)
    by_hand = st.session_state.get(picture_keys.RANGE)
    name = st.session_state.get(keys.WINDOW)
    label = "by hand" if by_hand else name if name in names else names[0]
    popover = st.popover(
        f"Window: {label}", icon=":material/contrast:", key=scope("window_popover"), on_change="rerun",
        help="Which stored values become black and white. For the eye alone: the network reads the stored values.",
    )  # fmt: skip
    with popover:
        name = st.segmented_control(
            "Preset", names, default=names[0], required=True, key=keys.WINDOW, bind="query-params",
            on_change=_forget, help="auto: 0.5th to 99.5th percentile of the middle slice, one for the whole stack.",
        )  # fmt: skip
        preset = presets[name if name in names else names[0]]
        low, high = _edges(stack, pixels, presets, preset, str(name))
        inverse = st.toggle("Inverse: low values white", key=keys.INVERSE, bind="query-params")
        window = preset if (low, high) == _rounded(preset, stack) else window_between(low, high, stack.dtype)
        window = window.inverse() if inverse else window
        if popover.open:
            st.plotly_chart(
                histogram_figure(pixels, window, unit=stack.value_unit, theme=appearance.theme()),
                key=scope("histogram"),
                theme=None,
                config={"displayModeBar": False},
                alt=f"Histogram of the stored values, window from {window.low:g} to {window.high:g}",
            )
            st.caption(f"Centre {window.centre:,.5g}, width {window.width:,.5g} {stack.value_unit}".rstrip())
    return window


def _edges(
    stack: ImageStack, pixels: np.ndarray, presets: dict[str, Window], preset: Window, name: str
) -> tuple[float, float]:
    """Slider of both edges, replaced for each preset."""
    whole = stack.dtype.kind in "iu"
    finite = pixels[np.isfinite(pixels)] if not whole else pixels
    everywhere = [*presets.values(), preset]
    low = min([edge.low for edge in everywhere] + ([float(finite.min())] if finite.size else []))
    high = max([edge.high for edge in everywhere] + ([float(finite.max())] if finite.size else []))
    low, high = _outward(low, high, whole)
    # Slices differ in their extremes; bounds that follow each slice would make another slider of every one.
    key = scope("window_range", st.session_state.get(picture_keys.OPENINGS, 0), name)
    low, high = st.session_state.setdefault(scope("window_bounds"), {}).setdefault(key, (low, high))
    start = tuple(min(max(edge, low), high) for edge in _rounded(preset, stack))
    options = {"step": 1} if whole else {"step": (high - low) / _STEPS, "format": "%.4g"}
    found = st.slider(
        f"From black to white{', ' + stack.value_unit if stack.value_unit else ''}", low, high, start, key=key,
        on_change=_by_hand, args=(key,), **options,
    )  # fmt: skip
    return found[0], found[1]


def _rounded(window: Window, stack: ImageStack) -> tuple[float, float]:
    """Edges rounded to the slider's steps."""
    if stack.dtype.kind in "iu":
        return int(np.floor(window.low)), int(np.ceil(window.high))
    return float(window.low), float(window.high)


def _outward(low: float, high: float, whole: bool) -> tuple[float, float]:
    if whole:
        return int(np.floor(low)), max(int(np.ceil(high)), int(np.floor(low)) + 1)
    return float(low), float(high if high > low else low + 1)


def _by_hand(key: str) -> None:
    st.session_state[picture_keys.RANGE] = st.session_state[key]


def _forget() -> None:
    st.session_state[picture_keys.RANGE] = None
