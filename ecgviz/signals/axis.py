"""Electrical axis and ST levels of a resting ECG, from the median beats and their delineation.

The axis is the direction of a wave's area in the frontal plane, of leads I and II (or I and aVF, or I and III), whose
axes lie at 0, 60, 90 and 120 degrees (Einthoven; AHA/ACCF/HRS 2009, part III). ST levels are those at the J point and
60 ms behind it, above the line just before the QRS complex (AHA/ACCF/HRS 2009, part VI).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ecgviz.signals.intervals import Intervals
from ecgviz.signals.median_beat import MedianBeats

ST_S = 0.06
_BASE_S = 0.02
_P_S, _P_EARLIER_S = 0.14, 0.02
_ST_T_S = 0.08
"""A P wave lasts so long at most, and begins a little before its onset, which is where it is steep; T begins so long
after the QRS complex."""
_LEAST_AREA_MV_S = 2e-4
"""A wave with less area than 0.2 microvolt-seconds a lead has no direction."""
_TURNED_BY = {"II": 60.0, "aVF": 90.0, "III": 120.0}
_LENGTH = {"II": 1.0, "aVF": math.sqrt(3) / 2, "III": 1.0}
"""Augmented leads are the frontal projection times the root of 3 over 2."""


@dataclass(frozen=True)
class Axis:
    """Direction of each wave in the frontal plane, degrees, -179 to 180, clockwise from lead I; NaN where unknown."""

    p: float
    qrs: float
    t: float


def electrical_axis(median: MedianBeats, intervals: Intervals) -> Axis | None:
    """Axis of P, QRS and T; None without lead I and one of II, aVF and III.

    Args:
        median: median beats of all leads.
        intervals: measured on them.
    """
    other = next((lead for lead in _TURNED_BY if lead in median.leads), None)
    if "I" not in median.leads or other is None:
        return None
    marks = intervals.marks_s
    on, off, p_on = marks["QRS onset"], marks["QRS end"], marks["P onset"] - _P_EARLIER_S
    first = median.samples[:, [median.leads.index("I"), median.leads.index(other)]]
    waves = {
        "p": (p_on, min(p_on + _P_S, on)),
        "qrs": (on, off),
        "t": (off + _ST_T_S, marks["T end"]),
    }
    bases = {"p": p_on, "qrs": on, "t": on}
    angles = {
        name: _direction(_area(first, median, span) - _level(first, median, bases[name]) * (span[1] - span[0]), other)
        for name, span in waves.items()
    }
    return Axis(**angles)


def st_levels(median: MedianBeats, intervals: Intervals) -> dict[str, tuple[float, float]]:
    """Level at the J point and 60 ms behind it of each lead, in the recording's unit (mV); NaN where unknown.

    Args:
        median: median beats of all leads.
        intervals: measured on them.
    """
    on, j = intervals.marks_s["QRS onset"], intervals.marks_s["QRS end"]
    base = _level(median.samples, median, on)
    at_j, behind = (_at(median.samples, median, place) - base for place in (j, j + ST_S))
    return {lead: (float(at_j[k]), float(behind[k])) for k, lead in enumerate(median.leads)}


def _direction(areas: np.ndarray, other: str) -> float:
    """Angle of the vector with these projections on lead I and the other one, degrees."""
    if not np.hypot(*areas) >= _LEAST_AREA_MV_S:
        return math.nan
    turned = math.radians(_TURNED_BY[other])
    x, along = areas[0], areas[1] / _LENGTH[other]
    return math.degrees(math.atan2((along - x * math.cos(turned)) / math.sin(turned), x))


def _area(samples: np.ndarray, median: MedianBeats, span: tuple[float, float]) -> np.ndarray:
    """Integral over a span of time from the R peak, s, of each lead; NaN where its ends are unknown."""
    if not span[0] < span[1]:
        return np.full(samples.shape[1], math.nan)
    time_s = np.linspace(*span, 2 + round((span[1] - span[0]) * 1000))
    own_s = (np.arange(len(samples)) - median.r_sample) / median.fs
    return np.array([np.trapezoid(np.interp(time_s, own_s, lead), time_s) for lead in samples.T])


def _level(samples: np.ndarray, median: MedianBeats, onset_s: float) -> np.ndarray:
    """Mean of each lead in the 20 ms before an onset."""
    return _area(samples, median, (onset_s - _BASE_S, onset_s)) / _BASE_S


def _at(samples: np.ndarray, median: MedianBeats, place_s: float) -> np.ndarray:
    own_s = (np.arange(len(samples)) - median.r_sample) / median.fs
    found: np.ndarray = np.array([np.interp(place_s, own_s, lead, right=math.nan) for lead in samples.T])
    return found if math.isfinite(place_s) else np.full(samples.shape[1], math.nan)
