"""Marks of the beats in a view: letter, colour, position and hover text, the same in every figure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ecgviz.figures.geometry import CLASS_COLOURS, CLASS_WORDS
from ecgviz.results import Beats
from models.core.words import clock

_SAME_BEAT_S = 0.150
"""As EC57 pairs beats."""


@dataclass(frozen=True)
class Marks:
    """Beats inside a view.

    Attributes:
        index: number of each beat in its Beats, int (n,).
        time_s: seconds from the start of the recording, float (n,).
        label: class letters, str (n,).
        rr_ms: interval to the next beat of the view, ms (n - 1,); NaN across a gap.
        hover: text with units for each beat.
        edited: bool (n,), beats that a person changed.
        selected: bool (n,), at most one is True.
    """

    index: np.ndarray
    time_s: np.ndarray
    label: np.ndarray
    rr_ms: np.ndarray
    hover: list[str]
    edited: np.ndarray
    selected: np.ndarray

    def __len__(self) -> int:
        return len(self.index)

    def classes(self) -> list[str]:
        """Classes that occur, AAMI's first in their order."""
        known = [letter for letter in CLASS_COLOURS if letter in self.label]
        return known + sorted(set(self.label) - set(known))


def colour_of(letter: str) -> str:
    """Colour of a class; classes outside of AAMI get that of Q."""
    return CLASS_COLOURS.get(letter, CLASS_COLOURS["Q"])


def words_of(letter: str) -> str:
    """Display name of a class: "normal (N)"."""
    return f"{CLASS_WORDS[letter]} ({letter})" if letter in CLASS_WORDS else letter


def marks_in_view(
    beats: Beats | None, start_s: float, stop_s: float, *, selected: int | None = None, edited: Sequence[int] = ()
) -> Marks:
    """Marks of the beats with R peak in [start_s, stop_s]; empty without beats."""
    if beats is None or not len(beats):
        empty = np.empty(0)
        return Marks(empty.astype(int), empty, empty.astype("<U1"), empty, [], empty.astype(bool), empty.astype(bool))
    low, high = np.searchsorted(beats.sample, (start_s * beats.fs - 1e-6, stop_s * beats.fs + 1e-6))
    index = np.arange(low, high)
    time_s = beats.sample[low:high] / beats.fs
    part = beats.take(slice(low, high))  # the cost of a view must not grow with the recording
    letters, sure, entropy = part.label, part.confidence, part.entropy
    changed = np.isin(index, list(edited)) if part.edits is None else part.edits.changed
    hover = [
        _hover(beats, low + row, letters[row], sure[row], entropy[row], edited=changed[row])
        for row in range(high - low)
    ]
    chosen = index == (-1 if selected is None else selected)
    return Marks(index, time_s, letters, beats.rr_before_ms[low + 1 : high], hover, changed, chosen)


def unlike(marks: Marks, time_s: np.ndarray, letter: np.ndarray) -> np.ndarray:
    """Which annotated beats have no mark of their letter within 150 ms, bool (n,); arguments as ``Shown.reference``."""
    if not len(marks):
        return np.ones(len(time_s), bool)
    near = np.abs(marks.time_s[None] - time_s[:, None])
    best = near.argmin(axis=1)
    return (near.min(axis=1) > _SAME_BEAT_S) | (marks.label[best] != letter)


def _hover(beats: Beats, index: int, letter: str, sure: float, entropy: float, *, edited: bool) -> str:
    time_s = float(beats.time_s[index])
    lines = [
        f"<b>{words_of(letter)}</b>" + (" · changed by hand" if edited else ""),
        f"probability {sure:.2f}, entropy {entropy:.2f} bit",
        f"at {clock(time_s, hours=time_s >= 3600, decimals=3)} ({time_s:.3f} s), beat {index + 1}",
    ]
    around = beats.rr_before_ms[index : index + 2]
    named = [f"{name} {ms:.0f} ms" for name, ms in zip(("before", "after"), around, strict=False) if np.isfinite(ms)]
    if named:
        rate = f", {60000 / around[0]:.0f} /min" if around[0] > 0 else ""
        lines.append(f"RR {', '.join(named)}{rate}")
    return "<br>".join(lines)
