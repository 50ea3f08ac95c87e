"""Task ``image``: preprocesses a picture, to be classified as normal or defect.

Everything between the stored pixels and the network's input is here; training and inspection both come through it, and
no display window has a say in it. The way has two steps, so that training can keep pictures in memory between them:
:meth:`ImageTask.square` (whole numbers, exact to keep) and :meth:`ImageTask.normalise`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated, Any, Literal, Self

import numpy as np
import torch
from pydantic import Field, model_validator
from torch.nn import functional

from models.tasks.base import Task
from models.tasks.image_levels import Levels, depth_of, to_levels

IMAGE_CLASSES = ("normal", "defect")
OTHER_SIZE = 4.0
"""A picture so many times larger or smaller than all of the training's is told of."""
NORMALISATIONS = {
    "imagenet": ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    "tensorflow": ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
}
"""Mean and SD of the three channels that pretrained networks were trained with."""


class ImageTask(Task):
    """A picture padded to a square, resized and normalised; the second class is the defect."""

    kind: Literal["image"] = "image"
    image_size: Annotated[
        int, Field(ge=32, le=2048, description="Side of the square that the network reads, pixels.")
    ] = 512
    normalisation: Annotated[
        Literal["imagenet", "tensorflow"], Field(description="Mean and SD that the pretrained weights expect.")
    ] = "imagenet"
    percentiles: Annotated[
        tuple[float, float],
        Field(description="Percentiles of a picture that become 0 and 1 where it is deeper than 8 bit."),
    ] = (0.5, 99.5)

    levels: Annotated[
        Levels,
        Field(
            description="depth: black to white of a picture's bits; percentiles: of each picture, whatever its bits; "
            "auto: what suits the training pictures."
        ),
    ] = "auto"
    learned_bits: Annotated[
        tuple[int, ...], Field(description="Bits of the training pictures; a training enters them.")
    ] = ()

    learned_px: Annotated[
        tuple[int, ...],
        Field(description="Longer side of the smallest and largest training picture, pixels; a training enters them."),
    ] = ()

    defect_types: Annotated[
        tuple[str, ...], Field(description="Types of defect that are a class each; none: one class of all defects.")
    ] = ()
    regions: Annotated[
        tuple[Literal["roll"], ...],
        Field(description="Regions of a stack that it judges; others are left out of the verdict. None: the whole."),
    ] = ()

    @model_validator(mode="after")
    def _percentiles_ascend(self) -> ImageTask:
        low, high = self.percentiles
        if not 0 <= low < high <= 100:
            raise ValueError(f"percentiles must ascend within 0 to 100; got {low:g} and {high:g}")
        return self

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the outputs: normal first, then the defect or its types."""
        return (IMAGE_CLASSES[0], *self.defect_types) if self.defect_types else IMAGE_CLASSES

    def class_of(self, label: int, defect_type: str = "") -> int:
        """Class index of a picture that is normal (0) or a defect (1) of some type; a type unknown here is the last."""
        if not label or not self.defect_types:
            return label
        return self.classes.index(defect_type) if defect_type in self.defect_types else len(self.classes) - 1

    @property
    def in_channel(self) -> int:
        """Channels of the network's input; grey pictures are repeated three times."""
        return 3

    def prepare(self, pixels: np.ndarray) -> torch.Tensor:
        """The network's input of one picture.

        Args:
            pixels: (H, W) of any integer or float type, or (H, W, 3) uint8. NaN is taken as the median, minus infinity
                (where nothing was scanned) as the lowest value that the network can get.

        Returns:
            float32 (3, image_size, image_size).

        Raises:
            ValueError: another shape, or no pixels.
        """
        return self.normalise(self.unit(self.square(pixels)))

    def square(self, pixels: np.ndarray) -> torch.Tensor:
        """The picture at the network's size as integers, the same for training (which stores it) and inspection.

        Which values become black and white is ``levels``' to say (:mod:`models.tasks.image_levels`). The rest of the
        square is filled with the median of the picture's border. Resizing is bilinear with antialias.

        Args:
            pixels: as for :meth:`prepare`.

        Returns:
            uint8 or uint16, (1, image_size, image_size), or (3, image_size, image_size) of a colour picture.
        """
        planes, top_value = self.planes(pixels)
        left, right, top, bottom = _margins(pixels.shape[:2])
        if left or right or top or bottom:
            padded = _border_median(planes[0])[None, :, None, None].expand(
                1, planes.shape[1], planes.shape[2] + top + bottom, planes.shape[3] + left + right
            )
            padded = padded.clone()
            padded[..., top : top + planes.shape[2], left : left + planes.shape[3]] = planes
            planes = padded
        return resized(planes, self.input_shape(pixels.shape[:2]), top_value)

    def planes(self, pixels: np.ndarray) -> tuple[torch.Tensor, int]:
        """A picture in whole numbers before it is resized, float32 (1, 1 or 3, H, W), and the largest of them.

        Raises:
            ValueError: as for :meth:`prepare`.
        """
        if pixels.ndim not in (2, 3) or (pixels.ndim == 3 and pixels.shape[2] != 3) or not pixels.size:
            raise ValueError(f"expected pixels (height, width) or (height, width, 3), got {pixels.shape}")
        values, deep = to_levels(pixels, self.levels, self.percentiles)
        planes = torch.from_numpy(values.reshape(*values.shape[:2], -1)).permute(2, 0, 1)[None]
        return planes, 65535 if deep else 255

    def input_shape(self, shape: tuple[int, int]) -> tuple[int, int]:
        """Rows and columns of the network's input of a picture of this shape."""
        return self.image_size, self.image_size

    def unit(self, square: torch.Tensor) -> torch.Tensor:
        """An integer square scaled to 0..1, float32 of the same shape."""
        return square.float() / (65535 if square.dtype == torch.uint16 else 255)

    def normalise(self, unit: torch.Tensor) -> torch.Tensor:
        """Normalise values 0..1, (..., 1 or 3, S, S), to the network's input, float32 (..., 3, S, S)."""
        mean, deviation = (torch.tensor(values)[:, None, None] for values in NORMALISATIONS[self.normalisation])
        return (unit - mean) / deviation

    def to_picture(self, values: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
        """A map over the network's input resized to the picture, with the padding removed.

        Args:
            values: map over the square, (h, w), of any resolution.
            shape: height and width of the picture.

        Returns:
            float32 (height, width).
        """
        height, width = shape
        side = max(shape)
        grid = torch.from_numpy(np.ascontiguousarray(values, dtype=np.float32))[None, None]
        whole = functional.interpolate(grid, (side, side), mode="bilinear", align_corners=False)[0, 0].numpy()
        left, _, top, _ = _margins(shape)
        return np.ascontiguousarray(whole[top : top + height, left : left + width])

    def describe(self) -> str:
        """One-line description of the network's input, for a page."""
        between = "between percentiles {:g} and {:g}".format(*self.percentiles)
        words = {
            "auto": f"8 bit as it is, deeper {between}",
            "depth": "black to white of its bits",
            "percentiles": f"every picture {between}",
        }
        learned = f", learned from {' and '.join(map(str, self.learned_bits))} bit" if self.learned_bits else ""
        learned += f", the {' and '.join(self.regions)} of a stack" if self.regions else ""
        return (
            f"{self.image_size} x {self.image_size}, {words[self.levels]}{learned}, {self.normalisation} normalisation"
        )

    def depth_note(self, pixels: np.ndarray) -> str:
        """A sentence where a picture has another depth than those that the network learned from; else empty."""
        bits = depth_of(pixels) or 16
        if not self.learned_bits or min(self.learned_bits) <= bits <= max(self.learned_bits):
            return ""
        learned = " and ".join(map(str, self.learned_bits))
        return f"It has values of {bits} bits; the network learned from pictures of {learned} bits."

    def size_note(self, pixels: np.ndarray) -> str:
        """A sentence where a picture is far larger or smaller than those that the network learned from; else empty."""
        side = max(pixels.shape[:2])
        if not self.learned_px or min(self.learned_px) / OTHER_SIZE <= side <= max(self.learned_px) * OTHER_SIZE:
            return ""
        learned = " to ".join(str(px) for px in dict.fromkeys(self.learned_px))
        return (
            f"Its longer side has {side:,} pixels; the network learned from pictures of {learned}: what it looks for "
            "has another size here, so take the score with care, or train on pictures of this size."
        )

    def notes(self, pixels: np.ndarray, spacing_mm: Sequence[float] | None = None) -> tuple[str, ...]:
        """Sentences on what a picture is unlike those that the network learned from: depth, size, size of a pixel."""
        found = (self.depth_note(pixels), self.size_note(pixels), self.spacing_note(spacing_mm))
        return tuple(filter(None, found))

    def spacing_note(self, spacing_mm: Sequence[float] | None) -> str:
        """A sentence where a picture's pixels have another size in mm than the network learned; here it knows none."""
        return ""

    def for_pictures(self, pictures: Iterable[np.ndarray]) -> Self:
        """The task with the levels, depths and sizes that suit some training pictures; levels that were chosen stay.

        Pictures of 8 bits are taken as they are. Deeper ones, or both, are taken between their percentiles, so that
        one picture in two depths is one input.
        """
        told = [(depth_of(one) or 16, max(one.shape[:2])) for one in pictures]
        bits, sides = {depth for depth, _ in told}, [side for _, side in told]
        levels = self.levels if self.levels != "auto" or not bits else "depth" if bits == {8} else "percentiles"
        return self.model_copy(
            update={
                "levels": levels,
                "learned_bits": tuple(sorted(bits)),
                "learned_px": (min(sides), max(sides)) if sides else (),
            }
        )


def of_one_shape(inputs: Sequence[torch.Tensor]) -> list[list[int]]:
    """Places of the inputs that make a batch together, those of one shape and type; each once."""
    kinds: dict[tuple[Any, ...], list[int]] = {}
    for place, one in enumerate(inputs):
        kinds.setdefault((one.dtype, one.shape), []).append(place)
    return list(kinds.values())


def resized(planes: torch.Tensor, size: tuple[int, int], top_value: int) -> torch.Tensor:
    """Planes (1, C, H, W) of values up to ``top_value`` in another size, whole numbers (C, h, w): uint8 or uint16."""
    if planes.shape[2:] != size:
        planes = functional.interpolate(planes, size, mode="bilinear", antialias=True, align_corners=False)
    return planes[0].round().clamp(0, top_value).to(torch.uint16 if top_value > 255 else torch.uint8)


def defect_probability(logits: torch.Tensor) -> torch.Tensor:
    """Probability (..., ) that a picture is no normal one, from logits (..., n_classes), normal first."""
    soft = logits.softmax(dim=-1)
    # The complement of one class is as exact as the class itself only where it is computed so.
    return soft[..., 1] if soft.shape[-1] == len(IMAGE_CLASSES) else 1 - soft[..., 0]


def _margins(shape: tuple[int, int]) -> tuple[int, int, int, int]:
    """Left, right, top and bottom margins of a picture in its square."""
    height, width = shape
    side = max(shape)
    left, top = (side - width) // 2, (side - height) // 2
    return left, side - width - left, top, side - height - top


def _border_median(planes: torch.Tensor) -> torch.Tensor:
    """Median of the border pixels of each plane, (C, H, W) to (C,)."""
    border = [planes[:, 0], planes[:, -1], planes[:, :, 0], planes[:, :, -1]]
    return torch.cat(border, dim=1).median(dim=1).values
