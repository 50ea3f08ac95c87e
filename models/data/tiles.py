"""Tiles of labelled pictures, with a target for each place where masks or boxes say it, and for the whole where not."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch.utils.data import Dataset

from models.data.image_augment import ImageAugmenter
from models.data.image_dataset import ImageDataset
from models.data.image_folder import truth_mask
from models.data.place_dataset import PlaceItem, onto_cells
from models.networks.image.places import CELL
from models.tasks.small_defects import SmallDefectsTask

_MIL_RANDOM = 0.3
"""Share of the tiles of a picture known by its label alone that are taken anywhere, so that others get a chance."""


class Tiles(Dataset):
    """Tiles of pictures; an item is asked for by (epoch, number).

    Where a picture has a mask or boxes, each place of a tile has its target. A defective picture without either is a
    bag (multiple instance learning: Dietterich et al. 1997): its tile is the one that the network finds most defective
    so far (:meth:`look`), all weights are 0, and the loss asks for a defect somewhere in it.

    Args:
        pictures: labelled ones, without an augmenter.
        task: what they are prepared by.
        side: of a tile, pixels.
        count: tiles of an epoch.
        defect_share: share of them that are taken where a defect is.
        augmenter: photometric changes; None for validation, which also takes the same tiles in each epoch.
        seed: of all that is drawn.
    """

    def __init__(
        self,
        pictures: ImageDataset,
        task: SmallDefectsTask,
        side: int,
        count: int,
        defect_share: float,
        augmenter: ImageAugmenter | None = None,
        seed: int = 0,
    ):
        self.pictures, self.task, self.side, self.count = pictures, task, side, count
        self.augmenter, self.seed = augmenter, seed
        self.cells = [self._cells(number) for number in range(len(pictures))]
        labels = pictures.labels
        self.defective = [number for number, cells in enumerate(self.cells) if labels[number] and _may_hold(cells)]
        # A picture whose defects are marked has good places as well.
        self.others = [number for number in range(len(pictures)) if self.cells[number] is not None]
        self.defect_share = defect_share if self.others else 1.0
        self._focus: dict[int, tuple[int, int]] = {}

    def _cells(self, number: int) -> np.ndarray | None:
        """Whether each cell of a picture is defective, bool (H / 4, W / 4); None where that is not known."""
        row = self.pictures.rows[number]
        height, width = (side // CELL for side in self.pictures.unit(number).shape[1:])
        if not row.label:
            return np.zeros((height, width), bool)
        pixels = row.pixels()
        truth = truth_mask(row, (pixels.shape[0], pixels.shape[1]))
        if truth is None:
            return None
        cells: np.ndarray = onto_cells(self.task.mask_on_input(truth)).numpy() > 0
        return cells

    def __len__(self) -> int:
        return self.count

    def look(self, place_logits: Callable[[torch.Tensor], torch.Tensor]) -> None:
        """Find anew the most defective place of each picture that is known by its label alone."""
        for number in self.defective:
            if self.cells[number] is not None:
                continue
            x = self.task.normalise(self.pictures.unit(number))[None]
            places = place_logits(x)[0]
            row, column = divmod(int(places.argmax()), places.shape[1])
            self._focus[number] = row * CELL, column * CELL

    def __getitem__(self, place: tuple[int, int]) -> PlaceItem:
        epoch, number = place
        generator = np.random.default_rng((self.seed, epoch if self.augmenter else 0, number))
        if self.defective and generator.random() < self.defect_share:
            picture = int(self.defective[int(generator.integers(len(self.defective)))])
            middle = self._on_defect(picture, generator)
        else:
            picture, middle = int(self.others[int(generator.integers(len(self.others)))]), None
        return self._tile(picture, middle, generator)

    def _on_defect(self, picture: int, generator: np.random.Generator) -> tuple[int, int] | None:
        """A pixel that the tile shall hold."""
        cells = self.cells[picture]
        if cells is None:
            return self._focus.get(picture) if generator.random() > _MIL_RANDOM else None
        rows, columns = np.nonzero(cells)
        one = int(generator.integers(len(rows)))
        return int(rows[one]) * CELL, int(columns[one]) * CELL

    def _tile(self, picture: int, middle: tuple[int, int] | None, generator: np.random.Generator) -> PlaceItem:
        unit, cells = self.pictures.unit(picture), self.cells[picture]
        first = []
        for axis, extent in enumerate(unit.shape[1:]):
            last = max(extent - self.side, 0)
            if middle is None:
                low, high = 0, last
            else:  # anywhere such that the pixel lies in the inner three quarters
                rim = self.side // 8
                low = min(max(middle[axis] - self.side + rim, 0), last)
                high = min(max(middle[axis] - rim, 0), last)
            first.append(int(generator.integers(low // CELL, high // CELL + 1)) * CELL)
        top, left = first
        piece = unit[:, top : top + self.side, left : left + self.side]
        lacking = [self.side - side for side in piece.shape[1:]]
        known = np.zeros((self.side // CELL,) * 2, np.float32)
        target = np.ones_like(known)
        if cells is not None:
            part = cells[top // CELL :, left // CELL :][: self.side // CELL, : self.side // CELL]
            known[: part.shape[0], : part.shape[1]] = 1
            target[...] = 0
            target[: part.shape[0], : part.shape[1]] = part
        values = np.pad(piece.numpy(), ((0, 0), (0, lacking[0]), (0, lacking[1])), mode="edge")
        return self._changed(values, target, known, generator)

    def _changed(
        self, values: np.ndarray, target: np.ndarray, known: np.ndarray, generator: np.random.Generator
    ) -> PlaceItem:
        if self.augmenter is not None:
            turns = int(generator.integers(4))
            mirrored = generator.random() < self.augmenter.config.horizontal_flip
            values, target, known = (np.rot90(one, turns, (-2, -1)) for one in (values, target, known))
            if mirrored:
                values, target, known = (one[..., ::-1] for one in (values, target, known))
        unit = torch.from_numpy(np.ascontiguousarray(values))
        if self.augmenter is not None:
            unit = self.augmenter.tones(unit, generator)
        x = self.task.normalise(unit)
        return x, *(torch.from_numpy(np.ascontiguousarray(one)) for one in (target, known))


def _may_hold(cells: np.ndarray | None) -> bool:
    """Whether there is a defect to be found, as far as is known."""
    return cells is None or bool(cells.any())


def unmarked(pictures: ImageDataset) -> int:
    """How many defective pictures say nothing of where the defect is."""
    return sum(row.label == 1 and not row.has_truth for row in pictures.rows)
