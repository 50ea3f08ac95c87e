"""Common layout of the small charts: no frame, legend or dragging."""

from __future__ import annotations

from ecgviz.figures.ecg_paper import FONT
from ecgviz.figures.geometry import Theme


def chart_layout(colours: Theme, height_px: int, margin: dict[str, int], font_px: int = 12) -> dict:
    """Plotly layout of a chart on the page's background, without axes."""
    return {
        "template": {},
        "height": height_px,
        "margin": margin,
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"family": FONT, "size": font_px, "color": colours.text},
        "showlegend": False,
        "hovermode": "closest",
        "dragmode": False,
    }
