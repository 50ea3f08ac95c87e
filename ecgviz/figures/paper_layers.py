"""Layers of the ECG paper as plotly traces, images and shapes, back to front.

Each function adds one thing to the parts of a figure whose x axis is seconds and whose y axis is mV of paper
height (mm / gain), as ``ecg_paper`` sets it up. Parts are plain dicts until the end: plotly checks a figure made
in one go in a quarter of the time that it takes to add thirty things one by one.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from ecgviz.figures.decimate import gaps, min_max
from ecgviz.figures.geometry import Lane, Strip, Theme, calibration_pulse
from ecgviz.figures.overlay import HeatScale, band, line_levels, png_row, scale_title
from ecgviz.figures.strip_signal import StripSignal, lane_samples
from ecgviz.results import SaliencyMap

# A trace costs 8 base64 characters a value (float32 height, int16 hover value), the coloured one up to 48 (times, and
# each run repeats a point): together with the beats a figure stays under 600 KB.
_VALUES_IN_ALL = 34_000
_VALUES_BESIDE_COLOURED = 23_000
_COLOURED_VALUES_IN_ALL = 4_800
_VALUES_PER_LEAD = 16_000
_MAP_COLUMNS = 1200
_NO_EDGE_MM = 1.0
_SHORT_NAME, _NAME_CHARACTERS, _NAME_CHARACTER_PX = 5, 10, 7.2
"""Names of ECG leads have five characters or fewer; longer ones are set smaller, in lines of so many."""
_WIDE_PX, _PHONE_PX = 620, 420
_BAR_PX = {"wide": (220, 40), "narrow": (110, 40), "phone": (84, 16)}
"""Length of the colour bar with its two ends, and each of these ends."""
_BAR_ROOM_PX, _TITLE_CHARACTER_PX = 24, 6.6


@dataclass
class Sheet:
    """A strip and the elements of its figure, back to front."""

    strip: Strip
    signal: StripSignal
    colours: Theme
    px_per_mm: float
    traces: list[dict] = field(default_factory=list)
    shapes: list[dict] = field(default_factory=list)
    annotations: list[dict] = field(default_factory=list)
    images: list[dict] = field(default_factory=list)


def scatter(**fields) -> dict:
    """An SVG scatter trace."""
    return {"type": "scatter", **fields}


def add_band(sheet: Sheet, saliency: SaliencyMap, scale: HeatScale, lanes: list[Lane]) -> None:
    """The map as a one-row PNG below the grid, which stays visible."""
    for lane in lanes:
        part = band(saliency.of_lead(lane.lead), lane.start_s, lane.stop_s, _MAP_COLUMNS)
        if part is None:
            continue
        values, low, high = part
        sheet.images.append(
            dict(
                source=png_row(scale.rgba(values)),
                xref="x",
                yref="y",
                x=low,
                y=lane.top_mm / sheet.strip.gain_mm_mV,
                sizex=high - low,
                sizey=(lane.up_mm + lane.down_mm) / sheet.strip.gain_mm_mV,
                sizing="stretch",
                layer="below",
                name=f"map {lane.lead}",
            )
        )


def add_window(sheet: Sheet, saliency: SaliencyMap, lanes: list[Lane]) -> None:
    """Dotted lines at the ends of the network's window, unless they coincide with the view's."""
    strip = sheet.strip
    top, bottom = max(lane.top_mm for lane in lanes), min(lane.bottom_mm for lane in lanes)
    low, high = np.clip(saliency.window_s, strip.start_s, strip.stop_s)
    room_px = (high - low) * strip.speed_mm_s * sheet.px_per_mm
    edge_s = _NO_EDGE_MM / strip.speed_mm_s
    for edge, side in zip(saliency.window_s, ("left", "right"), strict=True):
        if strip.start_s + edge_s < edge < strip.stop_s - edge_s:
            sheet.shapes.append(
                dict(
                    type="line",
                    x0=edge,
                    x1=edge,
                    y0=bottom / strip.gain_mm_mV,
                    y1=top / strip.gain_mm_mV,
                    line={"color": sheet.colours.faint, "width": 1, "dash": "dot"},
                )
            )
            if room_px < 190:
                continue
            sheet.annotations.append(
                dict(
                    x=edge,
                    y=bottom / strip.gain_mm_mV,
                    text="network sees from here" if side == "left" else "to here",
                    showarrow=False,
                    xanchor=side,
                    yanchor="bottom",
                    font={"size": 10, "color": sheet.colours.faint},
                )
            )


def add_colour_bar(sheet: Sheet, saliency: SaliencyMap, scale: HeatScale, *, line: bool) -> None:
    """Colour bar with both ends and its meaning in one line above the paper."""
    steps, width_px = scale.bar(line), sheet.strip.width_mm * sheet.px_per_mm
    size = "wide" if width_px > _WIDE_PX else "phone" if is_phone(width_px) else "narrow"
    bar_px, ends_px = _BAR_PX[size]
    sheet.traces.append(
        scatter(
            x=[None],
            y=[None],
            mode="markers",
            hoverinfo="skip",
            name="map scale",
            marker={
                "color": [0.0],
                "cmin": 0.0,
                "cmax": 1.0,
                "colorscale": [[i / (len(steps) - 1), colour] for i, colour in enumerate(steps)],
                "showscale": True,
                "colorbar": {
                    "orientation": "h",
                    "x": 1.0,
                    "xanchor": "right",
                    "xpad": ends_px,
                    "y": 1.0,
                    "yanchor": "bottom",
                    "ypad": 6,
                    "lenmode": "pixels",
                    # On a narrow paper the words beside it need the room.
                    "len": bar_px,
                    "thickness": 9,
                    "outlinecolor": sheet.colours.faint,
                    "outlinewidth": 1,
                    "tickmode": "array",
                    "tickvals": [0.0, 1.0],
                    "ticktext": ["0", f"{scale.vmax:.2g}"],
                    "tickfont": {"size": 11, "color": sheet.colours.text},
                    "ticks": "",
                },
            },
        )
    )
    sheet.annotations.append(
        dict(
            text=_bar_title(scale_title(saliency, scale), size, width_px - bar_px).replace("\n", "<br>"),
            align="left",
            xref="paper",
            yref="paper",
            x=0.0,
            y=1.0,
            xanchor="left",
            yanchor="bottom",
            yshift=2,
            showarrow=False,
            font={"size": 11 if size == "phone" else 12, "color": sheet.colours.text},
        )
    )


def _bar_title(title: str, size: str, room_px: float) -> str:
    """What the colours mean, as long as there is room for beside the bar."""
    if size != "wide":
        title = title.replace("finest detail ", "")
    if size == "phone":
        room = int((room_px - _BAR_ROOM_PX) / _TITLE_CHARACTER_PX)
        title = "\n".join(textwrap.fill(part, max(room, 12)) for part in title.split("\n"))
    return title


def is_phone(width_px: float) -> bool:
    """Whether paper of that width is too narrow for a two-line caption beside the colour bar."""
    return width_px <= _PHONE_PX


def add_traces(sheet: Sheet, *, coloured: bool) -> None:
    """The leads, min-max decimated, with value in uV and time on hover; ``coloured``: also the map."""
    in_all = _VALUES_BESIDE_COLOURED if coloured else _VALUES_IN_ALL
    budget = min(in_all // len(sheet.strip.lanes), _VALUES_PER_LEAD)
    for lane in sheet.strip.lanes:
        samples, first = lane_samples(sheet.signal, lane)
        drawn = min_max(samples, budget // 2)
        unknown = lane.unit != "mV"
        sheet.traces.append(
            scatter(
                x0=(first + drawn.first) / sheet.signal.fs,
                dx=drawn.step / sheet.signal.fs,
                y=(lane.y_mm(drawn.values) / sheet.strip.gain_mm_mV).astype(np.float32),
                customdata=_hover_values(drawn.values, unknown),
                mode="lines",
                line={"color": sheet.colours.trace, "width": 1},
                connectgaps=False,
                name=lane.lead,
                hovertemplate=f"{lane.lead} %{{customdata}} {'(unit unknown)' if unknown else 'µV'}<br>"
                "%{x:.3f} s<extra></extra>",
            )
        )


def add_coloured_trace(sheet: Sheet, saliency: SaliencyMap, scale: HeatScale, lanes: list[Lane]) -> None:
    """The map as colour and width of the trace, with one line per level."""
    n_levels = 10
    for lane in lanes:
        samples, first = lane_samples(sheet.signal, lane)
        drawn = min_max(samples, min(_COLOURED_VALUES_IN_ALL // len(lanes), 4000) // 2)
        time_s = (first + drawn.first + drawn.step * np.arange(len(drawn.values))) / sheet.signal.fs
        levels = line_levels(scale, saliency.of_lead(lane.lead), time_s, n_levels)
        heights = (lane.y_mm(drawn.values) / sheet.strip.gain_mm_mV).astype(np.float32)
        for level in np.unique(levels[levels > 0]):
            xs, ys = _runs(levels == level, time_s, heights)
            share = (level + 0.5) / n_levels
            sheet.traces.append(
                scatter(
                    x=np.round(xs, 4),
                    y=ys,
                    mode="lines",
                    line={"color": scale.line_rgb(share), "width": 1 + 2.5 * share},
                    hoverinfo="skip",
                    name=f"map {lane.lead} {level}",
                )
            )


def add_gaps(sheet: Sheet) -> None:
    """Labelled hatched bands where a lead has no samples for 2 mm or more."""
    for lane in sheet.strip.lanes:
        samples, first = lane_samples(sheet.signal, lane)
        runs = gaps(samples, max(int(2.0 / sheet.strip.speed_mm_s * sheet.signal.fs), 1))
        top, bottom = (lane.top_mm - 1) / sheet.strip.gain_mm_mV, (lane.bottom_mm + 1) / sheet.strip.gain_mm_mV
        xs: list[float | None] = []
        ys: list[float | None] = []
        for a, b in runs:
            t0, t1 = (first + a) / sheet.signal.fs, (first + b) / sheet.signal.fs
            xs += [t0, t1, t1, t0, t0, None]
            ys += [bottom, bottom, top, top, bottom, None]
            if (t1 - t0) * sheet.strip.speed_mm_s * sheet.px_per_mm >= 64:
                sheet.annotations.append(
                    dict(
                        x=(t0 + t1) / 2,
                        y=(top + bottom) / 2,
                        text="no signal",
                        showarrow=False,
                        font={"size": 12, "color": sheet.colours.text},
                        bgcolor=sheet.colours.paper,
                        borderpad=3,
                    )
                )
        if runs:
            pattern = {
                "shape": "/",
                "fgcolor": sheet.colours.faint,
                "bgcolor": "rgba(0,0,0,0)",
                "size": 9,
                "solidity": 0.12,
            }
            sheet.traces.append(
                scatter(
                    x=xs,
                    y=ys,
                    mode="lines",
                    line={"width": 0},
                    fill="toself",
                    fillcolor="rgba(0,0,0,0)",
                    fillpattern=pattern,
                    hoverinfo="skip",
                    name=f"no signal {lane.lead}",
                )
            )


def add_calibration(sheet: Sheet) -> None:
    """The 1 mV, 200 ms calibration pulse left of each row of leads."""
    for lane in sheet.strip.lanes:
        x_mm, y_mm = calibration_pulse(sheet.strip, lane)
        if not x_mm:
            continue
        sheet.traces.append(
            scatter(
                x=[sheet.strip.start_s + (x - sheet.strip.left_mm) / sheet.strip.speed_mm_s for x in x_mm],
                y=[y / sheet.strip.gain_mm_mV for y in y_mm],
                mode="lines",
                line={"color": sheet.colours.trace, "width": 1},
                hovertemplate="calibration: 1 mV, 200 ms<extra></extra>",
                name=f"calibration {lane.lead}",
            )
        )


def name_lines(lead: str, most: int = 2) -> str:
    """A lead's name for the margin, in lines of ten characters.

    Electrodes of an EEG or a channel that somebody named are longer than any name of an ECG lead.
    """
    if most == 1:
        return lead if len(lead) <= _NAME_CHARACTERS else f"{lead[: _NAME_CHARACTERS - 1].rstrip()}…"
    lines = textwrap.wrap(lead, _NAME_CHARACTERS, break_on_hyphens=False, max_lines=most, placeholder=" …")
    return "<br>".join(lines)


def name_style(leads: Sequence[str]) -> tuple[int, int]:
    """Font size of the lead names and width of their margin in px, for the longest one."""
    lines = [line for lead in leads for most in (1, 2) for line in name_lines(lead, most).split("<br>")]
    longest = max(map(len, lines), default=0)
    if longest <= _SHORT_NAME:
        return 13, 46
    return 11, max(46, 9 + math.ceil(_NAME_CHARACTER_PX * longest))


def add_names(sheet: Sheet) -> None:
    """Lead names: in the margin for the first column, above the lane's start for the others."""
    size, _ = name_style(sheet.signal.leads)
    baselines = sorted({lane.baseline_mm for lane in sheet.strip.lanes})
    closest_px = min(np.diff(baselines), default=math.inf) * sheet.px_per_mm
    most = 2 if closest_px > 2.6 * size else 1
    for lane in sheet.strip.lanes:
        first = lane.start_s <= sheet.strip.start_s
        sheet.annotations.append(
            dict(
                text=f"<b>{name_lines(lane.lead, most) if first else lane.lead}</b>",
                xref="x domain" if first else "x",
                yref="y",
                x=0.0 if first else lane.start_s,
                y=(lane.baseline_mm if first else lane.top_mm) / sheet.strip.gain_mm_mV,
                xanchor="right" if first else "left",
                yanchor="middle" if first else "top",
                xshift=-5 if first else 2,
                showarrow=False,
                align="right" if first else "left",
                font={"size": size, "color": sheet.colours.text},
            )
        )


def _hover_values(values: np.ndarray, unknown: bool) -> np.ndarray:
    """Whole uV (or whole numbers of an unknown unit) in the narrowest integer type."""
    whole = np.round(np.nan_to_num(values.astype(np.float64)) * (1 if unknown else 1000))
    limits = np.iinfo(np.int16)
    fits = whole.size == 0 or (whole.min() >= limits.min and whole.max() <= limits.max)
    return whole.astype(np.int16) if fits else np.clip(whole, -(2**31), 2**31 - 1).astype(np.int32)


def _runs(mask: np.ndarray, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Points of each run of True and the point after it, separated by NaN."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).astype(np.int8))).reshape(-1, 2)
    xs = [np.append(x[a : b + 1], np.nan) for a, b in edges]
    ys = [np.append(y[a : b + 1], np.float32(np.nan)) for a, b in edges]
    return np.concatenate(xs), np.concatenate(ys)
