"""Marks of patches that move with the picture, and the loss that they give."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PIL import Image

from models.config.image import ImageAugmentConfig
from models.data.image_augment import ImageAugmenter
from models.data.image_dataset import ImageDataset
from models.data.image_folder import Box, ImageRow
from models.data.marked_pictures import MARKS_PX, NOT_KNOWN, MarkedPictures, patch_loss
from models.networks.image.base import ImageNetwork
from models.tasks.image import ImageTask

TASK = ImageTask(image_size=96, levels="depth", normalisation="tensorflow")


def rows(root: Path) -> list[ImageRow]:
    found = []
    for number, (label, boxes) in enumerate(((1, (Box(60, 20, 79, 39),)), (1, ()), (0, ()))):
        grey = np.tile(np.linspace(50, 70, 100).astype(np.uint8), (60, 1))
        if boxes:
            grey[20:40, 60:80] = 240
        path = root / f"{number}.png"
        Image.fromarray(grey).save(path)
        found.append(ImageRow(path, path.name, label, f"part{number}", boxes=boxes))
    return found


def test_marks_lie_where_the_defect_lies_however_the_picture_is_moved(tmp_path: Path):
    augmenter = ImageAugmenter(ImageAugmentConfig(rotation_deg=20.0, brightness=0.0, contrast=0.0))
    plain = ImageDataset(rows(tmp_path), TASK, augmenter, 3)
    pictures = MarkedPictures(plain)
    assert pictures.marked == 1
    for epoch in range(12):
        x, target, marks = pictures[epoch, 0]
        same, _ = plain[epoch, 0]
        assert torch.equal(x, same), "the picture is the one that is learned from without marks"
        assert int(target) == 1
        bright = torch.nn.functional.avg_pool2d(x[:1], MARKS_PX)[0]
        assert marks.shape == bright.shape
        assert bright[marks > 0].mean() > bright[marks == 0].max() - 0.4
        assert bright.argmax() in torch.nonzero(marks.flatten() > 0)
    assert (pictures[0, 1][2] == NOT_KNOWN).all()
    assert (pictures[0, 2][2] == 0).all()


def test_the_loss_falls_where_marked_patches_are_called_defective_and_nothing_is_said_of_unmarked_pictures():
    marks = torch.zeros(2, 12, 12)
    marks[0, 2:4, 2:4] = 1
    marks[1] = NOT_KNOWN
    right = torch.zeros(2, 2, 3, 3)
    right[:, 1] = -4.0
    right[0, 1, 0, 0] = 4.0
    wrong = -right
    assert float(patch_loss(right, marks)) < 0.1
    assert float(patch_loss(wrong, marks)) > 2.0
    other = right.clone()
    other[1] = 7.0
    assert torch.equal(patch_loss(other, marks), patch_loss(right, marks))


def test_patches_average_to_the_logits_of_the_picture():
    network = ImageNetwork("tf_efficientnet_lite0", 2, 3).eval()
    with torch.inference_mode():
        maps = network.forward_features(torch.randn(2, 3, 96, 64))
        patches = network.patch_logits(maps)
        logits = network.forward_head(maps)
    assert patches.shape == (2, 2, 3, 2)
    torch.testing.assert_close(patches.mean(dim=(2, 3)), logits, rtol=1e-3, atol=1e-4)
