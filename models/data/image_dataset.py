"""Training pictures: decoded and resized once, stored as integers, augmented and normalised when drawn."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence
from typing import TypeVar

import numpy as np
import torch
from torch.utils.data import Dataset, Sampler

from models.core.errors import ReadError
from models.data.image_augment import ImageAugmenter
from models.data.image_folder import ImageRow
from models.tasks.image import ImageTask
from models.tasks.image_levels import NOTHING_TO_JUDGE, is_blank
from readers.core.file_names import readable

_LOG_EVERY_S = 20.0
_PROBED = 64
"""Pictures that the depth of a set is told from, about."""
ImageTaskT = TypeVar("ImageTaskT", bound=ImageTask)
logger = logging.getLogger(__name__)


class ImageDataset(Dataset):
    """Pictures of one side of a split, indexed by (epoch, number).

    Pictures that cannot be read, and blank ones, are left out and listed in ``unreadable`` with their fault.

    Args:
        rows: the pictures.
        task: what the network's input is.
        augmenter: changes of the training pictures; None for validation.
        seed: of the augmentation.
        cache_bytes: keep the prepared pictures in memory where they are no more than this.
    """

    def __init__(
        self,
        rows: Sequence[ImageRow],
        task: ImageTask,
        augmenter: ImageAugmenter | None = None,
        seed: int = 0,
        cache_bytes: float = 4e9,
    ):
        self.task = task
        self.augmenter = augmenter
        self.seed = seed
        self.unreadable: dict[str, str] = {}
        self.rows: list[ImageRow] = []
        self._squares: list[torch.Tensor | None] = []
        self._read_all(rows, cache_bytes)
        self.labels = np.array([task.class_of(row.label, row.defect_type) for row in self.rows], np.int64)

    def _read_all(self, rows: Sequence[ImageRow], cache_bytes: float) -> None:
        used, told = 0, time.monotonic()
        for number, row in enumerate(rows):
            try:
                square = self._square(row)
            except ReadError as error:
                self.unreadable[row.name] = error.fault
                continue
            used += square.numel() * square.element_size()
            self.rows.append(row)
            self._squares.append(square if used <= cache_bytes else None)
            if time.monotonic() - told > _LOG_EVERY_S:
                told = time.monotonic()
                logger.info("%d of %d pictures read", number + 1, len(rows))

    def _square(self, row: ImageRow) -> torch.Tensor:
        try:
            return self.task.square(judged_pixels(row))
        except ValueError as error:
            raise ReadError(row.path, str(error)) from error

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, place: tuple[int, int]) -> tuple[torch.Tensor, torch.Tensor]:
        """Input float32 (3, S, S) and target of picture ``number`` in epoch ``epoch``."""
        epoch, number = place
        unit = self.unit(number)
        if self.augmenter is not None:
            unit = self.augmenter(unit, np.random.default_rng((self.seed, epoch, number)))
        return self.task.normalise(unit), torch.tensor(int(self.labels[number]))

    def unit(self, number: int) -> torch.Tensor:
        """Picture ``number`` as it is, 0 to 1, float32 (1 or 3, H, W) of the network's input."""
        square = self._squares[number]
        return self.task.unit(self._square(self.rows[number]) if square is None else square)


def judged_pixels(row: ImageRow) -> np.ndarray:
    """Values (H, W) of a picture that there is something to judge in; training and evaluation leave out the others.

    Raises:
        ReadError: it cannot be read, or it is black or of one value everywhere, which inspection gives no score, too.
    """
    pixels = row.pixels()
    if is_blank(pixels):
        raise ReadError(row.path, NOTHING_TO_JUDGE)
    return pixels


def left_out(permitted: float, *sides: ImageDataset) -> dict[str, str]:
    """The pictures of all sides that are left out, with their faults.

    Args:
        permitted: share of the pictures that may be left out.
        sides: what a training reads.

    Raises:
        ReadError: they are more.
    """
    unreadable = {name: fault for one in sides for name, fault in one.unreadable.items()}
    for name, fault in unreadable.items():
        logger.warning("left out: %s: %s", readable(name), fault)
    count = len(unreadable) + sum(len(one) for one in sides)
    if count and len(unreadable) / count > permitted:
        name, fault = next(iter(unreadable.items()))
        raise ReadError(
            name,
            f"{fault.rstrip('.')}; {len(unreadable)} of {count} pictures, more than data.unreadable_share permits, "
            "cannot be used: mend or remove them, or permit more",
        )
    return unreadable


def with_levels(task: ImageTaskT, rows: Sequence[ImageRow]) -> ImageTaskT:
    """The task with the levels and depths of the pictures that it is trained on, told from a few of them.

    Args:
        task: as it was configured.
        rows: the training pictures.
    """

    def some() -> Iterator[np.ndarray]:
        for row in rows[:: max(1, len(rows) // _PROBED)]:
            try:
                yield judged_pixels(row)
            except ReadError:
                continue  # it is named when all are read

    return task.for_pictures(some())


class EpochOrder(Sampler[tuple[int, int]]):
    """Order of the pictures: shuffled for each epoch, or sequential.

    Args:
        n: how many pictures there are.
        shuffle: whether to shuffle.
        seed: of the shuffling.
        drawn: pictures of an epoch; 0 for all.
    """

    def __init__(self, n: int, *, shuffle: bool, seed: int = 0, drawn: int = 0):
        self.n = n
        self.shuffle = shuffle
        self.seed = seed
        self.drawn = min(drawn, n) if drawn else n
        self.epoch = 0
        self._first = 0

    def set_epoch(self, epoch: int) -> None:
        """Set the epoch; Lightning calls it before each one."""
        self.epoch = epoch

    def start_at(self, epoch: int, pictures: int) -> None:
        """Start in this epoch and skip its first pictures, which were seen before a training was resumed."""
        self.epoch = epoch
        self._first = pictures

    def __len__(self) -> int:
        return self.drawn

    def __iter__(self) -> Iterator[tuple[int, int]]:
        order = np.arange(self.n)
        if self.shuffle:
            np.random.default_rng((self.seed, self.epoch)).shuffle(order)
        first, self._first = self._first, 0
        yield from ((self.epoch, int(number)) for number in order[first : self.drawn])
