"""Reasons by parts of a beat on the paper: the usual beat, the weight of each part, early and late."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ecgviz.figures.geometry import Lane
from ecgviz.figures.paper_layers import Sheet, scatter
from ecgviz.figures.strip_signal import lane_samples

if TYPE_CHECKING:
    from ecgviz.saliency.parts import Reasons

FULL_LOG_ODDS = 8.0
"""Contribution of the full colour, the same for all beats: e to the eighth are odds of 3,000."""
_LEAST_DRAWN = 0.5
_BAR_MM, _FULL_OPACITY = 2.0, 0.9


def add_parts(sheet: Sheet, reasons: Reasons, lanes: list[Lane]) -> None:
    """The usual beat faintly behind the beat, a bar below whose colour is what each wave brings, an arrow for early or
    late."""
    for row, lane in enumerate(lanes[: len(reasons.usual)]):
        _add_usual(sheet, reasons, lane, reasons.usual[row])
        _add_weights(sheet, reasons, lane)
    _add_timing(sheet, reasons, lanes)


def _add_usual(sheet: Sheet, reasons: Reasons, lane: Lane, usual: np.ndarray) -> None:
    """The network reads without the baseline, so the usual beat is laid on the level of this one."""
    end_s = max(part.end_s for part in reasons.parts if part.name == "ST and T")
    step_s = (end_s - reasons.usual_start_s) / len(usual)
    time_s = reasons.usual_start_s + step_s * np.arange(len(usual))
    samples, first = lane_samples(sheet.signal, lane)
    own_s = (first + np.arange(len(samples))) / sheet.signal.fs
    under = samples[(own_s >= time_s[0]) & (own_s <= time_s[-1])]
    inside = (time_s >= lane.start_s) & (time_s <= lane.stop_s)
    if not np.isfinite(under).any() or not inside.any():
        return
    level = float(np.nanmedian(under) - np.median(usual))
    sheet.traces.append(
        scatter(
            x=np.round(time_s[inside], 4),
            y=(lane.y_mm(usual[inside] + level) / sheet.strip.gain_mm_mV).astype(np.float32),
            mode="lines",
            line={"color": sheet.colours.faint, "width": 2, "dash": "dot"},
            hovertemplate=f"usual beat, median of {reasons.usual_of}<extra></extra>",
            name=f"usual beat {lane.lead}",
        )
    )


def _add_weights(sheet: Sheet, reasons: Reasons, lane: Lane) -> None:
    bottom = lane.bottom_mm / sheet.strip.gain_mm_mV
    for part in reasons.parts:
        low, high = max(part.start_s, lane.start_s), min(part.end_s, lane.stop_s)
        if part.name.startswith("RR") or part.contribution < _LEAST_DRAWN or low >= high:
            continue
        sheet.shapes.append(
            dict(
                type="rect",
                x0=low,
                x1=high,
                y0=bottom,
                y1=bottom + _BAR_MM / sheet.strip.gain_mm_mV,
                line={"width": 0},
                fillcolor=sheet.colours.hue,
                opacity=round(_FULL_OPACITY * min(part.contribution / FULL_LOG_ODDS, 1.0), 3),
                name=f"part {part.name} {lane.lead}",
            )
        )


def _add_timing(sheet: Sheet, reasons: Reasons, lanes: list[Lane]) -> None:
    """From where the R peak would usually be to where it is."""
    [before] = [part for part in reasons.parts if part.name == "RR before"]
    usual_s = before.start_s + reasons.usual_rr_s
    if abs(before.contribution) < _LEAST_DRAWN or not lanes or not lanes[0].start_s <= before.end_s <= lanes[0].stop_s:
        return
    height = lanes[0].top_mm / sheet.strip.gain_mm_mV
    word = "early" if before.end_s < usual_s else "late"
    sheet.annotations.append(
        dict(
            x=before.end_s,
            y=height,
            ax=usual_s,
            ay=height,
            xref="x",
            yref="y",
            axref="x",
            ayref="y",
            text=word,
            showarrow=True,
            arrowhead=2,
            arrowwidth=1.5,
            arrowcolor=sheet.colours.hue,
            font={"size": 11, "color": sheet.colours.text},
            xanchor="left" if word == "early" else "right",
            name="timing",
        )
    )
