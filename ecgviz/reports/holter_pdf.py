"""The Holter report on A4, as laboratories write it: what is urgent, the summary, the hours, the trends, strips true to
scale, events, heart rate variability and ST level with their limits, what people changed, and what made it."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from typing import Any

from ecgviz.figures.holter_trends import WIDTH_MM
from ecgviz.holter.events import length_words
from ecgviz.holter.pauses import exceeding
from ecgviz.holter.rates import BRADYCARDIA_BELOW, SUSTAINED_S, TACHYCARDIA_ABOVE
from ecgviz.reports.holter import HolterReport
from ecgviz.reports.holter_sections import (
    at_beat,
    diary_section,
    edits_section,
    events_section,
    hours_section,
    hrv_section,
    rate_words,
    st_section,
    strips_section,
    trends_section,
    when,
)
from ecgviz.reports.holter_tables import NOT_ASSESSED
from ecgviz.reports.pdf import HEAD, facts, foot, linked, report_styles, section, text
from models.checkpoints import STATEMENT
from models.core.words import clock, counted

MARGIN_MM = 14.0
RULES = (
    "VT (three V beats and more at 100/min); pauses of 3 s; a mean over eight beats below 40/min; SVT from 150/min on "
    "or of 30 s; AF of 30 s; V beats from 10% on. They select, they do not diagnose."
)


def holter_pdf(report: HolterReport) -> bytes:
    """The report as a PDF."""
    from reportlab.lib.pagesizes import A4
    from reportlab.lib.units import mm
    from reportlab.platypus import PageBreak, SimpleDocTemplate

    styles = report_styles()
    made = report.made.isoformat(timespec="minutes")
    story = [
        text(f"Holter report: {report.recording.name}", styles["title"]),
        text(STATEMENT, styles["body"]),
        facts(_about(report), styles),
        *_urgent(report, styles),
        *section("Summary", [_summary(report, styles)], styles),
        *section("Conclusion", [_conclusion(styles)], styles),
        PageBreak(),
        *section("Hour by hour", hours_section(report, styles), styles),
        *section("Trends", trends_section(report, styles), styles),
        PageBreak(),
        *section("Strips", strips_section(report, styles), styles),
        *section("Events", events_section(report, styles), styles),
        *section("Heart rate variability", hrv_section(report, styles), styles),
        *section("ST level", st_section(report, styles), styles),
        *section("Diary", diary_section(report, styles), styles),
        *section("Changed by people", edits_section(report, styles), styles),
        *section("How it was made", [facts(_origin(report), styles)], styles),
    ]
    buffer = io.BytesIO()
    document = SimpleDocTemplate(
        buffer, pagesize=A4, title=f"Holter report {report.recording.name}", author="ecgviz",
        leftMargin=MARGIN_MM * mm, rightMargin=MARGIN_MM * mm, topMargin=14 * mm, bottomMargin=16 * mm,
    )  # fmt: skip
    document.build(story, onFirstPage=foot(made), onLaterPages=foot(made))
    return buffer.getvalue()


def _about(report: HolterReport) -> list[tuple[str, object]]:
    recording, numbers = report.recording, report.numbers
    start = recording.start.strftime("%Y-%m-%d %H:%M:%S") if recording.start is not None else "not stated in the file"
    usable = "" if math.isnan(numbers.usable_share) else f"; {numbers.usable_share:.1%} of the signal usable"
    classified = f"{report.checkpoint.name}" + (f", then {counted(len(report.edits), 'edit')}" if report.edits else "")
    rows: list[tuple[str, object]] = [
        ("Start", start),
        ("Length", f"{clock(recording.duration_s, hours=True)}{usable}"),
        ("Leads", f"{', '.join(recording.leads)} ({recording.fs:g} Hz)"),
        ("Beats classified by", classified),
    ]
    if report.beats.seen_in_training:
        rows.append(
            ("Seen in training", f"yes, as record {report.beats.seen_in_training}: this says nothing of new patients")
        )
    return rows


def _urgent(report: HolterReport, styles: dict[str, Any]) -> list[Any]:
    """What is told first, in a frame."""
    from reportlab.lib.units import mm
    from reportlab.platypus import Spacer, Table

    if report.findings:
        rows = [
            [text("To be looked at first", styles["heading"]), ""],
            *(
                [
                    text(one.words, styles["urgent"]),
                    linked(when(report, one.time_s), report.link(one.time_s, one.beat), styles["cell"]),
                ]
                for one in report.findings
            ),
        ]
    else:
        rows = [
            [text("Nothing urgent by the rules of this report, which stand on its last page.", styles["urgent"]), ""]
        ]
    colour = "#b91c1c" if report.findings else "#9ca3af"
    style = [("BOX", (0, 0), (-1, -1), 1.2, colour), ("VALIGN", (0, 0), (-1, -1), "MIDDLE"), ("SPAN", (0, 0), (-1, 0))]
    return [
        Spacer(1, 3 * mm),
        Table(rows, colWidths=[132 * mm, 42 * mm], style=style, hAlign="LEFT"),
        *_warnings(report, styles),
    ]


def _warnings(report: HolterReport, styles: dict[str, Any]) -> list[Any]:
    return [text(f"Note: {warning}", styles["note"]) for warning in report.beats.warnings]


def _summary(report: HolterReport, styles: dict[str, Any]) -> Any:
    """Rate and pauses on the left, ectopy and AF on the right."""
    from reportlab.lib.units import mm
    from reportlab.platypus import Table

    numbers, rates = report.numbers, report.numbers.rates
    left: list[tuple[str, Any]] = [
        ("Beats", f"{numbers.n_beats:,}"),
        ("Mean rate", rate_words(rates.mean)),
        (
            "Minimum rate",
            at_beat(report, rate_words(rates.minimum.value), rates.minimum.time_s, rates.minimum.beat, styles),
        ),
        (
            "Maximum rate",
            at_beat(report, rate_words(rates.maximum.value), rates.maximum.time_s, rates.maximum.beat, styles),
        ),
    ]
    for kind, limit in (
        ("bradycardia", f"< {BRADYCARDIA_BELOW:g}/min"),
        ("tachycardia", f"> {TACHYCARDIA_ABOVE:g}/min"),
    ):
        episodes = [one for one in numbers.episodes if one.kind == kind]
        seconds = sum(one.end_s - one.start_s for one in episodes)
        words = f"{len(episodes)} ({length_words(seconds)})" if episodes else "0"
        left.append((f"{kind.capitalize()} {limit}, {SUSTAINED_S:g} s and more", words))
    left += [(f"Pauses of {limit:g} s and more", f"{n:,}") for limit, n in exceeding(numbers.pauses).items()]
    longest = numbers.longest_rr
    left.append(
        (
            "Longest RR",
            at_beat(
                report, f"{longest.value:.2f} s" if longest.beat >= 0 else "-", longest.time_s, longest.beat, styles
            ),
        )
    )
    noisy = sum(bool(one.doubt) for one in numbers.pauses)
    if noisy:
        left.append(("Doubtful long RR, not counted", f"{noisy:,}"))
    columns = [_narrow(left, styles), _narrow(_ectopy_rows(report, styles), styles)]
    return Table(
        [columns],
        colWidths=[87 * mm, 87 * mm],
        style=[("VALIGN", (0, 0), (-1, -1), "TOP"), ("LEFTPADDING", (0, 0), (0, 0), 0)],
    )


def _ectopy_rows(report: HolterReport, styles: dict[str, Any]) -> list[tuple[str, Any]]:
    numbers = report.numbers
    rows: list[tuple[str, Any]] = []
    for letter, name, fast in (
        ("V", "Ventricular ectopic beats", "VT"),
        ("S", "Supraventricular ectopic beats", "SVT"),
    ):
        found = numbers.ectopy.get(letter)
        if found is None:
            rows.append((name, NOT_ASSESSED))
            continue
        rows += [
            (name, f"{found.count:,} ({numbers.share(letter):.1%})"),
            ("  isolated, couplets", f"{found.isolated:,}, {len(found.couplets):,}"),
            (f"  runs of 3 and more ({fast})", f"{len(found.runs):,} ({len(found.tachycardias):,})"),
            ("  bigeminy, trigeminy", f"{len(found.bigeminy):,}, {len(found.trigeminy):,}"),
        ]
        for word, run in (("fastest", found.fastest), ("longest", found.longest)):
            if run is not None:
                value = f"{counted(run.n_beats, 'beat')}, {run.rate:.0f}/min"
                rows.append((f"  {word} run", at_beat(report, value, run.start_s, run.first, styles)))
    af = numbers.af
    if af is None:
        rows.append(("Atrial fibrillation and flutter", NOT_ASSESSED))
    else:
        burden = "-" if math.isnan(af.burden) else f"{af.burden:.1%} ({length_words(numbers.af_s or 0.0)})"
        rows += [("AF burden", burden), ("  episodes (30 s and more)", f"{af.episodes:,} ({af.clinical:,})")]
        if af.episodes:
            rows.append(("  longest", length_words(af.longest_s)))
    hrv = report.hrv
    rows.append(
        ("SDNN, RMSSD", NOT_ASSESSED if math.isnan(hrv.sdnn_ms) else f"{hrv.sdnn_ms:.0f}, {hrv.rmssd_ms:.0f} ms")
    )
    return rows


def _narrow(rows: Sequence[tuple[str, Any]], styles: dict[str, Any]) -> Any:
    """A column of the summary: names to the left, values to the right."""
    from reportlab.lib.units import mm
    from reportlab.platypus import Table

    cells = [
        [text(name.strip(), styles["first"]), value if not isinstance(value, str) else text(value, styles["cell"])]
        for name, value in rows
    ]
    style: list[tuple] = [
        ("LINEBELOW", (0, 0), (-1, -1), 0.25, "#d1d5db"), ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("LEFTPADDING", (0, 0), (-1, -1), 2),
        ("RIGHTPADDING", (0, 0), (-1, -1), 2),
        ("TOPPADDING", (0, 0), (-1, -1), 1.2), ("BOTTOMPADDING", (0, 0), (-1, -1), 2),
    ]  # fmt: skip
    style += [("LEFTPADDING", (0, i), (0, i), 10) for i, (name, _) in enumerate(rows) if name.startswith("  ")]
    style += [
        ("BACKGROUND", (0, i), (-1, i), HEAD)
        for i, (name, _) in enumerate(rows)
        if name[0] != " " and name.endswith("beats")
    ]
    return Table(cells, colWidths=[47 * mm, 37 * mm], style=style, hAlign="LEFT")


def _conclusion(styles: dict[str, Any]) -> Any:
    """Room for the physician's hand."""
    from reportlab.lib.units import mm
    from reportlab.platypus import Table

    rows = [[""], [text("Date, name and signature", styles["note"])]]
    style = [("BOX", (0, 0), (-1, -1), 0.5, "#9ca3af"), ("VALIGN", (0, 1), (-1, 1), "BOTTOM")]
    return Table(rows, colWidths=[WIDTH_MM * mm], rowHeights=[22 * mm, 6 * mm], style=style, hAlign="LEFT")


def _origin(report: HolterReport) -> list[tuple[str, object]]:
    card = report.checkpoint.card
    rows: list[tuple[str, object]] = [
        ("network", f"{report.checkpoint.name} ({card.architecture})"),
        ("hash of the weights", report.checkpoint.sha256),
        ("trained", f"{card.date or 'date unknown'}, on {counted(len(card.training_records), 'recording')}"),
        ("leads read", ", ".join(report.beats.leads)),
        ("R peaks", "detected" if report.beats.source == "detected" else "those of the file's annotations"),
    ]
    rows += [("limits of the network", limit) for limit in card.limits]
    rows.append(
        (
            "rules of what is told first",
            RULES,
        )
    )
    rows.append(("statement", STATEMENT))
    return rows
