"""A recording as a picture of leads and time, and the preprocessing that all pictures of recordings share."""

from __future__ import annotations

import numpy as np
import torch
from torch.nn import functional

MATRIX_SIZE = (182, 256)
"""Height and width of the documented matrix."""
_FLAT = 1e-6


def matrix(samples: torch.Tensor, size: tuple[int, int] = MATRIX_SIZE) -> torch.Tensor:
    """Leads x time as one channel, resized, normalised and repeated three times, float32 (3, *size).

    The whole picture has mean 0 and SD 1 (a flat one is zero); resizing is bilinear with antialias, so of the default's
    256 columns 10 s keep 12.8 Hz.

    Args:
        samples: float32 (n_leads, n).
        size: height and width, pixels.
    """
    resized = functional.interpolate(samples[None, None], size, mode="bilinear", antialias=True)[0]
    centred = resized - resized.mean()
    return (centred / centred.std().clamp_min(_FLAT)).expand(3, -1, -1).contiguous()


def as_picture(page: np.ndarray) -> torch.Tensor:
    """A page (H, W, 3) of values 0 to 1 as the network's input, float32 (3, H, W), -1 to 1 (as EfficientNet-Lite's)."""
    return torch.from_numpy(np.ascontiguousarray(page.transpose(2, 0, 1), dtype=np.float32)) * 2 - 1


def as_seen(x: torch.Tensor) -> np.ndarray:
    """A network's input (3, H, W) for display, uint8 (H, W, 3).

    A page is what it was; a matrix has no range of its own, so all but its outermost hundredths become black to white.
    """
    values = x.detach().cpu().float().numpy().transpose(1, 2, 0)
    low, high = -1.0, 1.0
    if values.min() < low or values.max() > high:
        low, high = (float(end) for end in np.quantile(values, (0.01, 0.99)))
    steps: np.ndarray = np.rint(np.clip((values - low) / max(high - low, _FLAT), 0, 1) * 255)
    return steps.astype(np.uint8)
