"""QRS envelope of one lead, and of several leads jointly.

One lead: the RMS over 100 ms of a differentiating band-pass (Pan and Tompkins 1985), sampled at about 120 Hz.
Several: each envelope in units of the beats of its own lead, then their mean. A lead counts the more the quieter it is
between its beats in that second, and the less the more its height there departs from its usual one: muscle noise, a
loose electrode and an amplifier that recovers seldom strike two leads at once.

Everything is relative to the lead, within ten seconds around: no unit, no gain and no offset changes the answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import ceil

import numpy as np
from scipy.ndimage import uniform_filter1d
from scipy.signal import firwin, upfirdn

CELL_S = 2.0
NEAR_CELLS = 9
QUIET_S = 1.0
QUIET_PERCENTILE = 25
"""The envelope between beats: its 25th percentile in a second, low enough for the QRS of 200 beats a minute."""

QUIETEST = 0.03
"""Noise under this share of the beats earns a lead no more weight."""
NOISE_POWER = 1.5
USUAL_HEIGHT = 1.4
ODD_HEIGHT_POWER = 2.0
"""Weight of a lead: noise to the power -1.5, and height over (or under) 1.4 of the usual to the power -2."""
TALLEST = 2.0
"""One lead counts with at most twice the height of its beats."""


@dataclass(frozen=True)
class Grid:
    """Sampling of the envelope of a lead with ``fs`` Hz: every ``step``-th sample."""

    fs: float

    @property
    def step(self) -> int:
        """Samples of the lead per sample of the envelope."""
        return max(1, round(self.fs / 120))

    @property
    def cell(self) -> int:
        """Samples of the envelope per cell of two seconds."""
        return self.length(CELL_S)

    def length(self, seconds: float) -> int:
        """Samples of the envelope in so many seconds."""
        return max(1, int(seconds * self.fs / self.step))


def qrs_envelope(x: np.ndarray, fs: float) -> np.ndarray:
    """RMS over 100 ms of the differentiated 4-24 Hz band of ``x`` (n,); sample k belongs to x[k * step].

    float32 (ceil(n / step),), with the step of :class:`Grid`.
    """
    if not len(x):
        return np.empty(0, np.float32)
    step = Grid(fs).step
    reduced = _reduced(x - x[len(x) // 2], step)
    kernel = _kernel(fs)
    filtered = np.convolve(np.pad(reduced, len(kernel) // 2, mode="edge"), kernel, mode="valid")
    power = uniform_filter1d(filtered.astype(np.float64) ** 2, odd(0.1 * fs / step), mode="constant")
    return np.sqrt(np.maximum(power, 0)).astype(np.float32)


@lru_cache(maxsize=32)
def _kernel(fs: float) -> np.ndarray:
    """Differentiating band-pass for ``fs`` Hz at the envelope's rate, float32 (2 half + 1,)."""
    rate = fs / Grid(fs).step
    half = max(1, round(0.2 * rate))
    band = firwin(2 * half + 1, [4.0, min(24.0, 0.45 * fs)], pass_zero=False, fs=rate, window=("kaiser", 4.0))
    kernel = np.gradient(band)
    kernel = (kernel / np.abs(np.fft.rfft(kernel, 8 * len(kernel))).max()).astype(np.float32)
    kernel.flags.writeable = False  # whoever asks gets the same array
    return kernel


def _reduced(x: np.ndarray, step: int) -> np.ndarray:
    """``x`` (n,) decimated by ``step`` after two moving averages of ``step`` samples, (ceil(n / step),).

    They let nothing of the new rate's multiples through, where the band would be mirrored.
    """
    if step == 1:
        return x
    mean = np.full(step, 1 / step)
    padded = np.pad(x, step + 1, mode="edge")
    return upfirdn(np.convolve(mean, mean).astype(np.float32), padded, 1, step)[2 : 2 + ceil(len(x) / step)]


