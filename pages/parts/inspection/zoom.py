"""The part of the picture that a person has zoomed to, kept from slice to slice.

Streamlit mounts another chart for every figure, so what the browser did with the one before is lost, ``uirevision`` or
not. A component without a face listens to the chart and tells Python the ranges of its axes; it lives in a fragment, so
zooming itself costs no rerun of the page, and the next slice is drawn where the last one was looked at.
"""

from __future__ import annotations

import math
from hashlib import sha256

import plotly.graph_objects as go
import streamlit as st

_SCRIPT = """
export default function ({ setStateValue }) {
  let chart = null, timer = null, quiet = 0;
  const tell = () => {
    const layout = chart && chart._fullLayout;
    if (!layout) return;
    setStateValue("view", [...layout.xaxis.range, ...layout.yaxis.range].map(Number));
  };
  const watch = () => {
    const found = document.querySelector(".st-key-CHART .js-plotly-plot");
    if (!found || found === chart || !found.on || !found._fullLayout) return;
    chart = found;
    chart.on("plotly_relayout", () => {
      clearTimeout(timer);
      if (Date.now() > quiet) timer = setTimeout(tell, 200);
    });
    chart.on("plotly_doubleclick", () => {
      clearTimeout(timer);
      quiet = Date.now() + 600;  // a relayout without a change follows it
      setStateValue("view", []);
    });
  };
  const clock = setInterval(watch, 200);
  return () => { clearInterval(clock); clearTimeout(timer); };
}
"""
_LEAST_PX = 4


class Zoom:
    """The zoom of one chart.

    Args:
        chart: key of the chart that is listened to.
    """

    def __init__(self, chart: str):
        script = _SCRIPT.replace("CHART", chart)
        self._ears = st.components.v2.component(f"ecgviz_zoom{chart}", html="<div style='height:0'></div>", js=script)
        self._state = f"_zoom{chart}"

    def apply(self, figure: go.Figure, key: str, shape: tuple[int, int]) -> None:
        """Draw a figure where the picture of that key was last looked at.

        Args:
            figure: from ``picture_figure``, its ranges those of the whole picture.
            key: of the picture or stack.
            shape: height and width.
        """
        view = self._told(key)
        if not _sound(view, shape):
            return
        left, right, bottom, top = view
        figure.update_layout(xaxis_range=[left, right], xaxis2_range=[left, right])
        figure.update_layout(yaxis_range=[bottom, top], yaxis2_range=[bottom, top])

    def listen(self, key: str) -> None:
        """Keep what the browser tells; a double click shows the whole picture again."""

        @st.fragment
        def ears() -> None:
            before = st.session_state.get(self._state)
            self._ears(key=self._name(key), on_view_change=lambda: None, height=1)
            view = self._told(key)
            st.session_state[self._state] = (key, view)
            if view is None and before is not None and before[0] == key and before[1] is not None:
                st.rerun()

        ears()

    def _name(self, key: str) -> str:
        """Of the component: one for each picture, which knows nothing of the view of another."""
        return f"{self._state}_ears_{sha256(key.encode()).hexdigest()[:12]}"

    def _told(self, key: str) -> list[float] | None:
        """The view that the browser told last. It may have come with the very click that draws the next slice, before
        the fragment that listens ran, so the component itself is asked first; it forgets when another page is shown."""
        name = self._name(key)
        if name in st.session_state:
            return getattr(st.session_state[name], "view", None) or None
        kept, view = st.session_state.get(self._state, (key, None))
        return view if kept == key else None


def _sound(view: object, shape: tuple[int, int]) -> bool:
    """Whether what a browser told is a part of a picture."""
    if not isinstance(view, list) or len(view) != 4 or not all(isinstance(one, int | float) for one in view):
        return False
    left, right, bottom, top = view
    height, width = shape
    finite = all(math.isfinite(one) and abs(one) < 10 * max(shape) for one in view)
    return finite and right - left >= _LEAST_PX and bottom - top >= _LEAST_PX and left < width and top < height
