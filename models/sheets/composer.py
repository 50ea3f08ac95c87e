"""Draws sheets as other software and devices do: any lead layout, grid, colours, names and text.

Pillow draws them, so nothing of :mod:`models.data.ecg_paper` (the training's own renderer) is in them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from PIL import Image, ImageDraw, ImageFont

Colour = tuple[int, int, int]
Box = tuple[float, float, float, float]  # left, top, width, height, mm
WORDS = (
    "Patient ID 4711-0815", "Vent. rate 72 bpm", "PR interval 164 ms", "QRS duration 92 ms", "QT/QTc 388/412 ms",
    "P-R-T axes 54 31 42", "Normal sinus rhythm", "Unconfirmed", "25 mm/s  10 mm/mV", "0.05-150 Hz", "12 lead ECG",
    "Male 61 yr", "Technician: 27", "2019-03-14 10:42", "Referred by: A. B.", "Room 12", "Nonspecific T wave change",
    "Borderline ECG", "Ward 3 West", "Comment:", "Speed: 25 mm/sec  Limb: 10 mm/mV  Chest: 10.0 mm/mV", "F 60~",
)  # fmt: skip
_SUPERSAMPLED = 2
_STANDARD = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")


@dataclass(frozen=True)
class Layout:
    """Layout of the leads; lengths in mm.

    Attributes:
        rows: names of the leads by row, from left to right.
        size: width and height of the sheet.
        margins: left, right, top and bottom around the rows.
        gain: amplitude as a multiple of the usual 10 mm/mV.
        speed: mm/s.
        pulse: where the calibration pulse stands: left, right or none.
        breaks: what stands between leads of a row: nothing, ticks or lines.
        names: where a lead's name stands: above, below, beside or none.
        in_time: whether a column goes on where the one before it ends.
    """

    rows: tuple[tuple[str, ...], ...]
    size: tuple[float, float] = (280.0, 200.0)
    margins: tuple[float, float, float, float] = (12.0, 8.0, 35.0, 10.0)
    gain: float = 1.0
    speed: float = 25.0
    pulse: str = "left"
    breaks: str = "none"
    names: str = "above"
    in_time: bool = True


@dataclass(frozen=True)
class DrawingStyle:
    """Colours (0 to 255), grid and text of a sheet; lengths in mm.

    Attributes:
        paper, minor, major, trace, text: colours.
        grid: lines, major (those alone), dots, crosses or none.
        period: between minor lines; major ones are five times as far apart.
        trace_mm, names_mm: width of the traces and height of the lead names.
        head, foot: lines of text above and below.
        axes: frames, ticks and numbers around each lead, as plots have them.
        colours: traces in colours of their own, taken in turn; none for one colour.
    """

    paper: Colour = (255, 255, 255)
    minor: Colour = (250, 215, 215)
    major: Colour = (240, 160, 160)
    trace: Colour = (0, 0, 0)
    text: Colour = (0, 0, 0)
    grid: str = "lines"
    period: float = 1.0
    trace_mm: float = 0.35
    names_mm: float = 3.5
    head: int = 0
    foot: int = 0
    axes: bool = False
    colours: tuple[Colour, ...] = ()


def compose(
    signal_mm: np.ndarray,
    fs: float,
    layout: Layout,
    style: DrawingStyle,
    px_per_mm: float,
    generator: np.random.Generator,
) -> np.ndarray:
    """Draw a sheet, uint8 (h, w, 3).

    Args:
        signal_mm: the twelve standard leads, I to V6, mm of paper at 10 mm/mV, float (12, n).
        fs: their sampling frequency, Hz.
        layout, style: how it is drawn.
        px_per_mm: pixels for a millimetre.
        generator: of what the text says.
    """
    scale = px_per_mm * _SUPERSAMPLED
    width, height = (round(side * scale) for side in layout.size)
    sheet = Image.new("RGB", (width, height), style.paper)
    pen = ImageDraw.Draw(sheet)
    if not style.axes:
        _grid(pen, (width, height), style, scale)
    left, right, top, bottom = layout.margins
    room = (layout.size[0] - left - right, layout.size[1] - top - bottom)
    row_mm, number = room[1] / len(layout.rows), 0
    for at, row in enumerate(layout.rows):
        part = room[0] / len(row)
        for column, name in enumerate(row):
            box = (left + column * part, top + at * row_mm, part, row_mm)
            colour = style.colours[number % len(style.colours)] if style.colours else style.trace
            if style.axes:
                _frame(pen, box, style, scale)
            _trace(pen, _cut(signal_mm, fs, name, column, layout, part), box, layout, colour, style.trace_mm, scale)
            _name(pen, name, box, layout.names, style, scale)
            if layout.breaks != "none" and column:
                reach = row_mm / 2 if layout.breaks == "lines" else 4.0
                middle = box[1] + row_mm / 2
                _line(pen, [(box[0], middle - reach), (box[0], middle + reach)], style.trace, style.trace_mm, scale)
            number += 1
        _pulse(pen, top + (at + 0.5) * row_mm, layout, style, scale)
    _text(pen, layout, style, scale, generator)
    return np.asarray(sheet.resize((width // _SUPERSAMPLED, height // _SUPERSAMPLED), Image.Resampling.BOX))


def _cut(signal_mm: np.ndarray, fs: float, name: str, column: int, layout: Layout, part: float) -> np.ndarray:
    """Samples shown in a lead's box."""
    lead = signal_mm[_STANDARD.index(name.lstrip("-"))] * (-1 if name.startswith("-") else 1)
    count = max(2, round(part / layout.speed * fs))
    first = column * count if layout.in_time else 0
    return np.take(lead, np.arange(first, first + count), mode="wrap")


