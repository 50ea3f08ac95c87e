"""Annotations made by hand: a list of (sample, symbol), with a note or a subtype where one is meant."""

from __future__ import annotations

import numpy as np

from models.metrics.ec57.marks import Marks, Protocol

FS = 100.0
EVERYTHING = Protocol(learning_s=0)
Mark = tuple[int, str] | tuple[int, str, str | int]


def marks(*given: Mark, n_samples: int | None = 100_000, fs: float = FS) -> Marks:
    rows = sorted(given, key=lambda mark: mark[0])
    extra = [row[2] if len(row) > 2 else "" for row in rows]
    return Marks(
        sample=np.array([row[0] for row in rows], np.int64),
        symbol=np.array([row[1] for row in rows], dtype=np.str_),
        aux=np.array([one if isinstance(one, str) else "" for one in extra], dtype=np.str_),
        subtype=np.array([one if isinstance(one, int) else 0 for one in extra], np.int64),
        fs=fs,
        n_samples=n_samples,
    )


def beats(text: str, every: int = 100, first: int = 100) -> list[tuple[int, str]]:
    """A letter a beat, evenly spaced; a space is none."""
    return [(first + number * every, letter) for number, letter in enumerate(text) if letter != " "]
