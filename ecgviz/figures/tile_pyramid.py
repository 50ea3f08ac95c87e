"""A recording as tiles of minima and maxima, for a paper that is panned and zoomed without asking for each view.

Level 0 holds the samples, level k the lowest and highest of each 4^k of them, so an R peak or a pacing spike of one
sample is in every level. A tile has up to 2,048 columns of one level, in whole steps of each lead (int16); the tiles of
the first levels are read where they are asked for, those of the others come from a base that is made once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ecgviz.figures.strip_signal import Range
from models.core.callbacks import Progress, ShouldStop
from readers.recording import Read

__all__ = ["BASE_LEVEL", "FACTOR", "MISSING", "TILE", "Base", "TileSource", "columns_of", "make_base", "steps_of"]

FACTOR = 4
TILE = 2048
BASE_LEVEL = 3
"""The first level that is made once for the whole recording: 64 samples a column."""
MISSING = -32768
_LARGEST = 32767
_STEP_MV = 0.0025
_CHUNK = 1 << 19
"""Samples of all leads that the base is made of at a time: a multiple of its columns."""


@dataclass(frozen=True)
class Base:
    """Columns of ``BASE_LEVEL`` of a whole recording, int16 (n_leads, n, 2)."""

    columns: np.ndarray


@dataclass(frozen=True)
class TileSource:
    """A recording that gives tiles.

    Attributes:
        read: ``read(start, stop) -> (n, n_leads)``, NaN in gaps.
        n_samples: of each lead.
        steps: value of one step of each lead, in its unit.
        base: None while it is not made: there are only tiles below ``BASE_LEVEL`` then.
    """

    read: Read
    n_samples: int
    steps: tuple[float, ...]
    base: Base | None = None

    @property
    def levels(self) -> int:
        """Number of levels; the last one is a single tile."""
        found, columns = 1, self.n_samples
        while columns > TILE:
            found, columns = found + 1, -(-columns // FACTOR)
        return found

    def columns(self, level: int) -> int:
        """Columns of a level."""
        return -(-self.n_samples // FACTOR**level)

    def tile(self, level: int, index: int) -> np.ndarray | None:
        """A tile, int16 (n_leads, columns, 1) of level 0 and (n_leads, columns, 2) of others: lowest, highest.

        None where it needs the base and there is none yet.

        Raises:
            ValueError: there is no such tile.
        """
        if not (0 <= level < self.levels and 0 <= index * TILE < self.columns(level)):
            raise ValueError(f"there is no tile {index} of level {level}; the recording has {self.levels} levels")
        first, stop = index * TILE, min((index + 1) * TILE, self.columns(level))
        if level >= BASE_LEVEL:
            if self.base is None:
                return None
            size = FACTOR ** (level - BASE_LEVEL)
            return _merged(self.base.columns[:, first * size : stop * size], size)
        size = FACTOR**level
        samples = quantised(self.read(first * size, min(stop * size, self.n_samples)), self.steps)
        return samples.T[:, :, None] if level == 0 else columns_of(samples, size)


def steps_of(units: Sequence[str], leads: Sequence[str], ranges: Mapping[str, Range]) -> tuple[float, ...]:
    """Value of a step of each lead: 2.5 uV, up to 82 mV; of an unknown unit, an 8,000th of what it usually spans."""
    found = []
    for lead, unit in zip(leads, units, strict=True):
        low, _, high = ranges.get(lead, (0.0, 0.0, 0.0))
        span = max(abs(low), abs(high))
        found.append(_STEP_MV if unit == "mV" or span <= 0 else span / 8000)
    return tuple(found)


def quantised(samples: np.ndarray, steps: Sequence[float]) -> np.ndarray:
    """Samples (n, n_leads) in whole steps of each lead, int16; ``MISSING`` where not finite."""
    whole = np.rint(np.asarray(samples, np.float32) / np.asarray(steps, np.float32))
    known = np.isfinite(whole)
    return np.where(known, np.clip(whole, -_LARGEST, _LARGEST), MISSING).astype(np.int16)


def columns_of(samples: np.ndarray, size: int) -> np.ndarray:
    """Lowest and highest of each ``size`` quantised samples (n, n_leads), int16 (n_leads, columns, 2).

    Missing samples count for neither; a column that has no other is ``MISSING`` twice.
    """
    return _merged(np.repeat(samples.T[:, :, None], 2, axis=2), size)


def make_base(
    read: Read, n_samples: int, steps: Sequence[float], progress: Progress | None = None, stop: ShouldStop | None = None
) -> Base:
    """The base of a recording, read once from its start to its end; what is not read when ``stop()`` says so is
    missing."""
    size = FACTOR**BASE_LEVEL
    columns = np.full((len(steps), -(-n_samples // size), 2), MISSING, np.int16)
    chunk = max(_CHUNK // len(steps) // size, 1) * size
    for first in range(0, n_samples, chunk):
        if stop is not None and stop():
            break
        samples = quantised(read(first, min(first + chunk, n_samples)), steps)
        part = columns_of(samples, size)
        columns[:, first // size : first // size + part.shape[1]] = part
        if progress is not None:
            progress(first, n_samples, "reading the signal")
    return Base(columns)


def _merged(columns: np.ndarray, size: int) -> np.ndarray:
    """Lowest and highest of each ``size`` columns (n_leads, n, 2); the last one may be of fewer."""
    n = columns.shape[1]
    starts = np.arange(0, n, size)
    if size == 1 or not n:
        return columns
    low = np.where(columns[:, :, 0] == MISSING, np.int16(_LARGEST), columns[:, :, 0])
    high = np.maximum.reduceat(columns[:, :, 1], starts, axis=1)
    lowest = np.minimum.reduceat(low, starts, axis=1)
    return np.stack([np.where(high == MISSING, np.int16(MISSING), lowest), high], axis=2)
