"""Training pictures with the known labels of their patches, for a loss on patches beside that on the whole picture."""

from __future__ import annotations

import numpy as np
import torch
from torch.nn import functional
from torch.utils.data import Dataset

from models.core.errors import ReadError
from models.data.image_dataset import ImageDataset
from models.data.image_folder import truth_mask

MARKS_PX = 8
"""Side of a mark, pixels of the input; patches of the networks have 32 or 16."""
NOT_KNOWN = -1.0
MarkedItem = tuple[torch.Tensor, torch.Tensor, torch.Tensor]
"""Input (3, S, S), class, and marks (S / 8, S / 8): 1 defect, 0 no defect, -1 unknown."""


class MarkedPictures(Dataset):
    """The items of an :class:`ImageDataset` with marks; geometric augmentation transforms both.

    Args:
        pictures: with or without an augmenter; its task pads pictures to squares.
    """

    def __init__(self, pictures: ImageDataset):
        self.pictures = pictures
        self._marks = [self._marked(number) for number in range(len(pictures))]

    @property
    def marked(self) -> int:
        """Number of defective pictures with marks."""
        known = (marks is not None for marks in self._marks)
        return sum(there for there, label in zip(known, self.pictures.labels, strict=True) if label)

    def _marked(self, number: int) -> np.ndarray | None:
        """Marks of a picture before augmentation, uint8 (side, side); None if it has none."""
        row, side = self.pictures.rows[number], self.pictures.task.image_size // MARKS_PX
        if not row.label:
            return np.zeros((side, side), np.uint8)
        try:
            truth = truth_mask(row, row.pixels().shape[:2]) if row.has_truth else None
        except ReadError:
            return None  # an unreadable mask gives no marks; the picture keeps its label
        return None if truth is None else _on_square(truth, side)

    def __len__(self) -> int:
        return len(self.pictures)

    def __getitem__(self, place: tuple[int, int]) -> MarkedItem:
        """Input, target and marks of picture ``number`` in epoch ``epoch``."""
        epoch, number = place
        pictures, marks = self.pictures, self._marks[number]
        unit, target = pictures.unit(number), torch.tensor(int(pictures.labels[number]))
        side = pictures.task.image_size // MARKS_PX
        plane = torch.from_numpy((np.zeros((side, side)) if marks is None else marks).astype(np.float32))[None]
        if pictures.augmenter is not None:
            generator = np.random.default_rng((pictures.seed, epoch, number))
            whole = functional.interpolate(plane[None], unit.shape[1:], mode="nearest")[0]
            moved = pictures.augmenter.moved(torch.cat([unit, whole]), generator)
            unit = pictures.augmenter.tones(moved[: len(unit)], generator)
            plane = functional.adaptive_max_pool2d(moved[len(unit) :], (side, side))
        known = (plane[0] > 0.5).float() if marks is not None else torch.full((side, side), NOT_KNOWN)
        return pictures.task.normalise(unit), target, known


def patch_loss(patch_logits: torch.Tensor, marks: torch.Tensor) -> torch.Tensor:
    """Cross-entropy of patches, balanced so that patches with and without a defect have equal total weight.

    Args:
        patch_logits: (B, n_classes, h, w), normal first.
        marks: (B, s, s) of :data:`MarkedItem`; a patch with any defective mark is defective.
    """
    # log-odds of any defect against normal
    odds = patch_logits[:, 1:].logsumexp(dim=1) - patch_logits[:, 0]
    target = functional.adaptive_max_pool2d(marks[:, None], odds.shape[1:])[:, 0]
    loss = functional.binary_cross_entropy_with_logits(odds, target.clamp_min(0), reduction="none")
    halves = [(loss * chosen).sum() / chosen.sum().clamp_min(1) for chosen in (target == 0, target == 1)]
    return (halves[0] + halves[1]) / 2


def _on_square(truth: np.ndarray, side: int) -> np.ndarray:
    """Reduce a mask (H, W) to the square that the task pads to, uint8 (side, side); keeps every marked pixel."""
    height, width = truth.shape
    whole = max(height, width)
    top, left = (whole - height) // 2, (whole - width) // 2
    marks = np.zeros((side, side), np.uint8)
    rows, columns = np.nonzero(truth)
    marks[(rows + top) * side // whole, (columns + left) * side // whole] = 1
    return marks
