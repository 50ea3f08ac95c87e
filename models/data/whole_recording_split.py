"""Rows of labelled whole recordings, whose samples are read on demand, and the sides of their split."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

SIDES = ("train", "validation", "test")


@dataclass(frozen=True)
class RecordingRow:
    """One recording of a data set.

    Attributes:
        name: what it is called, such as ``ptbxl 1234``.
        target: what the network's outputs should be, 0 or 1 each.
        group: patient, or the recording itself where the patient is not known.
        load: gives samples (n, leads), sampling frequency in Hz and names of the leads.
        filtered: it was band-passed before it was stored.
    """

    name: str
    target: tuple[int, ...]
    group: str
    load: Callable[[], tuple[np.ndarray, float, Sequence[str]]] = field(repr=False)
    filtered: bool = False


@dataclass(frozen=True)
class RecordingSplit:
    """The rows of a data set by side.

    Attributes:
        sides: rows of train, validation and test.
        left_out: how many recordings are on no side, by reason.
        licence, citation: of the data.
    """

    sides: dict[str, list[RecordingRow]]
    left_out: dict[str, int]
    licence: str = ""
    citation: str = ""
