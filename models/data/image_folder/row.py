"""One picture of a set: its class, its part, its place in a split, and where its defect is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from models.core.errors import ReadError
from readers.images import open_images


@dataclass(frozen=True)
class Box:
    """A rectangle around a defect, both ends included.

    Attributes:
        left, top, right, bottom: pixels of the picture from its upper left corner; shares of its width and height
            where ``relative``.
        type: of the defect; empty where it is not stated.
        relative: as YOLO writes boxes.
    """

    left: float
    top: float
    right: float
    bottom: float
    type: str = ""
    relative: bool = False

    def lies_in(self, shape: Sequence[int]) -> bool:
        """Whether any of it lies in a picture of this (height, width): boxes of a larger picture do not."""
        height, width = (1, 1) if self.relative else (int(shape[0]), int(shape[1]))
        return self.left < width and self.top < height and self.right >= 0 and self.bottom >= 0

    def pixels(self, shape: Sequence[int]) -> tuple[int, int, int, int]:
        """First column and row, last column and row, int, cut to a picture of this (height, width)."""
        height, width = int(shape[0]), int(shape[1])
        left, top, right, bottom = self.left, self.top, self.right, self.bottom
        if self.relative:
            left, right = left * width, math.ceil(right * width) - 1
            top, bottom = top * height, math.ceil(bottom * height) - 1
        return (
            min(max(int(left), 0), width - 1),
            min(max(int(top), 0), height - 1),
            min(max(int(right), 0), width - 1),
            min(max(int(bottom), 0), height - 1),
        )


@dataclass(frozen=True)
class ImageRow:
    """One picture of a set.

    Attributes:
        path: the file.
        file: its path below the set's root, with ``/``: what reports name it by.
        label: class index: 0 normal, 1 defect.
        group: what must stay on one side of a split: a cell, a board, a part.
        mask: file of the defect's pixels (not 0), or None.
        boxes: rectangles around its defects.
        background: what a simulated defect was drawn into, such as "real"; empty where it is not stated.
        split: train, validation or test where the table or the folders say so; empty where they do not.
        page: of a file with several pages, from 0.
        defect_type: what kind of defect; empty for a normal picture, and where it is not stated.
    """

    path: Path
    file: str
    label: int
    group: str
    mask: Path | None = None
    boxes: tuple[Box, ...] = ()
    background: str = ""
    split: str = ""
    page: int = 0
    defect_type: str = ""

    @property
    def name(self) -> str:
        """What to call the picture: the file, and the page after the first; no two rows of a set share it."""
        return f"{self.file}, page {self.page + 1}" if self.page else self.file

    @property
    def has_truth(self) -> bool:
        """Whether it is known where its defect is."""
        return self.mask is not None or bool(self.boxes)

    def spacing_mm(self) -> float | None:
        """Size of its pixels, mm, where the file says it: the mean of both directions.

        Raises:
            ReadError: the file is gone or damaged.
        """
        spacing = open_images(self.path).spacing_mm
        return None if spacing is None else math.sqrt(spacing[0] * spacing[1])

    def pixels(self) -> np.ndarray:
        """Its values (H, W) as every reader of this project decodes them; see ``ImageStack.pixels``.

        Raises:
            ReadError: the file is gone or damaged, or has no such page.
        """
        stack = open_images(self.path)
        if self.page >= stack.n_slices:
            raise ReadError(self.path, f"has {stack.n_slices} pages and no page {self.page + 1}; correct its row")
        return stack.pixels(self.page)


def read_boxes(text: str, file: str | Path = "boxes") -> tuple[Box, ...]:
    """Boxes as a cell of a table holds them: ``x1 y1 x2 y2 [type];...`` in pixels.

    Raises:
        ReadError: a box without four numbers.
    """
    boxes = []
    for piece in filter(None, (piece.strip() for piece in text.split(";"))):
        words = piece.replace(",", " ").split()
        try:
            left, top, right, bottom = (float(number) for number in words[:4])
        except ValueError as error:
            raise ReadError(file, f"has the box {piece!r}; write x1 y1 x2 y2, and a type if you like") from error
        boxes.append(box_of(left, top, right, bottom, " ".join(words[4:]), file=file))
    return tuple(boxes)


def box_of(x1: float, y1: float, x2: float, y2: float, kind: str = "", *, file: str | Path = "boxes") -> Box:
    """A box from two corners in any order.

    Raises:
        ReadError: a corner that is no finite number.
    """
    if not all(math.isfinite(value) for value in (x1, y1, x2, y2)):
        raise ReadError(file, f"has a box with the corner {x1:g} {y1:g} {x2:g} {y2:g}; write numbers of pixels")
    return Box(min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2), kind)


def mask_pixels(path: Path, page: int = 0) -> np.ndarray:
    """Pixels of a mask file that are marked, bool (H, W): all that are not 0, in a JPEG those that are not near it.

    Raises:
        ReadError: it cannot be read.
    """
    stack = open_images(path)
    values = stack.pixels(page if page < stack.n_slices else 0)
    marked: np.ndarray = values > values.max() / 2 if stack.format == "JPEG" and values.any() else values != 0
    return marked


def truth_mask(row: ImageRow, shape: tuple[int, int]) -> np.ndarray | None:
    """Pixels of the defect, bool (H, W), from the mask file or the boxes.

    None where there is neither, and where they mark nothing of a defective picture: an empty mask, or boxes that lie
    outside, do not say that it is good everywhere.

    Args:
        row: the picture.
        shape: its height and width; a mask of another size is resized to it.

    Raises:
        ReadError: a mask that cannot be read.
    """
    height, width = shape
    if row.mask is not None:
        mask = mask_pixels(row.mask, row.page)
        rows = (np.arange(height) * mask.shape[0] // height).astype(int)
        columns = (np.arange(width) * mask.shape[1] // width).astype(int)
        truth = mask[np.ix_(rows, columns)]
    else:
        if not row.boxes:
            return None
        truth = np.zeros(shape, bool)
        for left, top, right, bottom in (box.pixels(shape) for box in row.boxes if box.lies_in(shape)):
            truth[top : bottom + 1, left : right + 1] = True
    return truth if truth.any() or not row.label else None
