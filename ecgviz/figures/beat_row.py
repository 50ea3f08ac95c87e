"""Figure of a single beat of a table, with its saliency map."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from ecgviz.figures.beat_marks import colour_of
from ecgviz.figures.chart import chart_layout
from ecgviz.figures.geometry import THEMES
from ecgviz.figures.overlay import heat_scale, png_row
from ecgviz.results import SaliencyMap

HEIGHT_PX = 300


def beat_row_figure(
    row: np.ndarray, fs: float, letter: str, saliency: SaliencyMap | None = None, *, theme: str = "light"
) -> go.Figure:
    """One row over the time from the R peak; its zero padding is drawn thinner.

    Args:
        row: samples, float (n,).
        fs: sampling frequency, Hz.
        letter: the class that the network gives it, whose colour the R peak has; "" for none.
        saliency: of this row, its times from the R peak; None for none.
        theme: "light" or "dark".
    """
    colours = THEMES[theme]
    time_ms = np.round(np.arange(len(row)) / fs * 1000, 1)
    length = len(row) - int((row[::-1] != 0).argmax()) if np.any(row != 0) else len(row)
    hover = "%{x:.0f} ms: %{y:.3f}<extra></extra>"
    line = {"type": "scatter", "mode": "lines", "hovertemplate": hover}
    traces = [
        line | {"x": time_ms[:length], "y": row[:length], "line": {"color": colours.trace, "width": 1.8}},
        line | {"x": time_ms[length - 1 :], "y": row[length - 1 :], "line": {"color": colours.faint, "width": 1}},
        {"type": "scatter", "mode": "markers+text", "x": [0], "y": [row[0]], "text": [letter], "hoverinfo": "skip",
         "textposition": "top right", "textfont": {"color": colour_of(letter), "size": 16},
         "marker": {"color": colour_of(letter), "size": 8}},
    ]  # fmt: skip
    layout = chart_layout(colours, HEIGHT_PX, {"l": 44, "r": 12, "t": 24, "b": 40})
    axis = {"showgrid": True, "gridcolor": colours.minor, "zeroline": False, "fixedrange": True}
    last_ms = float(time_ms[-1])
    layout["xaxis"] = axis | {"title": {"text": "time from the R peak, ms"}, "range": [-0.02 * last_ms, last_ms]}
    low, high = (float(np.nanmin(row)), float(np.nanmax(row))) if np.isfinite(row).any() else (0.0, 1.0)
    room = 0.08 * (high - low or 1.0)
    layout["yaxis"] = axis | {"title": {"text": "amplitude, scaled"}, "range": [low - room, high + 2 * room]}
    if saliency is not None:
        scale = heat_scale(saliency, None, theme=theme)
        step = 1000 / fs
        layout["images"] = [
            {"source": png_row(scale.rgba(saliency.values)), "xref": "x", "yref": "y domain", "x": -step / 2, "y": 1,
             "sizex": len(saliency.values) * step, "sizey": 1, "sizing": "stretch", "layer": "below"}
        ]  # fmt: skip
    return go.Figure({"data": traces, "layout": layout})
