"""The numbers of a Holter report as JSON and as a table of one number a row."""

from __future__ import annotations

import csv
import io
import math
from dataclasses import asdict
from datetime import datetime
from typing import Any

from ecgviz.holter.ectopy import KINDS, Ectopy
from ecgviz.holter.hours import Hour
from ecgviz.holter.pauses import exceeding
from ecgviz.holter.rates import BRADYCARDIA_BELOW, TACHYCARDIA_ABOVE, Moment
from ecgviz.holter.st_level import StTrend
from ecgviz.reports.holter import HolterReport
from models.checkpoints import STATEMENT
from models.postprocessing.rhythm_episodes import AF_CLASSES

NOT_ASSESSED = "not assessed"


def report_document(report: HolterReport) -> dict[str, Any]:
    """The report as JSON: times in seconds from the start, shares from 0 to 1; None where a number is not known or was
    not assessed. Each event has its ``link`` where the report has a dashboard to lead to."""
    numbers, beats, recording = report.numbers, report.beats, report.recording
    return _plain(
        {
            "record": recording.name,
            "start": recording.start.isoformat() if recording.start is not None else None,
            "duration_s": recording.duration_s,
            "leads": list(recording.leads),
            "checkpoint": report.checkpoint.name,
            "checkpoint_sha256": report.checkpoint.sha256,
            "positions": beats.source,
            "seen_in_training": beats.seen_in_training,
            "warnings": list(beats.warnings),
            "statement": STATEMENT,
            "made": report.made.isoformat(timespec="seconds"),
            "findings": [asdict(one) | _link(report, one.time_s, one.beat) for one in report.findings],
            "beats": numbers.n_beats,
            "counts": numbers.counts,
            "usable_share": numbers.usable_share,
            "rates": {
                "mean": numbers.rates.mean,
                "minimum": asdict(numbers.rates.minimum) | _link_of(report, numbers.rates.minimum),
                "maximum": asdict(numbers.rates.maximum) | _link_of(report, numbers.rates.maximum),
            },
            "ectopy": {letter: _ectopy(report, found) for letter, found in numbers.ectopy.items()},
            "not_assessed": [letter for letter in ("V", "S") if letter not in numbers.ectopy],
            "pauses": {
                "counts": {f"{limit:g}": n for limit, n in exceeding(numbers.pauses).items()},
                "doubtful": sum(bool(one.doubt) for one in numbers.pauses),
                "longest_rr": asdict(numbers.longest_rr) | _link_of(report, numbers.longest_rr),
                "list": [asdict(one) | _link(report, one.time_s, one.beat) for one in numbers.pauses],
            },
            "rate_episodes": [asdict(one) | _link(report, one.start_s, one.first) for one in numbers.episodes],
            "af": _af(report),
            "hours": [asdict(hour) for hour in numbers.hours],
            "hrv": asdict(report.hrv),
            "st": _st(report.st),
            "strips": [asdict(one) | _link(report, one.start_s, one.beat) for one in report.strips],
            "diary": [asdict(one) | _link(report, one.time_s) for one in report.diary],
            "edits": [asdict(one) for one in report.edits],
        }
    )


def report_rows(report: HolterReport) -> list[tuple[str, str, float | int | None, str, str]]:
    """(section, number, value, unit, link) of every number; None where it is not known or was not assessed."""
    numbers, hrv = report.numbers, report.hrv
    rows: list[tuple[str, str, Any, str, str]] = [
        ("recording", "duration", numbers.duration_s, "s", ""),
        ("recording", "usable share", numbers.usable_share, "", ""),
        ("beats", "all", numbers.n_beats, "", ""),
        *(("beats", letter, count, "", "") for letter, count in numbers.counts.items()),
        ("rate", "mean", numbers.rates.mean, "1/min", ""),
    ]
    for name, moment in (("minimum", numbers.rates.minimum), ("maximum", numbers.rates.maximum)):
        rows.append(("rate", name, moment.value, "1/min", report.link(moment.time_s, moment.beat)))
    for kind, limit in (
        ("bradycardia", f"below {BRADYCARDIA_BELOW:g}/min"),
        ("tachycardia", f"above {TACHYCARDIA_ABOVE:g}/min"),
    ):
        rows.append(("rate", f"{kind} {limit}, episodes", sum(one.kind == kind for one in numbers.episodes), "", ""))
    for letter in ("V", "S"):
        found = numbers.ectopy.get(letter)
        rows.append((letter, "share of all beats", numbers.share(letter) if found else None, "", ""))
        rows.append((letter, "isolated", found.isolated if found else None, "", ""))
        rows += [(letter, kind, len(found.of_kind(kind)) if found else None, "", "") for kind in KINDS]
        for name, run in (("fastest run", found and found.fastest), ("longest run", found and found.longest)):
            if run:
                link = report.link(run.start_s, run.first)
                rows += [
                    (letter, f"{name}, rate", run.rate, "1/min", link),
                    (letter, f"{name}, beats", run.n_beats, "", link),
                ]
    rows += [("pauses", f"of {limit:g} s or more", n, "", "") for limit, n in exceeding(numbers.pauses).items()]
    longest = numbers.longest_rr
    rows.append(("pauses", "longest RR", longest.value, "s", report.link(longest.time_s, longest.beat)))
    af = numbers.af
    rows += [
        ("AF", "burden", af.burden if af else None, "", ""),
        ("AF", "time", numbers.af_s, "s", ""),
        ("AF", "episodes", af.episodes if af else None, "", ""),
        ("AF", "longest episode", af.longest_s if af else None, "s", ""),
    ]
    rows += [("HRV", name, getattr(hrv, key), unit, "") for key, name, unit in HRV_ROWS]
    for lead in report.st.leads:
        extremes = report.st.extremes(lead)
        for name, at in (("lowest", 0), ("highest", 1)):
            value, time_s = extremes[at] if extremes else (None, math.nan)
            rows.append(("ST", f"{lead} {name}", value, "mV", report.link(time_s)))
    for hour in numbers.hours:
        rows += _hour_rows(report, hour)
    return [(*row[:2], _known(row[2]), *row[3:]) for row in rows]


