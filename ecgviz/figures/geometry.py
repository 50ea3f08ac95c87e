"""Geometry of ECG paper in millimetres, shared by the interactive and the printed figure.

Nothing is drawn here and no plotting library is imported: a strip is laid out once, and plotly and
matplotlib draw the same millimetres. One mm of paper is 1 / speed seconds and 1 / gain mV (IEC 60601-2-25:
25 mm/s, 10 mm/mV; minor lines each mm, major lines each 5 mm).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from readers.core.lead_names import TWELVE_LEADS

SPEEDS_MM_S = (12.5, 25.0, 50.0)
GAINS_MM_MV = (5.0, 10.0, 20.0)
MAJOR_MM = 5.0
PULSE_S = 0.2
PULSE_MV = 1.0

CLASS_COLOURS = {"N": "#6b7280", "S": "#0072b2", "V": "#d55e00", "F": "#aa4499", "Q": "#8a8a00"}
CLASS_WORDS = {
    "N": "normal",
    "S": "supraventricular ectopic",
    "V": "ventricular ectopic",
    "F": "fusion",
    "Q": "paced or unclassifiable",
}

_LIMB, _CHEST = TWELVE_LEADS[:6], TWELVE_LEADS[6:]
_CABRERA = ("aVL", "I", "-aVR", "II", "aVF", "III")
LAYOUTS: dict[str, tuple[tuple[str, ...], ...]] = {
    "12x1": tuple((lead,) for lead in _LIMB + _CHEST),
    "12x1 Cabrera": tuple((lead,) for lead in _CABRERA + _CHEST),
    "6x2": tuple(zip(_LIMB, _CHEST, strict=True)),
    "3x4": tuple(zip(_LIMB[:3], _LIMB[3:], _CHEST[:3], _CHEST[3:], strict=True)),
    "3x4 + II": (*zip(_LIMB[:3], _LIMB[3:], _CHEST[:3], _CHEST[3:], strict=True), ("II",)),
}


@dataclass(frozen=True)
class Theme:
    """Colours of the paper and its annotations."""

    paper: str
    minor: str
    major: str
    trace: str
    text: str
    faint: str
    hue: str


THEMES = {
    "light": Theme("#fffafa", "#f9dcdc", "#efb3b3", "#1a1a1a", "#3b3335", "#8a7b7d", "#00a38b"),
    "dark": Theme("#141414", "#331a1a", "#5c2b2b", "#f2f2f2", "#d9cfcf", "#9c8c8c", "#1fc7ad"),
}


@dataclass(frozen=True)
class Lane:
    """Position of one lead on the paper.

    Attributes:
        lead: name as printed; a leading minus (Cabrera's -aVR) means that it is drawn upside down.
        column: column of the samples that belong to it.
        start_s, stop_s: the time that it shows, seconds from the start of the recording.
        baseline_mm: height of ``reference`` above the lower edge of the paper.
        up_mm, down_mm: room above and below the baseline.
        reference: value that lies on the baseline, in the lead's unit (its median, so that DC takes no room).
        mm_per_unit: mm for one unit; negative for an inverted lead.
        unit: "mV" or "unknown"; an unknown one is scaled to fit and gets no calibration pulse.
    """

    lead: str
    column: int
    start_s: float
    stop_s: float
    baseline_mm: float
    up_mm: float
    down_mm: float
    reference: float
    mm_per_unit: float
    unit: str

    def y_mm(self, value):
        """Height on the paper of values in the lead's unit."""
        return self.baseline_mm + (value - self.reference) * self.mm_per_unit

    @property
    def top_mm(self) -> float:
        return self.baseline_mm + self.up_mm

    @property
    def bottom_mm(self) -> float:
        return self.baseline_mm - self.down_mm


@dataclass(frozen=True)
class Strip:
    """Layout of a strip: lanes on paper of ``width_mm`` x ``height_mm``.

    x = 0 mm is the left edge; the signal starts at ``left_mm``, after the calibration pulse. ``head_mm`` at
    the top is kept for the beats' letters, ``tags_mm`` below them for the names of the rhythms, ``foot_mm`` at the
    bottom for the printed settings.
    """

    start_s: float
    seconds: float
    speed_mm_s: float
    gain_mm_mV: float
    lanes: tuple[Lane, ...]
    left_mm: float
    right_mm: float
    head_mm: float
    tags_mm: float
    foot_mm: float
    height_mm: float

    @property
    def stop_s(self) -> float:
        return self.start_s + self.seconds

    @property
    def width_mm(self) -> float:
        return self.left_mm + self.seconds * self.speed_mm_s + self.right_mm

    @property
    def letters_mm(self) -> float:
        """Height of the row of beat letters."""
        return self.height_mm - self.head_mm / 2

    @property
    def tags_top_mm(self) -> float:
        """Upper edge of the row of rhythms."""
        return self.height_mm - self.head_mm

    def x_mm(self, time_s):
        """Distance of times from the left edge, mm."""
        return self.left_mm + (time_s - self.start_s) * self.speed_mm_s

    def rows(self) -> list[tuple[Lane, ...]]:
        """Lanes by row, from the top."""
        heights = sorted({lane.baseline_mm for lane in self.lanes}, reverse=True)
        return [tuple(lane for lane in self.lanes if lane.baseline_mm == height) for height in heights]


def strip_width_mm(seconds: float, speed_mm_s: float) -> float:
    """Width of a strip of that many seconds, including margins and calibration pulse."""
    return _left_mm(speed_mm_s) + seconds * speed_mm_s + 1.0


def lead_rows(leads: Sequence[str], layout: str = "stacked") -> tuple[tuple[str, ...], ...]:
    """Rows of lead names for a layout: "stacked" (one lead per row) or a name in ``LAYOUTS``.

    Leads of a 12-lead layout that the recording lacks are left out.

    Raises:
        ValueError: an unknown layout, or one that finds none of its leads.
    """
    if layout == "stacked":
        return tuple((lead,) for lead in leads)
    if layout not in LAYOUTS:
        raise ValueError(f"layout {layout!r} is unknown; choose stacked, {', '.join(LAYOUTS)}")
    present = {lead.lower() for lead in leads}
    rows = [tuple(lead for lead in row if lead.lstrip("-").lower() in present) for row in LAYOUTS[layout]]
    found = tuple(row for row in rows if row)
    if not found:
        raise ValueError(f"layout {layout} needs the standard 12 leads; the recording has {', '.join(leads)}")
    return found


def lay_out(
    start_s: float,
    seconds: float,
    leads: Sequence[str],
    ranges: Sequence[tuple[float, float, float]],
    *,
    units: Sequence[str],
    rows: Sequence[Sequence[str]] | None = None,
    speed_mm_s: float = 25.0,
    gain_mm_mV: float = 10.0,
    head_mm: float = 6.0,
    tags_mm: float = 0.0,
    foot_mm: float = 5.0,
) -> Strip:
    """Lay out the leads on the paper.

    Args:
        start_s: seconds from the start of the recording of the strip's first sample.
        seconds: length of the strip.
        leads: names of the sample columns.
        ranges: (lowest, median, highest) of each lead, which decide the room it needs.
        units: "mV" or "unknown" for each lead.
        rows: rows of lead names as ``lead_rows`` gives them; stacked by default.
        speed_mm_s: paper speed. gain_mm_mV: mm for one mV.
        head_mm, tags_mm, foot_mm: room for letters, for the names of rhythms and for the printed settings.

    Raises:
        ValueError: a length, speed or gain that is not positive.
    """
    if min(seconds, speed_mm_s, gain_mm_mV) <= 0:
        raise ValueError(f"a strip needs positive seconds, speed and gain, not {seconds}, {speed_mm_s}, {gain_mm_mV}")
    columns = {lead.lower(): index for index, lead in enumerate(leads)}
    rows = [(lead,) for lead in leads] if rows is None else rows
    placed: list[list[tuple]] = []
    for row in rows:
        cells = []
        for place, name in enumerate(row):
            column = columns[name.lstrip("-").lower()]
            low, middle, high = ranges[column]
            scale = _mm_per_unit(low, high, units[column], gain_mm_mV) * (-1 if name.startswith("-") else 1)
            edges = sorted(((low - middle) * scale, (high - middle) * scale))
            times = (start_s + seconds * place / len(row), start_s + seconds * (place + 1) / len(row))
            printed = name if name.startswith("-") else leads[column]
            cells.append((printed, column, times, edges, middle, scale, units[column]))
        placed.append(cells)
    lanes, height = _stack(placed, head_mm, tags_mm, foot_mm)
    left = _left_mm(speed_mm_s)
    return Strip(start_s, seconds, speed_mm_s, gain_mm_mV, lanes, left, 1.0, head_mm, tags_mm, foot_mm, height)


def _stack(placed: list[list[tuple]], head_mm: float, tags_mm: float, foot_mm: float) -> tuple[tuple[Lane, ...], float]:
    """Lanes with the height that each row's tallest lead needs, from the lower edge, and the total height, mm."""
    ups = [_room(max(cell[3][1] for cell in cells), 10.0) for cells in placed]
    downs = [_room(-min(cell[3][0] for cell in cells), 5.0) for cells in placed]
    height = head_mm + tags_mm + sum(ups) + sum(downs) + foot_mm
    lanes, top = [], height - head_mm - tags_mm
    for cells, up, down in zip(placed, ups, downs, strict=True):
        baseline = top - up
        top = baseline - down
        for printed, column, times, _, middle, scale, unit in cells:
            lanes.append(Lane(printed, column, *times, baseline, up, down, middle, scale, unit))
    return tuple(lanes), height


def calibration_pulse(strip: Strip, lane: Lane) -> tuple[list[float], list[float]]:
    """Corners in mm of the 1 mV, 200 ms calibration pulse left of a lane; empty where the unit is unknown."""
    if lane.unit != "mV" or lane.start_s > strip.start_s:
        return [], []
    width, height = PULSE_S * strip.speed_mm_s, PULSE_MV * abs(lane.mm_per_unit)
    left, base = (strip.left_mm - width) / 2, lane.baseline_mm
    return (
        [left - 1.5, left, left, left + width, left + width, left + width + 1.5],
        [base, base, base + height, base + height, base, base],
    )


def clock_step_s(strip_seconds: float, speed_mm_s: float, room_s: float) -> float:
    """Seconds between clock labels: the smallest round step of at least ``room_s`` on major lines."""
    major_s = MAJOR_MM / speed_mm_s
    for step in (0.2, 0.4, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0):
        if step >= room_s and abs(step / major_s - round(step / major_s)) < 1e-6:
            return step
    return max(strip_seconds, 600.0)


def printed_settings(
    strip: Strip,
    fs: float,
    display_filter: str,
    network_input: str,
    *,
    fitted: bool = False,
) -> list[str]:
    """Printed settings as parts: speed, gain, display filter, network input, sampling; ``fitted`` as of ``Drawn``."""
    parts = [
        f"{strip.speed_mm_s:g} mm/s{' (fitted)' if fitted else ''}",
        f"{strip.gain_mm_mV:g} mm/mV",
        f"display filter: {display_filter or 'none'}",
    ]
    if network_input:
        parts.append(f"network input: {network_input}")
    parts.append(f"{fs:g} Hz")
    if any(lane.unit != "mV" for lane in strip.lanes):
        parts.append("unit unknown: scaled to fit")
    return parts


def _left_mm(speed_mm_s: float) -> float:
    """Width of the calibration pulse."""
    return PULSE_S * speed_mm_s + 7.0


def _mm_per_unit(low: float, high: float, unit: str, gain_mm_mV: float) -> float:
    """mm per unit of a lead; a lead of unknown unit is scaled to the height of 2 mV."""
    if unit == "mV":
        return gain_mm_mV
    return 2.0 * gain_mm_mV / (high - low) if high > low else gain_mm_mV


def _room(extent_mm: float, least_mm: float, most_mm: float = 60.0) -> float:
    """Whole major squares for an extent, at most ``most_mm``; larger traces (artefacts) may leave their lane."""
    return min(max(math.ceil((extent_mm + 1.0) / MAJOR_MM) * MAJOR_MM, least_mm), most_mm)
