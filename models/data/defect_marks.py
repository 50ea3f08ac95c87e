"""Targets of the cells of a picture from masks and boxes, and the size of the marked defects.

A box encloses a defect and does not outline it: the ellipse within the box is taken as the defect. The corners of the
box and the rim of any marked area are unknown, and unknown cells have no weight in the loss.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from scipy.ndimage import find_objects, label
from torch.nn import functional

from models.core.errors import ConfigError, ReadError
from models.data.image_folder import ImageRow, truth_mask
from models.networks.image.places import CELL
from models.tasks.small_defects import OTHER_SPACING, SmallDefectsTask

GOOD, DEFECT, UNKNOWN = 0, 1, 2
"""Targets of a cell."""
SIDE_PX = 18.0
"""Side of the median marked defect on the input, pixels."""
MAGNIFICATIONS = (0.25, 3.0)
_LEAST_SIDE_PX = 7.0
"""Least side that nine in ten defects keep, pixels of the input; smaller ones vanish in the cells."""
_PROBED = 100
"""Approximate number of pictures that the defect size is estimated from."""
_ROUNDED = 4
"""Magnifications are multiples of one over this."""


@dataclass(frozen=True)
class Marks:
    """Marked defects of a picture on the network's input.

    Attributes:
        cells: ``GOOD``, ``DEFECT`` or ``UNKNOWN``, uint8 (H / 4, W / 4).
        boxes: top, left, bottom, right of each defect, pixels of the input; bottom and right are exclusive.
    """

    cells: np.ndarray
    boxes: tuple[tuple[int, int, int, int], ...]


def marks_of(row: ImageRow, task: SmallDefectsTask, shape: tuple[int, int]) -> Marks | None:
    """Marks of a picture; None for a defective one without a mask or box.

    Args:
        row: the picture.
        task: preprocessing.
        shape: height and width of the picture, pixels of the file.

    Raises:
        ReadError: a mask that cannot be read.
    """
    rows, columns = task.input_shape(shape)
    cells = np.zeros((rows // CELL, columns // CELL), np.uint8)
    if not row.label:
        return Marks(cells, ())
    truth = truth_mask(row, shape)
    if truth is None:
        return None
    core = ellipses(row, shape) if row.mask is None else truth
    marked = _cells(task.mask_on_input(truth))
    sure = _cells(task.mask_on_input(core))
    rim = functional.max_pool2d(torch.from_numpy(marked.astype(np.float32))[None], 3, 1, 1)[0].numpy() > 0
    cells[rim] = UNKNOWN
    cells[sure] = DEFECT
    return Marks(cells, tuple(_boxes(row, task, truth)))


def ellipses(row: ImageRow, shape: tuple[int, int]) -> np.ndarray:
    """The ellipse within each box of a picture, bool (H, W)."""
    inside = np.zeros(shape, bool)
    for left, top, right, bottom in (box.pixels(shape) for box in row.boxes if box.lies_in(shape)):
        y, x = np.ogrid[top : bottom + 1, left : right + 1]
        down, across = (bottom - top + 1) / 2, (right - left + 1) / 2
        round_ = ((y - (top + bottom) / 2) / down) ** 2 + ((x - (left + right) / 2) / across) ** 2 <= 1
        inside[top : bottom + 1, left : right + 1] |= round_
    return inside


def sides_of(row: ImageRow, shape: tuple[int, int]) -> list[float]:
    """Side of each marked defect of a picture, pixels of the file: the square root of its box's area."""
    if not row.label or not row.has_truth:
        return []
    truth = truth_mask(row, shape)
    return [] if truth is None else [_side(*box) for box in _boxes_in_file(row, truth)]


def suited_magnification(sides: Sequence[float]) -> float:
    """Magnification that gives the median defect :data:`SIDE_PX` pixels; 1 without defects.

    Args:
        sides: sides of the marked defects, pixels of the file.
    """
    if not len(sides):
        return 1.0
    wanted = max(SIDE_PX / float(np.median(sides)), _LEAST_SIDE_PX / float(np.percentile(sides, 10)))
    least, most = MAGNIFICATIONS
    return float(np.clip(round(wanted * _ROUNDED) / _ROUNDED, least, most))