HRV_ROWS = (
    ("mean_nn_ms", "mean NN", "ms"), ("sdnn_ms", "SDNN", "ms"), ("sdann_ms", "SDANN", "ms"),
    ("rmssd_ms", "RMSSD", "ms"), ("pnn50", "pNN50", "%"), ("sd1_ms", "SD1", "ms"), ("sd2_ms", "SD2", "ms"),
    ("lf_ms2", "LF", "ms2"), ("hf_ms2", "HF", "ms2"), ("lf_hf", "LF/HF", ""),
    ("share", "share of RR that counted", ""), ("hours", "NN intervals", "h"),
)  # fmt: skip
"""(field, name, unit) of the measures of heart rate variability in a report."""


def report_csv(report: HolterReport) -> str:
    """:func:`report_rows` as CSV with a head; numbers to six places."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(("section", "number", "value", "unit", "link"))
    for section, name, value, unit, link in report_rows(report):
        text = "" if value is None else f"{value:.6g}" if isinstance(value, float) else str(value)
        writer.writerow((section, name, text, unit, link))
    return buffer.getvalue()


def hour_words(hour: Hour) -> str:
    """How a row of the table of the hours is called: by the clock, or by the time from the start."""
    if hour.clock is not None:
        return hour.clock.strftime("%H:%M")
    minutes = round(hour.start_s / 60)
    return f"{minutes // 60}:{minutes % 60:02d}"


def _hour_rows(report: HolterReport, hour: Hour) -> list[tuple[str, str, Any, str, str]]:
    section = f"hour {hour_words(hour)}"
    link = report.link(hour.start_s)
    counts = [(f"{letter} beats", n) for letter, n in hour.ectopic.items()]
    counts += [(f"{letter} couplets", n) for letter, n in hour.couplets.items()]
    counts += [(f"{letter} runs", n) for letter, n in hour.runs.items()]
    rows = [("beats", hour.beats, ""), ("minimum rate", hour.rate_min, "1/min"), ("mean rate", hour.rate_mean, "1/min"),
            ("maximum rate", hour.rate_max, "1/min"), *((name, n, "") for name, n in counts),
            ("pauses", hour.pauses, ""), ("AF", hour.af_min, "min"), ("usable share", hour.usable, "")]  # fmt: skip
    return [(section, name, value, unit, link) for name, value, unit in rows]


def _ectopy(report: HolterReport, found: Ectopy) -> dict[str, Any]:
    families = {
        kind: [
            {
                "start_s": one.start_s,
                "end_s": one.end_s,
                "beats": one.n_beats,
                "rate": one.rate,
                "first_beat": one.first,
            }
            | _link(report, one.start_s, one.first)
            for one in found.of_kind(kind)
        ]
        for kind in KINDS
    }
    share = report.numbers.share(found.label)
    return {"count": found.count, "share": share, "isolated": found.isolated} | families


def _af(report: HolterReport) -> dict[str, Any] | None:
    numbers = report.numbers
    if numbers.af is None:
        return None
    episodes = [one for one in report.beats.rhythms if one.label in AF_CLASSES]
    return asdict(numbers.af) | {
        "seconds": numbers.af_s,
        "list": [asdict(one) | _link(report, one.start_s) for one in episodes],
    }


def _st(st: StTrend) -> dict[str, Any]:
    return {
        "leads": list(st.leads),
        "minute_s": st.time_s.tolist(),
        "level_mV": {lead: st.level_mV[:, i].round(4).tolist() for i, lead in enumerate(st.leads)},
        "beats": st.beats.tolist(),
        "j_plus_ms": st.j_plus_ms.tolist(),
        "limits": list(st.limits),
    }


def _link(report: HolterReport, time_s: float, beat: int = -1) -> dict[str, str]:
    address = report.link(time_s, beat)
    return {"link": address} if address else {}


def _link_of(report: HolterReport, moment: Moment) -> dict[str, str]:
    return _link(report, moment.time_s, moment.beat)


def _known(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _plain(value: Any) -> Any:
    """What JSON can hold: no NaN, no tuple, no datetime; numbers to six places."""
    if isinstance(value, dict):
        return {str(name): _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, float):
        return round(value, 6) if math.isfinite(value) else None
    return value
