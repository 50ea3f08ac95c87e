"""Layout features of a picture for the detector: ink position, grid periodicity, colours.

The picture is laid into the network's input as the network sees it, at twice the resolution, since lead names and
fine lines are lost in the input itself.
"""

from __future__ import annotations

import numpy as np
import torch
from PIL import Image
from torch.nn import functional

from models.data.ecg_paper import find_fit, fit_picture

_FINER = 2
_BLOCK = 16
"""Side of the squares, in pixels of the finer picture, whose brightest tenth counts as paper."""
_INK = (24, 66)
_FAINT = (8, 22)
_PROFILES = (60, 132)
_PERIODS_MM = np.geomspace(0.9, 24.0, 37)
_LEVELS = 12


def describe(pixels: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Layout features of a picture, float32 (n,), for an input of ``shape``; n is constant.

    Args:
        pixels: uint8 (h, w, 3) or (h, w).
        shape: height and width of the network's input, pixels.
    """
    large = (shape[0] * _FINER, shape[1] * _FINER)
    colour = fit_picture(pixels, large).astype(np.float32) / 255
    grey = colour.mean(axis=2)
    ink = 1 - np.minimum(grey / np.maximum(_paper(grey), 1e-3), 1)
    strong, faint = np.clip((ink - 0.3) / 0.4, 0, 1), np.minimum(ink, 0.4)
    parts = [
        np.sqrt(_pooled(strong, _INK)).ravel(),
        np.sqrt(_pooled(faint, _FAINT)).ravel(),
        np.sqrt(_pooled(strong, (_PROFILES[0], 1))).ravel(),
        np.sqrt(_pooled(strong, (1, _PROFILES[1]))).ravel(),
        *(_repeats(faint.mean(axis=axis), shape, axis) for axis in (0, 1)),
        _colours(colour),
        _place(pixels, shape),
    ]
    return np.concatenate(parts).astype(np.float32)


def _paper(grey: np.ndarray) -> np.ndarray:
    """Paper brightness around each pixel: the brightest tenth of squares, smoothed."""
    height, width = grey.shape
    rows, columns = -(-height // _BLOCK), -(-width // _BLOCK)
    padded = np.pad(grey, ((0, rows * _BLOCK - height), (0, columns * _BLOCK - width)), mode="edge")
    squares = padded.reshape(rows, _BLOCK, columns, _BLOCK).transpose(0, 2, 1, 3).reshape(rows, columns, -1)
    bright = np.partition(squares[:, :, ::2], -12, axis=2)[:, :, -12]
    whole = Image.fromarray(bright.astype(np.float32)).resize(
        (columns * _BLOCK, rows * _BLOCK), Image.Resampling.BILINEAR
    )
    return np.asarray(whole)[:height, :width]


def _pooled(values: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    pooled: np.ndarray = functional.adaptive_avg_pool2d(torch.from_numpy(values)[None], size)[0].numpy()
    return pooled


def _repeats(profile: np.ndarray, shape: tuple[int, int], axis: int) -> np.ndarray:
    """Periodicity of a profile at each period of :data:`_PERIODS_MM`, for a sheet of the training's size."""
    px_per_mm = shape[1 - axis] * _FINER / (264.0, 120.0)[axis]
    centred = (profile - profile.mean()) * np.hanning(len(profile))
    power = np.abs(np.fft.rfft(centred, 4 * len(profile)))
    period = 4 * len(profile) / px_per_mm / np.maximum(np.arange(len(power)), 1)
    place = np.searchsorted(_PERIODS_MM, period)
    found = [power[place == one].max(initial=0) for one in range(1, len(_PERIODS_MM))]
    return np.log(np.asarray(found) / len(profile) + 1e-5)


def _colours(colour: np.ndarray) -> np.ndarray:
    """Quantiles of red, green and blue over all pixels, and saturation."""
    levels = np.quantile(colour.reshape(-1, 3)[::7], np.linspace(0.01, 0.99, _LEVELS), axis=0)
    saturation = colour.max(axis=2) - colour.min(axis=2)
    return np.concatenate([levels.ravel(), np.quantile(saturation.ravel()[::7], np.linspace(0.05, 0.99, 6))])


def _place(pixels: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Position of the ink in the picture, and its proportions."""
    height, width = pixels.shape[:2]
    left, top, right, bottom = find_fit(pixels, shape).crop
    edges = (left / width, top / height, right / width, bottom / height)
    proportions = (width / height, (right - left) / (bottom - top))
    return np.array([*edges, *np.log(proportions)])
