"""Figure of example beats of a data set, one per class, on a common scale."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from ecgviz.figures.beat_marks import colour_of, words_of
from ecgviz.figures.ecg_paper import FONT
from ecgviz.figures.geometry import THEMES
from models.data.examples import BeatExample


def beats_figure(examples: Sequence[BeatExample], *, theme: str = "light") -> go.Figure:
    """One panel per beat: time from its R peak in seconds, mV upwards, the same scale in all."""
    colours = THEMES[theme]
    n = max(len(examples), 1)
    gap = 0.02
    width = (1 - gap * (n - 1)) / n
    values = [one.signal_mV[np.isfinite(one.signal_mV)] for one in examples]
    low = min((float(part.min()) for part in values if len(part)), default=-1.0)
    high = max((float(part.max()) for part in values if len(part)), default=1.0)
    axis = {"showgrid": True, "gridcolor": colours.minor, "zeroline": False, "fixedrange": True, "color": colours.text}
    layout = {
        "template": {}, "height": 210, "margin": {"l": 44, "r": 8, "t": 44, "b": 30}, "showlegend": False,
        "paper_bgcolor": "rgba(0,0,0,0)", "plot_bgcolor": colours.paper, "dragmode": False, "annotations": [],
        "font": {"family": FONT, "size": 12, "color": colours.text},
    }  # fmt: skip
    traces = []
    for place, one in enumerate(examples):
        suffix = "" if place == 0 else str(place + 1)
        left = place * (width + gap)
        traces.append(
            {
                "type": "scatter", "mode": "lines", "x": one.time_s.astype(np.float32), "y": one.signal_mV,
                "line": {"color": colours.trace, "width": 1}, "xaxis": f"x{suffix}", "yaxis": f"y{suffix}",
                "name": one.letter, "hovertemplate": "%{x:.2f} s: %{y:.2f} mV<extra></extra>",
            }
        )  # fmt: skip
        layout[f"xaxis{suffix}"] = axis | {"domain": [left, left + width], "anchor": f"y{suffix}", "ticksuffix": " s"}
        layout[f"yaxis{suffix}"] = axis | {
            "anchor": f"x{suffix}", "range": [low, high], "showticklabels": place == 0,
            "title": {"text": "mV" if place == 0 else ""},
        }  # fmt: skip
        words = words_of(one.letter).split(" (")[0]
        layout["annotations"].append(
            {
                "text": f'<b style="color:{colour_of(one.letter)}">{one.letter}</b> {words}<br>'
                f'<span style="font-size:10px">{one.record} · {one.lead} · {one.at_s:.0f} s</span>',
                "xref": "paper", "yref": "paper", "x": left, "y": 1.02, "xanchor": "left", "yanchor": "bottom",
                "align": "left", "showarrow": False,
            }
        )  # fmt: skip
    return go.Figure({"data": traces, "layout": layout})
