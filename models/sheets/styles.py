"""Drawing styles of foreign sheets, randomised for every picture, as training data of the detector.

A style is a function from a recording and a random generator to a picture. :data:`STYLES` names them, so that one can
be left out to see what a style that was never seen gets.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import numpy as np

from models.data.ecg_paper import MARGINS_MM, ROWS
from models.data.ecg_scan import scanned
from models.sheets.composer import Colour, DrawingStyle, Layout, compose

Style = Callable[[np.ndarray, float, np.random.Generator], np.ndarray]
THREE = (("I", "aVR", "V1", "V4"), ("II", "aVL", "V2", "V5"), ("III", "aVF", "V3", "V6"))
SIX = tuple(zip(("I", "II", "III", "aVR", "aVL", "aVF"), ("V1", "V2", "V3", "V4", "V5", "V6"), strict=True))
TWELVE = tuple((name,) for name in ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6"))
CABRERA = (("aVL", "aVF", "V1", "V4"), ("I", "III", "V2", "V5"), ("-aVR", "aVR", "V3", "V6"))
_PAPERS = ((255, 255, 255), (255, 250, 245), (253, 240, 236), (250, 250, 240), (255, 235, 235), (236, 244, 250))
_HUES = ((1.0, 0.45, 0.45), (1.0, 0.65, 0.4), (1.0, 0.5, 0.75), (0.5, 0.75, 0.55), (0.5, 0.6, 0.95), (0.6, 0.6, 0.6))


def _drawing_style(rng: np.random.Generator, **fixed: Any) -> DrawingStyle:
    """A random drawing style in the usual colours."""
    paper = np.array(_PAPERS[rng.integers(len(_PAPERS))])
    hue = np.array(_HUES[rng.integers(len(_HUES))])
    ink = rng.choice([[0, 0, 0], [20, 20, 60], [60, 20, 20], [20, 30, 140]], p=[0.7, 0.1, 0.1, 0.1])
    mix = rng.uniform(0.15, 0.9)
    usual = DrawingStyle(
        paper=_colour(paper),
        minor=_colour(paper * (1 - mix * 0.6) + paper * hue * mix * 0.6),
        major=_colour(paper * (1 - mix) + paper * hue * mix),
        trace=_colour(ink),
        text=_colour(ink * rng.integers(0, 2)),
        grid=str(rng.choice(["lines", "major", "dots", "crosses", "none"], p=[0.6, 0.17, 0.1, 0.03, 0.1])),
        period=float(rng.choice([1.0, rng.uniform(0.7, 2.0)], p=[0.7, 0.3])),
        trace_mm=rng.uniform(0.15, 0.7),
        names_mm=rng.uniform(2.2, 6.0),
        head=int(rng.integers(0, 7)),
        foot=int(rng.integers(0, 3)),
    )
    return replace(usual, **fixed)


def _layout(rng: np.random.Generator, rows: Iterable[Iterable[str]], **fixed: Any) -> Layout:
    """A random layout of usual proportions."""
    width = rng.uniform(200, 300)
    top = rng.uniform(2, 60)
    usual = Layout(
        rows=tuple(tuple(row) for row in rows),
        size=(width, width * rng.choice([1 / 2.2, 210 / 297, 8.5 / 11, 3 / 4, 9 / 16, rng.uniform(0.4, 1.3)])),
        margins=(rng.uniform(2, 20), rng.uniform(1, 15), top, rng.uniform(2, 25)),
        gain=float(rng.choice([0.5, 1.0, 1.5, 2.0], p=[0.2, 0.6, 0.1, 0.1])),
        speed=float(rng.choice([12.5, 25, 50, rng.uniform(15, 45)], p=[0.1, 0.6, 0.1, 0.2])),
        pulse=str(rng.choice(["left", "right", "none"], p=[0.4, 0.15, 0.45])),
        breaks=str(rng.choice(["none", "ticks", "lines"], p=[0.5, 0.35, 0.15])),
        names=str(rng.choice(["above", "below", "beside", "none"], p=[0.5, 0.25, 0.2, 0.05])),
        in_time=bool(rng.integers(0, 2)),
    )
    return replace(usual, **fixed)


def _drawn(signal: np.ndarray, fs: float, layout: Layout, style: DrawingStyle, rng: np.random.Generator) -> np.ndarray:
    """A drawn page, half of the time scanned or photographed."""
    px_per_mm = rng.uniform(1.6, 4.0)
    page = compose(signal, fs, layout, style, px_per_mm, rng)
    if rng.random() < 0.5:
        return page
    changed = scanned(page.astype(np.float32) / 255, px_per_mm, rng.uniform(0.1, 1.0), rng)
    pixels: np.ndarray = np.rint(changed * 255).astype(np.uint8)
    return pixels


def clinic(signal: np.ndarray, fs: float, rng: np.random.Generator) -> np.ndarray:
    """3x4 with a rhythm strip below a heading, as electrocardiographs print it."""
    rhythm = (str(rng.choice(["II", "V1", "V5"])),)
    return _drawn(signal, fs, _layout(rng, (*THREE, rhythm)), _drawing_style(rng, head=int(rng.integers(0, 7))), rng)


def strips(signal: np.ndarray, fs: float, rng: np.random.Generator) -> np.ndarray:
    """3x4 without a rhythm strip, or with two or three."""
    rhythms = tuple((name,) for name in ("V1", "II", "V5")[: rng.choice([0, 2, 3])])
    return _drawn(signal, fs, _layout(rng, (*THREE, *rhythms)), _drawing_style(rng), rng)


def six_by_two(signal: np.ndarray, fs: float, rng: np.random.Generator) -> np.ndarray:
    """Six rows of two, with or without a rhythm strip."""
    rhythm = (("II",),) if rng.random() < 0.35 else ()
    return _drawn(signal, fs, _layout(rng, (*SIX, *rhythm)), _drawing_style(rng), rng)


def twelve_rows(signal: np.ndarray, fs: float, rng: np.random.Generator) -> np.ndarray:
    """Twelve rows, one lead each."""
    order = TWELVE if rng.random() < 0.7 else TWELVE[::-1]
    return _drawn(signal, fs, _layout(rng, order), _drawing_style(rng), rng)


def arrangements(signal: np.ndarray, fs: float, rng: np.random.Generator) -> np.ndarray:
    """Cabrera order, four rows of three, two rows of six, three columns, or four columns in reverse."""
    names = [row[0] for row in TWELVE]
    by_row = tuple(tuple(names[first : first + 4]) for first in (0, 4, 8))
    choices = (
        (*CABRERA, ("II",)), CABRERA, tuple(zip(*THREE, strict=True)), (tuple(names[:6]), tuple(names[6:])), by_row,
        (*by_row, ("II",)), tuple(tuple(names[first : first + 3]) for first in (0, 3, 6, 9)),
    )  # fmt: skip
    return _drawn(signal, fs, _layout(rng, choices[rng.integers(len(choices))]), _drawing_style(rng), rng)


def few_leads(signal: np.ndarray, fs: float, rng: np.random.Generator) -> np.ndarray:
    """One to eight leads in rows: strips of monitors, Holters and watches."""
    names = rng.permutation([row[0] for row in TWELVE])[: rng.integers(1, 9)]
    return _drawn(signal, fs, _layout(rng, [(name,) for name in names]), _drawing_style(rng), rng)


def monitor(signal: np.ndarray, fs: float, rng: np.random.Generator) -> np.ndarray:
    """Bright traces on a dark screen."""
    dark = rng.integers(0, 60, 3)
    bright = _colour(rng.choice([[60, 255, 80], [255, 255, 255], [255, 230, 60], [80, 220, 255], [255, 90, 90]]))
    style = _drawing_style(
        rng, paper=_colour(dark), minor=_colour(dark + 25), major=_colour(dark + rng.integers(30, 80)), trace=bright,
        text=bright,
    )  # fmt: skip
    rows = (*THREE, ("II",)), SIX, TWELVE, THREE, (("I",), ("II",), ("V1",)), TWELVE[:6]
    return _drawn(signal, fs, _layout(rng, rows[rng.integers(len(rows))]), style, rng)


def plots(signal: np.ndarray, fs: float, rng: np.random.Generator) -> np.ndarray:
    """Plots by plotting software: frames and numbers around each lead, or bare curves on white."""
    cycle = ((31, 119, 180), (255, 127, 14), (44, 160, 44), (214, 39, 40), (148, 103, 189))
    choice = rng.random()
    style = _drawing_style(
        rng, paper=(255, 255, 255), minor=(225, 225, 225), grid=str(rng.choice(["lines", "none"])),
        axes=bool(rng.random() < 0.7), trace=cycle[rng.integers(5)] if choice < 0.5 else (0, 0, 0),
        colours=cycle if choice > 0.8 else (), text=(30, 30, 30), head=int(rng.integers(0, 2)), foot=0,
    )  # fmt: skip
    rows = (*THREE, ("II",)), SIX, TWELVE, THREE, TWELVE[:3], TWELVE[:1], tuple(zip(*THREE, strict=True))
    return _drawn(signal, fs, _layout(rng, rows[rng.integers(len(rows))], pulse="none"), style, rng)


def tinted(signal: np.ndarray, fs: float, rng: np.random.Generator) -> np.ndarray:
    """Dense coloured paper with a small 3x4, separators between the leads and writing above."""
    paper = rng.integers(150, 256, 3)
    style = _drawing_style(
        rng, paper=_colour(paper), minor=_colour(paper * rng.uniform(0.4, 0.9)), grid="lines",
        major=_colour(paper * rng.uniform(0.3, 0.8, 3)), period=rng.uniform(0.6, 1.5), head=int(rng.integers(0, 3)),
    )  # fmt: skip
    layout = _layout(rng, (*THREE, ("II",)), names="below", pulse="left", breaks=str(rng.choice(["ticks", "none"])))
    top = rng.uniform(10, 80)
    size = (layout.size[0], layout.size[0] * rng.uniform(0.7, 0.85))
    layout = replace(layout, size=size, margins=(10, rng.uniform(5, 15), top, rng.uniform(5, 30)))
    return _drawn(signal, fs, layout, style, rng)


def kin(signal: np.ndarray, fs: float, rng: np.random.Generator) -> np.ndarray:
    """The training's layout except for one or two details: the hardest negatives."""
    left, right, top, bottom = MARGINS_MM
    rows: tuple[tuple[str, ...], ...] = ROWS
    layout_changes: dict[str, Any] = {"names": "above"}
    style_changes: dict[str, Any] = {"head": 0, "foot": 0, "period": 1.0, "grid": "lines"}
    size = [264.0, 120.0]
    margins = [left, right, top, bottom]
    for change in rng.choice(7, rng.integers(1, 4), replace=False):
        if change == 0:
            size[1] += (extra := rng.uniform(15, 60))
            margins[2] += extra
            style_changes["head"] = int(rng.integers(1, 6))
        elif change == 1:
            rows = (THREE, (*THREE, ("V1",), ("II",)), SIX, TWELVE, THREE[:2], CABRERA[:2])[rng.integers(6)]
        elif change == 2:
            layout_changes |= {"pulse": str(rng.choice(["right", "none"])), "names": "below"}
        elif change == 3:
            size[0] *= rng.uniform(0.55, 0.8)
        elif change == 4:
            rows = tuple(tuple(names) for names in np.array(THREE).T)
        elif change == 5:
            size[1] *= rng.choice([0.6, 1.5])
        else:
            layout_changes |= {"speed": 50.0, "breaks": "lines"}
            margins[0] += rng.uniform(10, 30)
    if (rows, size[0], size[1]) == (ROWS, 264.0, 120.0):
        rows = THREE
    left, right, top, bottom = margins
    layout = Layout(rows=rows, size=(size[0], size[1]), margins=(left, right, top, bottom), **layout_changes)
    style = _drawing_style(rng, trace_mm=rng.uniform(0.3, 0.55), names_mm=rng.uniform(3, 5), **style_changes)
    return _drawn(signal, fs, layout, style, rng)


STYLES: dict[str, Style] = {
    "clinic": clinic,
    "3x4, 3x4+2, 3x4+3": strips,
    "6x2": six_by_two,
    "12x1": twelve_rows,
    "other arrangements": arrangements,
    "few leads": few_leads,
    "monitor": monitor,
    "plots": plots,
    "tinted paper": tinted,
    "kin": kin,
}


def _colour(values: np.ndarray) -> Colour:
    red, green, blue = (int(value) for value in np.clip(values, 0, 255))
    return red, green, blue
