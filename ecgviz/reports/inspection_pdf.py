"""Inspection report as PDF on A4: lot and inspector, final verdicts beside the network's, settings, worst pictures."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ecgviz.analysis.coverage import aside_words, lost
from ecgviz.analysis.dispositions import Decisions, Final, Override, final_batch, final_verdicts
from ecgviz.analysis.inspect import StackRule
from ecgviz.reports.inspection import annotated_pictures, counts, worst_first
from ecgviz.reports.pdf import facts, foot, report_styles, section, text
from ecgviz.reports.volume_pdf import volume_pages
from ecgviz.results import Verdict
from models.checkpoints import INSPECTION_STATEMENT, Checkpoint
from models.evaluation.operating_point import OperatingPoint
from readers.core.file_names import readable
from readers.images.listing import Aside

WORST = 8
_MOST_ROWS = 60
_PICTURE_PX = 640


@dataclass(frozen=True)
class Head:
    """What a report is about, in the words of whoever asks for it; empty where nothing is to be said.

    Attributes:
        lot: of the parts.
        serial: of the part, or several.
        inspector: name of who inspects, under the line for the signature.
        name: of the batch.
        date: of the report; now when None.
    """

    lot: str = ""
    serial: str = ""
    inspector: str = ""
    name: str = ""
    date: datetime | None = None


def inspection_pdf(
    verdicts: Sequence[Verdict],
    checkpoint: Checkpoint,
    point: OperatingPoint,
    *,
    overrides: Sequence[Override] = (),
    aside: Sequence[Aside] = (),
    rule: StackRule | None = None,
    head: Head | None = None,
) -> bytes:
    """The report as PDF bytes.

    Args:
        verdicts: of ``inspect_files``.
        checkpoint: the one that judged.
        point: the operating point it judged by.
        overrides: decisions of people; those about these files and this network are listed.
        aside: files that were not judged, with the reason.
        rule: how the slices of a stack decided.
        head: lot, serial number, inspector and date.
    """
    from reportlab.lib.pagesizes import A4
    from reportlab.lib.units import mm
    from reportlab.platypus import SimpleDocTemplate

    styles = report_styles()
    head = head or Head()
    made = (head.date or datetime.now(UTC)).isoformat(timespec="seconds")
    decisions = Decisions(overrides, rule)
    finals = final_verdicts(verdicts, decisions)
    batch = final_batch(head.name or "batch", finals, decisions)
    about = {(one.sha256, one.checkpoint_sha256) for one in (*verdicts, *([batch.network] if batch else []))}
    decided = [one for one in overrides if (one.file_sha256, one.checkpoint_sha256) in about]
    story = [text("Inspection report", styles["title"]), text(INSPECTION_STATEMENT, styles["body"])]
    story += section("Lot and inspector", _lot(head, batch, styles), styles)
    story += section(
        "Counts, final verdicts", [facts(list(counts(verdicts, aside, decisions).items()), styles)], styles
    )
    story += section("Counts, the network's own verdicts", [text(_of_network(verdicts), styles["body"])], styles)
    story += section("Settings", [facts(_settings(checkpoint, point, rule or StackRule(), made), styles)], styles)
    story += section("Worst pictures", _pictures(verdicts, checkpoint, decisions, styles), styles)
    if volumes := volume_pages(worst_first(verdicts), styles):
        story += section("Volumes", volumes, styles)
    story += section("Decisions of people", _decisions(decided, styles), styles)
    story += section("Not read", _faults(verdicts, styles), styles)
    story += section("Set aside", _aside(aside, styles), styles)
    buffer = io.BytesIO()
    document = SimpleDocTemplate(
        buffer, pagesize=A4, title="Inspection report", author="ecgviz", leftMargin=18 * mm, rightMargin=18 * mm
    )
    document.build(story, onFirstPage=foot(made, INSPECTION_STATEMENT), onLaterPages=foot(made, INSPECTION_STATEMENT))
    return buffer.getvalue()


def _settings(checkpoint: Checkpoint, point: OperatingPoint, rule: StackRule, made: str) -> list[tuple[str, str]]:
    zone = "none" if point.grey_zone is None else f"{point.grey_zone[0]:.3f} to {point.grey_zone[1]:.3f}"
    rows = [
        ("date", made),
        ("network", f"{checkpoint.name} ({checkpoint.card.architecture})"),
        ("trained", checkpoint.card.date or "date unknown"),
        ("hash of the weights", checkpoint.sha256),
        ("threshold", f"{point.threshold:.4f}"),
        ("grey zone, to review", zone),
        ("version of the operating point", point.version),
        ("chosen on", point.chosen_on or "not said"),
        ("a stack is judged by", rule.describe()),
    ]
    if point.escape_cost is not None and point.overkill_cost is not None and point.prevalence is not None:
        words = (
            f"escape {point.escape_cost:g}, overkill {point.overkill_cost:g}, defects expected {point.prevalence:.2%}"
        )
        rows.append(("costs", words))
    rows += [("limits of the network", limit) for limit in checkpoint.card.limits]
    return rows


def _lot(head: Head, batch: Final | None, styles: dict[str, Any]) -> list[Any]:
    """Lot, serial number, inspector, the verdict on the whole, and a line to sign on."""
    named = (("lot", head.lot), ("serial number", head.serial), ("inspector", head.inspector), ("batch", head.name))
    rows: list[tuple[str, Any]] = [(name, value) for name, value in named if value]
    if batch is not None:
        own = batch.decision
        by = "the gravest of its parts" if own is None else f"decided by {own.who}: {own.reason}"
        rows.append(("verdict on the whole", f"{batch.verdict.upper()}, {by}"))
    rows.append(("signature and date", text("_" * 56, styles["body"])))
    return [facts(rows, styles)]


def _of_network(verdicts: Sequence[Verdict]) -> str:
    found = counts(verdicts)
    return ", ".join(f"{name} {found[name]}" for name in ("defect", "review", "normal"))


def _pictures(
    verdicts: Sequence[Verdict], checkpoint: Checkpoint, decisions: Decisions, styles: dict[str, Any]
) -> list[Any]:
    from reportlab.lib.units import mm
    from reportlab.platypus import Image, Table

    chosen = [one for one in worst_first(verdicts) if not math.isnan(one.score)][:WORST]
    cells = []
    for _, content in annotated_pictures(chosen, checkpoint, decisions=decisions, most_px=_PICTURE_PX):
        picture = Image(io.BytesIO(content))
        picture._restrictSize(84 * mm, 100 * mm)
        cells.append(picture)
    if not cells:
        return [text("None could be read.", styles["body"])]
    rows = [cells[i : i + 2] + [""] * (2 - len(cells[i : i + 2])) for i in range(0, len(cells), 2)]
    return [Table(rows, colWidths=[87 * mm] * 2, style=[("VALIGN", (0, 0), (-1, -1), "TOP")])]


def _decisions(decided: Sequence[Override], styles: dict[str, Any]) -> list[Any]:
    if not decided:
        return [text("Nothing: every verdict is the network's.", styles["body"])]
    rows = [(f"{one.file}, {one.time}", _decision(one)) for one in decided[:_MOST_ROWS]]
    return [facts(rows, styles), *_left_out(len(decided), styles)]


def _decision(one: Override) -> str:
    what = {"slice": f"slice {(one.slice_index or 0) + 1}: ", "batch": "the whole batch: "}.get(one.scope, "")
    if one.undone:
        return f"{what}{one.who} took back {one.old}"
    change = f"{one.new} confirmed" if one.old == one.new else f"{one.old} -> {one.new}"
    return f"{what}{change} by {one.who}: {one.reason}"


def _faults(verdicts: Sequence[Verdict], styles: dict[str, Any]) -> list[Any]:
    faults = [one for one in verdicts if one.error]
    if not faults:
        return [text("Every file could be read.", styles["body"])]
    rows = [(readable(Path(one.file).name), one.error) for one in faults[:_MOST_ROWS]]
    return [facts(rows, styles), *_left_out(len(faults), styles)]


def _aside(aside: Sequence[Aside], styles: dict[str, Any]) -> list[Any]:
    """How many files were not judged, and by name those that may hold a part."""
    if not aside:
        return [text("Nothing: every file is in the counts.", styles["body"])]
    unread = lost(aside)
    rows = [(readable(one.path.name), one.reason) for one in unread[:_MOST_ROWS]]
    listed = [facts(rows, styles), *_left_out(len(unread), styles)] if rows else []
    return [text(f"{aside_words(aside)}.", styles["body"]), *listed]


def _left_out(number: int, styles: dict[str, Any]) -> list[Any]:
    left = number - _MOST_ROWS
    return [text(f"{left} more are in the table of the export.", styles["body"])] if left > 0 else []
