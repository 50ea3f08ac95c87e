"""Filtered and sorted list of beats, limited to what a page can show."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ecgviz.analysis.navigate import beats_of
from ecgviz.results import Beats

if TYPE_CHECKING:
    import pandas as pd

LONGEST = 1000


@dataclass(frozen=True)
class BeatList:
    """Some beats of a recording.

    Attributes:
        table: beat (counted from 1), time_s, label, probability, entropy (bit), rr_before_ms, rr_after_ms; of edited
            beats also edit.
        total: beats of these classes in the recording.
        token: differs between lists with different rows.
    """

    table: pd.DataFrame
    total: int
    token: str


def list_beats(
    beats: Beats, classes: Collection[str], *, by: str = "time", around_s: float = 0.0, longest: int = LONGEST
) -> BeatList:
    """Beats of some classes, sorted.

    Args:
        beats: all beats.
        classes: letters to keep.
        by: "time", or "sure" for the lowest probability first.
        around_s: where there are more than ``longest``, the block of them (in time order) that holds this time.
        longest: most rows.

    Raises:
        ValueError: an order that does not exist.
    """
    import pandas as pd

    if by not in {"time", "sure"}:
        raise ValueError(f"beats cannot be ordered by {by!r}; choose time or sure")
    found = beats_of(beats, classes)
    total, block = len(found), 0
    if by == "sure":
        found = found[np.argsort(beats.confidence[found], kind="stable")][:longest]
    elif total > longest:
        block = int(np.searchsorted(beats.sample[found], around_s * beats.fs)) // longest
        block = min(block, (total - 1) // longest)
        found = found[block * longest : (block + 1) * longest]
    shown = beats.take(found)
    table = pd.DataFrame(
        {
            "beat": found + 1,
            "time_s": shown.time_s,
            "label": shown.label,
            "probability": shown.confidence.astype(float),
            "entropy": shown.entropy.astype(float),
            "rr_before_ms": beats.rr_before_ms[found],
            "rr_after_ms": beats.rr_after_ms[found],
        }
    )
    if shown.edits is not None:
        table["edit"] = shown.edits.words
    return BeatList(table, total, f"{by}-{block}-{''.join(sorted(classes))}")