def with_scale(task: SmallDefectsTask, rows: Sequence[ImageRow]) -> SmallDefectsTask:
    """Set the magnification of a task from the training pictures, unless it is configured.

    With ``tile_mm``, a tile has this side in mm; else the median marked defect has :data:`SIDE_PX` pixels.

    Args:
        task: task as configured.
        rows: the training pictures; unreadable ones are reported later, when all are read.

    Raises:
        ConfigError: ``tile_mm``, and pictures without a pixel spacing or with different ones.
    """
    spacings = [found for row in rows[:: max(1, len(rows) // _PROBED)] if (found := _spacing(row))]
    agree = bool(spacings) and max(spacings) <= OTHER_SPACING * min(spacings)
    if agree:
        task = task.model_copy(update={"learned_mm": float(np.median(spacings))})
    if task.tile_mm:
        if not agree:
            differ = f"differ from {min(spacings):.3g} to {max(spacings):.3g} mm" if spacings else "have none"
            raise ConfigError(
                "task.tile_mm",
                f"needs pictures that state one size of a pixel in mm, and they {differ}; resample them, "
                "or set task.magnification instead",
            )
        return task.model_copy(update={"magnification": _in_mm(task)})
    if task.magnification:
        return task
    marked = [row for row in rows if row.label and row.has_truth]
    sides: list[float] = []
    for row in marked[:: max(1, len(marked) // _PROBED)]:
        try:
            sides += sides_of(row, row.pixels().shape[:2])
        except ReadError:
            continue
    return task.model_copy(update={"magnification": suited_magnification(sides)})


def _spacing(row: ImageRow) -> float | None:
    try:
        return row.spacing_mm()
    except ReadError:
        return None  # reported when all pictures are read


def _in_mm(task: SmallDefectsTask) -> float:
    wanted = task.image_size * task.learned_mm / task.tile_mm
    least, most = MAGNIFICATIONS
    if not least <= wanted <= most:
        raise ConfigError(
            "task.tile_mm",
            f"{task.tile_mm:g} mm on {task.image_size} pixels would magnify {wanted:.3g} times; give "
            f"{task.image_size * task.learned_mm / most:.3g} to {task.image_size * task.learned_mm / least:.3g} mm, or "
            "another task.image_size",
        )
    return wanted


def _cells(marked: np.ndarray) -> np.ndarray:
    """Whether any pixel of a cell is marked, bool (H / 4, W / 4), of a mask (H, W)."""
    height, width = (side // CELL for side in marked.shape)
    return np.asarray(marked.reshape(height, CELL, width, CELL).any(axis=(1, 3)))


def _boxes(row: ImageRow, task: SmallDefectsTask, truth: np.ndarray) -> Iterable[tuple[int, int, int, int]]:
    for top, left, bottom, right in _boxes_in_file(row, truth):
        first = (round(top * task.scale), round(left * task.scale))
        last = (round(bottom * task.scale), round(right * task.scale))
        yield (*first, max(last[0], first[0] + 1), max(last[1], first[1] + 1))


def _boxes_in_file(row: ImageRow, truth: np.ndarray) -> list[tuple[int, int, int, int]]:
    """The given boxes, or the bounding boxes of the connected components of the mask."""
    if row.mask is None:
        found = [box.pixels(truth.shape) for box in row.boxes if box.lies_in(truth.shape)]
        return [(top, left, bottom + 1, right + 1) for left, top, right, bottom in found]
    pieces = find_objects(label(truth, np.ones((3, 3)))[0])
    return [(rows.start, columns.start, rows.stop, columns.stop) for rows, columns in pieces]


def _side(top: int, left: int, bottom: int, right: int) -> float:
    return float(np.sqrt((bottom - top) * (right - left)))
