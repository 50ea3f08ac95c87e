"""Overview of a whole recording for navigation: heart rate, classes, rhythm, quality and current view.

Everything is binned, so that the figure of a day is as small as that of half an hour. The bins' points carry
``customdata`` = seconds; with hover along x a click anywhere picks the nearest one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from ecgviz.figures.beat_marks import colour_of
from ecgviz.figures.ecg_paper import FONT
from ecgviz.figures.geometry import THEMES, Theme
from ecgviz.figures.rhythms import ROW_SPAN, hover_texts, rhythm_row, row_names
from ecgviz.results import Beats, RhythmEpisode
from models.core.words import clock

_MOST_BINS = 1440
_BIN_STEPS_S = (2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600)
_CLASS_ROWS = ("S", "V", "F", "Q")
_RATE_SPAN = (0.56, 1.0)
_QUALITY_SPAN = (0.0, 0.07)
_CLASSES_SPAN = (0.12, 0.52)
_TOP = 1.04


@dataclass(frozen=True)
class Bins:
    """A recording in equal time bins.

    Attributes:
        step_s: length of a bin.
        middle_s: middle of each bin, float (n,).
        rate: mean heart rate of the beats that end in the bin, 1/min, NaN where there is none, float (n,).
        counts: beats of each class in each bin, {letter: int (n,)}.
    """

    step_s: float
    middle_s: np.ndarray
    rate: np.ndarray
    counts: dict[str, np.ndarray]


def bin_beats(beats: Beats | None, duration_s: float) -> Bins:
    """Heart rate and class counts in at most 1440 bins.

    RR intervals outside 0.2 to 3 s are pauses or lost beats and do not count for the rate.
    """
    fits = [step for step in _BIN_STEPS_S if duration_s / step <= _MOST_BINS]
    step = float(fits[0]) if fits else duration_s / _MOST_BINS
    n = max(int(np.ceil(duration_s / step)), 1)
    middle = np.minimum((np.arange(n) + 0.5) * step, duration_s)
    rate = np.full(n, np.nan)
    if beats is None or not len(beats):
        return Bins(step, middle, rate, {})
    place = np.minimum((beats.time_s / step).astype(int), n - 1)
    rr = beats.rr_before_ms / 1000
    usable = (rr >= 0.2) & (rr <= 3.0)
    sums = np.bincount(place[usable], rr[usable], n)
    numbers = np.bincount(place[usable], minlength=n)
    rate[numbers > 0] = 60.0 * numbers[numbers > 0] / sums[numbers > 0]
    labels = beats.label
    return Bins(step, middle, rate, {c: np.bincount(place[labels == c], minlength=n) for c in beats.classes})


def overview_figure(
    duration_s: float,
    beats: Beats | None,
    *,
    view: tuple[float, float] | None = None,
    quality: np.ndarray | None = None,
    theme: str = "light",
    name: str = "",
    height_px: int = 170,
    rhythms: bool = False,
) -> go.Figure:
    """The overview strip.

    Args:
        duration_s: length of the recording.
        beats: None draws the empty strip that holds the place while the analysis runs.
        view: (start, stop) in seconds of what the ECG paper shows.
        quality: share of usable signal, 0 to 1, in any number of equal parts of the recording.
        theme: "light" or "dark". name: keeps zoom apart between recordings.
        height_px: its height without the row of rhythms.
        rhythms: whether there is a row of rhythms; its place is kept while the beats are not known.

    The trace "places" has ``customdata`` = seconds, the middle of the bin that was clicked.

    Raises:
        ValueError: a theme that does not exist.
    """
    if theme not in THEMES:
        raise ValueError(f"theme {theme!r} is unknown; choose {', '.join(THEMES)}")
    colours = THEMES[theme]
    bins = bin_beats(beats, duration_s)
    hours = duration_s >= 3600
    low, high = _rate_range(bins.rate)
    traces = [_rate_line(bins, low, high, colours), *_class_ticks(bins)]
    if quality is not None and len(quality):
        traces += _quality_band(np.asarray(quality, float), duration_s, colours)
    episodes = beats.rhythms if beats is not None and rhythms else ()
    traces += rhythm_row(episodes, duration_s)
    traces.append(_places(bins, low, high, hours, episodes))
    bottom, row_px = (ROW_SPAN[0] - 0.03, round(-ROW_SPAN[0] * height_px)) if rhythms else (0.0, 0)
    layout = {
        "template": {},
        "height": height_px + row_px,
        "margin": {"l": 62, "r": 10, "t": 6, "b": 22},
        "paper_bgcolor": colours.paper,
        "plot_bgcolor": colours.paper,
        "font": {"family": FONT, "size": 11, "color": colours.text},
        "showlegend": False,
        "barmode": "overlay",
        "bargap": 0,
        # Hover along x without a limit of distance makes every click hit the nearest bin.
        "hovermode": "x",
        "hoverdistance": -1,
        "clickmode": "event+select",
        "dragmode": False,
        "uirevision": name,
        "xaxis": _time_axis(duration_s, hours, colours),
        "yaxis": {
            "range": [bottom, _TOP],
            "fixedrange": True,
            "showgrid": False,
            "showticklabels": False,
            "zeroline": False,
        },
        "shapes": _rate_lines(low, high, colours) + (_view_marks(view, duration_s, colours) if view else []),
        "annotations": _row_names(low, high, bins, colours, quality is not None)
        + (row_names(episodes, duration_s, colours) if rhythms else []),
    }
    return go.Figure({"data": traces, "layout": layout})


def _rate_range(rate: np.ndarray) -> tuple[float, float]:
    """Limits of the rate axis in multiples of ten, without single outliers."""
    real = rate[np.isfinite(rate)]
    if not len(real):
        return 40.0, 120.0
    low, high = np.percentile(real, (0.5, 99.5))
    low, high = 10 * np.floor(low / 10), 10 * np.ceil(high / 10)
    return float(low), float(max(high, low + 20))


def _rate_height(rate, low: float, high: float):
    a, b = _RATE_SPAN
    return np.clip(a + (b - a) * (np.asarray(rate) - low) / (high - low), a, b)


def _rate_line(bins: Bins, low: float, high: float, colours: Theme) -> dict:
    return {
        "type": "scatter",
        "x": bins.middle_s.tolist(),
        "y": _rate_height(bins.rate, low, high).astype(np.float32),
        "mode": "lines",
        "line": {"color": colours.trace, "width": 1},
        "connectgaps": False,
        "hoverinfo": "skip",
        "name": "heart rate",
    }


def _rate_lines(low: float, high: float, colours: Theme) -> list[dict]:
    line = {"color": colours.minor, "width": 1}
    levels = (low, (low + high) / 2, high)
    heights = [float(_rate_height(level, low, high)) for level in levels]
    across = {"type": "line", "xref": "x domain", "x0": 0, "x1": 1, "layer": "below", "line": line}
    return [across | {"y0": y, "y1": y} for y in heights]


def _row_span(letter: str) -> tuple[float, float]:
    """Lower and upper edge of a class's row, S at the top."""
    a, b = _CLASSES_SPAN
    size = (b - a) / len(_CLASS_ROWS)
    top = b - _CLASS_ROWS.index(letter) * size
    return top - size, top


