"""The result of a survey: the cases of a data set by class and side, and its problems."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

DataKind = Literal["recordings", "whole recordings", "pictures"]
"""Records with beat annotations, whole recordings with labels, or pictures; the values stand in files."""
_MOST_PROBLEMS = 200


@dataclass(frozen=True)
class Problem:
    """A problem of a data set.

    Attributes:
        what: "missing", "unreadable", "duplicate", "both sides", "no groups", "classes",
            "split", "set aside" or "note".
        file: the file or files, below the folder.
        words: what is wrong, and what becomes of it or what to do.
        grave: whether a training on it would fail or its metrics would be too good.
    """

    what: str
    file: str
    words: str
    grave: bool = False


@dataclass(frozen=True)
class Survey:
    """The survey of a folder of training data.

    Attributes:
        kind: "recordings", "whole recordings" or "pictures".
        items: how many records or pictures there are.
        classes: cases (beats, recordings or pictures) of each class; a whole recording may be of several.
        sides: cases of each class on each side of the split.
        groups: how many records, or groups of pictures, there are: what the split keeps whole.
        hours: length of the recordings together, h; 0 for pictures.
        records: cases of each class in each record; empty for pictures.
        split: whose split it is, in words.
        problems: what is wrong, grave things first.
        layout: how the folder was understood, in words; empty for recordings.
        types: pictures of each type of defect, where types are stated.
        set_aside: files that are no cases, by kind (:class:`models.data.image_folder.SetAside`).
    """

    kind: DataKind
    items: int
    classes: dict[str, int]
    sides: dict[str, dict[str, int]]
    groups: int
    hours: float = 0.0
    records: dict[str, dict[str, int]] = field(default_factory=dict)
    split: str = ""
    problems: tuple[Problem, ...] = ()
    layout: str = ""
    types: dict[str, int] = field(default_factory=dict)
    set_aside: dict[str, int] = field(default_factory=dict)

    def plain(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)

    @classmethod
    def from_plain(cls, values: Mapping[str, Any]) -> Survey:
        """The inverse of :meth:`plain`."""
        problems = tuple(Problem(**problem) for problem in values.get("problems", ()))
        return cls(**{**values, "problems": problems})


def ordered(problems: list[Problem]) -> tuple[Problem, ...]:
    """Grave problems first, at most 200 of them and a line for the rest."""
    ordered = sorted(problems, key=lambda problem: not problem.grave)
    if len(ordered) > _MOST_PROBLEMS:
        more = Problem("more", "", f"and {len(ordered) - _MOST_PROBLEMS:,} more like these")
        return (*ordered[:_MOST_PROBLEMS], more)
    return tuple(ordered)