def joint_envelope(envelopes: np.ndarray, usable: np.ndarray, grid: Grid) -> tuple[np.ndarray, np.ndarray]:
    """Joint envelope of several leads, and the weight of each.

    Args:
        envelopes: (n_leads, n) as :func:`qrs_envelope` gives them.
        usable: where each lead has a signal, bool (n_leads, n).
        grid: of the envelopes.

    Returns:
        float32 (n,) in units of the lead with the tallest beats; weights of the leads, float32 (n_leads, n), that sum
        to 1 where any lead has a signal.
    """
    n = envelopes.shape[1]
    at, second = np.arange(n), grid.length(QUIET_S)
    seconds = (np.arange(ceil(n / second)) + 0.5) * second
    heights, weights = [], []
    for envelope, there in zip(envelopes, usable, strict=True):
        top, _ = levels(envelope, there, grid.cell)
        cells = (np.arange(len(top)) + 0.5) * grid.cell
        near = np.nan_to_num(_running_median(top, NEAR_CELLS))
        quiet = percentiles(envelope, there, second, QUIET_PERCENTILE)
        near_then, top_then = np.interp(seconds, cells, near), np.interp(seconds, cells, np.nan_to_num(top))
        weights.append(np.nan_to_num(_belief(quiet, near_then, top_then)))
        heights.append(np.interp(at, cells, near))
    weight, known = np.stack(weights), np.any(weights, axis=0)
    if not known.any():
        return np.zeros(n, np.float32), np.zeros(envelopes.shape, np.float32)
    # A second of which too little is known, as the last one of a recording, goes by its neighbours.
    share = weight[:, known] / weight[:, known].sum(axis=0)
    share = np.stack([np.interp(at, seconds[known], one) for one in share]).astype(np.float32)
    height = np.stack(heights)
    relative = np.where(usable & (height > 0), envelopes / np.where(height > 0, height, 1), 0)
    joint = (share * np.minimum(relative, TALLEST)).sum(axis=0) * height.max(axis=0)
    return joint.astype(np.float32), share


def _belief(quiet: np.ndarray, near: np.ndarray, top: np.ndarray) -> np.ndarray:
    """Unnormalised weight of a lead from its noise, its usual height and its current height; NaN or 0 without
    signal."""
    with np.errstate(divide="ignore", invalid="ignore"):
        noise = np.maximum(quiet / near, QUIETEST)
        odd_height = np.maximum(np.maximum(top / near, near / top) / USUAL_HEIGHT, 1)
        return np.where(near > 0, noise**-NOISE_POWER * odd_height**-ODD_HEIGHT_POWER, 0)


def levels(envelope: np.ndarray, usable: np.ndarray, cell: int) -> tuple[np.ndarray, np.ndarray]:
    """Maximum and median of each cell of ``cell`` samples, (m,) each; NaN where less than half is signal."""
    table, good = _table(envelope, usable, cell)
    top = np.full(len(table), np.nan)
    top[good] = np.fmax.reduce(table[good], axis=1)
    return top, _row_percentiles(table[:, ::4], good, 50)


def percentiles(envelope: np.ndarray, usable: np.ndarray, cell: int, percentile: float) -> np.ndarray:
    """Percentile of each cell of ``cell`` samples, (m,); NaN where less than half is signal."""
    return _row_percentiles(*_table(envelope, usable, cell), percentile)


def _row_percentiles(table: np.ndarray, good: np.ndarray, percentile: float) -> np.ndarray:
    """Nearest-rank percentile of the valid values in each good row, NaN in the others, (len(table),)."""
    value = np.full(len(table), np.nan)
    known = np.isfinite(table).sum(axis=1)
    whole, partly = good & (known == table.shape[1]), good & (known > 0) & (known < table.shape[1])
    rank = round(percentile / 100 * (table.shape[1] - 1))
    value[whole] = np.partition(table[whole], rank, axis=1)[:, rank]
    for row in np.flatnonzero(partly):
        value[row] = np.nanpercentile(table[row], percentile, method="nearest")
    return value


def _table(envelope: np.ndarray, usable: np.ndarray, cell: int) -> tuple[np.ndarray, np.ndarray]:
    """The envelope in rows of ``cell`` samples, NaN without signal; and the rows with at least half signal."""
    n_cells = ceil(len(envelope) / cell)
    signal = np.where(usable, envelope, np.nan)
    table = np.pad(signal, (0, n_cells * cell - len(envelope)), constant_values=np.nan).reshape(n_cells, cell)
    return table, np.isfinite(table).sum(axis=1) >= min(cell, len(envelope)) / 2


def _running_median(values: np.ndarray, size: int) -> np.ndarray:
    """Median of the valid values among ``size`` neighbours, NaN without any; same shape."""
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(values, size // 2, constant_values=np.nan), size)
    ordered = np.sort(windows, axis=1)  # NaN comes last
    known = np.isfinite(ordered).sum(axis=1)
    rows = np.arange(len(values))
    low, high = ordered[rows, np.maximum(known - 1, 0) // 2], ordered[rows, known // 2]
    return np.where(known % 2 == 1, low, (low + high) / 2)


def odd(length: float) -> int:
    """The odd number at or under ``length`` + 1."""
    return 2 * int(length / 2) + 1
