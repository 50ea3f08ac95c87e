"""A picture of an ECG on paper with its saliency map, as figure and as file."""

from __future__ import annotations

import io

import numpy as np
import plotly.graph_objects as go

from ecgviz.figures.ecg_paper import FONT
from ecgviz.figures.geometry import THEMES
from ecgviz.figures.overlay import HeatScale
from ecgviz.figures.picture import check_layers, colour_bar, layer_of, modebar, outline
from ecgviz.figures.picture_layers import colour_jpeg, contour_lines, map_png, map_rgba
from ecgviz.results import ImageMap

PHOTO_BYTES = 420_000
"""Most bytes of the picture layer: with the map below 600 KB."""
CONTOUR, CONTOUR_LEVEL = "#8a1c7c", 0.5
"""A dotted line where the map reaches half of its scale: on green or blue paper its colour alone is lost. Purple, for
neither paper nor ink nor grids are."""
BAR_PX = 64
"""Room at the right for the bar of colours, kept where there is none, so that nothing jumps when it comes."""


HEAD_PX = 30
"""Room at the top for plotly's buttons, which a screen without a mouse shows all the time."""


def ecg_photo_figure(
    pixels: np.ndarray,
    *,
    image_map: ImageMap | None = None,
    scale: HeatScale | None = None,
    revision: str = "picture",
    height_px: int = 560,
    theme: str = "light",
) -> go.Figure:
    """The picture in colour, with its map as a layer.

    Args:
        pixels: uint8 (h, w, 3).
        image_map: map of this picture; None for the picture alone.
        scale: colours of the map from ``picture_scale``; needed with a map.
        revision: zoom is kept as long as this stays the same.
        height_px: of the figure.
        theme: "light" or "dark".

    Raises:
        ValueError: a map of another shape, or without a scale.
    """
    shape = pixels.shape[:2]
    check_layers(shape, image_map, scale)
    colours = THEMES[theme]
    corners = {"type": "scatter", "mode": "markers", "x": [0, shape[1] - 1], "y": [0, shape[0] - 1], "name": "picture"}
    traces = [corners | {"marker": {"opacity": 0}, "hoverinfo": "skip", "showlegend": False}]
    layers = [layer_of(colour_jpeg(pixels, PHOTO_BYTES), shape) | {"name": "picture"}]
    if image_map is not None and scale is not None:
        layers.append(layer_of(map_png(image_map, scale), shape) | {"layer": "above", "name": "map"})
        bar = colour_bar(image_map, scale, colours, "")
        bar["marker"]["colorbar"]["title"]["text"] = ""
        lines = contour_lines(image_map.values, CONTOUR_LEVEL * scale.vmax)
        traces += [bar, outline(lines, CONTOUR, "half of the scale", "dot", "") | {"showlegend": False}]
    hidden = {"showgrid": False, "zeroline": False, "showticklabels": False, "constrain": "domain"}
    layout = {
        "template": {},
        "height": height_px,
        "margin": {"l": 0, "r": BAR_PX, "t": HEAD_PX, "b": 4},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"family": FONT, "size": 12, "color": colours.text},
        "dragmode": "pan",
        "modebar": modebar(colours),
        "uirevision": revision,
        "xaxis": hidden | {"range": [-0.5, shape[1] - 0.5], "anchor": "y"},
        "yaxis": hidden | {"range": [shape[0] - 0.5, -0.5], "anchor": "x", "scaleanchor": "x"},
        "images": layers,
    }
    return go.Figure({"data": traces, "layout": layout})


def ecg_photo_file(pixels: np.ndarray, image_map: ImageMap | None = None, scale: HeatScale | None = None) -> bytes:
    """The picture with its map as PNG, at its own resolution.

    Raises:
        ValueError: a map of another shape, or without a scale.
    """
    from PIL import Image

    check_layers(pixels.shape[:2], image_map, scale)
    picture = Image.fromarray(pixels).convert("RGBA")
    if image_map is not None and scale is not None:
        picture.alpha_composite(Image.fromarray(map_rgba(image_map.values, scale), "RGBA"))
    buffer = io.BytesIO()
    picture.convert("RGB").save(buffer, "PNG")
    return buffer.getvalue()
