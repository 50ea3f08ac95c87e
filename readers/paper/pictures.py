"""Pictures of an ECG on paper: scans, photographs and PDF pages, in colour, 8 bit, upright.

What a picture may claim is bounded by the readers of :mod:`readers.images`; a page of a PDF is drawn by
:mod:`readers.paper.pdf`. A network was trained on paper with its colours, so they are kept.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from os import PathLike, fspath
from pathlib import Path

import numpy as np

from readers.core.errors import ReadError
from readers.core.file_names import readable
from readers.images import kinds
from readers.images.kinds import kind_of, read_file
from readers.images.slices import DecodedSlices, Slice
from readers.paper.pdf import LONGEST_PX, is_pdf, render_page

_PICTURES = tuple(row for row in kinds.FORMATS if row.name != "DICOM")
FORMATS = (*(row.name for row in _PICTURES), "PDF")
TURNS = (0, 90, 180, 270)
"""By how many degrees clockwise a picture may be turned."""
PICTURE_SUFFIXES = (*(suffix for row in _PICTURES for suffix in row.files), ".pdf")


@dataclass(frozen=True)
class EcgPicture:
    """A picture of an ECG on paper.

    Attributes:
        name: what to call it on a page.
        pixels: uint8 (h, w, 3), at most :data:`readers.paper.pdf.LONGEST_PX` a side.
        format: one of :data:`FORMATS`.
        page: which page of the file, from 1.
        pages: how many it has.
        turned: by how many degrees clockwise it was turned on request; one of :data:`TURNS`.
        warnings: sentences about the file that stay visible.
    """

    name: str
    pixels: np.ndarray = field(repr=False)
    format: str
    page: int = 1
    pages: int = 1
    turned: int = 0
    warnings: tuple[str, ...] = ()


def is_picture(path: str | PathLike[str]) -> bool:
    """Whether a file is a picture or PDF by content; DICOM is excluded, since it may hold a waveform."""
    path = Path(fspath(path))
    if not path.is_file():
        return False
    kind = kind_of(path)
    return kind.name in FORMATS if kind is not None else is_pdf(path)


def open_picture(path: str | PathLike[str], page: int = 1, turn: int = 0) -> EcgPicture:
    """Open a picture of an ECG.

    Args:
        path: a file of one of :data:`FORMATS`.
        page: of a PDF or TIFF, from 1.
        turn: one of :data:`TURNS`, for a sheet that lies on its side or upside down.

    Raises:
        ValueError: another turn.
        ReadError: no such file or page, another format, one that is damaged, encrypted or claims too much.
    """
    path = Path(fspath(path))
    if turn not in TURNS:
        raise ValueError(f"turn is {turn}; it must be one of {', '.join(map(str, TURNS))}")
    if page < 1:
        raise ReadError(path, f"there is no page {page}; pages count from 1.")
    try:
        if path.is_file() and kind_of(path) is None and is_pdf(path):
            pixels, pages = render_page(path, page)
            return _picture(path, pixels, "PDF", page, pages, turn)
        reading = read_file(path, ", ".join(FORMATS))
        if reading.format not in FORMATS:
            raise ReadError(path, f"it is no scan or photograph; readable are {', '.join(FORMATS)}.")
        pages = len(reading.slices)
        if page > pages:
            raise ReadError(path, f"the file has {pages} page{'s' * (pages > 1)}, so there is no page {page}.")
        one = reading.slices[page - 1]
        # The source turns whatever a decoder raises into a sentence.
        stored, _ = DecodedSlices([_in_colour(one)]).decode(0)
        return _picture(path, _eight_bit(path, stored), reading.format, page, pages, turn)
    except (OSError, MemoryError) as error:
        fault = error.strerror if isinstance(error, OSError) and error.strerror else "there is not enough memory for it"
        raise ReadError(path, f"it cannot be opened ({fault.lower()}); check the file and its permissions.") from error


def _in_colour(one: Slice) -> Slice:
    samples = one.samples
    return one if samples is None else replace(one, decode=lambda: (samples(), ()))


def _picture(path: Path, pixels: np.ndarray, kind: str, page: int, pages: int, turn: int) -> EcgPicture:
    pixels = np.ascontiguousarray(np.rot90(pixels, -turn // 90))
    height, width = pixels.shape[:2]
    warnings = []
    if kind != "PDF" and height > 1.1 * width:
        warnings.append("It is higher than wide: an ECG that lies on its side must be turned.")
    if max(height, width) < 500:
        warnings.append(f"It has only {width} x {height} pixels: the traces may be lost in it.")
    return EcgPicture(readable(path.stem), _reduced(pixels), kind, page, pages, turn, tuple(warnings))


def _reduced(pixels: np.ndarray) -> np.ndarray:
    """A picture downscaled to :data:`LONGEST_PX` on its longer side; smaller ones unchanged."""
    from PIL import Image

    factor = LONGEST_PX / max(pixels.shape[:2])
    if factor >= 1:
        return pixels
    size = (max(1, round(pixels.shape[1] * factor)), max(1, round(pixels.shape[0] * factor)))
    return np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BOX))


def _eight_bit(path: Path, stored: np.ndarray) -> np.ndarray:
    """Stored samples as RGB on white paper, uint8 (h, w, 3)."""
    values = stored[..., None] if stored.ndim == 2 else stored
    if values.ndim != 3 or not 1 <= values.shape[2] <= 4 or values.dtype.kind not in "buif":
        raise ReadError(path, "its samples are of a kind that is not read; save it as a PNG or JPEG in 8 bit.")
    channels = values.shape[2]
    opaque = values[..., -1:] if channels in {2, 4} else None
    colours = values[..., : 3 if channels >= 3 else 1]
    if colours.dtype != np.uint8:
        colours = _stretched(colours)
    if opaque is not None:
        top = np.iinfo(opaque.dtype).max if opaque.dtype.kind in "ui" else 1.0
        share = (opaque / top).astype(np.float32)
        colours = np.rint(colours * share + 255 * (1 - share)).astype(np.uint8)
    return np.ascontiguousarray(np.broadcast_to(colours, (*colours.shape[:2], 3)))


def _stretched(values: np.ndarray) -> np.ndarray:
    """Deeper or bilevel values scaled to a maximum of 255, uint8."""
    found = np.nan_to_num(values.astype(np.float32), posinf=0.0, neginf=0.0)
    low = min(float(found.min()), 0.0)
    reach = float(found.max()) - low
    return np.asarray(np.rint((found - low) * (255 / reach if reach > 0 else 0)), np.uint8)
