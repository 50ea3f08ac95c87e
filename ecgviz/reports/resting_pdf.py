"""The printed sheet of a 12-lead ECG: measurements and labels above the paper, true to scale on A4 landscape."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ecgviz.analysis.records import RecordAnalysis, label_words
from ecgviz.figures.geometry import LAYOUTS
from ecgviz.figures.median_beats import overlaid_picture
from ecgviz.figures.static import ecg_lines_picture
from ecgviz.figures.strip_view import Drawn, Shown
from ecgviz.reports.pdf import foot, report_styles, table, text
from ecgviz.signals.resting import RestingMeasurements
from ecgviz.signals.serial import Change, compare_resting
from models.checkpoints import STATEMENT
from readers.recording import Recording

SHEET_S = 10.0
EARLIER_WORDS = (
    "Black: this recording; blue: the earlier one; 50 mm/s, 10 mm/mV. A change is marked where it is larger than "
    "measuring alone explains; it says that something changed and not that it matters."
)


NO_COMMON_LEAD = "No lead is in both recordings, so intervals alone are compared, of other leads: read them with care."


@dataclass(frozen=True)
class Earlier:
    """An earlier recording of the same person, for the comparison on a second page."""

    name: str
    measured: RestingMeasurements

    def words(self, now: RestingMeasurements) -> str:
        """How the comparison is to be read."""
        shared = {lead.lower() for lead in self.measured.median.leads} & {lead.lower() for lead in now.median.leads}
        return EARLIER_WORDS if shared else NO_COMMON_LEAD


_MARGIN_MM, _WIDTH_MM = 12.0, 297.0 - 2 * 12.0
_PICTURE_DPI = 250
MARK = "changed"
_UNITS = {"degrees": "°", "1/min": " /min"}
_NO_LABELS = "No network has labelled this recording."


def resting_pdf(
    recording: Recording,
    measured: RestingMeasurements | None,
    analysis: RecordAnalysis | None,
    *,
    why_not: str = "",
    start_s: float = 0.0,
    earlier: Earlier | None = None,
) -> bytes:
    """The sheet as a PDF of one page, ten seconds at 25 mm/s and 10 mm/mV; of two with an earlier recording.

    Args:
        recording: an open recording.
        measured: of :func:`ecgviz.signals.resting.measure_resting`; None where no median beat could be made.
        analysis: its labels; None without.
        why_not: printed in place of the labels.
        start_s: where the paper begins, s.
        earlier: what it is compared with on a second page.
    """
    from reportlab.lib.pagesizes import A4, landscape
    from reportlab.lib.units import mm
    from reportlab.platypus import Image, SimpleDocTemplate

    styles, drawn = report_styles(), Drawn(layout=_layout(recording))
    seconds = min(SHEET_S, recording.duration_s - start_s)
    picture, width, height = ecg_lines_picture(
        Shown(recording, start_s, seconds), drawn, width_mm=_WIDTH_MM, dpi=_PICTURE_DPI
    )
    begin = recording.start.strftime(", %Y-%m-%d %H:%M:%S") if recording.start is not None else ""
    story = [
        text(f"12-lead ECG: {recording.name}{begin}", styles["title"]),
        text(STATEMENT, styles["note"]),
        text(measurement_line(measured), styles["body"]),
        text(_labels(analysis, why_not), styles["body"]),
        *([_st_table(measured, styles)] if measured is not None else []),
        text(
            f"{drawn.speed_mm_s:g} mm/s, {drawn.gain_mm_mV:g} mm/mV, {recording.fs:g} Hz, no display filter; "
            f"{start_s:g} to {start_s + seconds:.1f} s",
            styles["note"],
        ),
        Image(io.BytesIO(picture), width * mm, height * mm, kind="direct"),
    ]
    if earlier is not None and measured is not None:
        story += _comparison(earlier, measured, styles)
    buffer = io.BytesIO()
    # A picture higher than the room beneath the text makes the page higher and not the scale smaller.
    page = (landscape(A4)[0], max(landscape(A4)[1], (height + 80) * mm))
    document = SimpleDocTemplate(
        buffer, pagesize=page, title=f"12-lead ECG {recording.name}", author="ecgviz",
        leftMargin=_MARGIN_MM * mm, rightMargin=_MARGIN_MM * mm, topMargin=9 * mm, bottomMargin=13 * mm,
    )  # fmt: skip
    made = datetime.now(UTC).isoformat(timespec="minutes")
    document.build(story, onFirstPage=foot(made), onLaterPages=foot(made))
    return buffer.getvalue()


def _comparison(earlier: Earlier, measured: RestingMeasurements, styles: dict[str, Any]) -> list[Any]:
    """The second page: changes of the measurements, and the median beats over each other."""
    from reportlab.lib.units import mm
    from reportlab.platypus import Image, PageBreak

    changes = compare_resting(earlier.measured, measured)
    picture, width, height = overlaid_picture(earlier.measured.median, measured.median)
    rows = [
        [one.name, number(one.before, one), number(one.now, one), number(one.difference, one, "+"), MARK * one.marked]
        for one in changes
    ]
    half = (len(rows) + 1) // 2
    rows = [
        [*left, *(rows[half + k] if half + k < len(rows) else [""] * len(left))] for k, left in enumerate(rows[:half])
    ]
    head = ["", "before", "now", "change", ""] * 2
    return [
        PageBreak(),
        text(f"Compared with {earlier.name}", styles["title"]),
        text(earlier.words(measured), styles["note"]),
        table(head, rows, [34.0, 22.0, 22.0, 24.0, 20.0] * 2, styles, left=(0, 4, 5, 9)),
        Image(io.BytesIO(picture), width * mm, height * mm, kind="direct"),
    ]


def number(value: float, change: Change, sign: str = "") -> str:
    """A value of a change with its unit; a dash where it is unknown."""
    if math.isnan(value):
        return "–"
    digits = 2 if change.unit == "mV" else 0
    return f"{round(value, digits) + 0.0:{sign}.{digits}f}{_UNITS.get(change.unit, f' {change.unit}')}"


def measurement_line(measured: RestingMeasurements | None) -> str:
    """Rate, intervals and axis in one line; a dash where one is unknown."""
    if measured is None:
        return "Fewer than three whole beats were found, so nothing was measured."
    intervals, axis = measured.intervals, measured.axis
    line = (
        f"Rate {whole(intervals.rate)} /min · PR {whole(intervals.pr_ms)} ms · QRS {whole(intervals.qrs_ms)} ms · "
        f"QT {whole(intervals.qt_ms)} ms · QTc {whole(intervals.qtc_bazett_ms)} ms (Bazett), "
        f"{whole(intervals.qtc_fridericia_ms)} ms (Fridericia)"
    )
    return line if axis is None else f"{line} · axis of P, QRS, T {axis_words(axis.p, axis.qrs, axis.t)}"


def axis_words(*angles: float) -> str:
    """Angles in whole degrees."""
    return ", ".join(f"{whole(angle)}°" for angle in angles)


def whole(value: float | None) -> str:
    """A whole number; a dash where it is unknown."""
    return "–" if value is None or math.isnan(value) else f"{value:.0f}"


def _labels(analysis: RecordAnalysis | None, why_not: str) -> str:
    if analysis is None:
        return why_not or _NO_LABELS
    answer = analysis.answer
    order = (-answer.probability).argsort(kind="stable")
    above, below = (
        ", ".join(
            f"{label_words(answer.classes[i])} {answer.probability[i]:.2f}" for i in order[answer.positive[order] == on]
        )
        for on in (True, False)
    )
    seen = f" (seen in training as {analysis.seen_in_training})" if analysis.seen_in_training else ""
    refer = f". A person should look: {'; '.join(analysis.refer)}" if analysis.refer else ""
    return f"{analysis.checkpoint}{seen}: {above or 'no label'}; below the threshold: {below or 'none'}{refer}"


def _st_table(measured: RestingMeasurements, styles: dict[str, Any]) -> Any:
    leads = list(measured.st_mV)

    def row(name: str, column: int) -> Sequence[str]:
        values = (measured.st_mV[lead][column] for lead in leads)
        return [name, *("–" if math.isnan(value) else f"{round(value, 2) + 0.0:+.2f}" for value in values)]

    widths = [24.0, *(min(18.0, (_WIDTH_MM - 30) / max(len(leads), 1)),) * len(leads)]
    return table(["ST level, mV", *leads], [row("J point", 0), row("J + 60 ms", 1)], widths, styles)


def _layout(recording: Recording) -> str:
    there = {lead.lower() for lead in recording.leads}
    return "3x4 + II" if there >= {lead.lower() for row in LAYOUTS["3x4"] for lead in row} else "stacked"
