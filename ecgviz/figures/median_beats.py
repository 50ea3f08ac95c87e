"""Median beats of two recordings over each other, for print."""

from __future__ import annotations

import io

import numpy as np

from ecgviz.figures.geometry import THEMES
from ecgviz.signals.median_beat import MedianBeats

_COLUMNS, _MM_S, _MM_MV = 6, 50.0, 10.0
_BEFORE_S, _AFTER_S = 0.3, 0.55
_PENS = (("#0072b2", 1.4), (THEMES["light"].trace, 0.7))
_GAP_MM, _LEAST_MV = 3.0, 1.0
_MM_PER_INCH = 25.4


def overlaid_picture(before: MedianBeats, now: MedianBeats, *, dpi: int = 200) -> tuple[bytes, float, float]:
    """The leads that both have, at 50 mm/s and 10 mm/mV: the earlier beat blue, the later one black.

    Returns:
        A PNG, and its width and height in mm.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    column_of = {lead.lower(): column for column, lead in enumerate(before.leads)}
    leads = [lead for lead in now.leads if lead.lower() in column_of]
    panel = (_BEFORE_S + _AFTER_S) * _MM_S
    pairs = [(_line(before, column_of[lead.lower()]), _line(now, now.leads.index(lead))) for lead in leads]
    tops = [max(*(np.nanmax(y) for _, y in pair), _LEAST_MV / 2) for pair in pairs]
    lows = [min(*(np.nanmin(y) for _, y in pair), -_LEAST_MV / 2) for pair in pairs]
    rows = [range(first, min(first + _COLUMNS, len(leads))) for first in range(0, len(leads), _COLUMNS)]
    heights = [_MM_MV * (max(tops[k] for k in row) - min(lows[k] for k in row)) + 2 * _GAP_MM for row in rows]
    width, height = _COLUMNS * (panel + _GAP_MM), max(sum(heights), 1.0)
    figure = Figure(figsize=(width / _MM_PER_INCH, height / _MM_PER_INCH), facecolor="white")
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, width), ylim=(0, height))
    axes.axis("off")
    above = height
    for row, high in zip(rows, heights, strict=True):
        zero = above - _GAP_MM - _MM_MV * max(tops[k] for k in row)
        for place, k in enumerate(row):
            left = place * (panel + _GAP_MM) + _BEFORE_S * _MM_S
            axes.text(left - _BEFORE_S * _MM_S, above - _GAP_MM, leads[k], size=8, weight="bold", va="top")
            for (time_s, level), (colour, width_pt) in zip(pairs[k], _PENS, strict=True):
                axes.plot(left + _MM_S * time_s, zero + _MM_MV * level, color=colour, lw=width_pt)
        above -= high
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=dpi)
    return buffer.getvalue(), width, height


def _line(median: MedianBeats, column: int) -> tuple[np.ndarray, np.ndarray]:
    """Seconds from the R peak and level of one lead."""
    time_s = (np.arange(len(median.samples)) - median.r_sample) / median.fs
    shown = (time_s >= -_BEFORE_S) & (time_s <= _AFTER_S)
    return time_s[shown], median.samples[shown, column]
