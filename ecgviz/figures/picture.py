"""Inspection figure: the picture on the left, with map and ground truth on the right, linked zoom.

Pictures travel as PNG layers (``layout.images``). The value under the pointer comes from a grid of invisible points,
since a picture layer answers to no pointer and a heat map of JSON would weigh megabytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from ecgviz.figures.ecg_paper import FONT
from ecgviz.figures.geometry import THEMES, Theme
from ecgviz.figures.overlay import HeatScale
from ecgviz.figures.picture_layers import Box, contour_lines, grey_png, map_png, scale_bar, scale_words
from ecgviz.results import ImageMap

PICTURE_BYTES = (270_000, 210_000)
"""Most bytes of the picture layer on the left and on the right: with the map and the points below 600 KB."""
CHART_CONFIG = {
    "scrollZoom": True,
    "displaylogo": False,
    "doubleClick": False,
    "modeBarButtonsToRemove": ["select2d", "lasso2d", "autoScale2d"],
    "modeBarButtonsToAdd": ["drawline", "eraseshape"],
}
POINTS = 48
TRUTH, CONTOUR = "#56b4e9", "#ffffff"
_GAP = 0.015


@dataclass(frozen=True)
class Truth:
    """Ground truth of a defect: a mask, bool (H, W), boxes, or neither."""

    mask: np.ndarray | None = None
    boxes: Sequence[Box] = ()


def picture_figure(
    grey: np.ndarray,
    *,
    values: np.ndarray | None = None,
    value_unit: str = "",
    image_map: ImageMap | None = None,
    scale: HeatScale | None = None,
    level: float | None = None,
    truth: Truth | None = None,
    spacing_mm: tuple[float, float] | None = None,
    revision: str = "picture",
    height_px: int = 460,
    most_bytes: tuple[int, int] = PICTURE_BYTES,
    theme: str = "light",
    stacked: bool = False,
) -> go.Figure:
    """The picture beside itself with map and ground truth.

    Args:
        grey: windowed, uint8 (H, W).
        values: stored values for the pointer, (H, W); the windowed ones when None.
        value_unit: of the values, such as "HU".
        image_map: map of this picture; the right side shows the truth alone without one.
        scale: colours of the map from ``picture_scale``; needed with a map.
        level: share of the scale's top (0 to 1) at which a contour is drawn; None draws none.
        truth: mask or boxes, where they are known.
        spacing_mm: millimetres from row to row and from column to column, for shape and scale bar.
        revision: zoom is kept as long as this stays the same: one for a stack.
        height_px: of the figure.
        most_bytes: of the picture layer on the left and on the right; a larger one is made coarser.
        theme: "light" or "dark".
        stacked: one above the other, for a narrow screen, on which they would be stamps beside each other.

    Raises:
        ValueError: a map or truth of another shape, or a map without a scale.
    """
    shape = grey.shape
    check_layers(shape, image_map, scale, truth)
    colours = THEMES[theme]
    traces = [_pointer(values if values is not None else grey, image_map, value_unit, side) for side in ("", "2")]
    layers = [layer_of(grey_png(grey, most), shape, side) for most, side in zip(most_bytes, ("", "2"), strict=True)]
    if image_map is not None and scale is not None:
        # Plotly puts layers of one side that are all below into an order of its own.
        layers.append(layer_of(map_png(image_map, scale), shape, "2") | {"layer": "above"})
        traces.append(colour_bar(image_map, scale, colours))
        if level is not None:
            lines = contour_lines(image_map.values, level * scale.vmax)
            contour = outline(lines, CONTOUR, f"map at {level:.0%} of the scale", dash="dot")
            edge = contour | {
                "line": {"color": "#000000", "width": 3, "dash": "solid"},
                "opacity": 0.55,
                "name": "edge",
            }
            traces += [edge | {"showlegend": False}, contour | {"showlegend": False}, *_key(contour, colours.text)]
    if truth is not None and truth.mask is not None:
        traces.append(outline(contour_lines(truth.mask, 0.5), TRUTH, "truth"))
    shapes, notes = _bar(shape, spacing_mm)
    shapes += [_box(box) for box in (truth.boxes if truth is not None else ())]
    layout = _layout(shape, spacing_mm, revision, height_px, colours, stacked=stacked)
    return go.Figure({"data": traces, "layout": layout | {"images": layers, "shapes": shapes, "annotations": notes}})


def check_layers(
    shape: tuple[int, ...], image_map: ImageMap | None, scale: HeatScale | None, truth: Truth | None = None
) -> None:
    """Refuse a map or ground truth of another shape than the picture.

    Raises:
        ValueError: another shape, or a map without a scale.
    """
    if image_map is not None and scale is None:
        raise ValueError("a map needs a scale; make one with picture_scale")
    laid = [] if image_map is None else [("map", image_map.values)]
    laid += [("mask", truth.mask)] if truth is not None and truth.mask is not None else []
    for name, values in laid:
        if values.shape != shape:
            raise ValueError(f"the {name} is {values.shape}, the picture {shape}: they do not belong together")


def layer_of(source: str, shape: tuple[int, ...], side: str = "") -> dict:
    """A picture (data URI) that fills the axes of a side, "" or "2"."""
    height, width = shape
    place = {"x": -0.5, "y": -0.5, "sizex": width, "sizey": height, "xanchor": "left", "yanchor": "top"}
    return place | {"source": source, "xref": f"x{side}", "yref": f"y{side}", "sizing": "stretch", "layer": "below"}


def _pointer(values: np.ndarray, image_map: ImageMap | None, unit: str, side: str) -> dict:
    """Invisible points for hover text: position, value and importance."""
    height, width = values.shape
    rows, columns = (
        np.unique(np.linspace(0, length - 1, min(length, POINTS)).round().astype(int)) for length in (height, width)
    )
    grid_y, grid_x = (grid.ravel() for grid in np.meshgrid(rows, columns, indexing="ij"))
    shown = [np.asarray(values, np.float32)[grid_y, grid_x]]
    shown[0] = np.where(np.isfinite(shown[0]), shown[0], np.float32(np.nan))
    hover = f"row %{{y}}, column %{{x}}<br>value %{{customdata[0]:.5~g}} {unit}".rstrip()
    if image_map is not None and side:
        shown.append(image_map.values[grid_y, grid_x].astype(np.float32))
        hover += "<br>importance %{customdata[1]:.3~g}"
    small = np.int16 if max(values.shape) < 2**15 else np.int32
    return {
        "type": "scatter",
        "mode": "markers",
        "x": grid_x.astype(small),
        "y": grid_y.astype(small),
        "customdata": np.stack(shown, axis=1),
        "marker": {"size": 10, "opacity": 0},
        "hovertemplate": hover + "<extra></extra>",
        "showlegend": False,
        "xaxis": f"x{side}",
        "yaxis": f"y{side}",
        "name": "values",
    }


def colour_bar(image_map: ImageMap, scale: HeatScale, colours: Theme, side: str = "2") -> dict:
    """An invisible point that carries a colour bar."""
    steps = scale.bar(line=False)
    bar = {
        "title": {"text": scale_words(image_map), "side": "right", "font": {"size": 11}},
        "thickness": 12,
        "len": 0.9,
        "x": 1.01,
    }
    bar |= {"tickvals": [0, scale.vmax], "ticktext": ["0", f"≥ {scale.vmax:.2g}"], "outlinewidth": 0}
    marker = {"color": [0.0], "cmin": 0.0, "cmax": scale.vmax, "showscale": True, "opacity": 0}
    marker["colorscale"] = [[i / (len(steps) - 1), colour] for i, colour in enumerate(steps)]
    marker["colorbar"] = bar | {"tickfont": {"color": colours.text}}
    return {
        "type": "scatter",
        "mode": "markers",
        "x": [None],
        "y": [None],
        "marker": marker,
        "hoverinfo": "skip",
        "showlegend": False,
        "xaxis": f"x{side}",
        "yaxis": f"y{side}",
        "name": "colour bar",
    }


def outline(lines: Sequence[np.ndarray], colour: str, name: str, dash: str = "solid", side: str = "2") -> dict:
    """Closed lines as one trace with breaks."""
    parts = [np.append(line, [[np.nan, np.nan]], axis=0) for line in lines]
    points = np.concatenate(parts) if parts else np.empty((0, 2))
    return {
        "type": "scatter",
        "mode": "lines",
        "x": points[:, 0].astype(np.float32),
        "y": points[:, 1].astype(np.float32),
        "line": {"color": colour, "width": 1.5, "dash": dash},
        "hoverinfo": "skip",
        "showlegend": bool(parts),
        "xaxis": f"x{side}",
        "yaxis": f"y{side}",
        "name": name,
    }


def _key(line: dict, colour: str) -> list[dict]:
    """Legend entry of an outline, in a colour that is visible on the page too."""
    if not line["showlegend"]:
        return []
    return [line | {"x": [None], "y": [None], "line": line["line"] | {"color": colour}}]


def _box(box: Box) -> dict:
    shape = {"type": "rect", "xref": "x2", "yref": "y2", "line": {"color": TRUTH, "width": 1.5}, "name": "truth"}
    corners = {"x0": box.left - 0.5, "x1": box.right + 0.5, "y0": box.top - 0.5, "y1": box.bottom + 0.5}
    words = {"label": {"text": box.kind, "font": {"color": TRUTH, "size": 10}, "textposition": "top left"}}
    return shape | corners | (words if box.kind else {})


def modebar(colours: Theme) -> dict:
    """Plotly's mode bar without background, which would be unreadable on a transparent page."""
    return {"bgcolor": "rgba(0,0,0,0)", "color": colours.faint, "activecolor": colours.text}


