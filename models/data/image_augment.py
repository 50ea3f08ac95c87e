"""Augmentation of training pictures: flips, rotation and shift in one resampling, colour jitter, and tone.

torchvision's v2 operators do the work; the parameters come from a generator of our own, so that a picture of an epoch
looks the same whichever process draws it.
"""

from __future__ import annotations

import math

import numpy as np
import torch

from models.config.image import ImageAugmentConfig

_OFTEN = 0.5
_BLUR_PX = 9
"""Side of the kernel of a blur, pixels."""


class ImageAugmenter:
    """Random augmentation of pictures.

    Args:
        config: what to change, and by how much.
    """

    def __init__(self, config: ImageAugmentConfig):
        self.config = config

    def __call__(self, unit: torch.Tensor, generator: np.random.Generator) -> torch.Tensor:
        """An augmented copy of a picture, float32 (1 or 3, S, S) with values 0 to 1."""
        return self.tones(self.moved(unit, generator), generator)

    def moved(self, unit: torch.Tensor, generator: np.random.Generator) -> torch.Tensor:
        """A copy that is mirrored, turned, moved and scaled, of any number of planes (C, S, S): those of a picture, and
        marks of places in it."""
        from torchvision.transforms.v2 import functional as operators  # needed for training only

        config = self.config
        if generator.random() < config.horizontal_flip:
            unit = operators.horizontal_flip(unit)
        if generator.random() < config.vertical_flip:
            unit = operators.vertical_flip(unit)
        return self._affine(unit, generator)

    def tones(self, unit: torch.Tensor, generator: np.random.Generator) -> torch.Tensor:
        """A copy whose grey values and colours are changed, each pixel in its place."""
        from torchvision.transforms.v2 import functional as operators

        config = self.config
        if config.tone:
            # How grey follows attenuation differs from scanner to scanner far more than brightness and contrast say.
            unit = unit.clamp(0, 1) ** math.exp(generator.uniform(-config.tone, config.tone))
        unit = operators.adjust_brightness(unit, _around_one(config.brightness, generator))
        unit = operators.adjust_contrast(unit, _around_one(config.contrast, generator))
        if unit.shape[0] == 3:
            unit = operators.adjust_saturation(unit, _around_one(config.saturation, generator))
        if config.blur and generator.random() < _OFTEN:
            unit = operators.gaussian_blur(unit, _BLUR_PX, max(float(generator.uniform(0, config.blur)), 0.1))
        if config.noise and generator.random() < _OFTEN:
            strength = generator.uniform(0, config.noise)
            unit = unit + torch.from_numpy(generator.normal(0, strength, unit.shape).astype(np.float32))
        return unit

    def _affine(self, unit: torch.Tensor, generator: np.random.Generator) -> torch.Tensor:
        from torchvision.transforms.v2 import InterpolationMode
        from torchvision.transforms.v2 import functional as operators

        config = self.config
        angle = generator.uniform(-config.rotation_deg, config.rotation_deg)
        shift = [config.translate * side * generator.uniform(-1, 1) for side in (unit.shape[2], unit.shape[1])]
        scale = math.exp(generator.uniform(*np.log(config.scale)))
        if not (angle or any(shift)) and scale == 1.0:
            return unit
        edges = torch.cat([unit[:, 0], unit[:, -1], unit[:, :, 0], unit[:, :, -1]], dim=1)
        border = edges.median(dim=1).values[:, None, None]
        # What moves in from outside is the border's value: as an offset from it, so that no seam is left.
        return border + operators.affine(
            unit - border,
            angle=angle,
            translate=shift,
            scale=scale,
            shear=[0.0, 0.0],
            interpolation=InterpolationMode.BILINEAR,
        )


def _around_one(span: float, generator: np.random.Generator) -> float:
    return float(generator.uniform(1 - span, 1 + span))
