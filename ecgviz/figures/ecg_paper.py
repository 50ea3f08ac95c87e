"""A strip on ECG paper as a plotly figure.

The axes are seconds and mV with the lanes stacked by offset on one mV axis, tied by ``scaleanchor`` so that
a mm is as long upwards as along; so calipers read true ms and mV. All traces are SVG: browsers hold only a few
WebGL contexts, and after decimation SVG is quick. A figure stays under 600 KB as JSON for every view.
"""

from __future__ import annotations

import textwrap

import numpy as np
import plotly.graph_objects as go

from ecgviz.figures import geometry as geo
from ecgviz.figures import paper_beats
from ecgviz.figures import paper_layers as layers
from ecgviz.figures.beat_marks import marks_in_view
from ecgviz.figures.geometry import Lane
from ecgviz.figures.normal_beat import add_normal_beats
from ecgviz.figures.overlay import HeatScale, lanes_read, scale_of_view
from ecgviz.figures.strip_signal import lead_ranges, read_strip, strip_ranges
from ecgviz.figures.strip_view import Drawn, Shown
from ecgviz.figures.usual_beat import add_parts
from models.core.words import clock

__all__ = ["CHART_CONFIG", "FONT", "Drawn", "Shown", "ecg_strip_figure", "keep_place_of_map", "lead_ranges"]

FONT = "system-ui, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
CHART_CONFIG = {
    "displaylogo": False,
    "doubleClick": "reset",
    "modeBarButtonsToAdd": ["select2d"],
    "modeBarButtonsToRemove": ["autoScale2d", "lasso2d"],
}

_MARGIN = {"r": 10, "t": 8, "b": 26}
_MAP_MARGIN_PX, _PHONE_MARGIN_PX = 50, 100
_TOOLS_PX = 28
"""Room for plotly's buttons in a row above the paper of a phone, which shows them all the time; else they come up one
below another at the right edge under a mouse."""
_LETTERS_PX, _TAGS_PX = 24, 20
_PRINT_PX = 19
_NARROW_PX = 700
_CHARACTER_PX, _PHONE_CHARACTER_PX = 6.5, 5.9
"""Of the printed settings, at most; on the average of a line, which is what a phone has room for."""


def ecg_strip_figure(
    shown: Shown,
    drawn: Drawn | None = None,
    *,
    calipers: tuple[float, float, float, float] | None = None,
    dragmode: str = "pan",
    width_px: int = 1000,
    rows_above: int | None = None,
) -> go.Figure:
    """Draw a stretch of a recording on ECG paper.

    Args:
        shown: what is drawn.
        drawn: how; 25 mm/s and 10 mm/mV on white paper by default.
        calipers: (x0, y0, x1, y1) of a measured box in the figure's own seconds and mV: the box selection that
            ``CHART_CONFIG`` has a button for, sent back to be labelled with ms, 1/min and mV. (Plotly's own drawn
            shapes cannot: their label templates know no reciprocal.)
        dragmode: "pan", "zoom" or "select" (calipers).
        width_px: expected width of the container; the height follows from it, and it bounds the detail.
        rows_above: rows that are kept above the leads while the beats are still to come: 1 for their letters, 2 with
            the rhythms. None: what the beats have.

    Each beat has points with ``customdata`` = index of the beat: its letter and its R peak, so a click on either
    selects it. Show it with ``CHART_CONFIG`` and without another theme.

    Raises:
        ValueError: a lead, layout or colour map that does not exist, or a strip of no length.
    """
    drawn, beats = drawn or Drawn(), shown.beats
    signal = read_strip(shown.recording, shown.start_s, shown.seconds, shown.leads, shown.read)
    _, names_px = layers.name_style(signal.leads)
    paper_mm = geo.strip_width_mm(shown.seconds, drawn.speed_mm_s)
    px_per_mm = (width_px - names_px - _MARGIN["r"]) / paper_mm
    if rows_above is None:
        rows_above = 0 if beats is None else 2 if beats.rhythms else 1
    strip = geo.lay_out(
        shown.start_s,
        shown.seconds,
        signal.leads,
        strip_ranges(signal, shown.ranges),
        units=signal.units,
        rows=geo.lead_rows(signal.leads, drawn.layout),
        speed_mm_s=drawn.speed_mm_s,
        gain_mm_mV=drawn.gain_mm_mV,
        head_mm=max(_LETTERS_PX / px_per_mm, 2.0) if rows_above else 1.0,
        tags_mm=(_TAGS_PX * (rows_above > 1) + paper_beats.REFERENCE_PX * (shown.reference is not None)) / px_per_mm,
        foot_mm=max(_PRINT_PX * _print_lines(width_px, px_per_mm * paper_mm) / px_per_mm, 2.0),
    )
    sheet = layers.Sheet(strip, signal, geo.THEMES[drawn.theme], px_per_mm)
    coloured = _add_map(sheet, shown, drawn)
    layers.add_gaps(sheet)
    if shown.reasons is not None:
        add_parts(sheet, shown.reasons, lanes_read(strip, beats))
    if shown.normal is not None:
        add_normal_beats(sheet, shown.normal, list(strip.lanes))
    layers.add_traces(sheet, coloured=coloured is not None)
    if coloured is not None:
        layers.add_coloured_trace(sheet, shown.saliency, *coloured)
    layers.add_calibration(sheet)
    marks = marks_in_view(beats, strip.start_s, strip.stop_s, selected=shown.selected, edited=shown.edited)
    paper_beats.add_beats(sheet, marks)
    paper_beats.add_reference(sheet, marks, shown.reference)
    paper_beats.add_rhythms(sheet, beats.rhythms if beats is not None else ())
    layers.add_names(sheet)
    paper_beats.add_calipers(sheet, calipers)
    printed = geo.printed_settings(strip, signal.fs, shown.display_filter, shown.network_input, fitted=drawn.fitted)
    return _finish(sheet, shown.recording, printed, dragmode, has_map=shown.saliency is not None)


