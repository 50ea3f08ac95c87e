"""Draws a recording on ECG paper as a network's input: 3x4 leads and a rhythm strip, in a few milliseconds.

Our own renderer, for training draws each picture anew: traces are anti-aliased by exact coverage of pixel columns, no
library for figures has a part in it. What scans and photographs do to the sheet is in :mod:`models.data.ecg_scan`.
A real picture of a sheet becomes the same input through :func:`fit_picture`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import ceil

import numpy as np
from PIL import Image, ImageDraw, ImageFont

MM_PER_S = 25.0
MARGINS_MM = (10.0, 4.0, 7.0, 5.0)
"""Left (with the calibration pulse), right, top and bottom of the sheet."""
ROW_MM = 26.0
ROWS = (("I", "aVR", "V1", "V4"), ("II", "aVL", "V2", "V5"), ("III", "aVF", "V3", "V6"), ("II",))
PULSE_MM = (5.0, 10.0)
_SUB = 4
"""Columns that a pixel is divided into for the coverage."""
_SHORTEST_MINOR = 2.5
"""Pixels between minor lines below which they run together into a tint."""


@dataclass(frozen=True)
class Sheet:
    """Style of a sheet: colours 0 to 1, lengths in mm.

    Attributes:
        paper, minor, major, trace: colours (3,), red, green, blue.
        trace_mm: width of the traces.
        grid: strength of the grid, 0 faded to 1.
        row_mm: shift of each row's baseline, (4,).
        starts: where each column begins, as a share of what may be chosen; None for one column after the other.
        gain: amplitude of each lead against the nominal, (12,).
        names_mm: height of the lead names; 0 for none.
    """

    paper: tuple[float, float, float] = (1.0, 0.98, 0.98)
    minor: tuple[float, float, float] = (0.976, 0.863, 0.863)
    major: tuple[float, float, float] = (0.937, 0.702, 0.702)
    trace: tuple[float, float, float] = (0.1, 0.1, 0.1)
    trace_mm: float = 0.4
    grid: float = 1.0
    row_mm: tuple[float, ...] = (0.0,) * len(ROWS)
    starts: tuple[float, ...] | None = None
    gain: tuple[float, ...] = (1.0,) * 12
    names_mm: float = 3.5


@dataclass(frozen=True)
class Stretch:
    """A time range of a lead on a sheet, and the pixels that it occupies, edge to edge."""

    lead: str
    start_s: float
    end_s: float
    left: float
    right: float
    top: float
    bottom: float


@dataclass(frozen=True)
class Fit:
    """Where a scan or photograph lies in the network's input.

    Attributes:
        crop: left, top, right and bottom of the part that is taken, pixels of the picture.
        box: first and past-the-last row and column that it fills in the input.
    """

    crop: tuple[int, int, int, int]
    box: tuple[int, int, int, int]

    @property
    def scale(self) -> float:
        """Input pixels per picture pixel."""
        return (self.box[3] - self.box[2]) / (self.crop[2] - self.crop[0])


def sheet_size(seconds: float, px_per_mm: float) -> tuple[int, int]:
    """Height and width of a sheet of ``seconds`` in pixels, multiples of eight."""
    left, right, top, bottom = MARGINS_MM
    height, width = top + len(ROWS) * ROW_MM + bottom, left + seconds * MM_PER_S + right
    return ceil(height * px_per_mm / 8) * 8, ceil(width * px_per_mm / 8) * 8


def draw(
    signal: np.ndarray,
    fs: float,
    leads: tuple[str, ...],
    px_per_mm: float,
    *,
    mm_per_unit: float = 10.0,
    sheet: Sheet | None = None,
) -> np.ndarray:
    """A recording drawn on paper, float32 (H, W, 3), 0 to 1; see :func:`sheet_size`.

    Args:
        signal: float (12, n).
        fs: its sampling frequency, Hz.
        leads: names of its rows; the twelve standard leads in any order.
        px_per_mm: pixels for a millimetre.
        mm_per_unit: millimetres for a unit of the signal; 10 mm/mV is the standard.
        sheet: how it looks.

    Raises:
        ValueError: a lead of the layout is missing.
    """
    sheet = sheet or Sheet()
    place = {name.lower(): number for number, name in enumerate(leads)}
    if missing := [name for row in ROWS for name in row if name.lower() not in place]:
        raise ValueError(f"a 3x4 sheet needs the twelve standard leads; {', '.join(missing)} missing")
    seconds = signal.shape[1] / fs
    shape = sheet_size(seconds, px_per_mm)
    page = _grid(shape, px_per_mm, sheet)
    ink = np.zeros(shape, np.float32)
    left = MARGINS_MM[0]
    for number, row in enumerate(ROWS):
        base = MARGINS_MM[2] + (number + 0.5) * ROW_MM + sheet.row_mm[number]
        rows = [place[name.lower()] for name in row]
        segments = [signal[lead] * sheet.gain[lead] * mm_per_unit for lead in rows]
        y = _row(segments, fs, shape[1], px_per_mm, sheet.starts)
        ink += coverage((base - y) * px_per_mm, shape, sheet.trace_mm * px_per_mm)
        if sheet.names_mm:
            for column, name in enumerate(row):
                at = left + column * seconds / len(row) * MM_PER_S + 1
                _stamp(ink, name, at * px_per_mm, (base - 0.42 * ROW_MM) * px_per_mm, sheet.names_mm * px_per_mm)
    ink = np.minimum(ink, 1.0)[:, :, None]
    return page * (1 - ink) + np.asarray(sheet.trace, np.float32) * ink


def stretches(seconds: float, px_per_mm: float) -> list[Stretch]:
    """Position of each lead on an unchanged sheet, row by row; maps pixels back to lead and time."""
    found = []
    for number, row in enumerate(ROWS):
        top = (MARGINS_MM[2] + number * ROW_MM) * px_per_mm
        part = seconds / len(row)
        for column, lead in enumerate(row):
            left, right = ((MARGINS_MM[0] + at * part * MM_PER_S) * px_per_mm for at in (column, column + 1))
            found.append(Stretch(lead, column * part, (column + 1) * part, left, right, top, top + ROW_MM * px_per_mm))
    return found


def coverage(y: np.ndarray, shape: tuple[int, int], width: float) -> np.ndarray:
    """Fraction of each pixel that a trace covers, float32 ``shape``.

    Args:
        y: height of the trace in pixels from the top at each of ``shape[1] * 4`` sub-columns; NaN where there is none.
        shape: height and width of the picture.
        width: of the trace, pixels.
    """
    reach = max(1, round(width / 2 * _SUB))
    padded = np.pad(y, reach, constant_values=np.nan)
    around = np.stack([padded[shift : shift + len(y)] for shift in range(2 * reach + 1)])
    there = np.isfinite(y)
    around = np.where(np.isfinite(around), around, y)
    low = np.where(there, np.clip(around.min(axis=0) - width / 2, 0, shape[0]), 0)
    high = np.where(there, np.clip(around.max(axis=0) + width / 2, 0, shape[0]), 0)
    # The cover of rows above an edge is 1, at it the rest: two entries whose sum from below is that step.
    column = np.arange(len(y)) // _SUB
    rows = shape[0] + 2
    flat = np.zeros(rows * shape[1])
    for edge, sign in ((high, 1.0), (low, -1.0)):
        row = edge.astype(np.int64)
        part = edge - row
        flat += np.bincount((row + 1) * shape[1] + column, sign * part / _SUB, minlength=len(flat))
        flat += np.bincount(row * shape[1] + column, sign * (1 - part) / _SUB, minlength=len(flat))
    steps = flat.reshape(rows, shape[1])[::-1].cumsum(axis=0)[::-1]
    return steps[1 : shape[0] + 1].astype(np.float32)


def find_fit(pixels: np.ndarray, shape: tuple[int, int]) -> Fit:
    """The crop of a scan or photograph, and its position in an input of ``shape``.

    It is cut to where dark ink is, resized with its proportions kept, and stands in the middle.

    Args:
        pixels: uint8 (h, w, 3) or (h, w).
        shape: height and width of the input.

    Raises:
        ValueError: another shape or type, or no pixels.
    """
    if pixels.dtype != np.uint8 or pixels.ndim not in (2, 3) or pixels.size == 0 or pixels.shape[2:] not in ((), (3,)):
        raise ValueError(f"expected pixels (height, width) or (height, width, 3) of 8 bit, got {pixels.shape}")
    crop = _inked(np.asarray(Image.fromarray(pixels).convert("L")))
    height, width = crop[3] - crop[1], crop[2] - crop[0]
    scale = min(shape[0] / height, shape[1] / width)
    rows, columns = max(1, round(height * scale)), max(1, round(width * scale))
    top, left = (shape[0] - rows) // 2, (shape[1] - columns) // 2
    return Fit(crop, (top, top + rows, left, left + columns))


def fit_picture(pixels: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """A scan or photograph resized to the training sheets, uint8 (H, W, 3).

    See :func:`find_fit`; what is left of the input has the colour of the paper.

    Raises:
        ValueError: as :func:`find_fit`.
    """
    fit = find_fit(pixels, shape)
    top, bottom, left, right = fit.box
    picture = Image.fromarray(pixels).convert("RGB").crop(fit.crop)
    colour = tuple(int(value) for value in np.median(np.asarray(picture).reshape(-1, 3), axis=0))
    fitted = Image.new("RGB", (shape[1], shape[0]), colour)
    how = Image.Resampling.BOX if fit.scale < 0.5 else Image.Resampling.BILINEAR
    fitted.paste(picture.resize((right - left, bottom - top), how), (left, top))
    return np.asarray(fitted)


def _inked(grey: np.ndarray) -> tuple[int, int, int, int]:
    """Bounding box of the dark ink with a margin (left, top, right, bottom); the whole picture where there is hardly
    any."""
    height, width = grey.shape
    dark = grey < 0.4 * np.median(grey)
    edges = []
    for counts in (dark.sum(axis=0), dark.sum(axis=1)):
        total = counts.cumsum()
        if total[-1] < 0.0005 * grey.size:
            return 0, 0, width, height
        ends = np.searchsorted(total, (0.01 * total[-1], 0.99 * total[-1]))
        margin = 0.03 * (ends[1] - ends[0])
        edges.append((max(0, int(ends[0] - margin)), min(len(counts), int(ends[1] + margin) + 1)))
    (left, right), (top, bottom) = edges
    return left, top, right, bottom


def _row(
    segments: list[np.ndarray], fs: float, width: int, px_per_mm: float, starts: tuple[float, ...] | None
) -> np.ndarray:
    """Height in mm above the baseline at each sub-column of a row; the calibration pulse precedes the first lead."""
    n, count = len(segments[0]), len(segments)
    mm = (np.arange(width * _SUB) + 0.5) / _SUB / px_per_mm
    y = np.full(width * _SUB, np.nan)
    left, length = MARGINS_MM[0], n / fs * MM_PER_S / count
    for column, segment in enumerate(segments):
        inside = (mm >= left + column * length) & (mm < left + (column + 1) * length)
        first = column * n / count
        if starts is not None and count > 1:
            first = starts[column] * (n - n / count)
        at = first + (mm[inside] - left - column * length) / MM_PER_S * fs
        y[inside] = np.interp(at, np.arange(n), segment)
    begin = (left - PULSE_MM[0]) / 2
    pulse = (mm >= begin) & (mm < left - 0.5)
    y[pulse] = np.where((mm[pulse] >= begin + 1) & (mm[pulse] < begin + 1 + PULSE_MM[0]), PULSE_MM[1], 0)
    return y


def _grid(shape: tuple[int, int], px_per_mm: float, sheet: Sheet) -> np.ndarray:
    """Paper with its grid, float32 (H, W, 3)."""
    paper, minor, major = (np.asarray(colour, np.float32) for colour in (sheet.paper, sheet.minor, sheet.major))
    fine, coarse = _lines(shape, px_per_mm)
    page = paper + (sheet.grid * fine)[:, :, None] * (minor - paper)
    return page + (sheet.grid * coarse)[:, :, None] * (major - page)


@lru_cache(maxsize=4)
def _lines(shape: tuple[int, int], px_per_mm: float) -> tuple[np.ndarray, np.ndarray]:
    """Fraction of each pixel covered by minor and major lines, float32 (H, W) each."""
    found = []
    for every, width in ((1.0, 0.15), (5.0, 0.3)):
        if every * px_per_mm < _SHORTEST_MINOR:
            found.append(np.full(shape, 2 * width / every, np.float32))
            continue
        across = []
        for n in shape:
            edges = np.arange(n + 1) / px_per_mm
            filled = edges // every * width + np.minimum(edges % every, width)
            across.append(np.diff(filled) * px_per_mm)
        found.append(np.maximum(across[0][:, None], across[1][None]).astype(np.float32))
    return found[0], found[1]


def _stamp(ink: np.ndarray, text: str, x: float, y: float, size: float) -> None:
    """Draw a lead's name into the ink with its upper left corner at (x, y)."""
    stamp = _written(text, max(5, round(size)))
    top, left = max(0, round(y)), max(0, round(x))
    part = ink[top : top + stamp.shape[0], left : left + stamp.shape[1]]
    part += stamp[: part.shape[0], : part.shape[1]]


@lru_cache(maxsize=256)
def _written(text: str, size: int) -> np.ndarray:
    font = ImageFont.load_default(size)
    box = font.getbbox(text)
    picture = Image.new("L", (ceil(box[2]) + 1, ceil(box[3]) + 1))
    ImageDraw.Draw(picture).text((0, 0), text, 255, font)
    return np.asarray(picture, np.float32) / 255
