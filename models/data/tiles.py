"""Tiles of labelled pictures, with a target for each place if there are masks or boxes, else for the whole tile."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch.nn import functional
from torch.utils.data import Dataset

from models.config.small_defects import TileConfig
from models.data.defect_marks import DEFECT, GOOD, UNKNOWN, Marks, marks_of
from models.data.image_augment import ImageAugmenter
from models.data.image_dataset import ImageDataset
from models.data.pasted_defects import DefectBank
from models.data.place_dataset import PlaceItem, onto_cells
from models.data.tile_changes import changed
from models.networks.image.places import CELL
from models.tasks.small_defects import SmallDefectsTask
from readers.core.file_names import readable

_MIL_RANDOM = 0.3
"""Share of tiles at random places of defective pictures without marks; the others are at the most defective place."""
_HARD = 0.5
"""Share of the tiles without a marked defect that are at false positives (hard negative mining)."""
_HARD_KEPT = 6
"""Most false positives kept of a picture."""
_HARD_APART = 9
"""Radius of the non-maximum suppression of false positives, cells."""
_MOST_PASTED = 3
LOOK_PX = 40e6
"""Pixels of the input that are looked at between two epochs, at most."""
logger = logging.getLogger(__name__)


class Tiles(Dataset):
    """Tiles of pictures, indexed by (epoch, number).

    In a picture with a mask or boxes each place of a tile has a target. A defective picture without either is a bag
    (multiple instance learning: Dietterich et al. 1997): its tile is the one that the network finds most defective so
    far (:meth:`look`), all weights are 0, and the loss requires a defect somewhere in it. Good tiles are taken at false
    positives (hard negatives) as often as at random places, and some get a defect of another picture.

    Args:
        pictures: labelled pictures, without an augmenter.
        task: preprocessing.
        settings: number and kinds of tiles.
        augmenter: augmentation; None for validation, which uses the same tiles in each epoch and pastes no defects.
        seed: seed of all randomness.

    Attributes:
        bags: numbers of the defective pictures of which nothing says where the defect is.
        look_px: pixels that :meth:`look` may look at.
    """

    def __init__(
        self,
        pictures: ImageDataset,
        task: SmallDefectsTask,
        settings: TileConfig,
        augmenter: ImageAugmenter | None = None,
        seed: int = 0,
    ):
        self.pictures, self.task, self.settings = pictures, task, settings
        self.augmenter, self.seed = augmenter, seed
        self.look_px = LOOK_PX
        self._mismarked: list[str] = []
        self.marks = [self._marks(number) for number in range(len(pictures))]
        if self._mismarked:
            logger.warning(
                "%d pictures have an empty mask or boxes outside of them (%s): correct them, such as boxes in pixels "
                "of a larger picture; what is marked nowhere is learned from by the picture's label alone",
                len(self._mismarked), ", ".join(self._mismarked[:3]),
            )  # fmt: skip
        labels = pictures.labels
        self.defective = [number for number, marks in enumerate(self.marks) if labels[number] and _may_hold(marks)]
        # A picture whose defects are marked has good places as well.
        self.others = [number for number, marks in enumerate(self.marks) if marks is not None]
        self.bags = [number for number in self.defective if self.marks[number] is None]
        self.defect_share = settings.defect_share if self.others else 1.0
        self.bank = self._bank() if augmenter is not None and settings.pasted else DefectBank()
        self._focus: dict[int, tuple[int, int]] = {}
        self._hard: dict[int, list[tuple[int, int, float]]] = {}
        self._hard_table: tuple[list[tuple[int, int, int]], np.ndarray] = ([], np.empty(0))

    def _marks(self, number: int) -> Marks | None:
        row = self.pictures.rows[number]
        if not row.label:
            height, width = self.pictures.unit(number).shape[1:]
            return Marks(np.zeros((height // CELL, width // CELL), np.uint8), ())
        if not row.has_truth:
            return None
        shape = row.pixels().shape[:2]
        marks = marks_of(row, self.task, shape)
        if marks is None or not all(box.lies_in(shape) for box in row.boxes):
            self._mismarked.append(readable(row.name))
        return marks

    def _bank(self) -> DefectBank:
        bank = DefectBank()
        for number in self.defective:
            marks = self.marks[number]
            if marks is not None and marks.boxes:
                bank.add(self.pictures.unit(number)[0].numpy(), marks.boxes)
        return bank

    def __len__(self) -> int:
        return self.settings.count

    def look(self, place_logits: Callable[[torch.Tensor], torch.Tensor], epoch: int) -> None:
        """Update the most defective place of pictures without marks, and the list of false positives.

        Args:
            place_logits: maps an input (1, 1, H, W) to logits (1, H / 4, W / 4).
            epoch: from 0; before the first epoch nothing is updated, since the network is untrained.
        """
        known = self.others if epoch else []
        generator = np.random.default_rng((self.seed, epoch))
        seen = 0
        for number in [*generator.permutation(self.bags).tolist(), *generator.permutation(known).tolist()]:
            unit = self.pictures.unit(int(number))
            seen += unit.numel()
            if seen > self.look_px and seen > unit.numel():
                break
            self._remember(int(number), place_logits(self.task.normalise(unit)[None])[0].float())
        found = [(number, row, column) for number, places in self._hard.items() for row, column, _ in places]
        weight = np.array([0.02 + prob for places in self._hard.values() for *_, prob in places])
        self._hard_table = found, weight.cumsum()

    def _remember(self, number: int, places: torch.Tensor) -> None:
        marks = self.marks[number]
        if marks is None:
            row, column = divmod(int(places.argmax()), places.shape[1])
            self._focus[number] = row * CELL, column * CELL
            return
        good = torch.from_numpy(marks.cells) == GOOD
        places = torch.where(good, places[: good.shape[0], : good.shape[1]], -torch.inf)
        highest = functional.max_pool2d(places[None], _HARD_APART, 1, _HARD_APART // 2)[0]
        peaks = torch.where((places == highest) & good, places, -torch.inf).flatten()
        values, at = peaks.topk(min(_HARD_KEPT, len(peaks)))
        self._hard[number] = [
            (place // places.shape[1] * CELL, place % places.shape[1] * CELL, float(value.sigmoid()))
            for value, place in zip(values, at.tolist(), strict=True)
            if torch.isfinite(value)
        ]

    def __getitem__(self, place: tuple[int, int]) -> PlaceItem:
        epoch, number = place
        generator = np.random.default_rng((self.seed, epoch if self.augmenter else 0, number))
        if self.defective and generator.random() < self.defect_share:
            picture = int(self.defective[int(generator.integers(len(self.defective)))])
            return self._tile(picture, self._on_defect(picture, generator), generator)
        picture, middle = self._good_place(generator)
        pasted = self.settings.pasted if self.augmenter is not None else 0.0
        count = int(generator.integers(1, _MOST_PASTED + 1)) if generator.random() < pasted else 0
        return self._tile(picture, middle, generator, count)

    def _good_place(self, generator: np.random.Generator) -> tuple[int, tuple[int, int] | None]:
        """A picture with good places and a pixel for the tile to contain: a false positive or a random one."""
        found, weight = self._hard_table
        if self.augmenter is not None and found and generator.random() < _HARD:
            number, row, column = found[
                int(np.searchsorted(weight, generator.random() * weight[-1]).clip(max=len(found) - 1))
            ]
            return number, (row, column)
        return int(self.others[int(generator.integers(len(self.others)))]), None

    def _on_defect(self, picture: int, generator: np.random.Generator) -> tuple[int, int] | None:
        """A pixel for the tile to contain."""
        marks = self.marks[picture]
        if marks is None:
            return self._focus.get(picture) if generator.random() > _MIL_RANDOM else None
        rows, columns = np.nonzero(marks.cells == DEFECT)
        one = int(generator.integers(len(rows)))
        return int(rows[one]) * CELL, int(columns[one]) * CELL

    def _first(
        self, extents: Sequence[int], middle: tuple[int, int] | None, generator: np.random.Generator
    ) -> tuple[int, int]:
        """Upper left pixel of a tile: random, or such that a given pixel lies in the inner three quarters."""
        side, first = self.settings.side, []
        for axis, extent in enumerate(extents):
            low, high = 0, max(extent - side, 0)
            if middle is not None:
                rim = side // 8
                low, high = (min(max(middle[axis] - edge, 0), high) for edge in (side - rim, rim))
            first.append(int(generator.integers(low // CELL, high // CELL + 1)) * CELL)
        return first[0], first[1]

    def _tile(
        self, picture: int, middle: tuple[int, int] | None, generator: np.random.Generator, pasted: int = 0
    ) -> PlaceItem:
        unit, marks, side = self.pictures.unit(picture), self.marks[picture], self.settings.side
        top, left = self._first(unit.shape[1:], middle, generator)
        grey = unit[0, top : top + side, left : left + side].numpy()
        cells = np.full((side // CELL,) * 2, UNKNOWN, np.uint8)
        if marks is not None:
            part = marks.cells[top // CELL :, left // CELL :][: side // CELL, : side // CELL]
            cells[: part.shape[0], : part.shape[1]] = part
        for _ in range(pasted):
            grey, spot = self.bank.paste(grey, generator)
            _mark(cells, spot)
        lacking = [side - length for length in grey.shape]
        grey = np.pad(grey, ((0, lacking[0]), (0, lacking[1])), mode="edge")
        target = np.ones(cells.shape, np.float32) if marks is None else (cells == DEFECT).astype(np.float32)
        item = grey, target, (cells != UNKNOWN).astype(np.float32)
        grey, target, known = item if self.augmenter is None else changed(item, self.augmenter, generator)
        x = self.task.normalise(torch.from_numpy(np.ascontiguousarray(grey))[None])
        return x, torch.from_numpy(np.ascontiguousarray(target)), torch.from_numpy(np.ascontiguousarray(known))


def _mark(cells: np.ndarray, spot: np.ndarray) -> None:
    """Enter the pixels (H, W) of a pasted defect into the cells of a tile; cells at its rim become unknown."""
    if not spot.any():
        return
    lacking = [-length % CELL for length in spot.shape]
    sure = onto_cells(np.pad(spot, ((0, lacking[0]), (0, lacking[1])))).numpy() > 0
    rim = functional.max_pool2d(torch.from_numpy(sure.astype(np.float32))[None], 3, 1, 1)[0].numpy() > 0
    part = cells[: sure.shape[0], : sure.shape[1]]
    part[rim & (part == GOOD)] = UNKNOWN
    part[sure] = DEFECT


def _may_hold(marks: Marks | None) -> bool:
    """Whether the tile has a defect, as far as is known."""
    return marks is None or bool((marks.cells == DEFECT).any())
