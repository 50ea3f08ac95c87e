"""Charts of the page's numbers: the Poincare plot, in which beats can be selected, and the ST level by minute."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from ecgviz.figures.chart import chart_layout
from ecgviz.figures.geometry import THEMES, Theme
from ecgviz.holter.hrv import NN
from ecgviz.holter.st_level import StTrend
from models.core.words import clock

MOST_POINTS = 4000
"""Of a longer recording as many pairs, evenly spread in time; the measures are of all."""
LEAD_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
_MARGIN = {"l": 54, "r": 12, "t": 10, "b": 44}


def poincare_figure(nn: NN, *, theme: str = "light", height_px: int = 340) -> go.Figure:
    """Each NN interval against the one before it, ms; a point's customdata is the number of its beat."""
    colours = THEMES[theme]
    later = nn.successive
    later = later[:: max(-(-len(later) // MOST_POINTS), 1)]
    x, y, beat = nn.rr_ms[later - 1], nn.rr_ms[later], nn.beat[later]
    low, high = (float(np.percentile(nn.rr_ms, q)) for q in (0.1, 99.9)) if len(nn.rr_ms) else (600.0, 1000.0)
    room = max(0.08 * (high - low), 20.0)
    span = [low - room, high + room]
    figure = go.Figure(
        go.Scatter(
            x=x.round(1), y=y.round(1), customdata=beat, mode="markers",
            marker={"size": 4, "color": colours.hue, "opacity": 0.55},
            hovertemplate="%{x:.0f} ms, then %{y:.0f} ms<extra></extra>",
        )
    )  # fmt: skip
    figure.add_shape(
        type="line",
        x0=span[0],
        y0=span[0],
        x1=span[1],
        y1=span[1],
        line={"color": colours.faint, "width": 1, "dash": "dot"},
    )
    figure.update_layout(**chart_layout(colours, height_px, _MARGIN) | {"dragmode": "select", "selectdirection": "any"})
    axis = _axis(colours) | {"range": span, "constrain": "domain"}
    figure.update_xaxes(**axis, title="NN interval, ms")
    figure.update_yaxes(**axis, title="the next one, ms", scaleanchor="x")
    return figure


def st_figure(trend: StTrend, *, theme: str = "light", height_px: int = 340) -> go.Figure:
    """ST level of each lead by minute, mV; a point's customdata is its minute in seconds."""
    colours = THEMES[theme]
    figure = go.Figure()
    middle = trend.time_s + 30.0
    unit_s, unit = (3600.0, "hours") if len(middle) > 120 else (60.0, "minutes")
    words = [clock(at, hours=True) for at in trend.time_s]
    for number, lead in enumerate(trend.leads):
        colour = LEAD_COLOURS[number % len(LEAD_COLOURS)]
        dash = "solid" if number < len(LEAD_COLOURS) else "dot"
        figure.add_trace(
            go.Scatter(
                x=middle / unit_s, y=trend.level_mV[:, number].round(3), name=lead, customdata=trend.time_s, text=words,
                mode="lines+markers", marker={"size": 3}, connectgaps=False,
                line={"width": 1.2, "color": colour, "dash": dash},
                hovertemplate=f"{lead} %{{text}}: %{{y:+.2f}} mV<extra></extra>",
            )
        )  # fmt: skip
    for level in (-0.1, 0.1):
        figure.add_hline(y=level, line={"color": colours.faint, "width": 1, "dash": "dot"})
    known = trend.level_mV[np.isfinite(trend.level_mV)]
    reach = max(0.25, 1.1 * float(np.abs(known).max())) if len(known) else 0.25
    figure.update_layout(**chart_layout(colours, height_px, _MARGIN))
    figure.update_layout(showlegend=True, legend={"orientation": "h", "y": 1.08, "x": 0})
    figure.update_xaxes(**_axis(colours), title=f"{unit} from the start")
    figure.update_yaxes(**_axis(colours), title="ST level, mV", range=[-reach, reach])
    return figure


def _axis(colours: Theme) -> dict:
    return {
        "gridcolor": colours.minor,
        "zeroline": False,
        "linecolor": colours.faint,
        "ticks": "outside",
        "fixedrange": True,
    }
