"""What the PDF reports share: fonts, styles, text that is no markup, tables, and the foot of each page."""

from __future__ import annotations

import html
import unicodedata
from collections.abc import Sequence
from typing import Any

from ecgviz.figures.fonts import EAST_ASIAN, east_asian_font_files, font_file, script_of
from models.checkpoints import STATEMENT
from readers.core.once import once

FONT, BOLD, _OTHER = "ReportSans", "ReportSans-Bold", "ReportOther"
LINE, HEAD, FAINT = "#d1d5db", "#f3f4f6", "#6b7280"
_NAMED = {"korean": "HYGothic-Medium", "japanese": "HeiseiKakuGo-W5", "chinese": "STSong-Light"}
"""Fonts that a viewer brings itself, for letters that no font of this system has."""


@once
def register_fonts() -> None:
    """Fonts, and how reportlab writes; once, since a font keeps which of its letters each document uses: replaced while
    another report is made, it forgets them."""
    from reportlab import rl_config
    from reportlab.pdfbase.cidfonts import UnicodeCIDFont
    from reportlab.pdfbase.pdfmetrics import registerFont, registerFontFamily
    from reportlab.pdfbase.ttfonts import TTFError, TTFont

    rl_config.useA85 = 0  # printable characters: a quarter larger, and a quarter of the time of a report
    registerFont(TTFont(FONT, font_file()))
    registerFont(TTFont(BOLD, font_file(bold=True)))
    registerFontFamily(FONT, normal=FONT, bold=BOLD, italic=FONT, boldItalic=BOLD)
    for name in _NAMED.values():
        registerFont(UnicodeCIDFont(name))
    for number, path in enumerate(east_asian_font_files()):
        try:
            registerFont(TTFont(f"{_OTHER}{number}", path))
        except (TTFError, OSError):  # a font of PostScript outlines, which cannot be embedded
            continue


def markup(text: str) -> str:
    """Text for a paragraph: nothing in it is markup, and letters that the report's font lacks get one that has them."""
    register_fonts()
    whole = html.escape(unicodedata.normalize("NFC", text))  # no font of a reader's has the halves of a Korean letter
    return EAST_ASIAN.sub(lambda found: f'<font name="{_font_for(found[0])}">{found[0]}</font>', whole)


def text(words: str, style: Any) -> Any:
    """A paragraph; what comes from files is text and no markup."""
    from reportlab.platypus import Paragraph

    return Paragraph(markup(words), style)


def linked(words: str, address: str, style: Any) -> Any:
    """A paragraph that leads to an address; plain text where there is none."""
    from reportlab.platypus import Paragraph

    if not address:
        return text(words, style)
    return Paragraph(f'<a href="{html.escape(address, quote=True)}" color="#0b5394">{markup(words)}</a>', style)


def section(title: str, content: Sequence[Any], styles: dict[str, Any]) -> list[Any]:
    """A heading with what stands below it."""
    return [text(title, styles["heading"]), *content]


def facts(rows: Sequence[tuple[str, object]], styles: dict[str, Any]) -> Any:
    """Names and values, a line each; a value may be a paragraph."""
    from reportlab.lib.units import mm

    cells = [
        [text(str(name), styles["body"]), value if _is_flowable(value) else text(str(value), styles["body"])]
        for name, value in rows
    ]
    return _table(cells, [55 * mm, 119 * mm], [])


def table(
    head: Sequence[str],
    rows: Sequence[Sequence[object]],
    widths_mm: Sequence[float],
    styles: dict[str, Any],
    left: Sequence[int] = (0,),
) -> Any:
    """A table with a head that is repeated on each page; all columns but those in ``left`` are flush right."""
    from reportlab.lib.units import mm

    cells = [[text(name, styles["head" if i in left else "head right"]) for i, name in enumerate(head)]]
    cells += [
        [
            one if _is_flowable(one) else text(str(one), styles["first" if column in left else "cell"])
            for column, one in enumerate(row)
        ]
        for row in rows
    ]
    return _table(cells, [width * mm for width in widths_mm], [("BACKGROUND", (0, 0), (-1, 0), HEAD)], repeatRows=1)


def foot(made: str, statement: str = STATEMENT) -> Any:
    """What draws the foot of a page."""

    def draw(canvas: Any, document: Any) -> None:
        canvas.setFont(FONT, 7)
        canvas.drawString(document.leftMargin, 24, f"{statement} {made}")
        canvas.drawRightString(document.pagesize[0] - document.rightMargin, 24, f"page {document.page}")

    return draw


def report_styles() -> dict[str, Any]:
    """Styles in a font that knows more than Latin letters: file names and reasons come from people everywhere."""
    from reportlab.lib.enums import TA_RIGHT
    from reportlab.lib.styles import ParagraphStyle

    register_fonts()
    body = ParagraphStyle("body", fontName=FONT, fontSize=8.5, leading=11.5, splitLongWords=1)
    cell = ParagraphStyle("cell", parent=body, fontSize=7.5, leading=9.5, alignment=TA_RIGHT)
    return {
        "body": body,
        "title": ParagraphStyle("title", parent=body, fontName=BOLD, fontSize=17, leading=24),
        "heading": ParagraphStyle(
            "heading", parent=body, fontName=BOLD, fontSize=11, leading=15, spaceBefore=10, keepWithNext=1
        ),
        "cell": cell,
        "first": ParagraphStyle("first", parent=cell, alignment=0),
        "head": ParagraphStyle("head", parent=cell, fontName=BOLD, fontSize=6.5, alignment=0),
        "head right": ParagraphStyle("head right", parent=cell, fontName=BOLD, fontSize=6.5),
        "note": ParagraphStyle("note", parent=body, fontSize=7.5, leading=10, textColor=FAINT),
        "urgent": ParagraphStyle("urgent", parent=body, fontSize=9.5, leading=13),
    }


def _table(cells: list[list[Any]], widths: list[float], style: list[tuple], **options: Any) -> Any:
    from reportlab.platypus import Table

    lines = [
        ("LINEBELOW", (0, 0), (-1, -1), 0.25, LINE), ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("TOPPADDING", (0, 0), (-1, -1), 1.5), ("BOTTOMPADDING", (0, 0), (-1, -1), 2),
        ("LEFTPADDING", (0, 0), (-1, -1), 2), ("RIGHTPADDING", (0, 0), (-1, -1), 2),
    ]  # fmt: skip
    return Table(cells, colWidths=widths, style=[*lines, *style], hAlign="LEFT", **options)


def _is_flowable(value: object) -> bool:
    from reportlab.platypus import Flowable

    return isinstance(value, Flowable)


def _font_for(letters: str) -> str:
    """A font of this system that has all of the letters, embedded; else one that the viewer is to bring."""
    from reportlab.pdfbase.pdfmetrics import getFont, getRegisteredFontNames

    for name in getRegisteredFontNames():
        if name.startswith(_OTHER) and all(ord(one) in getFont(name).face.charToGlyph for one in letters):
            return str(name)
    return _NAMED[script_of(letters)]
