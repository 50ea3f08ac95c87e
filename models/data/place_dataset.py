"""Pieces of pictures with a target for each place: good parts with drawn defects."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch.nn import functional
from torch.utils.data import Dataset

from models.data.drawn_defects import draw_defects
from models.data.image_augment import ImageAugmenter
from models.data.image_dataset import ImageDataset
from models.networks.image.places import CELL

PlaceItem = tuple[torch.Tensor, torch.Tensor, torch.Tensor]
"""Input (3, h, w); whether each place is defective, float32 (h / 4, w / 4); weight of each place, of the same shape."""


class DrawnPieces(Dataset):
    """Pieces of good pictures, defects drawn into a share of them; an item is asked for by (epoch, number).

    Args:
        pictures: good ones, without an augmenter.
        side: of a piece, pixels of the input; less where pictures are smaller.
        drawn: share that gets defects.
        count: pieces of an epoch.
        augmenter: changes of the pieces before; None for validation.
        seed: of all that is drawn.
    """

    def __init__(
        self,
        pictures: ImageDataset,
        side: int,
        drawn: float,
        count: int,
        augmenter: ImageAugmenter | None = None,
        seed: int = 0,
    ):
        self.pictures, self.drawn, self.count = pictures, drawn, count
        self.augmenter, self.seed = augmenter, seed
        shortest = min(min(pictures.unit(number).shape[1:]) for number in range(len(pictures)))
        self.side = max(CELL, min(side, shortest) // 32 * 32 or shortest // CELL * CELL)

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, place: tuple[int, int]) -> PlaceItem:
        epoch, number = place
        generator = np.random.default_rng((self.seed, epoch, number))
        picture = int(generator.integers(len(self.pictures))) if self.augmenter else number % len(self.pictures)
        unit = cut(self.pictures.unit(picture), self.side, generator)
        if self.augmenter is not None:
            unit = self.augmenter(unit, generator)
        grey = np.ascontiguousarray(unit.mean(dim=0).clamp(0, 1).numpy())
        target = np.zeros(grey.shape, bool)
        if generator.random() < self.drawn:
            grey, target = draw_defects(grey, generator)
        x = self.pictures.task.normalise(torch.from_numpy(grey)[None])
        cells = onto_cells(target)
        return x, cells, torch.ones_like(cells)


def cut(unit: torch.Tensor, side: int, generator: np.random.Generator) -> torch.Tensor:
    """A square piece of a picture (C, H, W), (C, side, side), at random."""
    first = [int(generator.integers(extent - side + 1)) for extent in unit.shape[1:]]
    return unit[:, first[0] : first[0] + side, first[1] : first[1] + side]


def onto_cells(mask: np.ndarray) -> torch.Tensor:
    """Whether any pixel of a cell is marked, float32 (H / 4, W / 4), of a mask (H, W)."""
    marked = torch.from_numpy(np.ascontiguousarray(mask, np.float32))[None, None]
    return functional.max_pool2d(marked, CELL)[0, 0]


def stacked(items: Sequence[PlaceItem]) -> PlaceItem:
    """A batch of items of one shape."""
    x, target, weight = (torch.stack(part) for part in zip(*items, strict=True))
    return x, target, weight
