"""Figures of a 12-lead ECG: labels with thresholds, lead weights, median beat."""

from __future__ import annotations

import math

import numpy as np
import plotly.graph_objects as go

from ecgviz.analysis.records import LabelAnalysis, label_words
from ecgviz.figures.ecg_paper import FONT, Drawn, Shown, ecg_strip_figure
from ecgviz.figures.geometry import THEMES, Theme
from ecgviz.saliency.records import LeadWeights
from ecgviz.signals.intervals import Intervals
from ecgviz.signals.median_beat import MedianBeats
from readers.core.lead_names import TWELVE_LEADS
from readers.recording import ArraySource, Recording

MEDIAN_LAYOUT = "3x4"
LEAST_REACH = 0.15
"""Bars of weights reach this far at least, so that weights of nothing look like nothing."""
_READS_ZERO = 0.005
_ROW_PX, _BAR = 38, 0.34
_LEAST_COLUMN_PX = 150
"""The words below the lines of a median beat need columns of so much; narrower, they run into each other."""
_MARKS = {"P onset": "P", "QRS onset": "QRS", "QRS end": "", "T end": "T end"}


def label_bars(analysis: LabelAnalysis, *, theme: str = "light") -> go.Figure:
    """Probability of each label as a bar, with its threshold and its range over the windows.

    A bar has colour where the label is said; the words stand above it.
    """
    colours, answer = THEMES[theme], analysis.answer
    low, high = analysis.interval
    n = len(answer.classes)
    rows = list(range(n))
    prob = answer.probability
    bars = {
        "type": "bar",
        "orientation": "h",
        "y": rows,
        "x": np.round(prob, 4).tolist(),
        "width": _BAR,
        "name": "probability",
        "marker": {"color": [colours.hue if positive else colours.faint for positive in answer.positive]},
        "error_x": {
            "type": "data",
            "symmetric": False,
            "array": np.maximum(high - prob, 0).round(4).tolist(),
            "arrayminus": np.maximum(prob - low, 0).round(4).tolist(),
            "color": colours.text,
            "thickness": 1,
            "width": 3,
        },
        "customdata": np.stack([answer.thresholds, low, high], axis=1).round(3).tolist(),
        "hovertemplate": "%{x:.3f}, windows %{customdata[1]:.2f} to %{customdata[2]:.2f}, "
        "threshold %{customdata[0]:.2f}<extra></extra>",
    }
    if not (high > low).any():
        del bars["error_x"]
    lines = [
        {
            "type": "line",
            "x0": t,
            "x1": t,
            "y0": row - 0.2,  # up to the words and not across them
            "y1": row + 0.32,
            "line": {"color": colours.text, "width": 2},
        }
        for row, t in zip(rows, answer.thresholds.tolist(), strict=True)
    ]
    words = [
        _note(f"<b>{label_words(name)}</b>" if positive else label_words(name), 0.0, row - 0.21, "left", colours)
        for row, name, positive in zip(rows, answer.classes, answer.positive, strict=True)
    ]
    numbers = [
        _note(f"<b>{p:.2f}</b>" if positive else f"{p:.2f}", 1.0, row - 0.21, "right", colours)
        for row, p, positive in zip(rows, prob.tolist(), answer.positive, strict=True)
    ]
    layout = _plain(colours, _ROW_PX * n + 8, l=2, r=2, t=2, b=6)
    layout |= {
        "shapes": lines,
        "annotations": words + numbers,
        "xaxis": {"range": [0, 1], "visible": False, "fixedrange": True},
        "yaxis": {"range": [n - 0.6, -0.72], "visible": False, "fixedrange": True},
    }
    return go.Figure({"data": [bars], "layout": layout})


