"""Augmentation of a tile with its targets: rotation, mirroring, scaling, and changes of the grey values."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch.nn import functional

from models.data.image_augment import ImageAugmenter

TileArrays = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Grey values float32 (side, side), target and weight of each cell, float32 (side / 4, side / 4)."""
_RESAMPLED = 0.5
"""Share of the tiles rotated by any angle and scaled; the others are not resampled and keep their noise."""


def changed(item: TileArrays, augmenter: ImageAugmenter, generator: np.random.Generator) -> TileArrays:
    """Augment a tile; returns a copy.

    Args:
        item: the tile.
        augmenter: kinds and ranges of the changes; ``rotation_deg`` is added to quarter turns.
        generator: source of all randomness.
    """
    config = augmenter.config
    turns, mirrored = int(generator.integers(4)), generator.random() < config.horizontal_flip
    grey, target, known = (np.rot90(one, turns)[:, :: -1 if mirrored else 1] for one in item)
    if generator.random() < _RESAMPLED and (config.rotation_deg or config.scale != (1.0, 1.0)):
        angle = math.radians(generator.uniform(-config.rotation_deg, config.rotation_deg))
        scale = math.exp(generator.uniform(*np.log(config.scale)))
        grey, target, known = _resampled((grey, target, known), angle, scale)
    unit = augmenter.tones(torch.from_numpy(np.ascontiguousarray(grey))[None], generator)
    return unit[0].numpy(), target, known


def _resampled(item: TileArrays, angle: float, scale: float) -> TileArrays:
    """Rotate by an angle (radians) and magnify; places beyond the tile are mirrored and their targets unknown."""
    cosine, sine = math.cos(angle) / scale, math.sin(angle) / scale
    theta = torch.tensor([[[cosine, -sine, 0.0], [sine, cosine, 0.0]]])
    grids = {side: functional.affine_grid(theta, [1, 1, side, side], align_corners=False) for side in _sides(item)}

    def sampled(values: np.ndarray, mode: str, padding: str) -> np.ndarray:
        whole = torch.from_numpy(np.ascontiguousarray(values, np.float32))[None, None]
        found = functional.grid_sample(whole, grids[values.shape[0]], mode, padding, align_corners=False)
        moved: np.ndarray = found[0, 0].numpy()
        return moved

    grey, target, known = item
    return (
        sampled(grey, "bilinear", "reflection"),
        sampled(target, "nearest", "zeros"),
        sampled(known, "nearest", "zeros"),
    )


def _sides(item: TileArrays) -> set[int]:
    return {one.shape[0] for one in item}
