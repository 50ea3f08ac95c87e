"""Layers of a printed strip by matplotlib: grid, map, traces, gaps, calibration pulse and beats.

Every function draws into an axes whose units are millimetres of the page; ``x0`` and ``y0`` are the lower left
corner of the line on that page.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ecgviz.figures import geometry as geo
from ecgviz.figures.beat_marks import Marks, colour_of
from ecgviz.figures.decimate import gaps, min_max
from ecgviz.figures.normal_beat import normal_lines
from ecgviz.figures.overlay import HeatScale, band, line_levels, scale_title
from ecgviz.figures.rhythms import RHYTHM_COLOURS, labels_in_view
from ecgviz.figures.strip_signal import StripSignal, lane_samples
from ecgviz.figures.usual_beat import WEIGHT_MM, rows_of, timing, usual_line, weights
from ecgviz.results import RhythmEpisode, SaliencyMap
from models.core.words import clock

if TYPE_CHECKING:
    from ecgviz.saliency.parts import Reasons
    from ecgviz.saliency.record_parts import RecordReasons

_N_LEVELS = 10
TAGS_MM = 4.5
"""Height of the row of rhythms."""
_CHARACTER_MM = 1.7
"""Of the names of rhythms, capitals and digits of 7 pt."""


@dataclass(frozen=True)
class Line:
    """One line of the strip with its content; ``lanes`` are those of the map."""

    strip: geo.Strip
    signal: StripSignal
    marks: Marks
    saliency: SaliencyMap | None
    scale: HeatScale | None
    lanes: tuple[geo.Lane, ...]
    map_style: str
    rhythms: tuple[RhythmEpisode, ...] = ()
    reasons: Reasons | None = None
    normal: RecordReasons | None = None


def draw_line(axes, line: Line, colours: geo.Theme, x0: float, y0: float) -> None:
    """Draw one line of the strip."""
    if line.scale is not None and line.map_style == "band":
        _draw_band(axes, line, x0, y0)
    _draw_grid(axes, line.strip, colours, x0, y0)
    for lane in line.strip.lanes:
        _draw_gaps(axes, line, lane, colours, x0, y0)
        _draw_lane(axes, line, lane, colours, x0, y0)
    if line.reasons is not None:
        _draw_parts(axes, line, line.reasons, colours, x0, y0)
    if line.normal is not None:
        for lane, time_s, values in normal_lines(line.signal, list(line.strip.lanes), line.normal):
            xs = x0 + np.array([line.strip.x_mm(t) for t in time_s])
            axes.plot(xs, y0 + lane.y_mm(values), ":", color=colours.faint, lw=0.8, zorder=2, gid=f"normal-{lane.lead}")
    _draw_beats(axes, line, colours, x0, y0)
    _draw_rhythms(axes, line, colours, x0, y0)


def draw_scale(axes, line: Line, colours: geo.Theme, right: float, top: float) -> None:
    """The colour bar with both ends and its meaning, its upper right corner at (right, top)."""
    bar = line.scale.bar(line.map_style == "trace")
    width, height = 45.0, 2.6
    for index, colour in enumerate(bar):
        step = width / len(bar)
        axes.fill([right - width + step * (index + k) for k in (0, 1, 1, 0)], _box(top, height), color=colour, lw=0)
    edge_x = [right - width, right, right, right - width, right - width]
    axes.plot(edge_x, [*_box(top, height), top - height], color=colours.faint, lw=0.5)
    ends = ((right - width, "0", "left"), (right, f"{line.scale.vmax:.2g}", "right"))
    for x, text, side in ends:
        axes.text(x, top - height - 0.8, text, fontsize=7, ha=side, va="top", color=colours.text)
    title = scale_title(line.saliency, line.scale)
    axes.text(right - width - 3, top, title, fontsize=7.5, ha="right", va="top", color=colours.text)


def _box(top: float, height: float) -> list[float]:
    return [top - height, top - height, top, top]


def _draw_grid(axes, strip: geo.Strip, colours: geo.Theme, x0: float, y0: float) -> None:
    """Lines every mm and 5 mm, with time 0 and the first baseline on major lines. Clock labels below."""
    width, height = strip.width_mm, strip.height_mm
    for mm, colour, weight in ((1.0, colours.minor, 0.25), (geo.MAJOR_MM, colours.major, 0.5)):
        xs = x0 + np.arange(strip.x_mm(0.0) % mm, width + 1e-6, mm)
        ys = y0 + np.arange(strip.lanes[0].baseline_mm % mm, height + 1e-6, mm)
        axes.vlines(xs, y0, y0 + height, colors=colour, lw=weight, zorder=1)
        axes.hlines(ys, x0, x0 + width, colors=colour, lw=weight, zorder=1)
    step = geo.clock_step_s(strip.seconds, strip.speed_mm_s, 20.0 / strip.speed_mm_s)
    for k in range(math.ceil(strip.start_s / step - 1e-9), math.floor(strip.stop_s / step + 1e-9) + 1):
        text = clock(k * step, hours=strip.stop_s >= 3600, decimals=0 if step >= 1 else 1)
        x = x0 + strip.x_mm(k * step)
        axes.text(x, y0 - 0.5, text, fontsize=6.5, ha="center", va="top", color=colours.text)


def _draw_band(axes, line: Line, x0: float, y0: float) -> None:
    """The map below the grid, without changing the axes limits."""
    limits = axes.get_xlim(), axes.get_ylim()
    for lane in line.lanes:
        part = band(line.saliency.of_lead(lane.lead), lane.start_s, lane.stop_s, 1200)
        if part is None:
            continue
        values, low, high = part
        extent = (
            x0 + line.strip.x_mm(low),
            x0 + line.strip.x_mm(high),
            y0 + lane.bottom_mm,
            y0 + lane.top_mm,
        )
        axes.imshow(line.scale.rgba(values)[None], extent=extent, aspect="auto", interpolation="bilinear", zorder=0.5)
    axes.set(xlim=limits[0], ylim=limits[1], aspect="auto")


def _draw_parts(axes, line: Line, reasons: Reasons, colours: geo.Theme, x0: float, y0: float) -> None:
    """The usual beat behind the beat, what each wave brings as a bar below it, and whether it comes early or late."""
    strip = line.strip
    for lane, _ in rows_of(reasons, line.lanes):
        if usual := usual_line(line.signal, lane, reasons):
            xs = x0 + np.array([strip.x_mm(t) for t in usual[0]])
            axes.plot(
                xs, y0 + lane.y_mm(usual[1]), ":", color=colours.faint, lw=1.0, zorder=2, gid=f"usual-{lane.lead}"
            )
        for _, low, high, opacity in weights(lane, reasons):
            xs = [x0 + strip.x_mm(t) for t in (low, high, high, low)]
            ys = [y0 + lane.bottom_mm + up for up in (0.0, 0.0, WEIGHT_MM, WEIGHT_MM)]
            axes.fill(xs, ys, color=colours.hue, alpha=opacity, lw=0, zorder=2)
    if line.lanes and (found := timing(line.lanes[0], reasons)):
        usual_s, at_s, word = found
        height = y0 + line.lanes[0].top_mm
        ends = {"xy": (x0 + strip.x_mm(at_s), height), "xytext": (x0 + strip.x_mm(usual_s), height)}
        axes.annotate(
            word, **ends, fontsize=6.5, va="center", ha="left" if word == "early" else "right", color=colours.text,
            arrowprops={"arrowstyle": "->", "color": colours.hue, "lw": 0.8},
        )  # fmt: skip


def _draw_lane(axes, line: Line, lane: geo.Lane, colours: geo.Theme, x0: float, y0: float) -> None:
    """Trace, calibration pulse and name of a lead."""
    strip = line.strip
    samples, first = lane_samples(line.signal, lane)
    drawn = min_max(samples, 6000)
    time_s = (first + drawn.first + drawn.step * np.arange(len(drawn.values))) / line.signal.fs
    x, y = x0 + strip.x_mm(time_s), y0 + lane.y_mm(drawn.values)
    axes.plot(x, y, color=colours.trace, lw=0.6, solid_joinstyle="round", gid=f"trace-{lane.lead}", zorder=3)
    if line.scale is not None and line.map_style == "trace" and lane in line.lanes:
        _draw_coloured(axes, line, lane, time_s, x, y)
    pulse_x, pulse_y = geo.calibration_pulse(strip, lane)
    if pulse_x:
        pulse = np.add(pulse_x, x0), np.add(pulse_y, y0)
        axes.plot(*pulse, color=colours.trace, lw=0.6, gid=f"calibration-{lane.lead}", zorder=3)
    beside = lane.start_s <= strip.start_s
    axes.text(
        x0 - 1.5 if beside else x0 + strip.x_mm(lane.start_s) + 0.5,
        y0 + (lane.baseline_mm if beside else lane.top_mm - 0.5),
        lane.lead,
        fontsize=9,
        weight="bold",
        ha="right" if beside else "left",
        va="center" if beside else "top",
        color=colours.text,
    )


def _draw_coloured(axes, line: Line, lane: geo.Lane, time_s: np.ndarray, x: np.ndarray, y: np.ndarray) -> None:
    """The trace in the map's colours, thicker where the map is high."""
    from matplotlib.collections import LineCollection

    levels = line_levels(line.scale, line.saliency.of_lead(lane.lead), time_s, _N_LEVELS)[:-1]
    keep = (levels > 0) & np.isfinite(y[:-1]) & np.isfinite(y[1:])
    points = np.stack([x, y], axis=1)
    segments = np.stack([points[:-1], points[1:]], axis=1)[keep]
    shares = (levels[keep] + 0.5) / _N_LEVELS
    colours = [line.scale.line_rgb(float(share)) for share in shares]
    axes.add_collection(LineCollection(segments, colors=colours, linewidths=0.6 + 1.6 * shares, zorder=4))


