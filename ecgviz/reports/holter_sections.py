"""The sections of the Holter report on A4 that follow its first page: hours, trends, strips, events, measures."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from ecgviz.figures.holter_trends import WIDTH_MM, trend_picture
from ecgviz.figures.rhythms import rhythm_words
from ecgviz.figures.static import ecg_lines_picture, seconds_in_line
from ecgviz.figures.strip_view import Shown
from ecgviz.holter.events import Event, events_of
from ecgviz.holter.findings import ChosenStrip
from ecgviz.holter.hours import Hour
from ecgviz.reports.holter import HolterReport
from ecgviz.reports.holter_tables import HRV_ROWS, NOT_ASSESSED, hour_words
from ecgviz.reports.pdf import linked, table, text
from models.core.words import clock
from models.postprocessing.rhythm_episodes import AF_CLASSES

MOST_EVENTS, MOST_STRIPS = 25, 16
"""Rows of a list of events, and strips; the rest is in the JSON."""
_LEADS = 3
_LONGEST_LINES = 3
_HIGHEST_MM = 240.0
"""Of a strip: with its heading it fits on a page, however large the waves are."""


def when(report: HolterReport, time_s: float) -> str:
    """A time of the recording: from its start, and by the clock where it is known."""
    if math.isnan(time_s):
        return "-"
    from_start = clock(time_s, hours=True)
    start = report.recording.start
    if start is None:
        return from_start
    return f"{(start + timedelta(seconds=time_s)).strftime('%H:%M:%S')} ({from_start})"


def hours_section(report: HolterReport, styles: dict[str, Any]) -> list[Any]:
    letters = list(report.numbers.ectopy)
    head = ["Hour", "Beats", "Min", "Mean", "Max", *letters]
    head += [f"{letter} couplets" for letter in letters] + [f"{letter} runs" for letter in letters]
    head += ["Pauses", "AF, min", "Usable"]
    rows = [_hour(report, hour, letters, styles) for hour in report.numbers.hours]
    if len(rows) > 1:
        rows.append(_all_hours(report, letters, styles))
    first = 13.0
    width = (WIDTH_MM - first) / (len(head) - 1)
    note = "Rates in 1/min, of means over eight beats; pauses of 2 s and more; a run belongs to the hour it begins in."
    return [table(head, rows, [first, *[width] * (len(head) - 1)], styles), text(note, styles["note"])]


def _hour(report: HolterReport, hour: Hour, letters: Sequence[str], styles: dict[str, Any]) -> list[Any]:
    rates = [whole(rate) for rate in (hour.rate_min, hour.rate_mean, hour.rate_max)]
    counts = [f"{found[letter]:,}" for found in (hour.ectopic, hour.couplets, hour.runs) for letter in letters]
    af = "-" if hour.af_min is None else f"{hour.af_min:.1f}"
    usable = "-" if math.isnan(hour.usable) else f"{hour.usable:.0%}"
    name = linked(hour_words(hour), report.link(hour.start_s), styles["first"])
    return [name, f"{hour.beats:,}", *rates, *counts, f"{hour.pauses:,}", af, usable]


def _all_hours(report: HolterReport, letters: Sequence[str], styles: dict[str, Any]) -> list[Any]:
    """The last row of the table: the whole recording."""
    numbers, rates = report.numbers, report.numbers.rates
    every = [whole(rate) for rate in (rates.minimum.value, rates.mean, rates.maximum.value)]
    found = [numbers.ectopy[letter] for letter in letters]
    counts = [*(one.count for one in found), *(len(one.couplets) for one in found), *(len(one.runs) for one in found)]
    pauses = sum(not one.doubt for one in numbers.pauses)
    af = "-" if numbers.af_s is None else f"{numbers.af_s / 60:.1f}"
    usable = "-" if math.isnan(numbers.usable_share) else f"{numbers.usable_share:.0%}"
    words = ["All", f"{numbers.n_beats:,}", *every, *(f"{n:,}" for n in counts), f"{pauses:,}", af, usable]
    return [text(one, styles["head right" if column else "head"]) for column, one in enumerate(words)]


def trends_section(report: HolterReport, styles: dict[str, Any]) -> list[Any]:
    words = "Heart rate: mean of each minute (line) within the lowest and highest mean over eight beats (band)"
    if any(one.label in AF_CLASSES for one in report.beats.rhythms):
        words += "; atrial fibrillation and flutter are coloured"
    words += ". ST level: median of the normal beats of each minute; dotted at 0.1 mV." if report.st.assessed else "."
    return [picture(*trend_picture(report.numbers, report.beats.rhythms, report.st)), text(words, styles["note"])]


def strips_section(report: HolterReport, styles: dict[str, Any]) -> list[Any]:
    from reportlab.platypus import KeepTogether

    note = "25 mm/s and 10 mm/mV: printed at 100%, a ruler measures them. Letters are the classes of the beats."
    found: list[Any] = [text(note, styles["note"])]
    for one in report.strips[:MOST_STRIPS]:
        title = f"{one.title}. {when(report, one.start_s)}"
        heading = linked(title, report.link(one.start_s, one.beat), styles["body"])
        found.append(KeepTogether([heading, _strip(report, one)]))
    return found


def _strip(report: HolterReport, one: ChosenStrip) -> Any:
    """As many lines as the stretch needs, three at most, with what it is about in their middle."""
    recording, line_s = report.recording, seconds_in_line(WIDTH_MM)
    length = one.end_s - one.start_s
    lines = min(max(math.ceil((length + 1.0) / line_s), 1), _LONGEST_LINES)
    seconds = float(lines * line_s)
    start_s = one.start_s - max((seconds - length) / 2, 0.5)
    start_s = min(max(start_s, 0.0), max(recording.duration_s - seconds, 0.0))
    read = [lead for lead in report.beats.leads if lead in recording.leads]
    leads = [*read, *(lead for lead in recording.leads if lead not in read)][:_LEADS]
    beat = one.beat if 0 <= one.beat < len(report.beats) else None
    shown = Shown(recording, start_s, seconds, leads=leads, beats=report.beats, selected=beat)
    return picture(*ecg_lines_picture(shown, width_mm=WIDTH_MM, height_mm=_HIGHEST_MM))


def events_section(report: HolterReport, styles: dict[str, Any]) -> list[Any]:
    """Runs, pauses, episodes of rate and of AF, in time order; the fastest runs, the longest pauses and episodes where
    there are too many."""
    every = events_of(report.numbers, report.beats)
    chosen: list[Event] = []
    for kind in ("runs", "pauses", "rate", "AF"):
        sure = [one for one in every[kind] if not one.doubt]
        chosen += sorted(sure, key=lambda one: -one.weight)[:MOST_EVENTS]
    if not chosen:
        return [text("None.", styles["body"])]
    cells = [
        [
            linked(when(report, one.time_s), report.link(one.time_s, one.beat), styles["first"]),
            rhythm_words(one.what),
            one.length,
            "" if one.rate is None else f"{one.rate:.0f}/min",
        ]
        for one in sorted(chosen, key=lambda one: one.time_s)
    ]
    note = f"At most {MOST_EVENTS} of a kind: the fastest runs, the longest pauses and episodes. The JSON has all."
    body = table(["Time", "What", "Length", "Rate"], cells, [46, 68, 30, 30], styles, left=(0, 1))
    return [body, text(note, styles["note"])]


def hrv_section(report: HolterReport, styles: dict[str, Any]) -> list[Any]:
    hrv = report.hrv
    rows = [
        (name, NOT_ASSESSED if math.isnan(value) else _measure(value, unit))
        for key, name, unit in HRV_ROWS
        for value in (getattr(hrv, key),)
    ]
    half = (len(rows) + 1) // 2
    cells = [[*one, "", *two] for one, two in zip(rows[:half], [*rows[half:], ("", "")], strict=False)]
    body = table(["Measure", "", "", "Measure", ""], cells, [42, 38, 10, 46, 38], styles, left=(0, 3))
    return [body, *(text(one, styles["note"]) for one in hrv.cautions)]


def st_section(report: HolterReport, styles: dict[str, Any]) -> list[Any]:
    rows = []
    for lead in report.st.leads:
        found = report.st.extremes(lead)
        if found is None:
            continue
        cells = [linked(f"{value:+.2f} mV, {when(report, at)}", report.link(at), styles["cell"]) for value, at in found]
        rows.append([lead, *cells])
    body = [table(["Lead", "Lowest", "Highest"], rows, [30, 72, 72], styles)] if rows else []
    return [*body, *(text(one, styles["note"]) for one in report.st.limits)]


def diary_section(report: HolterReport, styles: dict[str, Any]) -> list[Any]:
    if not report.diary:
        return [text("The file has no events of a diary.", styles["body"])]
    rows = [
        [linked(when(report, one.time_s), report.link(one.time_s), styles["first"]), text(one.text, styles["first"])]
        for one in report.diary
    ]
    return [table(["Time", "Event"], rows, [46, 128], styles, left=(0, 1))]


def edits_section(report: HolterReport, styles: dict[str, Any]) -> list[Any]:
    if not report.edits:
        return [text("Nothing: all beats and rhythms are as the network gave them.", styles["body"])]
    rows = [
        [one.when[:19].replace("T", " "), text(one.who, styles["first"]), text(one.what, styles["first"])]
        for one in report.edits
    ]
    return [table(["When (UTC)", "Who", "What"], rows, [36, 40, 98], styles, left=(0, 1, 2))]


def picture(content: bytes, width_mm: float, height_mm: float) -> Any:
    from reportlab.lib.units import mm
    from reportlab.platypus import Image

    return Image(io.BytesIO(content), width=width_mm * mm, height=height_mm * mm, hAlign="LEFT")


def at_beat(report: HolterReport, words: str, time_s: float, beat: int, styles: dict[str, Any]) -> Any:
    if beat < 0:
        return text(words, styles["cell"])
    return linked(f"{words}, {when(report, time_s)}", report.link(time_s, beat), styles["cell"])


def rate_words(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.0f}/min"


def whole(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.0f}"


def _measure(value: float, unit: str) -> str:
    if not unit:
        return f"{value:.0%}" if value <= 1 else f"{value:.2f}"
    return f"{value:.1f} {unit}" if value < 1000 else f"{value:,.0f} {unit}"
