"""Augmented sheets of the training's style, mishandled sheets, and pictures that are no sheets."""

from __future__ import annotations

from io import BytesIO

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from models.data.ecg_paper import draw
from models.data.ecg_scan import scanned, varied
from models.sheets.composer import WORDS
from models.sheets.styles import STYLES, Style
from readers.core.lead_names import TWELVE_LEADS

RESOLUTIONS = (1.0, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0)
"""Pixels for a millimetre at which the training's own sheets are drawn: as the network reads them, and as scans are."""


def own(
    signal_mm: np.ndarray, fs: float, generator: np.random.Generator, strength: float, px_per_mm: float
) -> np.ndarray:
    """A sheet in the training's style after scan and compression, uint8 (h, w, 3).

    Args:
        signal_mm: the twelve standard leads in mm of paper, float (12, n).
        fs: their sampling frequency, Hz.
        generator: of the changes.
        strength: of the changes, 0 to 1.
        px_per_mm: pixels for a millimetre.
    """
    sheet = varied(strength, generator) if strength else None
    page = draw(signal_mm, fs, TWELVE_LEADS, px_per_mm, mm_per_unit=1.0, sheet=sheet)
    if strength:
        page = scanned(page, px_per_mm, strength, generator)
    pixels = np.rint(page * 255).astype(np.uint8)
    return _through_jpeg(pixels, int(generator.integers(60, 96))) if generator.random() < 0.5 else pixels


def any_own(signal_mm: np.ndarray, fs: float, generator: np.random.Generator) -> np.ndarray:
    """A sheet in the training's style: as drawn, augmented as in training, or photographed worse."""
    strength = generator.choice([0.0, generator.uniform(0, 0.35), generator.uniform(0.35, 1.0)], p=[0.2, 0.25, 0.55])
    return own(signal_mm, fs, generator, float(strength), float(generator.choice(RESOLUTIONS)))


def any_sheet(signal_mm: np.ndarray, fs: float, generator: np.random.Generator) -> np.ndarray:
    """A sheet of any style, half of them in the training's."""
    if generator.random() < 0.5:
        return any_own(signal_mm, fs, generator)
    style = list(STYLES.values())[generator.integers(len(STYLES))]
    return style(signal_mm, fs, generator)


def turned(signal_mm: np.ndarray, fs: float, generator: np.random.Generator) -> np.ndarray:
    """A sheet rotated by a quarter or half turn, or mirrored."""
    pixels = any_sheet(signal_mm, fs, generator)
    turn = int(generator.integers(4))
    return np.ascontiguousarray(pixels[:, ::-1] if turn == 0 else np.rot90(pixels, turn))


def parts(signal_mm: np.ndarray, fs: float, generator: np.random.Generator) -> np.ndarray:
    """A crop of a sheet: half of it, a few leads, a few rows."""
    pixels = any_sheet(signal_mm, fs, generator)
    height, width = pixels.shape[:2]
    rows, columns = (1.0, generator.uniform(0.25, 0.75))[:: int(generator.choice([-1, 1]))]
    if generator.random() < 0.4:
        rows, columns = generator.uniform(0.3, 0.7, 2)
    tall, wide = max(16, int(rows * height)), max(16, int(columns * width))
    top, left = generator.integers(0, height - tall + 1), generator.integers(0, width - wide + 1)
    return pixels[top : top + tall, left : left + wide]


