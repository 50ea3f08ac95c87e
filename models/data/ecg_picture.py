"""Leads and time of a recording as a picture, and what every picture of a recording goes through before the network."""

from __future__ import annotations

import numpy as np
import torch
from torch.nn import functional

MATRIX_SIZE = (182, 256)
"""Height and width of the documented matrix."""
_FLAT = 1e-6


def matrix(samples: torch.Tensor) -> torch.Tensor:
    """Leads x time as one channel, resized, normalised and repeated to three, float32 (3, 182, 256).

    The whole picture has mean 0 and SD 1 (a flat one is zero); resizing is bilinear with antialias, so 10 s keep 25 Hz.

    Args:
        samples: float32 (n_leads, n).
    """
    resized = functional.interpolate(samples[None, None], MATRIX_SIZE, mode="bilinear", antialias=True)[0]
    centred = resized - resized.mean()
    return (centred / centred.std().clamp_min(_FLAT)).expand(3, -1, -1).contiguous()


def as_picture(page: np.ndarray) -> torch.Tensor:
    """A page (H, W, 3) of values 0 to 1 as the network's input, float32 (3, H, W), -1 to 1 (as EfficientNet-Lite's)."""
    return torch.from_numpy(np.ascontiguousarray(page.transpose(2, 0, 1), dtype=np.float32)) * 2 - 1