def _trace(
    pen: ImageDraw.ImageDraw, samples: np.ndarray, box: Box, layout: Layout, colour: Colour, width: float, scale: float
) -> None:
    left, top, part, row_mm = box
    x = left + np.linspace(0, part, len(samples))
    y = top + row_mm / 2 - samples * layout.gain
    _line(pen, np.stack([x, y], axis=1), colour, width, scale)


def _line(pen: ImageDraw.ImageDraw, points: ArrayLike, colour: Colour, width: float, scale: float) -> None:
    pen.line([tuple(point) for point in np.asarray(points) * scale], colour, max(1, round(width * scale)))


def _grid(pen: ImageDraw.ImageDraw, size: tuple[int, int], style: DrawingStyle, scale: float) -> None:
    if style.grid == "none":
        return
    minor, major = style.period * scale, 5 * style.period * scale
    if style.grid in ("dots", "crosses"):
        reach = 0.12 * scale if style.grid == "dots" else 0.6 * scale
        step = minor if minor >= 4 else major
        for x in np.arange(0, size[0], step):
            for y in np.arange(0, size[1], step):
                pen.line([(x - reach, y), (x + reach, y)], style.minor)
                pen.line([(x, y - reach), (x, y + reach)], style.minor)
        minor = 0
    every = [(minor, style.minor, 0.1), (major, style.major, 0.2)]
    for step, colour, width in every:
        if step < 3 or (style.grid == "major" and colour == style.minor):
            continue
        thick = max(1, round(width * scale))
        for x in np.arange(0, size[0], step):
            pen.line([(x, 0), (x, size[1])], colour, thick)
        for y in np.arange(0, size[1], step):
            pen.line([(0, y), (size[0], y)], colour, thick)


def _frame(pen: ImageDraw.ImageDraw, box: Box, style: DrawingStyle, scale: float) -> None:
    """Axes as of plotting software: a box, ticks, numbers, sometimes faint lines."""
    left, top, part, row_mm = box
    inner = [(left + 1) * scale, (top + 1) * scale, (left + part - 3) * scale, (top + row_mm - 1.5) * scale]
    pen.rectangle(inner, outline=style.text)
    font = ImageFont.load_default(max(6, 2.2 * scale))
    for place, share in enumerate(np.linspace(0, 1, 5)):
        x, y = inner[0] + share * (inner[2] - inner[0]), inner[1] + share * (inner[3] - inner[1])
        if style.grid != "none":
            pen.line([(x, inner[1]), (x, inner[3])], style.minor)
            pen.line([(inner[0], y), (inner[2], y)], style.minor)
        pen.line([(x, inner[3]), (x, inner[3] + scale)], style.text)
        pen.line([(inner[0] - scale, y), (inner[0], y)], style.text)
        pen.text((x - scale, inner[3] + scale), f"{place * 0.5:g}", style.text, font)


def _name(pen: ImageDraw.ImageDraw, name: str, box: Box, where: str, style: DrawingStyle, scale: float) -> None:
    if where == "none" or not style.names_mm:
        return
    left, top, _, row_mm = box
    y = {"above": top + 0.12 * row_mm, "below": top + 0.62 * row_mm, "beside": top + row_mm / 2 - style.names_mm / 2}
    x = left + 1 if where != "beside" else left - 3 * style.names_mm
    pen.text((max(x, 0) * scale, y[where] * scale), name, style.text, ImageFont.load_default(style.names_mm * scale))


def _pulse(pen: ImageDraw.ImageDraw, base: float, layout: Layout, style: DrawingStyle, scale: float) -> None:
    if layout.pulse == "none":
        return
    wide, high = 5 * layout.speed / 25, 10 * layout.gain
    x = max(layout.margins[0] - wide - 3, 0) if layout.pulse == "left" else layout.size[0] - layout.margins[1] - 1
    edges = [(x, base), (x + 1, base), (x + 1, base - high), (x + 1 + wide, base - high), (x + 1 + wide, base)]
    _line(pen, [*edges, (x + 2 + wide, base)], style.trace, style.trace_mm, scale)


def _text(
    pen: ImageDraw.ImageDraw, layout: Layout, style: DrawingStyle, scale: float, generator: np.random.Generator
) -> None:
    size = generator.uniform(2.2, 4.5)
    font = ImageFont.load_default(size * scale)
    for lines, begin in ((style.head, 2.0), (style.foot, layout.size[1] - style.foot * 1.4 * size - 1)):
        for line in range(lines):
            x = 3.0
            while x < layout.size[0] * generator.uniform(0.5, 1.0):
                words = str(generator.choice(WORDS))
                pen.text((x * scale, (begin + line * 1.4 * size) * scale), words, style.text, font)
                x += len(words) * size * 0.6 + generator.uniform(4, 40)