def _class_ticks(bins: Bins) -> list[dict]:
    """A tick per bin with beats of the class, of a height by the square root of their number."""
    traces = []
    for letter in _CLASS_ROWS:
        counts = bins.counts.get(letter)
        if counts is None or not counts.any():
            continue
        filled = np.flatnonzero(counts)
        bottom, top = _row_span(letter)
        share = np.sqrt(counts[filled] / counts.max())
        # A bin of a day is half a pixel wide: never thinner than one 900th of the recording.
        width = max(bins.step_s, bins.step_s * len(counts) / 900)
        traces.append(
            {
                "type": "bar",
                "x": bins.middle_s[filled].tolist(),
                "y": np.round((top - bottom) * (0.3 + 0.6 * share), 3).tolist(),
                "base": bottom,
                "width": width,
                "marker": {"color": colour_of(letter), "line": {"width": 0}},
                "hoverinfo": "skip",
                "name": f"{letter} per {bins.step_s:g} s",
            }
        )
    return traces


def _quality_band(quality: np.ndarray, duration_s: float, colours: Theme) -> list[dict]:
    """Signal quality: usable stretches plain, others hatched rather than by colour alone."""
    if len(quality) > _MOST_BINS:
        edges = np.linspace(0, len(quality), _MOST_BINS + 1).astype(int)[:-1]
        quality = np.add.reduceat(quality, edges) / np.diff(np.append(edges, len(quality)))
    good = quality >= 0.5
    starts = np.flatnonzero(np.diff(good.astype(int), prepend=-1))
    stops = np.append(starts[1:], len(good))
    scale = duration_s / len(good)
    traces = []
    for usable in (True, False):
        runs = [(a * scale, b * scale) for a, b in zip(starts, stops, strict=True) if good[a] == usable]
        pattern = {} if usable else {"shape": "/", "fgcolor": colours.text, "size": 4, "solidity": 0.4}
        if runs:
            traces.append(
                {
                    "type": "bar",
                    "x": [(a + b) / 2 for a, b in runs],
                    "width": [b - a for a, b in runs],
                    "y": [_QUALITY_SPAN[1]] * len(runs),
                    "base": _QUALITY_SPAN[0],
                    "marker": {
                        "color": colours.hue if usable else colours.paper,
                        "opacity": 0.55 if usable else 1.0,
                        "pattern": pattern,
                        "line": {"width": 0},
                    },
                    "hoverinfo": "skip",
                    "name": "signal usable" if usable else "signal not usable",
                }
            )
    return traces