def _bar(shape: tuple[int, ...], spacing_mm: tuple[float, float] | None) -> tuple[list[dict], list[dict]]:
    """Scale bar in the lower right corner of both pictures."""
    height, width = shape
    bar = scale_bar(width, spacing_mm)
    if bar is None:
        return [], []
    right, low = width * 0.97, height * 0.95
    shapes, notes = [], []
    for side in ("", "2"):
        place = {"xref": f"x{side}", "yref": f"y{side}"}
        ends = {"x0": right - bar.length_px, "x1": right, "y0": low, "y1": low}
        # White on black: it is read on a bright part as on a dark one.
        shapes += [
            {"type": "line", "name": "scale bar", "line": {"color": colour, "width": line}} | place | ends
            for colour, line in (("#000000", 6), ("#ffffff", 3))
        ]
        notes.append(
            {"x": right - bar.length_px / 2, "y": low, "text": bar.text, "showarrow": False, "yanchor": "bottom"}
            | {"font": {"color": "#ffffff", "size": 12}, "bgcolor": "rgba(0,0,0,0.5)"}
            | place
        )
    return shapes, notes


def _layout(
    shape: tuple[int, ...],
    spacing_mm: tuple[float, float] | None,
    revision: str,
    height_px: int,
    colours: Theme,
    *,
    stacked: bool,
) -> dict:
    height, width = shape
    # Pixels that are higher than wide are drawn so.
    ratio = spacing_mm[0] / spacing_mm[1] if spacing_mm is not None and spacing_mm[1] > 0 else 1.0
    hidden = {"showgrid": False, "zeroline": False, "showticklabels": False, "constrain": "domain"}
    layout = {
        "template": {},
        "height": height_px,
        "margin": {"l": 4, "r": 4, "t": 28, "b": 4},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"family": FONT, "size": 12, "color": colours.text},
        "hovermode": "closest",
        "hoverdistance": 40,
        "dragmode": "pan",
        "newshape": {"line": {"color": "#ffd54f", "width": 2}},
        "uirevision": revision,
        "modebar": modebar(colours),
        "legend": {"orientation": "h", "x": 0.5 + _GAP, "xanchor": "left", "y": 1, "yanchor": "bottom"},
    }
    halves, whole = ([0, 0.5 - _GAP], [0.5 + _GAP, 1]), ([0, 1], [0, 1])
    across, upwards = (whole, halves[::-1]) if stacked else (halves, whole)
    for side, left_right, low_high in zip(("", "2"), across, upwards, strict=True):
        layout[f"xaxis{side}"] = hidden | {"domain": left_right, "range": [-0.5, width - 0.5], "anchor": f"y{side}"}
        layout[f"yaxis{side}"] = hidden | {"domain": low_high, "range": [height - 0.5, -0.5], "anchor": f"x{side}"}
        layout[f"yaxis{side}"] |= {"scaleanchor": f"x{side}", "scaleratio": ratio}
    layout["xaxis2"]["matches"], layout["yaxis2"]["matches"] = "x", "y"
    return layout
