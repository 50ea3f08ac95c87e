"""Task ``good_only``: one picture, normal or unlike the good parts, the only ones that were there to learn from."""

from __future__ import annotations

import math
from typing import Annotated, Literal

import numpy as np
import torch
from pydantic import Field, model_validator
from torch.nn import functional

from models.tasks.image import ImageTask, resized

_WHOLE = 32
"""Sides of the input are multiples of this, as the networks halve five times."""
_LONGEST = 4096


class GoodOnlyTask(ImageTask):
    """A picture or a region of it, resized and normalised; the second class is whatever is unlike good parts."""

    kind: Literal["good_only"] = "good_only"  # type: ignore[assignment]  # a task of its own, prepared alike
    image_size: Annotated[
        int,
        Field(ge=32, le=2048, description="Larger pictures are made as small as a square of this side, pixels."),
    ] = 384
    least_size: Annotated[
        int, Field(ge=32, le=2048, description="Smaller pictures are made as large as a square of this side, pixels.")
    ] = 224
    normalisation: Annotated[
        Literal["imagenet", "tensorflow"], Field(description="Mean and SD that the pretrained weights expect.")
    ] = "tensorflow"
    shape: Annotated[
        Literal["keep", "square"],
        Field(description="keep: the input has the picture's proportions; square: it is stretched to a square."),
    ] = "keep"
    region: Annotated[
        tuple[float, float, float, float],
        Field(description="Part that is looked at: left, top, right, bottom as shares of width and height."),
    ] = (0.0, 0.0, 1.0, 1.0)

    @model_validator(mode="after")
    def _region_is_one(self) -> GoodOnlyTask:
        left, top, right, bottom = self.region
        if not (0 <= left < right <= 1 and 0 <= top < bottom <= 1):
            raise ValueError(f"region must be left, top, right, bottom within 0 to 1; got {list(self.region)}")
        return self

    def square(self, pixels: np.ndarray) -> torch.Tensor:
        """The region of a picture at the network's size in whole numbers; see :meth:`ImageTask.square`.

        Returns:
            uint8 or uint16, (1 or 3, rows, columns) of :meth:`input_shape`.
        """
        planes, top_value = self.planes(pixels)
        left, top, right, bottom = self._inside(pixels.shape[:2])
        return resized(planes[..., top:bottom, left:right], self.input_shape(pixels.shape[:2]), top_value)

    def input_shape(self, shape: tuple[int, int]) -> tuple[int, int]:
        """Rows and columns of the network's input of a picture of this shape."""
        if self.shape == "square":
            return self.image_size, self.image_size
        left, top, right, bottom = self._inside(shape)
        side = math.sqrt((bottom - top) * (right - left))
        scale = min(max(side, self.least_size), self.image_size) / side
        rows, columns = (
            min(_LONGEST, max(_WHOLE, round(scale * side / _WHOLE) * _WHOLE)) for side in (bottom - top, right - left)
        )
        return rows, columns

    def to_picture(self, values: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
        """A map over the network's input brought back onto the picture, 0 outside of the region; float32 (H, W)."""
        left, top, right, bottom = self._inside(shape)
        grid = torch.from_numpy(np.ascontiguousarray(values, dtype=np.float32))[None, None]
        inside = functional.interpolate(grid, (bottom - top, right - left), mode="bilinear", align_corners=False)
        whole = np.zeros(shape, np.float32)
        whole[top:bottom, left:right] = inside[0, 0].numpy()
        return whole

    def describe(self) -> str:
        """One line for the page: what the network's input is."""
        part = "" if self.region == (0.0, 0.0, 1.0, 1.0) else ", a region of the picture"
        shape = "in the picture's proportions" if self.shape == "keep" else "stretched to a square"
        return f"up to {self.image_size}² pixels {shape}{part}, {self.normalisation} normalisation"

    def _inside(self, shape: tuple[int, int]) -> tuple[int, int, int, int]:
        """Left, top, right and bottom of the region in pixels, the last two past the end."""
        height, width = shape
        left, top = int(self.region[0] * width), int(self.region[1] * height)
        right = max(left + 1, round(self.region[2] * width))
        return left, top, right, max(top + 1, round(self.region[3] * height))
