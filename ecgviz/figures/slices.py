"""Figures beside an inspection picture: slice scores for navigation, and the histogram with the display window."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go

from ecgviz.figures.chart import chart_layout
from ecgviz.figures.geometry import THEMES, Theme
from ecgviz.figures.window_level import Window, histogram

VERDICT_COLOURS = {"normal": "#6b7280", "review": "#e69f00", "defect": "#d55e00", "unread": "#9c8c8c"}
"""Told apart by colour-blind people too; the page writes the word beside the colour."""
VERDICT_SYMBOLS = {"normal": "circle", "review": "diamond", "defect": "square", "unread": "x"}


def slice_strip(
    scores: np.ndarray,
    *,
    threshold: float,
    grey_zone: tuple[float, float] | None = None,
    selected: int | None = None,
    names: Sequence[str] = (),
    theme: str = "light",
    height_px: int = 120,
) -> go.Figure:
    """Score of every slice with threshold and grey zone; points carry the slice in ``customdata``.

    Args:
        scores: calibrated probability of a defect, (n,); NaN where a slice could not be read.
        threshold: of the operating point.
        grey_zone: of the operating point.
        selected: the slice on show.
        names: file or page of each slice, for the pointer.
        theme: "light" or "dark".
        height_px: of the figure.
    """
    colours = THEMES[theme]
    scores = np.asarray(scores, float)
    kinds = slice_kinds(scores, threshold, grey_zone)
    index = np.arange(len(scores))
    line = {"type": "scatter", "mode": "lines", "x": (index + 1).tolist(), "y": _plain(scores), "hoverinfo": "skip"}
    traces = [line | {"line": {"color": colours.faint, "width": 1}, "name": "scores"}]
    for kind, colour in VERDICT_COLOURS.items():
        part = index[kinds == kind]
        if not len(part):
            continue
        traces.append(
            {
                "type": "scatter",
                "mode": "markers",
                "x": (part + 1).tolist(),
                "y": _plain(np.nan_to_num(scores[part])),
                "customdata": part.tolist(),
                "text": [names[i] if i < len(names) else "" for i in part],
                "marker": {"color": colour, "symbol": VERDICT_SYMBOLS[kind], "size": 7},
                "hovertemplate": f"slice %{{x}} %{{text}}<br>score %{{y:.3f}}, {kind}<extra></extra>",
                "name": kind,
                "cliponaxis": False,
            }
        )
    shapes = [_level(threshold, colours)]
    if grey_zone is not None:
        shapes.append(_zone(grey_zone))
    if selected is not None:
        shapes.append(
            {"type": "line", "x0": selected + 1, "x1": selected + 1, "yref": "paper", "y0": 0, "y1": 1}
            | {"line": {"color": colours.hue, "width": 2}, "name": "selected"}
        )
    layout = _layout(colours, height_px) | {"shapes": shapes, "clickmode": "event+select", "uirevision": "strip"}
    layout["xaxis"] = _axis(colours) | {
        "range": [1, max(len(scores), 2)],
        "title": {"text": "slice"},
        "showgrid": False,
    }
    layout["yaxis"] = _axis(colours) | {"range": [-0.04, 1.04], "tickvals": [0, 0.5, 1], "title": {"text": "P(defect)"}}
    return go.Figure({"data": traces, "layout": layout})


def mark_decided(figure: go.Figure, scores: np.ndarray, decided: Mapping[int, str]) -> None:
    """Rings in a :func:`slice_strip` around the slices that people decided, in the colour of their verdict."""
    for kind in dict.fromkeys(decided.values()):
        part = np.array([index for index, one in decided.items() if one == kind and index < len(scores)], int)
        figure.add_scatter(
            x=(part + 1).tolist(), y=_plain(np.nan_to_num(np.asarray(scores, float)[part])), customdata=part.tolist(),
            mode="markers", name=f"decided: {kind}", hovertemplate=f"slice %{{x}}, decided: {kind}<extra></extra>",
            marker={"symbol": "circle-open", "size": 13, "line": {"width": 2}, "color": VERDICT_COLOURS[kind]},
        )  # fmt: skip


def mark_left_out(figure: go.Figure, left_out: Sequence[int], theme: str = "light") -> None:
    """Hatched bands in a :func:`slice_strip` over the slices that the verdict does not rest on."""
    colours = THEMES[theme]
    places = np.array(sorted(left_out), int)
    for run in np.split(places, np.flatnonzero(np.diff(places) > 1) + 1) if len(places) else ():
        figure.add_vrect(
            x0=float(run[0]) + 0.5, x1=float(run[-1]) + 1.5, fillcolor=colours.faint, opacity=0.28, line_width=0,
            layer="above", name="left out",
        )  # fmt: skip
        figure.add_annotation(
            x=float(run[0] + run[-1]) / 2 + 1, y=0.97, yref="paper", yanchor="top", text="not judged", showarrow=False,
            font={"color": colours.text, "size": 11}, bgcolor=colours.paper, opacity=0.85,
        )  # fmt: skip


def slice_kinds(scores: np.ndarray, threshold: float, grey_zone: tuple[float, float] | None) -> np.ndarray:
    """Verdict of each slice by itself, "normal", "review", "defect" or "unread", str (n,)."""
    kinds = np.where(scores >= threshold, "defect", "normal")
    if grey_zone is not None:
        kinds = np.where((scores >= grey_zone[0]) & (scores < grey_zone[1]), "review", kinds)
    return np.where(np.isfinite(scores), kinds, "unread")


def histogram_figure(
    pixels: np.ndarray, window: Window, *, unit: str = "", theme: str = "light", height_px: int = 150
) -> go.Figure:
    """Histogram of stored values with the display window; square-root count scale.

    Args:
        pixels: stored values (H, W).
        window: of the display.
        unit: of the values, such as "HU".
        theme: "light" or "dark".
        height_px: of the figure.
    """
    colours = THEMES[theme]
    counts, edges = histogram(pixels)
    middle = (edges[:-1] + edges[1:]) / 2
    bars = {
        "type": "bar",
        "x": middle.astype(np.float32),
        "y": np.sqrt(counts).astype(np.float32),
        "customdata": counts.astype(np.int32),
        "width": float(edges[1] - edges[0]),
        "marker": {"color": colours.faint, "line": {"width": 0}},
        "hovertemplate": f"value %{{x:.5~g}} {unit}: %{{customdata}} pixels<extra></extra>",
        "name": "values",
    }
    shape = {"type": "rect", "x0": window.low, "x1": window.high, "yref": "paper", "y0": 0, "y1": 1, "layer": "below"}
    shape |= {"fillcolor": colours.hue, "opacity": 0.18, "line": {"width": 0}, "name": "window"}
    layout = _layout(colours, height_px) | {"shapes": [shape], "bargap": 0}
    words = f"stored value{f', {unit}' if unit else ''}"
    layout["xaxis"] = _axis(colours) | {"title": {"text": words}, "showgrid": False}
    layout["yaxis"] = _axis(colours) | {"visible": False}
    return go.Figure({"data": [bars], "layout": layout})


def _plain(values: np.ndarray) -> list[float | None]:
    return [None if np.isnan(value) else round(float(value), 4) for value in values]


def _level(threshold: float, colours: Theme) -> dict:
    line = {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": threshold, "y1": threshold, "name": "threshold"}
    return line | {"line": {"color": colours.text, "width": 1, "dash": "dash"}}


def _zone(grey_zone: tuple[float, float]) -> dict:
    zone = {"type": "rect", "xref": "paper", "x0": 0, "x1": 1, "y0": grey_zone[0], "y1": grey_zone[1]}
    return zone | {"fillcolor": VERDICT_COLOURS["review"], "opacity": 0.18, "line": {"width": 0}, "name": "grey zone"}


def _axis(colours: Theme) -> dict:
    return {"gridcolor": colours.minor, "zeroline": False, "fixedrange": True}


def _layout(colours: Theme, height_px: int) -> dict:
    return chart_layout(colours, height_px, {"l": 44, "r": 8, "t": 6, "b": 36}, font_px=11)
