"""Task ``small_defects``: one picture at its own resolution, looked at in tiles; normal, or defective somewhere."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Annotated, Literal

import numpy as np
import torch
from pydantic import Field
from torch.nn import functional

from models.tasks.image import NORMALISATIONS, ImageTask, resized

OTHER_SPACING = 1.25
"""Pixels so many times larger or smaller than those of the training are told of."""
_WHOLE = 4
_SHORTEST = 32


class SmallDefectsTask(ImageTask):
    """A whole picture in its own pixels, or magnified; the network cuts the tiles, so no picture is too large."""

    kind: Literal["small_defects"] = "small_defects"  # type: ignore[assignment]  # a task of its own, prepared alike
    image_size: Annotated[
        int, Field(ge=64, le=2048, description="Side of the tiles that the network looks at, pixels of its input.")
    ] = 512
    overlap: Annotated[
        int, Field(ge=0, le=512, description="Pixels that neighbouring tiles share; more than a defect is wide.")
    ] = 64
    magnification: Annotated[
        float,
        Field(
            ge=0,
            le=8,
            description="Pixels of the input for one of the picture; 0: so that the marked defects of the training "
            "have about 18 pixels.",
        ),
    ] = 0.0
    tile_mm: Annotated[
        float,
        Field(
            ge=0,
            le=10_000,
            description="Side of a tile in mm, instead of a magnification, where the pictures say how large their "
            "pixels are; 0: tiles are measured in pixels.",
        ),
    ] = 0.0
    learned_mm: Annotated[
        float, Field(ge=0, description="Size of a training picture's pixels, mm; a training enters it; 0: not known.")
    ] = 0.0
    normalisation: Annotated[
        Literal["imagenet", "tensorflow"], Field(description="Mean and SD that the pretrained weights expect.")
    ] = "tensorflow"

    @property
    def scale(self) -> float:
        """Pixels of the input for one of the picture; 1 before a training chose it."""
        return self.magnification or 1.0

    @property
    def in_channel(self) -> int:
        """One: the network gives each tile the channels that it needs, so that large pictures stay small in memory."""
        return 1

    def square(self, pixels: np.ndarray) -> torch.Tensor:
        """The picture in whole numbers; see :meth:`ImageTask.square`.

        Returns:
            uint8 or uint16, (1, rows, columns) of :meth:`input_shape`; what a side lacks is the edge repeated.
        """
        height, width = pixels.shape[:2]
        rows, columns = self.input_shape((height, width))
        as_it_is = self.levels != "percentiles" and self.scale == 1
        if pixels.ndim == 2 and pixels.dtype == np.uint8 and as_it_is:  # as it is: it may be huge
            whole = torch.from_numpy(np.ascontiguousarray(pixels))[None]
        else:
            planes, top_value = self.planes(pixels)
            whole = resized(planes.mean(dim=1, keepdim=True), self._inner((height, width)), top_value)
        missing = rows - whole.shape[1], columns - whole.shape[2]
        if not any(missing):
            return whole
        return torch.from_numpy(np.pad(whole.numpy(), ((0, 0), (0, missing[0]), (0, missing[1])), mode="edge"))

    def mask_on_input(self, mask: np.ndarray) -> np.ndarray:
        """A mask (H, W) of a picture on the network's input, bool (rows, columns); no marked pixel is lost."""
        inner = self._inner(mask.shape)
        marked = torch.from_numpy(np.ascontiguousarray(mask, np.float32))[None, None]
        smaller = min(inner[0], mask.shape[0]), min(inner[1], mask.shape[1])
        marked = functional.interpolate(functional.adaptive_max_pool2d(marked, smaller), inner, mode="nearest")
        whole = np.zeros(self.input_shape((mask.shape[0], mask.shape[1])), bool)
        whole[: inner[0], : inner[1]] = marked[0, 0].numpy() > 0
        return whole

    def _inner(self, shape: tuple[int, ...]) -> tuple[int, int]:
        """Rows and columns of the picture in the input, without what fills it up."""
        return max(1, round(shape[0] * self.scale)), max(1, round(shape[1] * self.scale))

    def input_shape(self, shape: tuple[int, int]) -> tuple[int, int]:
        """Rows and columns of the network's input of a picture of this shape."""
        rows, columns = (max(_SHORTEST, -(-max(1, round(side * self.scale)) // _WHOLE) * _WHOLE) for side in shape)
        return rows, columns

    def normalise(self, unit: torch.Tensor) -> torch.Tensor:
        """Values 0 to 1, (..., 1, H, W), as the network wants them, float32 of the same shape."""
        mean, deviation = (sum(values) / 3 for values in NORMALISATIONS[self.normalisation])
        return unit.sub(mean).div_(deviation)  # one copy: it may be huge

    def to_picture(self, values: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
        """A map over the network's input brought back onto the picture, float32 (height, width)."""
        rows, columns = self.input_shape(shape)
        grid = torch.from_numpy(np.ascontiguousarray(values, dtype=np.float32))[None, None]
        size = (max(shape[0], round(rows / self.scale)), max(shape[1], round(columns / self.scale)))
        whole = functional.interpolate(grid, size, mode="bilinear", align_corners=False)[0, 0].numpy()
        return np.ascontiguousarray(whole[: shape[0], : shape[1]])

    def spacing_note(self, spacing_mm: Sequence[float] | None) -> str:
        """A sentence where a picture's pixels have another size in mm than those of the training; else empty."""
        if not self.learned_mm or not spacing_mm:
            return ""
        own = math.sqrt(spacing_mm[0] * spacing_mm[-1])
        if 1 / OTHER_SPACING <= own / self.learned_mm <= OTHER_SPACING:
            return ""
        return (
            f"Its pixels have {own:.3g} mm; the network learned from pictures of {self.learned_mm:.3g} mm: a defect "
            "has another size here, so take the score with care, or resample the picture."
        )

    def describe(self) -> str:
        """One line for the page: what the network's input is."""
        times = "" if self.scale == 1 else f", magnified {self.scale:g} times"
        return (
            f"tiles of {self.image_size} pixels with {self.overlap} shared{times}, {self.normalisation} normalisation"
        )
