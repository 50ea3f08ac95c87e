"""Figures of training curves: loss, metric and learning rate by epoch, with a baseline or overlaid."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from ecgviz.figures.chart import chart_layout
from ecgviz.figures.geometry import THEMES, Theme
from models.experiments.curves import Curves

RUN_COLOURS = ("#00897b", "#0072b2", "#d55e00", "#aa4499", "#8a8a00", "#6b7280", "#56b4e9", "#b8860b")
"""One for each run that is overlaid; colour-blind safe, and readable on light and dark."""
METRIC_WORDS = {
    "validation/macro_f1": "macro-F1 of N, S and V",
    "validation/auroc": "area under the ROC curve",
    "validation/macro_auroc": "mean area under the ROC curve",
    "validation/mean_f1": "mean F1 of the labels",
    "validation/f1": "F1 of the defects",
    "validation/loss": "validation loss",
    "train/loss": "training loss",
    "lr": "learning rate",
}


def run_figure(
    curves: Curves, metric: str, epochs: int, *, baseline: Curves | None = None, theme: str = "light", name: str = ""
) -> go.Figure:
    """Loss, one metric and the learning rate of a run side by side, with a dotted baseline.

    Args:
        curves: of the run.
        metric: figure of the middle panel, such as ``validation/macro_f1``.
        epochs: how many there will be at most, for the axis.
        baseline: curves of another run.
        theme: "light" or "dark".
        name: what keeps the zoom: another name is another run.
    """
    colours = THEMES[theme]
    panels = (("train/loss", "validation/loss"), (metric,), ("lr",))
    traces = []
    for place, names in enumerate(panels, start=1):
        for figure in names:
            second = figure == "validation/loss" and place == 1
            if baseline is not None:
                traces.append(_line(baseline, figure, place, colours.faint, "baseline", dash="dot"))
            colour = RUN_COLOURS[1] if second else RUN_COLOURS[0]
            traces.append(_line(curves, figure, place, colour, METRIC_WORDS.get(figure, figure)))
    loss = (
        f'<b>loss</b>  <span style="color:{RUN_COLOURS[0]}">training</span>  '
        f'<span style="color:{RUN_COLOURS[1]}">validation</span>'
    )
    titles = (
        loss,
        f"<b>{METRIC_WORDS.get(metric, metric)}</b>, validation",
        "<b>learning rate</b>",
    )
    layout = _layout(colours, 250, name)
    gap, width = 0.06, (1 - 2 * 0.06) / 3
    layout["annotations"] = []
    for place, title in enumerate(titles, start=1):
        left = (place - 1) * (width + gap)
        suffix = "" if place == 1 else str(place)
        layout[f"xaxis{suffix}"] = _axis(colours) | {
            "domain": [left, left + width], "anchor": f"y{suffix}", "range": [0, epochs + 0.3],
            "title": {"text": "epoch", "standoff": 4},
        }  # fmt: skip
        layout[f"yaxis{suffix}"] = _axis(colours) | {"anchor": f"x{suffix}", "automargin": False}
        layout["annotations"].append(_title(title, left, colours))
    layout["yaxis3"] |= {"exponentformat": "power", "nticks": 5, "rangemode": "tozero"}
    if not metric.endswith("loss"):
        layout["yaxis2"] |= {"rangemode": "tozero"}
    return go.Figure({"data": traces, "layout": layout})


def overlay_figure(runs: Mapping[str, Curves], figure: str, *, theme: str = "light") -> go.Figure:
    """One metric of several runs by epoch.

    Args:
        runs: curves by the name of the run, in the order of :data:`RUN_COLOURS`.
        figure: which figure.
        theme: "light" or "dark".
    """
    colours = THEMES[theme]
    traces = [
        _line(curves, figure, 1, RUN_COLOURS[place % len(RUN_COLOURS)], name)
        for place, (name, curves) in enumerate(runs.items())
    ]
    layout = _layout(colours, 320, figure)
    layout["xaxis"] = _axis(colours) | {"title": {"text": "epoch"}, "rangemode": "tozero"}
    layout["yaxis"] = _axis(colours) | {"title": {"text": METRIC_WORDS.get(figure, figure)}, "rangemode": "tozero"}
    layout |= {"showlegend": True, "legend": {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0}}
    return go.Figure({"data": traces, "layout": layout})


def confusion_figure(counts: Sequence[Sequence[int]], classes: Sequence[str], *, theme: str = "light") -> go.Figure:
    """Confusion matrix: rows are the truth, columns the prediction; shaded by the share of the row.

    Args:
        counts: (n_classes, n_classes); further rows and columns are left out.
        classes: their names.
    """
    colours = THEMES[theme]
    n = len(classes)
    rows = [[int(value) for value in row[:n]] for row in counts[:n]]
    shares = [[value / max(sum(row), 1) for value in row] for row in rows]
    text = [
        [f"{value:,}<br>{share:.0%}" if value else "" for value, share in zip(*pair, strict=True)]
        for pair in zip(rows, shares, strict=True)
    ]
    heat = {
        "type": "heatmap", "z": shares, "x": list(classes), "y": list(classes), "text": text, "zmin": 0, "zmax": 1,
        "texttemplate": "%{text}", "showscale": False, "xgap": 2, "ygap": 2,
        "colorscale": [[0, "rgba(0,137,123,0.05)"], [1, "rgba(0,137,123,0.75)"]],
        "hovertemplate": "truth %{y}, said %{x}: %{text}<extra></extra>",
    }  # fmt: skip
    layout = _layout(colours, 64 * n + 70, "confusion")
    axis = {"fixedrange": True, "showgrid": False, "color": colours.text}
    layout["xaxis"] = axis | {"side": "top", "title": {"text": "said"}}
    layout["yaxis"] = axis | {"autorange": "reversed", "title": {"text": "truth"}}
    layout["margin"] = {"l": 70, "r": 8, "t": 48, "b": 8}
    return go.Figure({"data": [heat], "layout": layout})


def class_bars(counts: Mapping[str, Mapping[str, int]], *, theme: str = "light") -> go.Figure:
    """Cases of each class on each side of a split, as shares labelled with counts.

    Args:
        counts: {side: {class: count}}.
    """
    from ecgviz.figures.beat_marks import colour_of, words_of

    colours = THEMES[theme]
    sides = list(counts)
    names = list(dict.fromkeys(name for side in counts.values() for name in side))
    own = {"normal": RUN_COLOURS[0], "defect": RUN_COLOURS[2]}
    traces = []
    for name in names:
        values = [counts[side].get(name, 0) for side in sides]
        shares = [value / max(sum(counts[side].values()), 1) for value, side in zip(values, sides, strict=True)]
        traces.append(
            {
                "type": "bar", "orientation": "h", "y": sides, "x": shares,
                "name": name if name in own else f"{words_of(name)}",
                "marker": {"color": own.get(name) or colour_of(name)},
                "text": [
                    f"{name} {value:,}" if share > 0.06 else ""
                    for value, share in zip(values, shares, strict=True)
                ],
                "textposition": "inside", "insidetextanchor": "middle", "textangle": 0,
                "customdata": values, "hovertemplate": f"{name}: %{{customdata:,}} (%{{x:.1%}})<extra></extra>",
            }
        )  # fmt: skip
    layout = _layout(colours, 44 * len(sides) + 60, "classes")
    layout |= {"barmode": "stack", "showlegend": True, "bargap": 0.25}
    layout["legend"] = {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0, "traceorder": "normal"}
    layout["xaxis"] = {"visible": False, "range": [0, 1], "fixedrange": True}
    layout["yaxis"] = {"autorange": "reversed", "fixedrange": True, "color": colours.text, "ticksuffix": "  "}
    layout["margin"] = {"l": 104, "r": 8, "t": 34, "b": 4}
    return go.Figure({"data": traces, "layout": layout})


def _line(curves: Curves, figure: str, place: int, colour: str, name: str, dash: str = "solid") -> dict:
    x, y = curves.series.get(figure, ([], []))
    return {
        "type": "scatter", "x": x, "y": y, "name": name, "mode": "lines" if len(x) > 40 else "lines+markers",
        "line": {"color": colour, "width": 1.6 if dash == "solid" else 1.2, "dash": dash},
        "marker": {"size": 5, "color": colour},
        "xaxis": "x" if place == 1 else f"x{place}", "yaxis": "y" if place == 1 else f"y{place}",
        "hovertemplate": f"{name}: %{{y:.4g}} at epoch %{{x:.3g}}<extra></extra>",
    }  # fmt: skip


def _title(text: str, left: float, colours: Theme) -> dict:
    return {
        "text": text, "xref": "paper", "yref": "paper", "x": left, "y": 1.03, "xanchor": "left", "yanchor": "bottom",
        "showarrow": False, "font": {"size": 12, "color": colours.text},
    }  # fmt: skip


def _layout(colours: Theme, height: int, name: str) -> dict:
    return chart_layout(colours, height, {"l": 46, "r": 8, "t": 30, "b": 40}) | {"uirevision": name}


def _axis(colours: Theme) -> dict:
    return {"showgrid": True, "gridcolor": colours.minor, "zeroline": False, "fixedrange": True, "color": colours.text}
