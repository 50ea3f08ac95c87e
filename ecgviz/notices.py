"""Sentences that must be seen beside a result: how much each takes from the answer, and where in the recording."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum


class Weight(IntEnum):
    """What a sentence takes from an answer; the heaviest is the lowest number, and is said first."""

    UNSURE = 0
    """The answer, or a part of it, is not to be relied on."""
    PARTLY = 1
    """Something was not read, or was read otherwise than it stands in the file."""
    NOTE = 2
    """How the answer is meant."""


class Notice(str):
    """A sentence with its weight and place. It is a text to whoever writes it down, in JSON or on a terminal.

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
        """The same, naming the recording."""
        return Notice(f"{name}: {self}", self.weight, self.at_s)

    def under(self, name: str) -> Notice:
        """The same where the recording's name stands above it already."""
        text = self.removeprefix(f"{name}: ")
        first = text[:1].upper()
        # Of some letters the capital is two: they stay small.
        return Notice((first if len(first) == 1 else text[:1]) + text[1:], self.weight, self.at_s)


def in_order(sentences: Iterable[str]) -> tuple[Notice, ...]:
    """Each sentence once, the heaviest first; one without a weight, as readers give them, is about the file."""
    notices = [one if isinstance(one, Notice) else Notice(one) for one in dict.fromkeys(sentences)]
    return tuple(sorted(notices, key=lambda notice: notice.weight))