def lead_weight_bars(weights: LeadWeights, label: str, *, theme: str = "light") -> go.Figure:
    """Decrease of a label's probability when a lead is set to zero, one bar per lead."""
    colours = THEMES[theme]
    drop = weights.drop[weights.classes.index(label)]
    reach = max(float(np.abs(drop).max()), LEAST_REACH) * 1.5  # room for the number beside the longest bar
    bars = {
        "type": "bar",
        "orientation": "h",
        "y": list(weights.leads),
        # What reads 0.00 has no bar to the left, whose number would stand on the lead's name.
        "x": np.round(np.where(np.abs(drop) < _READS_ZERO, np.maximum(drop, 0.0), drop), 4).tolist(),
        "customdata": np.round(drop, 4).tolist(),
        "name": "weight",
        "marker": {"color": [colours.hue if value >= 0 else colours.faint for value in drop]},
        "text": [f"{value:.2f}".replace("-0.00", "0.00") for value in drop],
        "textposition": "outside",
        "cliponaxis": False,
        "hovertemplate": f"without %{{y}} the probability of {label} falls by %{{customdata:.3f}}<extra></extra>",
    }
    layout = _plain(colours, 19 * len(drop) + 10, l=8, r=8, t=2, b=6)
    layout |= {
        "bargap": 0.3,
        "xaxis": {
            "range": [-reach if float(drop.min()) <= -_READS_ZERO else -0.02 * reach, reach],
            "zeroline": True,
            "zerolinecolor": colours.text,
            "zerolinewidth": 1,
            "showgrid": False,
            "showticklabels": False,
            "fixedrange": True,
        },
        "yaxis": {
            "autorange": "reversed",
            "automargin": True,
            "fixedrange": True,
            "ticksuffix": " ",
            "showgrid": False,
        },
    }
    return go.Figure({"data": [bars], "layout": layout})


def median_beat_figure(
    median: MedianBeats, intervals: Intervals, *, theme: str = "light", width_px: int = 1000, gain_mm_mV: float = 10.0
) -> go.Figure:
    """Median beat of each lead on ECG paper at 50 mm/s, with the fiducial points of the intervals."""
    n = len(median.samples)
    seconds = n / median.fs
    there = {lead.lower() for lead in median.leads}
    twelve = there >= {lead.lower() for lead in TWELVE_LEADS}
    copies = 4 if twelve else 1
    tiled = np.tile(median.samples, (copies, 1)).astype(np.float32)
    if copies > 1:
        tiled[n::n] = np.nan  # the pen is lifted between two columns
    paper = Recording(
        name="median beat",
        fs=median.fs,
        n_samples=len(tiled),
        leads=median.leads,
        units=("mV",) * len(median.leads),
        source=ArraySource(tiled),
        format="median",
    )
    layout = MEDIAN_LAYOUT if twelve else "stacked"
    figure = ecg_strip_figure(
        Shown(paper, 0.0, len(tiled) / median.fs, display_filter="0.5-40 Hz"),
        Drawn(layout=layout, theme=theme, speed_mm_s=50.0, gain_mm_mV=gain_mm_mV),
        width_px=width_px,
    )
    colours, top = THEMES[theme], figure.layout.yaxis.range[1]
    for name, at in intervals.marks_s.items():
        if math.isnan(at):
            continue
        for column in range(copies):
            x = column * seconds + median.r_sample / median.fs + at
            figure.add_shape(
                type="line", x0=x, x1=x, y0=0, y1=top, line={"color": colours.hue, "width": 1, "dash": "dot"}
            )  # fmt: skip
            if _MARKS[name] and width_px / copies >= _LEAST_COLUMN_PX:
                figure.add_annotation(
                    text=_MARKS[name], x=x, y=0, xanchor="left", yanchor="bottom", showarrow=False,
                    font={"size": 10, "color": colours.text}, xshift=2, yshift=16,
                )  # fmt: skip
    figure.update_xaxes(showticklabels=False)
    figure.update_layout(dragmode=False, clickmode="none", margin_b=8)
    return figure


def _note(text: str, x: float, y: float, anchor: str, colours: Theme) -> dict:
    return {
        "text": text,
        "x": x,
        "y": y,
        "xanchor": anchor,
        "yanchor": "bottom",
        "showarrow": False,
        "font": {"size": 13, "color": colours.text},
    }


def _plain(colours: Theme, height: int, **margin: int) -> dict:
    return {
        "template": {},
        "height": height,
        "margin": margin,
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"family": FONT, "size": 12, "color": colours.text},
        "showlegend": False,
        "dragmode": False,
    }
