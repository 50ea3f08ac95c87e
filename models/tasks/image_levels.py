"""From stored values to the levels that a network reads: what depth a picture has, and which values become 0 and 1.

The depth of a picture is that of its values and not of the file that holds them: 8 bits that were shifted or stretched
into 16 are 8 bits, and 12 bits in 16 have 4095 as their highest value.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

Levels = Literal["auto", "depth", "percentiles"]
DEPTHS = (8, 10, 12, 14, 16)
_SPREADS = (257, 256, 64, 16, 4)
"""What 8 bits are multiplied by when they are written as 16: stretched to its range, or shifted by 8 to 2 bits."""
TOP = 65535
_HALF = 0.5
"""A brightest value of floats that may be shares of white: of smaller ones nobody knows what white is."""


def as_8_bit(pixels: np.ndarray) -> np.ndarray | None:
    """The picture in 8 bits, exact, where it has no more; None for one that does.

    Args:
        pixels: of any shape and type.
    """
    if pixels.dtype in (np.uint8, np.bool_):
        return pixels
    if pixels.dtype not in (np.uint16, np.int16):
        return None
    probe = pixels.ravel()[:: max(1, pixels.size // 4096)]
    for spread in _SPREADS:
        if (probe % spread).any():
            continue
        low, high = int(pixels.min()), int(pixels.max())
        # Few values of a deeper picture may be such multiples by chance: the brightest has to be far enough.
        if low >= 0 and 128 * spread <= high <= 255 * spread and not (pixels % spread).any():
            return np.asarray(pixels // spread, np.uint8)
    return None


def depth_of(pixels: np.ndarray) -> int | None:
    """Bits of a picture: the fewest of ``DEPTHS`` that hold all of its values; None for signed and float values."""
    if as_8_bit(pixels) is not None:
        return 8
    if pixels.dtype not in (np.uint16, np.int16) or int(pixels.min()) < 0:
        return None
    highest = int(pixels.max())
    return next(bits for bits in DEPTHS if bits > 8 and highest < 1 << bits)


def to_levels(pixels: np.ndarray, levels: Levels, percentiles: tuple[float, float]) -> tuple[np.ndarray, bool]:
    """Values of a picture as levels, float32 of the same shape, and whether they go to 65535 instead of 255.

    Args:
        pixels: (H, W) of any integer or float type, or (H, W, 3) uint8.
        levels: "depth": 0 to the highest value of the picture's depth; "percentiles": between two percentiles of each
            picture; "auto": by depth for 8 bits, by percentiles for more. Values without a depth (signed; floats that
            are no shares of white) are taken between percentiles in each case.
        percentiles: these two.
    """
    if pixels.dtype == np.bool_:
        return pixels.astype(np.float32) * 255, False
    plain = as_8_bit(pixels)
    if levels != "percentiles" and plain is not None:
        return plain.astype(np.float32), False
    highest = _highest(pixels) if levels == "depth" else None
    if highest is not None:
        return pixels.astype(np.float32) * np.float32(TOP / highest), True
    return _stretch(pixels, percentiles), True


def _highest(pixels: np.ndarray) -> float | None:
    """The value that a picture's depth has for white: of floats from 0 to 1 it is 1; None where nothing says it."""
    if pixels.dtype.kind == "f":
        within = np.isfinite(pixels).all() and pixels.min() >= 0 and _HALF <= pixels.max() <= 1
        return 1.0 if within else None
    bits = depth_of(pixels)
    return None if bits is None else (1 << bits) - 1


NOTHING_TO_JUDGE = "it is black or of one value everywhere, so there is nothing to judge; take the picture again."
"""The fault of a picture that :func:`is_blank`, for training, evaluation and inspection alike."""


def is_blank(pixels: np.ndarray) -> bool:
    """Whether a picture is black or one value everywhere, but for a step of noise: there is nothing to judge."""
    finite = pixels if pixels.dtype.kind in "uib" else pixels[np.isfinite(pixels)]
    if not finite.size:
        return True
    step = 1 if pixels.dtype in (np.uint8, np.uint16, np.int16) else 0
    return bool(float(finite.max()) - float(finite.min()) <= step)


def _stretch(pixels: np.ndarray, percentiles: tuple[float, float]) -> np.ndarray:
    values = pixels.astype(np.float32)
    if pixels.dtype in (np.uint8, np.uint16, np.int16):
        finite, (low, high) = values, _percentiles(pixels, percentiles)
    else:
        finite = values[np.isfinite(values)]
        if not len(finite):
            return np.zeros(values.shape, np.float32)
        low, high = np.percentile(finite, percentiles)
    if high <= low:
        low, high = float(finite.min()), float(finite.max())
    if finite.size < values.size:
        values[np.isnan(values) | np.isposinf(values)] = np.median(finite)
    values -= np.float32(low)
    values.clip(0, max(high - low, 0), out=values)
    values *= np.float32(TOP / (high - low) if high > low else 0.0)
    return values


def _percentiles(pixels: np.ndarray, wanted: tuple[float, float]) -> tuple[float, float]:
    """Percentiles of integers as ``np.percentile`` gives them, by counting: a fifth of the time of sorting."""
    lowest = np.iinfo(pixels.dtype).min
    counted = np.bincount((pixels.astype(np.int32) - lowest if lowest else pixels).ravel()).cumsum()
    ranks = np.array(wanted) / 100 * (pixels.size - 1)
    below, above = (np.searchsorted(counted, end(ranks), side="right") + lowest for end in (np.floor, np.ceil))
    low, high = below + (above - below) * (ranks % 1)
    return float(low), float(high)
