"""Grey values relative to what lies around them, as channels of a network's input.

A pore lifts the grey of a radiograph by a few per cent wherever it lies, behind ten millimetres of metal or fifty. In
units of the mean and spread of its surroundings it is the same everywhere, whatever the part, exposure and film.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional

WINDOWS = (17, 65)
"""Sides of the surroundings, pixels of the input; odd."""
LEAST_SPREAD = 0.02
"""Spread (SD, of values whose whole range is 2) that surroundings are taken to have at least: quieter ones are flat."""
_LIMIT = 4.0
_COARSE_REACH = 8
"""Pixels from the middle of a window to its edge that suffice; of wider ones several are taken together."""


class LocalContrast(nn.Module):
    """Of one channel (B, 1, H, W) three: the value itself, and its standard score within each of two windows.

    Args:
        windows: sides of the windows, pixels, odd.
    """

    def __init__(self, windows: Sequence[int] = WINDOWS):
        super().__init__()
        self.windows = tuple(windows)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """float32 (B, 1 + windows, H, W); standard scores are halved and bent to lie within 4."""
        return torch.cat([x, *(self._scored(x, window) for window in self.windows)], dim=1)

    def _scored(self, x: torch.Tensor, window: int) -> torch.Tensor:
        # Differences from one value lose no digits where a picture is bright and quiet.
        shifted = x - x.mean(dim=(2, 3), keepdim=True)
        mean, squares = _windowed(shifted, window), _windowed(shifted * shifted, window)
        spread = (squares - mean * mean).clamp_min(0).sqrt()
        scores = (shifted - mean) / (spread + LEAST_SPREAD)
        return _LIMIT * torch.tanh(scores / (2 * _LIMIT))


def _windowed(x: torch.Tensor, window: int) -> torch.Tensor:
    """Mean within a square window, of the part of it that lies in the picture."""
    coarse = window // 2 // _COARSE_REACH
    if coarse > 1:  # a wide window needs no single pixels
        whole = x.shape[2:]
        x = functional.avg_pool2d(x, coarse, ceil_mode=True, count_include_pad=False)
        x = _windowed(x, window // coarse | 1)
        return functional.interpolate(x, whole, mode="bilinear", align_corners=False)
    reach = window // 2
    for kernel, padding in (((window, 1), (reach, 0)), ((1, window), (0, reach))):
        x = functional.avg_pool2d(x, kernel, 1, padding, count_include_pad=False)
    return x
