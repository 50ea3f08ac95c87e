"""Warnings of a result, with weight and position in the recording."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum


class Weight(IntEnum):
    """Weight of a warning; the heaviest has the lowest number and comes first."""

    UNSURE = 0
    """The answer, or a part of it, is not to be relied on."""
    PARTLY = 1
    """Something was not read, or was read otherwise than it stands in the file."""
    NOTE = 2
    """How the answer is meant."""


class Notice(str):
    """A warning with weight and position; plain text where it is written to JSON or a terminal.

    Args:
        text: the sentence.
        weight: what it takes from the answer.
        at_s: where it begins to hold, seconds from the start of the recording; None where it holds throughout.
    """

    __slots__ = ("at_s", "weight")
    at_s: float | None
    weight: Weight

    def __new__(cls, text: str, weight: Weight = Weight.PARTLY, at_s: float | None = None) -> Notice:
        notice = super().__new__(cls, text)
        notice.weight, notice.at_s = weight, at_s
        return notice

    def about(self, name: str) -> Notice:
        """The same warning with the recording's name in front."""
        return Notice(f"{name}: {self}", self.weight, self.at_s)

    def under(self, name: str) -> Notice:
        """The same warning without the recording's name in front."""
        text = self.removeprefix(f"{name}: ")
        first = text[:1].upper()
        # Of some letters the capital is two: they stay small.
        return Notice((first if len(first) == 1 else text[:1]) + text[1:], self.weight, self.at_s)


def in_order(sentences: Iterable[str]) -> tuple[Notice, ...]:
    """Unique warnings, heaviest first; those without a weight, as of readers, are about the file."""
    notices = [one if isinstance(one, Notice) else Notice(one) for one in dict.fromkeys(sentences)]
    return tuple(sorted(notices, key=lambda notice: notice.weight))
