"""Draws the usual beat behind the beat, with the weight of each part and an arrow for early or late."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ecgviz.figures.geometry import Lane
from ecgviz.figures.paper_layers import Sheet, scatter
from ecgviz.figures.strip_signal import StripSignal, lane_samples

if TYPE_CHECKING:
    from ecgviz.saliency.parts import Reasons

FULL_LOG_ODDS = 8.0
"""Contribution of the full colour, the same for all beats: e to the eighth are odds of 3,000."""
LEAST_DRAWN, WEIGHT_MM = 0.5, 2.0
"""Log odds that a part brings at least to be drawn; height of the bar below a lead."""
_FULL_OPACITY = 0.9
_WORD_PX, _BELOW_TAGS_PX = 34.0, 4.0
"""Room of the word early or late, and how far it lies below the upper edge of its lane."""


def add_parts(sheet: Sheet, reasons: Reasons, lanes: list[Lane]) -> None:
    """The usual beat faintly behind the beat, a bar below whose colour is what each wave brings, an arrow for early or
    late."""
    for lane, _ in rows_of(reasons, lanes):
        _add_usual(sheet, reasons, lane)
        _add_weights(sheet, reasons, lane)
    _add_timing(sheet, reasons, lanes)


def rows_of(reasons: Reasons, lanes: list[Lane]) -> list[tuple[Lane, int]]:
    """Lanes of the leads that the network read, each with its row of the usual beat, whatever order the paper has."""
    rows = {lead.lower(): row for row, lead in enumerate(reasons.leads)}
    found = ((lane, rows.get(lane.lead.lstrip("-").lower())) for lane in lanes)
    return [(lane, row) for lane, row in found if row is not None]


def usual_line(signal: StripSignal, lane: Lane, reasons: Reasons) -> tuple[np.ndarray, np.ndarray] | None:
    """Times and values of the usual beat in a lane, on the level of the beat that is explained: the network reads
    without the baseline. None where the beat is not in view."""
    [(_, row)] = rows_of(reasons, [lane])
    usual, end_s = reasons.usual[row], max(part.end_s for part in reasons.parts if part.kind == "ST and T")
    time_s = reasons.usual_start_s + (end_s - reasons.usual_start_s) / len(usual) * np.arange(len(usual))
    samples, first = lane_samples(signal, lane)
    own_s = (first + np.arange(len(samples))) / signal.fs
    under = samples[(own_s >= time_s[0]) & (own_s <= time_s[-1])]
    inside = (time_s >= lane.start_s) & (time_s <= lane.stop_s)
    if not np.isfinite(under).any() or not inside.any():
        return None
    return time_s[inside], (usual + np.nanmedian(under) - np.median(usual))[inside]


def weights(lane: Lane, reasons: Reasons) -> list[tuple[str, float, float, float]]:
    """Name, first and last second and opacity of each wave that speaks for the class, as far as the lane shows it."""
    found = []
    for part in reasons.parts:
        low, high = max(part.start_s, lane.start_s), min(part.end_s, lane.stop_s)
        here = not part.leads or lane.lead.lstrip("-").lower() in (lead.lower() for lead in part.leads)
        if here and not part.kind.startswith("RR") and part.contribution >= LEAST_DRAWN and low < high:
            found.append((part.name, low, high, _FULL_OPACITY * min(part.contribution / FULL_LOG_ODDS, 1.0)))
    return found


def timing(lane: Lane, reasons: Reasons) -> tuple[float, float, str] | None:
    """Where the R peak would usually be (at most at the edge of the lane), where it is, and the word for it; None where
    the timing brings nothing."""
    [before] = [part for part in reasons.parts if part.name == "RR before"]
    usual_s = before.start_s + reasons.usual_rr_s
    known = before.end_s > before.start_s  # there is an RR interval
    if abs(before.contribution) < LEAST_DRAWN or not known or not lane.start_s <= before.end_s <= lane.stop_s:
        return None
    word = "early" if before.end_s < usual_s else "late"
    return min(max(usual_s, lane.start_s), lane.stop_s), before.end_s, word


def _add_usual(sheet: Sheet, reasons: Reasons, lane: Lane) -> None:
    line = usual_line(sheet.signal, lane, reasons)
    if line is None:
        return
    sheet.traces.append(
        scatter(
            x=np.round(line[0], 4),
            y=(lane.y_mm(line[1]) / sheet.strip.gain_mm_mV).astype(np.float32),
            mode="lines",
            line={"color": sheet.colours.faint, "width": 2, "dash": "dot"},
            hovertemplate=f"usual beat, median of {reasons.usual_of}<extra></extra>",
            name=f"usual beat {lane.lead}",
        )
    )


def _add_weights(sheet: Sheet, reasons: Reasons, lane: Lane) -> None:
    bottom = lane.bottom_mm / sheet.strip.gain_mm_mV
    for name, low, high, opacity in weights(lane, reasons):
        sheet.shapes.append(
            dict(
                type="rect",
                x0=low,
                x1=high,
                y0=bottom,
                y1=bottom + WEIGHT_MM / sheet.strip.gain_mm_mV,
                line={"width": 0},
                fillcolor=sheet.colours.hue,
                opacity=round(opacity, 3),
                name=f"part {name} {lane.lead}",
            )
        )


def _add_timing(sheet: Sheet, reasons: Reasons, lanes: list[Lane]) -> None:
    """From where the R peak would usually be to where it is."""
    found = timing(lanes[0], reasons) if lanes else None
    if found is None:
        return
    usual_s, at_s, word = found
    lane, px_per_s = lanes[0], sheet.strip.speed_mm_s * sheet.px_per_mm
    to_the_right = usual_s + _WORD_PX / px_per_s <= lane.stop_s
    to_the_left = usual_s - _WORD_PX / px_per_s >= lane.start_s
    # A little lower than the lane begins: the tags of rhythms lie above. Where beats are close it would cover the next.
    height = (lane.top_mm - _BELOW_TAGS_PX / sheet.px_per_mm) / sheet.strip.gain_mm_mV
    room = reasons.usual_rr_s * px_per_s >= _WORD_PX
    sheet.annotations.append(
        dict(
            x=at_s,
            y=height,
            ax=usual_s,
            ay=height,
            xref="x",
            yref="y",
            axref="x",
            ayref="y",
            text=word if room else "",
            hovertext=word,
            showarrow=True,
            arrowhead=2,
            arrowwidth=1.5,
            arrowcolor=sheet.colours.hue,
            font={"size": 11, "color": sheet.colours.text},
            xanchor="left" if (to_the_right if word == "early" else not to_the_left) else "right",
            name="timing",
        )
    )
