"""Figures of an operating point: ROC, precision-recall, cost curve, confusion matrix."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from ecgviz.figures.chart import chart_layout
from ecgviz.figures.geometry import THEMES, Theme
from ecgviz.figures.slices import VERDICT_COLOURS
from models.evaluation.operating_point import OperatingPoint
from models.evaluation.operating_scores import Curve, Performance, Rate, cost_curve, precision_recall, rate, roc
from models.metrics.images import auroc

_MOST_POINTS = 800


def roc_figure(
    scores: np.ndarray, labels: np.ndarray, point: OperatingPoint, *, groups=None, theme: str = "light"
) -> go.Figure:
    """ROC curve with the operating point and its 95% intervals.

    The point counts every score at or above the threshold, also those that the grey zone sends to review.

    Args:
        scores: calibrated probabilities of a defect, (n,).
        labels: 1 for a defect, (n,).
        point: the operating point.
        groups: cell, board or weld of each, for the intervals.
        theme: "light" or "dark".

    Raises:
        ConfigError: data without defects or without good parts.
    """
    colours, curve = THEMES[theme], roc(scores, labels)
    found, rejected = _rates(scores, labels, point, groups)
    traces = [
        _line([0, 1], [0, 1], "chance", colours.faint, dash="dot"),
        _curve(curve, "ROC", colours, "good parts rejected %{x:.1%}, defects found %{y:.1%}"),
        _point(rejected, found, f"threshold {point.threshold:.3f}"),
    ]
    layout = _layout(colours, "good parts rejected", "defects found")
    layout["annotations"] = [
        _note(f"AUROC {auroc(np.asarray(scores), np.asarray(labels).astype(int)):.3f}", 0.98, 0.04)
    ]
    return go.Figure({"data": traces, "layout": layout})


def precision_recall_figure(
    scores: np.ndarray, labels: np.ndarray, point: OperatingPoint, *, groups=None, theme: str = "light"
) -> go.Figure:
    """Precision-recall curve at the prevalence of the operating point.

    Arguments and errors as for ``roc_figure``. Where the point expects no prevalence it is that of the data.
    """
    colours = THEMES[theme]
    labels = np.asarray(labels).astype(bool)
    curve = precision_recall(scores, labels, point.prevalence)
    share = float(labels.mean()) if point.prevalence is None else point.prevalence
    found, rejected = _rates(scores, labels, point, groups)
    precision = [_precision(share, f, r) for f, r in ((found.share, rejected.share), (found.low, rejected.high))]
    best = _precision(share, found.high, rejected.low)
    traces = [
        _curve(curve, "precision and recall", colours, "defects found %{x:.1%}, of the rejected %{y:.1%} are defects"),
        _cross(found, precision[0], (precision[1], best), f"threshold {point.threshold:.3f}"),
    ]
    layout = _layout(colours, "defects found (recall)", "defects among the rejected (precision)")
    layout["annotations"] = [_note(f"at {share:.2%} defects", 0.02, 0.04)]
    return go.Figure({"data": traces, "layout": layout})


def cost_figure(
    scores: np.ndarray,
    labels: np.ndarray,
    escape_cost: float,
    overkill_cost: float,
    prevalence: float,
    point: OperatingPoint,
    *,
    theme: str = "light",
) -> go.Figure:
    """Expected cost per part over the threshold, the share due to escapes, and the point with its grey zone.

    Raises:
        ConfigError: data without defects or without good parts.
    """
    colours = THEMES[theme]
    total, escaped = cost_curve(scores, labels, escape_cost, overkill_cost, prevalence)
    traces = [
        _line(*_steps(total), "both", colours.hue, width=2, hover="threshold %{x:.3f}: %{y:.4~g} a part"),
        _line(*_steps(escaped), "escapes", VERDICT_COLOURS["defect"], hover="escapes %{y:.4~g} a part"),
    ]
    layout = _layout(colours, "threshold", "expected cost of a part", unit=False) | {"showlegend": True}
    layout["legend"] = {"orientation": "h", "y": 1, "yanchor": "bottom", "x": 1, "xanchor": "right"}
    layout["yaxis"]["rangemode"] = "tozero"
    layout["shapes"] = [
        {"type": "line", "x0": point.threshold, "x1": point.threshold, "yref": "paper", "y0": 0, "y1": 1}
        | {"line": {"color": colours.text, "width": 1, "dash": "dash"}, "name": "threshold"}
    ]
    if point.grey_zone is not None:
        layout["shapes"].append(
            {"type": "rect", "x0": point.grey_zone[0], "x1": point.grey_zone[1], "yref": "paper", "y0": 0, "y1": 1}
            | {"fillcolor": VERDICT_COLOURS["review"], "opacity": 0.18, "line": {"width": 0}, "name": "grey zone"}
        )
    return go.Figure({"data": traces, "layout": layout})


def confusion_figure(result: Performance, *, theme: str = "light") -> go.Figure:
    """Confusion matrix of good parts and defects, with counts and shares."""
    colours = THEMES[theme]
    counts = result.counts
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    words = ("normal", "review", "defect")
    # What went right in one hue, mistakes in another: the colour says which, the number how many.
    tints = {(0, 0): colours.hue, (1, 2): colours.hue, (0, 1): VERDICT_COLOURS["review"]}
    tints |= {(1, 1): VERDICT_COLOURS["review"], (0, 2): VERDICT_COLOURS["defect"], (1, 0): VERDICT_COLOURS["defect"]}
    meaning = {(0, 2): "overkill", (1, 0): "escapes"}
    shapes, notes = [], []
    for (row, column), tint in tints.items():
        cell = {"type": "rect", "x0": column - 0.48, "x1": column + 0.48, "y0": row - 0.48, "y1": row + 0.48}
        shapes.append(
            cell | {"fillcolor": tint, "opacity": 0.12 + 0.4 * float(shares[row, column]), "line": {"width": 0}}
        )
        text = f"<b>{counts[row, column]}</b><br>{shares[row, column]:.1%}"
        text += f"<br>{meaning[row, column]}" if (row, column) in meaning else ""
        notes.append({"x": column, "y": row, "text": text, "showarrow": False, "font": {"color": colours.text}})
    layout = _layout(colours, "verdict", "truth", unit=False) | {"shapes": shapes, "annotations": notes, "height": 240}
    layout["xaxis"] |= {"tickvals": [0, 1, 2], "ticktext": words, "range": [-0.5, 2.5], "showgrid": False}
    layout["yaxis"] |= {"tickvals": [0, 1], "ticktext": ("good", "defect"), "range": [1.5, -0.5], "showgrid": False}
    grid = {"type": "scatter", "mode": "markers", "x": [0, 1, 2] * 2, "y": [0] * 3 + [1] * 3, "marker": {"opacity": 0}}
    return go.Figure({"data": [grid | {"hoverinfo": "skip", "name": "confusion"}], "layout": layout})


def _rates(scores: np.ndarray, labels: np.ndarray, point: OperatingPoint, groups) -> tuple[Rate, Rate]:
    """Recall of defects and false rejects of good parts at the threshold."""
    scores, labels = np.asarray(scores, float), np.asarray(labels).astype(bool)
    members = None if groups is None else np.asarray(groups)
    found, rejected = (
        rate(scores[kind] >= point.threshold, None if members is None else members[kind]) for kind in (labels, ~labels)
    )
    return found, rejected


def _precision(share: float, found: float, rejected: float) -> float:
    both = share * found + (1 - share) * rejected
    return share * found / both if both > 0 else 1.0


def _curve(curve: Curve, name: str, colours: Theme, hover: str) -> dict:
    step = max(1, len(curve.x) // _MOST_POINTS)
    chosen = np.unique(np.append(np.arange(0, len(curve.x), step), len(curve.x) - 1))
    line = _line(curve.x[chosen], curve.y[chosen], name, colours.hue, width=2)
    line["customdata"] = curve.threshold[chosen].astype(np.float32)
    return line | {"hoverinfo": "all", "hovertemplate": f"threshold %{{customdata:.3f}}<br>{hover}<extra></extra>"}


def _steps(curve: Curve) -> tuple[np.ndarray, np.ndarray]:
    step = max(1, len(curve.x) // _MOST_POINTS)
    return curve.x[::step], curve.y[::step]


def _line(x, y, name: str, colour: str, *, width: float = 1, dash: str = "solid", hover: str = "") -> dict:
    line = {"type": "scatter", "mode": "lines", "x": np.asarray(x, np.float32), "y": np.asarray(y, np.float32)}
    line |= {"line": {"color": colour, "width": width, "dash": dash}, "name": name}
    return line | ({"hovertemplate": hover + "<extra></extra>"} if hover else {"hoverinfo": "skip"})


def _point(x: Rate, y: Rate, name: str) -> dict:
    return _cross(x, y.share, (y.low, y.high), name, hover=f"{name}<br>found {y}<br>rejected {x}")


def _cross(x: Rate, y: float, y_range: tuple[float, float], name: str, hover: str = "") -> dict:
    """The operating point with intervals in both directions."""

    def arms(low: float, value: float, high: float) -> dict:
        return {"type": "data", "symmetric": False, "array": [high - value], "arrayminus": [value - low], "width": 4}

    return {
        "type": "scatter",
        "mode": "markers",
        "x": [x.share],
        "y": [y],
        "error_x": arms(x.low, x.share, x.high),
        "error_y": arms(min(y_range), y, max(y_range)),
        "marker": {"color": VERDICT_COLOURS["defect"], "size": 10, "symbol": "diamond"},
        "hovertemplate": (hover or name) + "<extra></extra>",
        "name": name,
    }


def _note(text: str, x: float, y: float) -> dict:
    place = {"xref": "paper", "yref": "paper", "x": x, "y": y, "xanchor": "right" if x > 0.5 else "left"}
    return {"text": text, "showarrow": False} | place


def _layout(colours: Theme, x: str, y: str, *, unit: bool = True) -> dict:
    axis = {"gridcolor": colours.minor, "zeroline": False, "fixedrange": True}
    bounds = {"range": [-0.02, 1.02], "tickformat": ".0%"} if unit else {}
    return chart_layout(colours, 320, {"l": 60, "r": 12, "t": 24, "b": 44}) | {
        "xaxis": axis | bounds | {"title": {"text": x}},
        "yaxis": axis | bounds | {"title": {"text": y}},
    }
