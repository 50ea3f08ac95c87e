"""Augmentation of sheets: scanning, photography and handling, with one strength from 0 to 1 for all effects.

The sheet itself varies first (:func:`varied`: colours, faded grid, gain, rows), then what lies on it (handwriting), its
place before the camera (rotation, perspective), its light (creases, shadows) and the file (blur, noise, grey, JPEG).
"""

from __future__ import annotations

from io import BytesIO

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from models.data.ecg_paper import ROWS, Sheet

_GRIDS = ((1.0, 0.55, 0.55), (1.0, 0.75, 0.55), (0.6, 0.8, 0.65), (0.6, 0.7, 0.9), (0.7, 0.7, 0.7))
"""Hues that grids are printed in: red, orange, green, blue, grey."""


def varied(strength: float, generator: np.random.Generator) -> Sheet:
    """A sheet in a random printing style."""
    draw = generator.uniform
    hue = np.asarray(_GRIDS[generator.choice(len(_GRIDS), p=(0.5, 0.15, 0.1, 0.1, 0.15))])
    paper = 1 - strength * draw(0, 0.12, 3)
    dark = draw(0.55, 1.0)
    major = paper * (1 - strength * draw(0.2, 1.0) * (1 - hue * dark))
    minor = paper * (1 - strength * draw(0.1, 0.7) * (1 - hue * dark))
    together = draw(1 - 0.3 * strength, 1 + 0.3 * strength)
    return Sheet(
        paper=tuple(paper),
        minor=tuple(minor),
        major=tuple(major),
        trace=tuple(strength * draw(0, 0.35) * np.array([1, 1, draw(1, 1.6)])),
        trace_mm=draw(0.4 - 0.15 * strength, 0.4 + 0.3 * strength),
        grid=draw(1 - strength, 1),
        row_mm=tuple(draw(-3 * strength, 3 * strength, len(ROWS))),
        starts=tuple(draw(0, 1, 4)),
        gain=tuple(together * draw(1 - 0.3 * strength, 1 + 0.3 * strength, 12)),
        names_mm=draw(3, 5) if generator.random() > 0.2 * strength else 0.0,
    )


def scanned(page: np.ndarray, px_per_mm: float, strength: float, generator: np.random.Generator) -> np.ndarray:
    """A picture of the sheet, float32 (H, W, 3), 0 to 1; deterministic for a generator state.

    Args:
        page: of :func:`models.data.ecg_paper.draw`.
        px_per_mm: its pixels for a millimetre.
        strength: 0 leaves it as it is, 1 is a bad photograph of a used sheet.
        generator: of all that is drawn.
    """
    picture = Image.fromarray((page * 255).astype(np.uint8))
    if generator.random() < 0.4 * strength:
        scribble(picture, px_per_mm, generator)
    picture = moved(picture, strength, generator)
    values = np.asarray(picture, np.float32) / 255
    values *= shade(values.shape[:2], px_per_mm, strength, generator)[:, :, None]
    if generator.random() < 0.3 and strength:
        values = np.repeat(values.mean(axis=2, keepdims=True), 3, axis=2)
    values += generator.normal(0, 0.03 * strength * generator.random(), values.shape).astype(np.float32)
    return saved(np.clip(values, 0, 1), px_per_mm, strength, generator)


def scribble(picture: Image.Image, px_per_mm: float, generator: np.random.Generator) -> None:
    """Add handwriting: up to four words of looping strokes."""
    pen = ImageDraw.Draw(picture)
    colour = tuple(int(value) for value in generator.choice([[20, 20, 20], [30, 40, 130], [140, 30, 40]]))
    for _ in range(generator.integers(1, 5)):
        letters = np.arange(0, generator.uniform(3, 10), 0.08)
        height, slant = generator.uniform(1.0, 3.0), generator.uniform(-0.3, 0.5)
        loops = np.cumsum(generator.normal(0, 0.12, len(letters)))
        y = height * np.sin(2 * np.pi * letters + loops) * (1 + 0.5 * np.sin(letters * 1.7 + loops))
        x = 2.2 * letters + height * 0.6 * np.cos(2 * np.pi * letters + 2 * loops) - slant * y
        at = generator.uniform((0, 0), (picture.width * 0.8, picture.height))
        points = np.stack([x, y], axis=1) * px_per_mm + at
        pen.line([tuple(point) for point in points], colour, max(1, round(0.5 * px_per_mm)))


def moved(picture: Image.Image, strength: float, generator: np.random.Generator) -> Image.Image:
    """Rotate, tilt and scale the sheet by moving its four corners over a table."""
    width, height = picture.size
    centre = np.array([width, height]) / 2
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]]) - centre
    angle = np.deg2rad(generator.uniform(-4, 4) * strength)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    size = generator.uniform(1 - 0.12 * strength, 1 + 0.06 * strength)
    there = corners @ turn.T * size + generator.uniform(-0.03, 0.03, 2) * strength * (width, height) + centre
    there += generator.uniform(-0.025, 0.025, (4, 2)) * strength * (width, height)
    table = tuple(int(value) for value in generator.uniform(30, 255, 3))
    return picture.transform(
        picture.size, Image.Transform.PERSPECTIVE, homography(there, corners + centre), Image.Resampling.BILINEAR,
        fillcolor=table,
    )  # fmt: skip


def homography(origin: np.ndarray, target: np.ndarray) -> tuple[float, ...]:
    """The eight parameters of the perspective transform from four points ``origin`` to ``target``, (4, 2) each."""
    rows, wanted = [], []
    for (x, y), (u, v) in zip(origin, target, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        wanted += [u, v]
    return tuple(np.linalg.solve(np.array(rows), np.array(wanted)))


def shade(shape: tuple[int, int], px_per_mm: float, strength: float, generator: np.random.Generator) -> np.ndarray:
    """Illumination of the sheet: a soft shadow and up to three creases, factors float32 ``shape``."""
    height, width = shape
    coarse = Image.fromarray(generator.uniform(1 - 0.5 * strength, 1, (3, 4)).astype(np.float32))
    light = np.array(coarse.resize((width, height), Image.Resampling.BICUBIC))
    y, x = np.mgrid[:height, :width].astype(np.float32)
    for _ in range(generator.integers(0, 4) if generator.random() < strength else 0):
        angle, at = generator.uniform(0, np.pi), generator.uniform((0, 0), (width, height))
        across = ((x - at[0]) * np.cos(angle) + (y - at[1]) * np.sin(angle)) / px_per_mm
        light *= 1 + generator.uniform(-0.3, 0.15) * strength * np.exp(-np.square(across / generator.uniform(0.5, 2)))
    return light


def saved(values: np.ndarray, px_per_mm: float, strength: float, generator: np.random.Generator) -> np.ndarray:
    """Blur and compress as JPEG, float32 (H, W, 3)."""
    picture = Image.fromarray((values * 255).astype(np.uint8))
    radius = generator.uniform(0, 0.4) * strength * px_per_mm
    if radius > 0.1:
        picture = picture.filter(ImageFilter.GaussianBlur(radius))
    if generator.random() < 0.7 * strength:
        file = BytesIO()
        picture.save(file, "JPEG", quality=int(generator.integers(35, 95)))
        picture = Image.open(file)
    return np.asarray(picture, np.float32) / 255
