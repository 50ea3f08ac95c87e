"""Draws the beat of normal recordings behind a 12-lead ECG: what its waves are exchanged for to tell why."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from ecgviz.figures.geometry import Lane
from ecgviz.figures.paper_layers import Sheet, scatter
from ecgviz.figures.strip_signal import StripSignal, lane_samples

if TYPE_CHECKING:
    from ecgviz.saliency.record_parts import RecordReasons

_STANDS = 0.5
"""Share of the exchange from which the normal beat is drawn."""


def add_normal_beats(sheet: Sheet, reasons: RecordReasons, lanes: list[Lane]) -> None:
    """The normal beat, faintly, at each R peak of the leads that the network read."""
    for lane, time_s, values in normal_lines(sheet.signal, lanes, reasons):
        sheet.traces.append(
            scatter(
                x=np.round(time_s, 3).astype(np.float32),
                y=(lane.y_mm(values) / sheet.strip.gain_mm_mV).astype(np.float32),
                mode="lines",
                line={"color": sheet.colours.faint, "width": 1.5, "dash": "dot"},
                hovertemplate=f"median of {reasons.normal_of}<extra></extra>",
                name=f"normal beat {lane.lead}",
            )
        )


def normal_lines(
    signal: StripSignal, lanes: list[Lane], reasons: RecordReasons
) -> Iterator[tuple[Lane, np.ndarray, np.ndarray]]:
    """Of each lane that the network read its times and the normal beats, NaN between them, on the level of what is
    drawn there: the network reads without the baseline."""
    found, time_s = reasons.exchange, reasons.stretch.time_s
    waves = len(reasons.parts) // len(found.groups)
    named = zip(found.groups, reasons.leads[::waves], strict=True)
    rows = {lead.lower(): row for group, leads in named for row, lead in zip(group, leads, strict=True)}
    instead = np.where(found.share[0] > _STANDS, found.instead, np.nan)
    for lane in lanes:
        row = rows.get(lane.lead.lstrip("-").lower())
        inside = (time_s >= lane.start_s) & (time_s <= lane.stop_s)
        samples, _ = lane_samples(signal, lane)
        if row is None or not np.isfinite(instead[row, inside]).any() or not np.isfinite(samples).any():
            continue
        level = np.nanmedian(samples) - np.median(found.signal[row, inside])
        yield lane, time_s[inside], instead[row, inside] + level
