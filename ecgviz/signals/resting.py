"""Measurements of a resting ECG: intervals, electrical axis and ST levels, on the median beats of a stretch."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from ecgviz.signals.axis import Axis, electrical_axis, st_levels
from ecgviz.signals.intervals import Intervals, measure_intervals
from ecgviz.signals.median_beat import MedianBeats, median_beats
from readers.recording import Recording


@dataclass(frozen=True)
class RestingMeasurements:
    """Measurements of a stretch of a recording.

    Attributes:
        median: median beats that they were made on.
        intervals: rate, PR, QRS, QT.
        axis: of P, QRS and T; None without the limb leads that it needs.
        st_mV: level at the J point and 60 ms behind it of each lead, mV; NaN where unknown.
    """

    median: MedianBeats
    intervals: Intervals
    axis: Axis | None
    st_mV: dict[str, tuple[float, float]]


def measure_resting(recording: Recording, start_s: float = 0.0) -> RestingMeasurements | None:
    """Measurements of up to a minute from ``start_s`` on; None with fewer than three whole beats."""
    median = median_beats(recording, start_s)
    if median is None:
        return None
    intervals = measure_intervals(median)
    return RestingMeasurements(median, intervals, electrical_axis(median, intervals), st_levels(median, intervals))


def measurement_fields(found: RestingMeasurements | None) -> dict[str, Any] | None:
    """The measurements ready for JSON; null where one is unknown."""
    if found is None:
        return None
    intervals, axis = found.intervals, found.axis
    names = ("rate", "pr_ms", "qrs_ms", "qt_ms", "qtc_bazett_ms", "qtc_fridericia_ms")
    return {
        **{name: _known(getattr(intervals, name), 1) for name in names},
        "axis_deg": None if axis is None else {name: _known(getattr(axis, name), 0) for name in ("p", "qrs", "t")},
        "st_mV": {lead: {"j": _known(j, 3), "j60": _known(later, 3)} for lead, (j, later) in found.st_mV.items()},
        "beats": intervals.beats,
    }


def _known(value: float, digits: int) -> float | None:
    return None if math.isnan(value) else round(value, digits)