def _places(bins: Bins, low: float, high: float, hours: bool, episodes: Sequence[RhythmEpisode]) -> dict:
    """Invisible points, one per bin, for hover text and the time of a click."""
    texts, rhythms = [], hover_texts(episodes, np.arange(len(bins.middle_s) + 1) * bins.step_s)
    for index, middle in enumerate(bins.middle_s):
        found = [f"{letter} {counts[index]}" for letter, counts in bins.counts.items() if counts[index]]
        rate = f" · {bins.rate[index]:.0f} /min" if np.isfinite(bins.rate[index]) else ""
        texts.append(clock(middle, hours=hours) + rate + (f" · {' '.join(found)}" if found else "") + rhythms[index])
    heights = np.where(np.isfinite(bins.rate), bins.rate, (low + high) / 2)
    hidden = {"marker": {"opacity": 0}}
    return {
        "type": "scatter",
        "x": bins.middle_s.tolist(),
        "y": _rate_height(heights, low, high).astype(np.float32),
        "mode": "markers",
        "marker": {"size": 8, "opacity": 0},
        "selected": hidden,
        "unselected": hidden,
        "customdata": bins.middle_s.tolist(),
        "hovertext": texts,
        "hovertemplate": "%{hovertext}<extra></extra>",
        "name": "places",
    }


def _view_marks(view: tuple[float, float], duration_s: float, colours: Theme) -> list[dict]:
    """Current view as a shaded stretch of at least visible width; none for the whole recording."""
    if view[0] <= 0 and view[1] >= duration_s:
        return []
    least = duration_s / 400
    middle, half = (view[0] + view[1]) / 2, max(view[1] - view[0], least) / 2
    return [
        {
            "type": "rect",
            "x0": middle - half,
            "x1": middle + half,
            "yref": "y domain",
            "y0": 0,
            "y1": 1,
            "fillcolor": colours.text,
            "opacity": 0.22,
            "line": {"color": colours.text, "width": 2},
            "name": "view",
        }
    ]


def _row_names(low: float, high: float, bins: Bins, colours: Theme, has_quality: bool) -> list[dict]:
    """Row names: heart rate with its limits, class letters in their colours, signal."""
    beside = {"xref": "x domain", "x": 0, "xanchor": "right", "xshift": -6, "showarrow": False}
    names = [
        beside | {"y": float(_rate_height(level, low, high)), "text": f"{level:.0f}{unit}", "font": {"size": 10}}
        for level, unit in ((low, ""), (high, " /min"))
    ]
    for letter in _CLASS_ROWS if bins.counts else ():
        counts = bins.counts.get(letter)
        total = int(counts.sum()) if counts is not None else 0
        style = {"color": colour_of(letter) if total else colours.faint, "size": 11}
        names.append(beside | {"y": sum(_row_span(letter)) / 2, "text": f"{total} <b>{letter}</b>", "font": style})
    if has_quality:
        names.append(beside | {"y": sum(_QUALITY_SPAN) / 2, "text": "signal", "font": {"size": 10}})
    return names


def _time_axis(duration_s: float, hours: bool, colours: Theme) -> dict:
    steps = (10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 10800, 14400, 21600, 43200, 86400)
    step = next((s for s in steps if duration_s / s <= 12), 86400 * int(np.ceil(duration_s / 86400 / 12)))
    ticks = np.arange(0, duration_s + 1e-6, step)
    return {
        "range": [0, duration_s],
        "tickvals": ticks.tolist(),
        "ticktext": [clock(t, hours=hours) for t in ticks],
        "tickfont": {"size": 11, "color": colours.text},
        "showgrid": False,
        "zeroline": False,
        "fixedrange": True,
    }


def mark_view(figure: go.Figure, view: tuple[float, float], duration_s: float, *, theme: str = "light") -> None:
    """Move the current view in an existing overview, which is much cheaper than a new figure.

    Args:
        figure: of ``overview_figure``; it is changed. view: (start, stop) in seconds.
        duration_s, theme: as the figure was made with.
    """
    others = [shape for shape in figure.layout.shapes if shape.name != "view"]
    figure.layout.shapes = [*others, *_view_marks(view, duration_s, THEMES[theme])]
