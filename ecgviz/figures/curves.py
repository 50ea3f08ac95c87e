"""Small figures beside the ECG paper: class probabilities, SE gates, calibration and RR intervals."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from ecgviz.figures.beat_marks import colour_of, words_of
from ecgviz.figures.chart import chart_layout
from ecgviz.figures.geometry import THEMES, Theme
from ecgviz.results import Beats
from models.core.words import clock

_MOST_POINTS = 6000


def class_probability_bars(prob: np.ndarray, classes: Sequence[str], *, theme: str = "light") -> go.Figure:
    """Bar chart of the calibrated class probabilities of a beat.

    Args:
        prob: probabilities of one beat, float (n_classes,). classes: their letters.
    """
    colours = THEMES[theme]
    prob = np.asarray(prob, float)
    bars = {
        "type": "bar",
        "orientation": "h",
        "y": [words_of(letter) for letter in classes],
        "x": np.round(prob, 4).tolist(),
        "marker": {"color": [colour_of(letter) for letter in classes]},
        "text": [f"{p:.2f}" for p in prob],
        "textposition": "outside",
        "cliponaxis": False,
        "hovertemplate": "%{y}: %{x:.3f}<extra></extra>",
    }
    layout = chart_layout(colours, 30 * len(classes) + 16, {"l": 8, "r": 36, "t": 4, "b": 8})
    layout["xaxis"] = {"range": [0, 1], "visible": False, "fixedrange": True}
    layout["yaxis"] = {"autorange": "reversed", "automargin": True, "fixedrange": True, "ticksuffix": "  "}
    return go.Figure({"data": [bars], "layout": layout | {"bargap": 0.35}})


def contribution_bars(brought: Sequence[tuple[str, float]], *, theme: str = "light") -> go.Figure:
    """Bar chart of the contributions of each part to the class, in log odds.

    Args:
        brought: names of the parts and their contributions.
    """
    colours = THEMES[theme]
    names, values = [name for name, _ in brought], [value for _, value in brought]
    span = max(1.0, *(abs(value) for value in values))
    bars = {
        "type": "bar",
        "orientation": "h",
        "y": names,
        "x": np.round(values, 3).tolist(),
        "marker": {"color": [colours.hue if value > 0 else colours.faint for value in values]},
        "text": [f"{value:+.1f}" if abs(value) >= 0.05 else "0.0" for value in values],
        "textposition": "outside",
        "cliponaxis": False,
        "hovertemplate": "%{y}: %{x:+.2f} log odds<extra></extra>",
    }
    layout = chart_layout(colours, 26 * len(names) + 16, {"l": 8, "r": 40, "t": 4, "b": 8})
    low = min(0.0, *values)
    layout["xaxis"] = {"range": [1.2 * low - 0.3 * span, 1.2 * span], "visible": False, "fixedrange": True}
    layout["yaxis"] = {"autorange": "reversed", "automargin": True, "fixedrange": True, "ticksuffix": "  "}
    return go.Figure({"data": [bars], "layout": layout | {"bargap": 0.35}})


def gate_bars(gates: dict[str, np.ndarray], *, theme: str = "light") -> go.Figure:
    """Sorted gates of each squeeze-and-excitation block (Hu 2018).

    Args:
        gates: {block name: gate of each channel, 0 to 1}, as in ``SaliencyMap.gates``.

    Raises:
        ValueError: no gates, because the network has no SE block.
    """
    if not gates:
        raise ValueError("this map has no SE gates; choose the method SE attention on a network with SE blocks")
    colours = THEMES[theme]
    shades = np.linspace(0.35, 1.0, len(gates))
    traces = []
    for shade, (block, values) in zip(shades, gates.items(), strict=True):
        ordered = np.sort(np.asarray(values, float))[::-1]
        channel = np.argsort(np.asarray(values, float))[::-1]
        traces.append(
            {
                "type": "bar",
                "x": (np.arange(len(ordered)) / max(len(ordered), 1)).tolist(),
                "y": np.round(ordered, 4).tolist(),
                "width": 1 / max(len(ordered), 1),
                "offset": 0,
                "name": f"{block} ({len(ordered)} channels)",
                "marker": {"color": colours.hue, "opacity": float(shade), "line": {"width": 0}},
                "customdata": channel.tolist(),
                "hovertemplate": f"{block}, channel %{{customdata}}: gate %{{y:.2f}}<extra></extra>",
                "yaxis": "y" if not traces else f"y{len(traces) + 1}",
            }
        )
    layout = chart_layout(colours, 70 * len(gates) + 40, {"l": 44, "r": 10, "t": 8, "b": 34})
    layout["xaxis"] = {"visible": True, "showticklabels": False, "title": {"text": "channels, strongest first"}}
    layout["xaxis"]["anchor"] = "y" if len(gates) == 1 else f"y{len(gates)}"
    layout["annotations"] = []
    for index, trace in enumerate(traces):
        top = 1 - index / len(traces)
        axis = "yaxis" if index == 0 else f"yaxis{index + 1}"
        layout[axis] = _plain_axis(colours) | {
            "domain": [top - 0.8 / len(traces), top],
            "range": [0, 1.05],
            "tickvals": [0, 0.5, 1],
        }
        layout["annotations"].append(
            {"text": trace["name"], "xref": "paper", "yref": "paper", "x": 1, "y": top, "xanchor": "right"}
            | {"yanchor": "top", "showarrow": False, "bgcolor": colours.paper, "opacity": 0.85}
        )
    return go.Figure({"data": traces, "layout": layout})


def reliability(confidence: np.ndarray, correct: np.ndarray, n_bins: int = 10) -> tuple[np.ndarray, ...]:
    """Bins of a reliability diagram and the expected calibration error (Guo 2017, equation 3).

    Args:
        confidence: probability of the chosen class, float (n,). correct: whether it was right, bool (n,).

    Returns:
        mean confidence, share correct and number of each bin that is not empty, and the error as a scalar array.
    """
    confidence, correct = np.asarray(confidence, float), np.asarray(correct, bool)
    place = np.clip((confidence * n_bins).astype(int), 0, n_bins - 1)
    number = np.bincount(place, minlength=n_bins)
    filled = number > 0
    mean = np.bincount(place, confidence, n_bins)[filled] / number[filled]
    right = np.bincount(place, correct, n_bins)[filled] / number[filled]
    error = (number[filled] * np.abs(mean - right)).sum() / max(len(confidence), 1)
    return mean, right, number[filled], np.asarray(error)


def reliability_diagram(
    confidence: np.ndarray, correct: np.ndarray, *, n_bins: int = 10, theme: str = "light"
) -> go.Figure:
    """Observed frequency over predicted probability, with the diagonal."""
    return _reliability_figure(*reliability(confidence, correct, n_bins), theme)


def reliability_bins(bins: Sequence[dict[str, float]], *, theme: str = "light") -> go.Figure:
    """Reliability diagram from the bins in a checkpoint's card.

    Args:
        bins: confidence, accuracy and n of each, as ``beat_metrics.expected_calibration_error`` gives them.
    """
    mean, right, number = (np.array([row[name] for row in bins], float) for name in ("confidence", "accuracy", "n"))
    error = (number * np.abs(mean - right)).sum() / max(number.sum(), 1)
    return _reliability_figure(mean, right, number.astype(int), error, theme)


def _reliability_figure(mean: np.ndarray, right: np.ndarray, number: np.ndarray, error: float, theme: str) -> go.Figure:
    colours = THEMES[theme]
    ideal = {"type": "scatter", "x": [0, 1], "y": [0, 1], "mode": "lines", "hoverinfo": "skip", "name": "calibrated"}
    ideal["line"] = {"color": colours.faint, "dash": "dot", "width": 1}
    points = {
        "type": "scatter",
        "x": np.round(mean, 4).tolist(),
        "y": np.round(right, 4).tolist(),
        "mode": "lines+markers",
        "line": {"color": colours.hue, "width": 2},
        "marker": {"size": (6 + 10 * np.sqrt(number / max(number.max(initial=1), 1))).tolist(), "color": colours.hue},
        "customdata": number.tolist(),
        "hovertemplate": "said %{x:.2f}, came true %{y:.2f}, %{customdata} beats<extra></extra>",
        "name": "checkpoint",
    }
    layout = chart_layout(colours, 300, {"l": 52, "r": 12, "t": 10, "b": 44})
    layout["xaxis"] = _plain_axis(colours) | {"range": [0, 1.02], "title": {"text": "probability stated"}}
    layout["yaxis"] = _plain_axis(colours) | {"range": [0, 1.02], "title": {"text": "share that came true"}}
    note = {"text": f"calibration error {float(error):.3f} ({int(number.sum()):,} beats)", "xref": "paper", "x": 0.02}
    layout["annotations"] = [note | {"yref": "paper", "y": 0.98, "xanchor": "left", "showarrow": False}]
    return go.Figure({"data": [ideal, points], "layout": layout})


def tachogram(beats: Beats, *, view: tuple[float, float] | None = None, theme: str = "light") -> go.Figure:
    """RR intervals over time, coloured by the beat that ends each; long recordings are subsampled."""
    colours = THEMES[theme]
    rr, labels, time_s = beats.rr_before_ms, beats.label, beats.time_s
    chosen = _thin(np.flatnonzero((rr > 0) & (rr < 3000)))
    traces = []
    for letter in beats.classes:
        part = chosen[labels[chosen] == letter]
        if len(part):
            traces.append(_points(time_s[part], rr[part], letter, "at %{x:.1f} s: RR %{y:.0f} ms", part))
    layout = chart_layout(colours, 200, {"l": 52, "r": 10, "t": 8, "b": 24})
    layout["xaxis"] = _plain_axis(colours) | _clock_ticks(time_s)
    layout["yaxis"] = _plain_axis(colours) | {"title": {"text": "RR, ms"}, "rangemode": "tozero"}
    if view:
        rect = {"type": "rect", "x0": view[0], "x1": view[1], "yref": "paper", "y0": 0, "y1": 1, "opacity": 0.2}
        layout["shapes"] = [rect | {"fillcolor": colours.text, "line": {"width": 0}}]
    return go.Figure({"data": traces, "layout": layout})


def poincare(beats: Beats, *, theme: str = "light") -> go.Figure:
    """Poincare plot: each RR interval against the one before, coloured by the beat between them (Brennan 2001)."""
    colours = THEMES[theme]
    before, after, labels = beats.rr_before_ms, beats.rr_after_ms, beats.label
    chosen = _thin(np.flatnonzero((before > 0) & (before < 3000) & (after > 0) & (after < 3000)))
    top = float(max(before[chosen].max(initial=1000), after[chosen].max(initial=1000))) * 1.05
    line = {"color": colours.faint, "dash": "dot", "width": 1}
    diagonal = {"type": "scatter", "x": [0, top], "y": [0, top], "mode": "lines", "line": line, "hoverinfo": "skip"}
    traces = [diagonal]
    for letter in beats.classes:
        part = chosen[labels[chosen] == letter]
        if len(part):
            traces.append(_points(before[part], after[part], letter, "RR %{x:.0f} ms, then %{y:.0f} ms", part))
    layout = chart_layout(colours, 300, {"l": 56, "r": 12, "t": 10, "b": 44})
    layout["xaxis"] = _plain_axis(colours) | {"title": {"text": "RR before, ms"}, "range": [0, top]}
    layout["yaxis"] = _plain_axis(colours) | {"title": {"text": "RR after, ms"}, "range": [0, top]}
    layout["yaxis"] |= {"scaleanchor": "x", "constrain": "domain"}
    layout["xaxis"]["constrain"] = "domain"
    return go.Figure({"data": traces, "layout": layout})


def _points(x: np.ndarray, y: np.ndarray, letter: str, hover: str, index: np.ndarray) -> dict:
    colour = colour_of(letter)
    return {
        "type": "scatter",
        "x": np.round(x, 2).tolist(),
        "y": y.astype(np.float32),
        "mode": "markers",
        "marker": {"color": colour, "size": 4, "opacity": 0.7},
        "customdata": index.tolist(),
        "hovertemplate": f"{words_of(letter)} {hover}<extra></extra>",
        "name": letter,
    }


def _thin(index: np.ndarray) -> np.ndarray:
    """At most 6000 beats, evenly spaced."""
    return index[:: -(-len(index) // _MOST_POINTS)] if len(index) else index


def _clock_ticks(time_s: np.ndarray) -> dict:
    last = float(time_s[-1]) if len(time_s) else 60.0
    steps = (10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 14400, 43200)
    step = next((s for s in steps if last / s <= 8), 86400)
    ticks = np.arange(0, last + 1e-6, step)
    return {"tickvals": ticks.tolist(), "ticktext": [clock(t, hours=last >= 3600) for t in ticks]}


def _plain_axis(colours: Theme) -> dict:
    return {"showgrid": True, "gridcolor": colours.minor, "zeroline": False, "fixedrange": True}