def _draw_gaps(axes, line: Line, lane: geo.Lane, colours: geo.Theme, x0: float, y0: float) -> None:
    """Labelled hatched bands where the lead has no samples for 2 mm or more."""
    strip, fs = line.strip, line.signal.fs
    samples, first = lane_samples(line.signal, lane)
    for a, b in gaps(samples, max(int(2.0 / strip.speed_mm_s * fs), 1)):
        left, right = x0 + strip.x_mm((first + a) / fs), x0 + strip.x_mm((first + b) / fs)
        low, high = y0 + lane.bottom_mm + 1, y0 + lane.top_mm - 1
        hatched = {"facecolor": "none", "edgecolor": colours.faint, "hatch": "////", "linewidth": 0}
        axes.fill([left, right, right, left], [low, low, high, high], zorder=2, **hatched)
        if right - left >= 20:
            word = {"facecolor": colours.paper, "edgecolor": "none", "pad": 1.5}
            place = (left + right) / 2, (low + high) / 2
            axes.text(*place, "no signal", fontsize=8, ha="center", va="center", color=colours.text, bbox=word)


def _draw_beats(axes, line: Line, colours: geo.Theme, x0: float, y0: float) -> None:
    """Letters above the leads, RR intervals where they fit, rings and the selected beat."""
    marks, strip = line.marks, line.strip
    height = y0 + strip.letters_mm
    xs = x0 + strip.x_mm(marks.time_s)
    for index, (x, letter) in enumerate(zip(xs, marks.label, strict=True)):
        colour = colour_of(letter)
        text = {"fontsize": 9, "weight": "bold", "ha": "center", "va": "center_baseline", "zorder": 5}
        if marks.selected[index]:
            axes.plot([x, x], [y0, height], color=colour, lw=0.6, ls=":", zorder=2)
            axes.plot([x], [height], "o", ms=12, color=colour, zorder=4)
        if marks.edited[index]:
            axes.plot([x], [height], "o", ms=13, mfc="none", mec=colours.text, mew=0.8, zorder=4)
        axes.text(x, height, letter, color="#ffffff" if marks.selected[index] else colour, **text)
    for x, following, rr in zip(xs[:-1], xs[1:], marks.rr_ms, strict=True):
        if following - x >= 17 and np.isfinite(rr):
            style = {"fontsize": 6.5, "ha": "center", "va": "center_baseline", "color": colours.faint}
            axes.text((x + following) / 2, height, f"{rr:.0f} ms", **style)


def _draw_rhythms(axes, line: Line, colours: geo.Theme, x0: float, y0: float) -> None:
    """Rhythm and probability above the leads, at the left edge and at each change, with a line there."""
    strip = line.strip
    top = y0 + strip.tags_top_mm
    character_s = _CHARACTER_MM / strip.speed_mm_s
    for time_s, begins, episode, text in labels_in_view(line.rhythms, strip.start_s, strip.stop_s, character_s):
        colour, x = RHYTHM_COLOURS.get(episode.label, RHYTHM_COLOURS["OTHER"]), x0 + strip.x_mm(time_s)
        if begins:
            axes.plot([x, x], [y0, top], color=colour, lw=1, ls="--", zorder=2)
        box = {"facecolor": colours.paper, "edgecolor": colour, "pad": 1.2, "linewidth": 1}
        axes.text(x + 0.8, top - 0.6, text, fontsize=7, va="top", color=colours.text, bbox=box, zorder=6)