def several(signal_mm: np.ndarray, fs: float, generator: np.random.Generator) -> np.ndarray:
    """Two to four sheets in one picture."""
    sheets = [Image.fromarray(any_sheet(signal_mm, fs, generator)) for _ in range(generator.integers(2, 5))]
    columns = int(generator.integers(1, 3))
    wide, gap = 420, int(generator.integers(0, 30))
    sheets = [one.resize((wide, max(1, round(one.height * wide / one.width)))) for one in sheets]
    tall = max(one.height for one in sheets) + gap
    lines = -(-len(sheets) // columns)
    page = Image.new("RGB", (columns * (wide + gap), lines * tall), _any_colour(generator))
    for number, one in enumerate(sheets):
        page.paste(one, (number % columns * (wide + gap), number // columns * tall))
    return np.asarray(page)


def window(signal_mm: np.ndarray, fs: float, generator: np.random.Generator) -> np.ndarray:
    """A screenshot: the sheet in a program's window, with bars and text."""
    size = (int(generator.integers(640, 1100)), int(generator.integers(420, 720)))
    screen = Image.new("RGB", size, _any_colour(generator))
    pen = ImageDraw.Draw(screen)
    ink = _any_colour(generator)
    for _ in range(generator.integers(3, 14)):
        at = generator.uniform((0, 0), size)
        pen.text(tuple(at), str(generator.choice(WORDS)), ink, ImageFont.load_default(int(generator.integers(9, 20))))
    pen.rectangle((0, 0, size[0], int(generator.integers(14, 60))), _any_colour(generator))
    pen.rectangle((0, 0, int(generator.integers(0, 160)), size[1]), _any_colour(generator))
    sheet = Image.fromarray(any_sheet(signal_mm, fs, generator))
    wide = int(size[0] * generator.uniform(0.4, 0.8))
    sheet = sheet.resize((wide, max(1, round(sheet.height * wide / sheet.width))))
    corner = generator.uniform((0, 40), (size[0] - wide, max(41, size[1] - sheet.height)))
    screen.paste(sheet, tuple(int(value) for value in corner))
    return np.asarray(screen)


def table(signal_mm: np.ndarray, fs: float, generator: np.random.Generator) -> np.ndarray:
    """A small, oblique photograph of a sheet of another style on a table."""
    style = list(STYLES.values())[generator.integers(len(STYLES))]
    sheet = Image.fromarray(style(signal_mm, fs, generator))
    wide = int(generator.integers(350, 700))
    sheet = sheet.resize((wide, max(1, round(sheet.height * wide / sheet.width)))).convert("RGBA")
    size = (900, int(generator.choice([675, 506, 1200])))
    scene = Image.fromarray(_texture(generator, (size[1], size[0])))
    sheet = sheet.rotate(generator.uniform(-25, 25), Image.Resampling.BILINEAR, expand=True)
    corner = generator.uniform((-50, -50), (size[0] - wide, max(size[1] - sheet.height, 0) + 50))
    scene.paste(sheet, tuple(int(value) for value in corner), sheet)
    values = np.asarray(scene, np.float32) / 255
    picture: np.ndarray = np.rint(scanned(values, 3.0, generator.uniform(0, 0.6), generator) * 255).astype(np.uint8)
    return picture


def text(_signal_mm: np.ndarray, _fs: float, generator: np.random.Generator) -> np.ndarray:
    """A page of text, a table or a form."""
    size = (int(generator.integers(300, 900)), int(generator.integers(300, 900)))
    page = Image.new("RGB", size, (255, 255, 255) if generator.random() < 0.7 else _any_colour(generator))
    pen, y, height = ImageDraw.Draw(page), 20.0, int(generator.integers(9, 26))
    font, ink = ImageFont.load_default(height), tuple(int(value) for value in generator.integers(0, 90, 3))
    while y < size[1] - 20:
        words = " ".join(generator.choice(WORDS, generator.integers(1, 9)))
        pen.text((20, y), words, ink, font)
        y += height * generator.uniform(1.1, 2.2)
        if generator.random() < 0.1:
            pen.line([(20, y), (size[0] - 20, y)], ink, 2)
    return np.asarray(page)


def textures(_signal_mm: np.ndarray, _fs: float, generator: np.random.Generator) -> np.ndarray:
    """Neither sheet nor text: blank, noise, gradients, clouds, discs and lines."""
    return _texture(generator, (int(generator.integers(120, 700)), int(generator.integers(120, 900))))


HANDLED: dict[str, Style] = {
    "turned": turned,
    "parts": parts,
    "several on one": several,
    "screenshots": window,
    "on a table": table,
    "text": text,
    "no sheets": textures,
}


def _through_jpeg(pixels: np.ndarray, quality: int) -> np.ndarray:
    file = BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file))


def _any_colour(generator: np.random.Generator) -> tuple[int, int, int]:
    red, green, blue = (int(value) for value in generator.integers(0, 256, 3))
    return red, green, blue


def _texture(generator: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    """A random colour pattern, uint8 (h, w, 3)."""
    height, width = shape
    first, second = generator.integers(0, 256, (2, 3))
    kind = generator.integers(5)
    if kind == 0:
        share = np.zeros(shape, np.float32)
    elif kind == 1:
        share = generator.random(shape, np.float32)
    else:
        cells = int(generator.integers(2, 40))
        coarse = Image.fromarray(generator.random((cells, cells), np.float32))
        share = np.clip(np.asarray(coarse.resize((width, height), Image.Resampling.BICUBIC)), 0, 1)
    picture = Image.fromarray((first + share[:, :, None] * (second - first)).astype(np.uint8))
    if kind == 4:
        pen = ImageDraw.Draw(picture)
        for _ in range(generator.integers(1, 30)):
            corners = generator.uniform((0, 0, 0, 0), (width, height, width, height))
            box = (*np.minimum(corners[:2], corners[2:]), *np.maximum(corners[:2], corners[2:]))
            (pen.ellipse if generator.random() < 0.5 else pen.rectangle)(box, outline=_any_colour(generator), width=3)
        picture = picture.filter(ImageFilter.GaussianBlur(generator.uniform(0, 2)))
    return np.asarray(picture)
