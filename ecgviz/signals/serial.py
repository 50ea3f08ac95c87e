"""Serial comparison: what is measured on a resting ECG against an earlier one of the same person.

A change is marked where it is larger than measuring alone explains: intervals by 2.77 times the standard deviation of
their error (the repeatability coefficient, Bland and Altman 1999, of docs/intervals.md), the axis by 30 degrees (twice
the standard deviation between 34 pairs of recordings of one person in PTB-XL), ST levels by 0.1 mV (AHA/ACCF/HRS 2009,
part VI). It says that something changed and not that it matters.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from ecgviz.signals.resting import RestingMeasurements

_INTERVALS = {
    "Rate": ("rate", "1/min", math.inf),
    "PR": ("pr_ms", "ms", 2.77 * 11.8),
    "QRS": ("qrs_ms", "ms", 2.77 * 10.4),
    "QT": ("qt_ms", "ms", 2.77 * 11.1),
    "QTc Bazett": ("qtc_bazett_ms", "ms", 2.77 * 11.1),
    "QTc Fridericia": ("qtc_fridericia_ms", "ms", 2.77 * 11.1),
}
AXIS_DEG, ST_MV = 30.0, 0.1


@dataclass(frozen=True)
class Change:
    """One measurement then and now; NaN where unknown.

    Attributes:
        name: such as "QRS", "QRS axis" or "ST V2".
        unit: "1/min", "ms", "degrees" or "mV".
        before, now: values.
        difference: now less before; of angles the shorter way round.
        marked: whether it is larger than measuring alone explains.
    """

    name: str
    unit: str
    before: float
    now: float
    difference: float
    marked: bool


def compare_resting(before: RestingMeasurements, now: RestingMeasurements) -> tuple[Change, ...]:
    """Changes of the intervals, the axes, and the ST level at J + 60 ms of the leads that both have."""
    return (*_intervals(before, now), *_axes(before, now), *_st(before, now))


def change_fields(changes: tuple[Change, ...]) -> list[dict[str, Any]]:
    """The changes ready for JSON; null where one is unknown."""
    return [
        {name: None if isinstance(value, float) and math.isnan(value) else value for name, value in asdict(one).items()}
        for one in changes
    ]


def _intervals(before: RestingMeasurements, now: RestingMeasurements) -> Iterator[Change]:
    for name, (field, unit, limit) in _INTERVALS.items():
        then, since = getattr(before.intervals, field), getattr(now.intervals, field)
        yield _change(name, unit, then, since, since - then, limit)


def _axes(before: RestingMeasurements, now: RestingMeasurements) -> Iterator[Change]:
    if before.axis is None or now.axis is None:
        return
    for name, field in (("P axis", "p"), ("QRS axis", "qrs"), ("T axis", "t")):
        then, since = getattr(before.axis, field), getattr(now.axis, field)
        yield _change(name, "degrees", then, since, (since - then + 180) % 360 - 180, AXIS_DEG)


def _st(before: RestingMeasurements, now: RestingMeasurements) -> Iterator[Change]:
    earlier = {lead.lower(): level for lead, (_, level) in before.st_mV.items()}
    for lead, (_, level) in now.st_mV.items():
        if lead.lower() in earlier:
            then = earlier[lead.lower()]
            yield _change(f"ST {lead}", "mV", then, level, level - then, ST_MV)


def _change(name: str, unit: str, before: float, now: float, difference: float, limit: float) -> Change:
    digits = 3 if unit == "mV" else 1
    values = (round(before, digits), round(now, digits), round(difference, digits))
    return Change(name, unit, *values, marked=bool(abs(difference) > limit))
