"""ECG paper for the canvas: the lanes, colours, marks and words of a strip, without its samples.

The browser lays the millimetres out in its own width, so the lanes have the geometry of the printed strip
(:mod:`ecgviz.figures.geometry`), and their times are shares of the view.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np

from ecgviz.figures import geometry as geo
from ecgviz.figures.overlay import band, lanes_read, line_levels, scale_of_view, scale_title
from ecgviz.figures.paper_layers import name_lines, name_style
from ecgviz.figures.strip_signal import Range, read_strip
from ecgviz.figures.strip_view import Drawn, Shown
from ecgviz.figures.usual_beat import rows_of, timing, usual_line, weights
from models.core.words import clock

__all__ = ["map_message", "paper_message", "parts_message"]

_MAP_COLUMNS, _LEVELS = 1200, 10
_AROUND_S = 1.0


def paper_message(shown: Shown, drawn: Drawn, ranges: dict[str, Range]) -> dict[str, Any]:
    """The paper: lanes in mm above its lower edge, calibration pulses, colours and printed settings.

    Args:
        shown: what is drawn; its length is that of the view at the chosen speed.
        drawn: how.
        ranges: of ``lead_ranges``, which decide the room of the lanes, so that it is the same for every view.

    Raises:
        ValueError: a layout that does not exist.
    """
    recording = shown.recording
    leads = recording.leads
    strip = _laid_out(shown, drawn, ranges, 0.0, shown.seconds)
    read = {lane.lead for lane in lanes_read(strip, shown.beats, shown.saliency)}
    size, names_px = name_style(leads)
    return {
        "name": recording.name,
        "fs": recording.fs,
        "n_samples": recording.n_samples,
        "theme": drawn.theme,
        "colours": asdict(geo.THEMES[drawn.theme]),
        "seconds": shown.seconds,
        "speed": drawn.speed_mm_s,
        "fitted": drawn.fitted,
        "gain": drawn.gain_mm_mV,
        "major_mm": geo.MAJOR_MM,
        "left_mm": strip.left_mm,
        "right_mm": strip.right_mm,
        "height_mm": strip.height_mm,
        "names_px": names_px,
        "name_size": size,
        "lanes": [
            {
                "lead": lane.lead,
                "lines": name_lines(lane.lead, 2).split("<br>"),
                "column": lane.column,
                "from": lane.start_s / shown.seconds,
                "to": lane.stop_s / shown.seconds,
                "baseline": lane.baseline_mm,
                "up": lane.up_mm,
                "down": lane.down_mm,
                "scale": lane.mm_per_unit,
                "unit": lane.unit,
                "read": lane.lead in read,
                "pulse": geo.calibration_pulse(strip, lane),
            }
            for lane in strip.lanes
        ],
        "printed": geo.printed_settings(strip, recording.fs, shown.display_filter, shown.network_input)[1:],
        "alt": f"ECG of {recording.name}, leads {', '.join(leads)}, "
        f"{clock(recording.duration_s, hours=recording.duration_s >= 3600)} long",
    }


def map_message(shown: Shown, drawn: Drawn) -> tuple[dict[str, Any] | None, dict[str, np.ndarray]]:
    """The saliency map: its window, caption, colour bar and, as arrays, the colours of each band, uint8 (n, 4), or
    with ``map_style`` "trace" the level of each place, int8 (n,); None and nothing where there is none."""
    saliency = shown.saliency
    if saliency is None:
        return None, {}
    scale = scale_of_view(shown, drawn)
    on_trace = drawn.map_style == "trace"
    bands, arrays = [], {}
    for lead in shown.recording.leads:
        own = saliency.of_lead(lead)
        part = band(own, *own.window_s, _MAP_COLUMNS)
        if part is None:
            continue
        values, low, high = part
        key = f"map {len(bands)}"
        if on_trace:
            middles = low + (np.arange(len(values)) + 0.5) * (high - low) / len(values)
            arrays[key] = line_levels(scale, own, middles, _LEVELS).astype(np.int8)
        else:
            arrays[key] = scale.rgba(values)
        bands.append({"lead": lead, "from": low, "to": high, "array": key})
    header = {
        "window": [float(edge) for edge in saliency.window_s],
        "title": scale_title(saliency, scale).split("\n"),
        "bar": scale.bar(on_trace),
        "top": f"{scale.vmax:.2g}",
        "on_trace": on_trace,
        "levels": [scale.line_rgb((level + 0.5) / _LEVELS) for level in range(_LEVELS)],
        "bands": bands,
    }
    return header, arrays


def parts_message(shown: Shown, drawn: Drawn, ranges: dict[str, Range]) -> dict[str, Any] | None:
    """The usual beat behind the beat that is explained, the weight of its parts and the arrow for early or late; None
    where there are no reasons."""
    reasons = shown.reasons
    if reasons is None:
        return None
    recording = shown.recording
    start_s = max(reasons.usual_start_s - _AROUND_S, 0.0)
    seconds = min(reasons.usual_start_s + 2 * _AROUND_S + reasons.usual_rr_s, recording.duration_s) - start_s
    if seconds <= 0:
        return None
    stacked = Drawn(theme=drawn.theme)
    strip = _laid_out(shown, stacked, ranges, start_s, seconds)
    signal = read_strip(recording, start_s, seconds, None, shown.read)
    lines, bars = [], {}
    lanes = lanes_read(strip, shown.beats)
    for lane, _ in rows_of(reasons, lanes):
        line = usual_line(signal, lane, reasons)
        if line is not None:
            time_s, values = line
            lines.append(
                {"lead": lane.lead, "time_s": np.round(time_s, 4).tolist(), "value": np.round(values, 4).tolist()}
            )
        bars = {name: [low, high, round(share, 3)] for name, low, high, share in weights(lane, reasons)}
    at = timing(lanes[0], reasons) if lanes else None
    return {
        "lines": lines,
        "bars": bars,
        "timing": None if at is None else {"usual_s": at[0], "at_s": at[1], "word": at[2]},
        "of": reasons.usual_of,
    }


def _laid_out(shown: Shown, drawn: Drawn, ranges: dict[str, Range], start_s: float, seconds: float) -> geo.Strip:
    """The lanes without room for letters, rhythms and print, which have their height in pixels."""
    recording = shown.recording
    return geo.lay_out(
        start_s,
        seconds,
        recording.leads,
        [ranges.get(lead, (0.0, 0.0, 0.0)) for lead in recording.leads],
        units=recording.units,
        rows=geo.lead_rows(recording.leads, drawn.layout),
        speed_mm_s=drawn.speed_mm_s,
        gain_mm_mV=drawn.gain_mm_mV,
        head_mm=0.0,
        tags_mm=0.0,
        foot_mm=0.0,
    )
