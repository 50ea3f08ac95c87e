"""A family of beats as a small picture: the median beat of each lead in the middle of what four beats in five do.

An SVG of a kilobyte: thirty of them stand on a page at once, where as many charts would take seconds to draw.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable
from html import escape

import numpy as np

from ecgviz.figures.beat_marks import colour_of
from ecgviz.figures.geometry import THEMES
from ecgviz.review.families import Family

WIDTH, HEIGHT = 150, 76
_MARGIN = 4


def family_svg(family: Family, time_s: np.ndarray, *, theme: str = "light", chosen: bool = False) -> str:
    """The picture, one lead beside the other, each over the same time and on the scale of the lead's own range.

    Args:
        family: what to draw.
        time_s: of the samples of its median, s, (m,).
        theme: "light" or "dark".
        chosen: drawn with a frame.
    """
    colours, n_leads = THEMES[theme], len(family.median)
    low, high = float(family.low.min()), float(family.high.max())
    room = max(high - low, 1e-6)
    each = (WIDTH - _MARGIN * (n_leads + 1)) / n_leads

    def y_of(values: np.ndarray) -> np.ndarray:
        return HEIGHT - _MARGIN - (values - low) / room * (HEIGHT - 2 * _MARGIN)

    parts = []
    for lead in range(n_leads):
        x = _MARGIN + lead * (each + _MARGIN) + (time_s - time_s[0]) / (time_s[-1] - time_s[0]) * each
        r_peak = float(np.interp(0.0, time_s, x))
        parts.append(f'<line x1="{r_peak:.1f}" x2="{r_peak:.1f}" y1="2" y2="{HEIGHT - 2}" stroke="{colours.minor}"/>')
        band = [*zip(x, y_of(family.high[lead]), strict=True), *zip(x[::-1], y_of(family.low[lead])[::-1], strict=True)]
        parts.append(f'<polygon points="{_points(band)}" fill="{colour_of(family.label)}" fill-opacity="0.28"/>')
        line = zip(x, y_of(family.median[lead]), strict=True)
        parts.append(f'<polyline points="{_points(line)}" fill="none" stroke="{colours.trace}" stroke-width="1.4"/>')
    edge = colour_of(family.label) if chosen else colours.major
    title = escape(alt_text(family))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}">'
        f"<title>{title}</title>"
        f'<rect x="1" y="1" width="{WIDTH - 2}" height="{HEIGHT - 2}" rx="4" fill="{colours.paper}" '
        f'stroke="{edge}" stroke-width="{3 if chosen else 1}"/>{"".join(parts)}</svg>'
    )


def alt_text(family: Family) -> str:
    """What the picture shows, for whoever does not see it."""
    return f"Median beat of {len(family)} {family.label} beats, and where four in five of them lie"


def as_image(svg: str, alt: str) -> str:
    """The picture as an HTML image that a page shows whatever it strips of inline drawings."""
    blob = base64.b64encode(svg.encode()).decode()
    return f'<img src="data:image/svg+xml;base64,{blob}" alt="{escape(alt)}" style="width:100%;display:block">'


def _points(pairs: Iterable[tuple[float, float]]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in pairs)
