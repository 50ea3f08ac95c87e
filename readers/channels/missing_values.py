"""Finds values that stand for missing samples, such as -32768, 9999 or an end of the converter's range, in any format.

Such a value is one number alone and lies beyond everything else in its channel, entered and left at a leap. A signal
that saturates comes to its rail step by step, and has values beside it.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from readers.recording import Read, SignalSource

_NINES = [10.0**n - 1 for n in range(2, 8)] + [999.9, 999.99, 9999.9, 9999.99]
_ENDS = [2.0**n for n in (15, 16, 23, 24, 31, 32)]
_CODES = np.array([*_NINES, *_ENDS, *(end - 1 for end in _ENDS)], np.float32)
"""Sizes of what recorders and programs write, of either sign."""
_CODE_BEYOND, _RUN_BEYOND, _ANY_BEYOND = 0.5, 0.03, 3.0
"""How far beyond the rest, in its range: of a code, of one in runs, and of any other value in runs."""
_RUN_S = 0.2
"""Longer than the top of any complex that a converter cuts off."""
_BLOCK, _STRETCHES, _ROUNDS = 1 << 16, 64, 3


class WithoutMissing:
    """A source with NaN for missing-value codes.

    Args:
        source: of the samples.
        values: of each lead those values, in its unit; NaN where there are none, float32 (n_leads, n).
    """

    def __init__(self, source: SignalSource, values: np.ndarray):
        self._source, self._values = source, values

    def read(self, start: int, stop: int) -> np.ndarray:
        """Samples ``start`` to ``stop``, float32 (stop - start, n_leads)."""
        samples = self._source.read(start, stop)
        for column, values in enumerate(self._values):
            for value in values[np.isfinite(values)]:
                lead = samples[:, column]
                lead[np.abs(lead - value) <= 1e-6 * abs(value)] = np.nan
        return samples


def find_missing(read: Read, fs: float, n_samples: int, *, in_memory: bool) -> list[list[float]]:
    """Missing-value codes of each channel.

    Args:
        read: gives samples (n, n_channels), in the unit of the file, NaN where there are none.
        fs: sampling frequency, Hz.
        n_samples: length of the recording.
        in_memory: whether all of it is looked at; else stretches throughout it are.
    """
    blocks = _blocks(n_samples, in_memory)
    low, high = _ends(read, blocks)
    ordinary = _ordinary(read(*blocks[len(blocks) // 2]), low, high)
    return [
        [] if ordinary[column] else _of_channel(read, blocks, fs, column, low[column], high[column])
        for column in range(len(low))
    ]


def _blocks(n_samples: int, in_memory: bool) -> list[tuple[int, int]]:
    starts = range(0, n_samples, _BLOCK)
    if not in_memory and len(starts) > _STRETCHES:
        starts = np.linspace(0, n_samples - _BLOCK // 16, _STRETCHES).astype(int).tolist()
        return [(start, start + _BLOCK // 16) for start in starts]
    return [(start, min(start + _BLOCK, n_samples)) for start in starts]


def _ends(read: Read, blocks: list[tuple[int, int]]) -> tuple[np.ndarray, np.ndarray]:
    """Minimum and maximum of each channel, NaN where it has no value."""
    low, high = _range(read(*blocks[0]))
    for start, stop in blocks[1:]:
        least, most = _range(read(start, stop))
        low, high = np.fmin(low, least), np.fmax(high, most)
    return low, high


def _range(samples: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Minimum and maximum of each column of (n, n_channels), NaN without values; fast for contiguous columns."""
    columns = np.ascontiguousarray(samples.T)
    return np.fmin.reduce(columns, axis=1, initial=np.nan), np.fmax.reduce(columns, axis=1, initial=np.nan)


def _ordinary(samples: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Channels in which part of the samples, (n, n_channels), already excludes both ends as codes.

    The whole channel has at least the range of its part, and comes at least as near to its ends.
    """
    inside = np.where((samples > low) & (samples < high), samples, np.float32(np.nan))
    inner_low, inner_high = _range(inside)
    beyond = np.fmax(inner_low - low, high - inner_high)
    coded = np.isin(np.abs(np.array([low, high], np.float32)), _CODES).any(axis=0)
    return np.asarray(~coded & (beyond < _ANY_BEYOND * (inner_high - inner_low)))


def _of_channel(
    read: Read, blocks: list[tuple[int, int]], fs: float, column: int, low: float, high: float
) -> list[float]:
    found: list[float] = []
    for _ in range(_ROUNDS):
        if not high > low:
            break
        inner_low, inner_high, in_runs = _between(_column(read, blocks, column, found), low, high, fs)
        span = inner_high - inner_low
        more = [
            value
            for value, beyond, runs in ((low, inner_low - low, in_runs[0]), (high, high - inner_high, in_runs[1]))
            if span > 0 and _means_missing(float(value), float(beyond / span), runs)
        ]
        if not more:
            break
        found += more
        low, high = (inner_low if low in more else low), (inner_high if high in more else high)
    return [float(value) for value in found]


def _column(read: Read, blocks: list[tuple[int, int]], column: int, found: list[float]) -> Iterator[np.ndarray]:
    """Values of a channel in blocks, without codes found already."""
    for start, stop in blocks:
        values = read(start, stop)[:, column].copy()
        values[np.isin(values, np.asarray(found, values.dtype))] = np.nan
        yield values


def _between(parts: Iterator[np.ndarray], low: float, high: float, fs: float) -> tuple[float, float, tuple[bool, bool]]:
    """Minimum and maximum between both ends, and whether each end is mostly held for a while."""
    inner_low, inner_high = np.inf, -np.inf
    taken, long = [0, 0], [0, 0]
    for values in parts:
        inner = values[(values > low) & (values < high)]
        if len(inner):
            inner_low, inner_high = min(inner_low, inner.min()), max(inner_high, inner.max())
        for side, end in enumerate((low, high)):
            runs = _runs(values == end)
            taken[side] += int(runs.sum())
            long[side] += int(runs[runs >= _RUN_S * fs].sum())
    return inner_low, inner_high, (2 * long[0] > taken[0], 2 * long[1] > taken[1])


def _runs(mask: np.ndarray) -> np.ndarray:
    """Lengths of the runs of True."""
    edges = np.flatnonzero(np.diff(mask.astype(np.int8), prepend=0, append=0))
    return edges[1::2] - edges[::2]


def _means_missing(value: float, beyond: float, in_runs: bool) -> bool:
    """Whether an end of a channel's range is a missing-value code; ``beyond``: its distance from the other values, in
    their range."""
    code = bool(np.isin(np.float32(abs(value)), _CODES))
    return (code and (beyond >= _CODE_BEYOND or (in_runs and beyond >= _RUN_BEYOND))) or (
        in_runs and beyond >= _ANY_BEYOND
    )