def _add_map(sheet: layers.Sheet, shown: Shown, drawn: Drawn) -> tuple[HeatScale, list[Lane]] | None:
    """Window, band and colour bar of the map; also colours the trace on request."""
    if shown.saliency is None:
        return None
    lanes = lanes_read(sheet.strip, shown.beats, shown.saliency)
    scale = scale_of_view(shown, drawn)
    on_trace = drawn.map_style == "trace"
    layers.add_window(sheet, shown.saliency, lanes)
    if not on_trace:
        layers.add_band(sheet, shown.saliency, scale, lanes)
    layers.add_colour_bar(sheet, shown.saliency, scale, line=on_trace)
    return (scale, lanes) if on_trace else None


def _finish(sheet, recording, printed, dragmode, *, has_map) -> go.Figure:
    """Axes, grid, size, calipers and printed settings."""
    strip, colours, px_per_mm = sheet.strip, sheet.colours, sheet.px_per_mm
    _, names_px = layers.name_style(sheet.signal.leads)
    paper_px = strip.width_mm * px_per_mm
    phone = layers.is_phone(paper_px)
    head_px = _map_margin(paper_px) if has_map else _TOOLS_PX if phone else 0
    margin = _MARGIN | {"l": names_px, "t": _MARGIN["t"] + head_px}
    buttons = {"bgcolor": "rgba(0,0,0,0)", "color": colours.faint, "activecolor": colours.text}
    sheet.annotations.append(
        dict(
            text=_printed_lines(printed, paper_px + margin["l"] + margin["r"], paper_px),
            align="left",
            xref="x domain",
            yref="y domain",
            x=0.0,
            y=0.0,
            xanchor="left",
            yanchor="bottom",
            xshift=5,
            yshift=-1,
            showarrow=False,
            font={"size": 11, "color": colours.text},
            bgcolor=colours.paper,
            opacity=0.85,
        )
    )
    layout = dict(
        template={},
        height=round(strip.height_mm * px_per_mm + margin["t"] + margin["b"]),
        margin=margin,
        paper_bgcolor=colours.paper,
        plot_bgcolor=colours.paper,
        font={"family": FONT, "size": 12, "color": colours.text},
        showlegend=False,
        hovermode="closest",
        hoverlabel={"align": "left"},
        clickmode="event+select",
        dragmode=dragmode,
        uirevision=f"{recording.name} {strip.speed_mm_s:g} {strip.gain_mm_mV:g}",
        modebar=buttons | {"orientation": "h" if phone else "v"},
        xaxis=_time_axis(strip, recording, colours, px_per_mm),
        yaxis=_voltage_axis(strip, colours, px_per_mm),
        shapes=sheet.shapes,
        annotations=sheet.annotations,
        images=sheet.images,
    )
    return go.Figure({"data": sheet.traces, "layout": layout})


