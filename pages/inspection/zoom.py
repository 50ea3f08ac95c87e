"""Zoom of the picture, preserved from slice to slice.

Streamlit mounts another chart for every figure, so what the browser did with the one before is lost, ``uirevision`` or
not. Two components without a face tell Python the ranges of the chart's axes. One lives in a fragment and tells them
when the hand rests, so zooming itself costs no rerun of the page. The other tells what is not told yet as soon as
another part of the page is clicked or a key is pressed, and lives outside of fragments: Streamlit sends all that
happens in one moment as one request, and as one of the fragment it would lose the click.
"""

from __future__ import annotations

import math
from hashlib import sha256
from typing import Any

import plotly.graph_objects as go
import streamlit as st

_COMMON = """
  const find = () => document.querySelector(".st-key-CHART .js-plotly-plot");
  const ranges = (chart) => [...chart._fullLayout.xaxis.range, ...chart._fullLayout.yaxis.range].map(Number);
  const tell = (chart) => {
    if (!chart || !chart.isConnected || !chart._fullLayout || !chart.ecgvizTold) return;
    const now = ranges(chart);
    if (now.every((one, i) => one === chart.ecgvizTold[i])) return;
    chart.ecgvizTold = now;
    setStateValue("view", { ranges: now, at: Date.now() });
  };
"""
_AT_REST = """
export default function ({ setStateValue }) {
  let chart = null, timer = null, quiet = 0;
  COMMON
  const watch = () => {
    const found = find();
    if (!found || found === chart || !found.on || !found._fullLayout) return;
    clearTimeout(timer);
    chart = found;
    chart.ecgvizTold = ranges(chart);
    chart.on("plotly_relayout", (change) => {
      clearTimeout(timer);
      if (Object.keys(change || {}).some((name) => name.startsWith("shapes"))) {
        const drawn = (chart.layout.shapes || []).filter((one) => one.type === "line" && one.editable);
        const last = drawn[drawn.length - 1];
        setStateValue("ruler", last ? [last.x0, last.y0, last.x1, last.y1].map(Number) : []);
        return;
      }
      if (Date.now() > quiet) timer = setTimeout(() => tell(chart), 200);
    });
    chart.on("plotly_doubleclick", () => {
      clearTimeout(timer);
      quiet = Date.now() + 600;  // a relayout without a change follows it
      chart.ecgvizTold = null;
      setStateValue("view", { ranges: [], at: Date.now() });
    });
  };
  const clock = setInterval(watch, 100);
  return () => { clearInterval(clock); clearTimeout(timer); };
}
"""
_AT_ONCE = """
export default function ({ setStateValue }) {
  COMMON
  const asked = (event) => {
    const chart = find();
    if (chart && !chart.contains(event.target)) tell(chart);
  };
  const asks = ["pointerup", "keydown"];
  asks.forEach((one) => window.addEventListener(one, asked, true));
  return () => asks.forEach((one) => window.removeEventListener(one, asked, true));
}
"""
_LEAST_PX = 4
_FARTHEST_PX = 1e6
_WHOLE: dict = {"ranges": [], "at": 0}


class Zoom:
    """Zoom state of one chart.

    Args:
        chart: key of the chart that is listened to.
    """

    def __init__(self, chart: str):
        self._state = f"{chart}-zoom"
        self._tellers = {
            name: st.components.v2.component(
                f"ecgviz_zoom{chart}_{name}",
                html="<div style='height:0'></div>",
                js=script.replace("COMMON", _COMMON).replace("CHART", chart),
            )
            for name, script in (("at_rest", _AT_REST), ("at_once", _AT_ONCE))
        }

    def apply(self, figure: go.Figure, key: str, shape: tuple[int, int]) -> None:
        """Restore the zoom of the picture with that key in a figure.

        Args:
            figure: from ``picture_figure``, its ranges those of the whole picture.
            key: of the picture or stack.
            shape: height and width.
        """
        view = self._told(key)["ranges"]
        if not _sound(view, shape):
            return
        left, right, bottom, top = view
        figure.update_layout(xaxis_range=[left, right], xaxis2_range=[left, right])
        figure.update_layout(yaxis_range=[bottom, top], yaxis2_range=[bottom, top])

    def listen(self, key: str, spacing_mm: tuple[float, float] | None = None) -> None:
        """Store the browser's zoom, which a double click resets, and tell the length of a line that was drawn."""

        @st.fragment
        def at_rest() -> None:
            _, before = st.session_state.get(self._state, (key, _WHOLE))
            line = getattr(self._mount("at_rest", key), "ruler", None)
            if words := ruler_words(line, spacing_mm):
                st.caption(words)
            told = self._told(key)
            st.session_state[self._state] = (key, told)
            if before["ranges"] and not told["ranges"]:
                st.rerun()

        at_rest()
        self._mount("at_once", key)

    def _mount(self, name: str, key: str) -> Any:
        return self._tellers[name](
            key=self._name(name, key), on_view_change=lambda: None, on_ruler_change=lambda: None, height=1
        )

    def _name(self, name: str, key: str) -> str:
        """Component name, one per picture, since each has its own view."""
        return f"{self._state}-{name}-{sha256(key.encode()).hexdigest()[:12]}"

    def _told(self, key: str) -> dict:
        """Latest zoom message. It may arrive with the click that draws the next slice, before the fragment ran, so the
        components themselves are read; they forget when another page is shown."""
        kept_key, kept = st.session_state.get(self._state, (key, _WHOLE))
        told = [kept if kept_key == key else _WHOLE]
        for name in (self._name(one, key) for one in self._tellers):
            view = getattr(st.session_state[name], "view", None) if name in st.session_state else None
            if isinstance(view, dict) and isinstance(view.get("at"), int | float):
                told.append({"ranges": view.get("ranges") or [], "at": view["at"]})
        return max(told, key=lambda one: one["at"])


def ruler_words(line: object, spacing_mm: tuple[float, float] | None) -> str:
    """Length of a drawn line and its extent along columns and rows; empty where there is none.

    Args:
        line: a browser's message: x and y of both ends, pixels.
        spacing_mm: height and width of a pixel; pixels are told where it is not known.
    """
    if not isinstance(line, list) or len(line) != 4 or not all(isinstance(one, int | float) for one in line):
        return ""
    if not all(math.isfinite(one) and abs(one) < _FARTHEST_PX for one in line):
        return ""
    row, column = spacing_mm or (1.0, 1.0)
    across, down = abs(line[2] - line[0]) * column, abs(line[3] - line[1]) * row
    unit = "px" if spacing_mm is None else "mm"
    return f"Ruler: **{math.hypot(across, down):.3g} {unit}** ({across:.3g} across, {down:.3g} down)"


def _sound(view: object, shape: tuple[int, int]) -> bool:
    """Whether a browser's message is a valid part of a picture."""
    if not isinstance(view, list) or len(view) != 4 or not all(isinstance(one, int | float) for one in view):
        return False
    left, right, bottom, top = view
    height, width = shape
    finite = all(math.isfinite(one) and abs(one) < 10 * max(shape) for one in view)
    return finite and right - left >= _LEAST_PX and bottom - top >= _LEAST_PX and left < width and top < height