def keep_place_of_map(figure: go.Figure, width_px: int) -> None:
    """Reserve the margin of map and colour bar on paper without a map, so that the layout does not jump."""
    margin = figure.layout.margin
    room = _MARGIN["t"] + _map_margin(width_px - margin.l - margin.r) - margin.t
    figure.update_layout(margin_t=margin.t + room, height=figure.layout.height + room)


def _map_margin(paper_px: float) -> int:
    """Margin above paper of that width for the map's caption and colour bar, px."""
    return _PHONE_MARGIN_PX if layers.is_phone(paper_px) else _MAP_MARGIN_PX


def _print_lines(width_px: float, paper_px: float) -> float:
    """Height of the printed settings on paper of that width, in lines."""
    return 1 if width_px > _NARROW_PX else 2.5 if layers.is_phone(paper_px) else 1.75


def _printed_lines(printed: list[str], width_px: float, paper_px: float) -> str:
    """Printed settings in one line, in two on narrow paper, in three on a phone."""
    if width_px > _NARROW_PX or _CHARACTER_PX * len("   ".join(printed)) < width_px:
        return " &nbsp; ".join(printed)
    if layers.is_phone(paper_px):
        lines = textwrap.wrap("   ".join(printed), max(int(paper_px / _PHONE_CHARACTER_PX), 20))
    else:
        half = len(printed) // 2 + 1
        lines = ["   ".join(printed[:half]), "   ".join(printed[half:])]
    return "<br>".join(lines).replace("   ", " &nbsp; ")


def _time_axis(strip, recording, colours, px_per_mm) -> dict:
    major_s = geo.MAJOR_MM * _squares(px_per_mm) / strip.speed_mm_s
    left = strip.start_s - strip.left_mm / strip.speed_mm_s
    right = strip.stop_s + strip.right_mm / strip.speed_mm_s
    hours = recording.duration_s >= 3600
    step = geo.clock_step_s(strip.seconds, strip.speed_mm_s, 64 / px_per_mm / strip.speed_mm_s)
    ticks = np.arange(np.ceil(left / major_s - 1e-6), np.floor(right / major_s + 1e-6) + 1) * major_s
    decimals = 0 if step >= 1 else 1
    labels = [
        clock(t, hours=hours, decimals=decimals)
        if t >= strip.start_s - 1e-6 and abs(t / step - round(t / step)) < 1e-6
        else ""
        for t in ticks
    ]
    return {
        "range": [left, right],
        "constrain": "domain",
        "constraintoward": "left",
        "tickmode": "array",
        "tickvals": np.round(ticks, 3).tolist(),
        "ticktext": labels,
        "tickfont": {"size": 11, "color": colours.text},
        "tickangle": 0,
        "hoverformat": ".3f",
        **_grid(colours, 1.0 / strip.speed_mm_s, px_per_mm),
    }


def _voltage_axis(strip, colours, px_per_mm) -> dict:
    gain = strip.gain_mm_mV
    return {
        "range": [0.0, strip.height_mm / gain],
        "scaleanchor": "x",
        "scaleratio": gain / strip.speed_mm_s,
        "constrain": "domain",
        "constraintoward": "top",
        # A baseline lies on a major line, as on paper.
        "tick0": strip.lanes[0].baseline_mm / gain,
        "dtick": geo.MAJOR_MM * _squares(px_per_mm) / gain,
        "showticklabels": False,
        **_grid(colours, 1.0 / gain, px_per_mm, tick0=strip.lanes[0].baseline_mm / gain),
    }


def _squares(px_per_mm: float) -> int:
    """Major squares between drawn lines: one, or five in long views."""
    return 1 if geo.MAJOR_MM * px_per_mm >= 6 else 5


def _grid(colours, mm: float, px_per_mm: float, tick0: float = 0.0) -> dict:
    """Minor lines every mm where they can be told apart, major lines every 5 mm."""
    axis = {"showgrid": True, "gridcolor": colours.major, "gridwidth": 1, "zeroline": False, "showline": False}
    if px_per_mm >= 2.2:
        minor = {"tickmode": "linear", "tick0": tick0, "dtick": mm}
    elif geo.MAJOR_MM * px_per_mm >= 6:
        return axis
    else:
        minor = {"tickmode": "linear", "tick0": tick0, "dtick": geo.MAJOR_MM * mm}
        if geo.MAJOR_MM * px_per_mm < 2.2:
            return axis
    return axis | {"minor": minor | {"showgrid": True, "gridcolor": colours.minor, "gridwidth": 1}}
