"""What people decide in a review: typed events, each with who, when and what was there before.

A beat has one name for its life, its number: the sample at which the network found it, or minus the revision of the
event that added it. Moving a beat does not change its number, so decisions about it hold wherever it lies, and an event
that is undone takes no later one along. Letters in ``old`` are AAMI classes; ``-`` is a deleted beat, ``x`` a rejected
one.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, ClassVar

from models.core.errors import ReviewError
from models.data.aami import AAMI_CLASSES

DELETED, REJECTED = "-", "x"
LONGEST_NAME = 200
"""Characters in the name of a person."""
_META = ("revision", "who", "at", "network")
_NUMBERS = {"sample", "beat", "target", "used", "checked", "wrong_before", "wrong_after"}


@dataclass(frozen=True, kw_only=True)
class Event:
    """A decision. The log fills in what stands here.

    Attributes:
        revision: place in the log, from 1; 0 before it is written.
        who: name of the person.
        at: when it was written, ISO 8601, UTC.
        network: hash of the weights of the network whose answer was reviewed.
    """

    kind: ClassVar[str]
    revision: int = 0
    who: str = ""
    at: str = ""
    network: str = ""

    @property
    def is_edit(self) -> bool:
        """Whether it decides something itself, rather than taking an event back or bringing it back."""
        return True


@dataclass(frozen=True, kw_only=True)
class OnBeats(Event):
    """A decision about one or many beats.

    Attributes:
        beats: their numbers.
        old: how each was labelled before, a letter a beat.
    """

    beats: tuple[int, ...]
    old: str

    def __post_init__(self) -> None:
        if not self.beats or len(self.beats) != len(self.old):
            raise ReviewError(f"{self.kind} needs at least one beat, and a letter for each")
        if set(self.old) - {*AAMI_CLASSES, DELETED, REJECTED}:
            raise ReviewError(f"{self.kind}: letters are {', '.join(AAMI_CLASSES)}, {DELETED} and {REJECTED}")


@dataclass(frozen=True, kw_only=True)
class Relabel(OnBeats):
    """The beats are of class ``new``; deleted and rejected ones are beats again."""

    kind: ClassVar[str] = "relabel"
    new: str

    def __post_init__(self) -> None:
        super().__post_init__()
        check_letter(self.new)


@dataclass(frozen=True, kw_only=True)
class Confirm(OnBeats):
    """A person looked at the beats, and their labels ``old`` are right."""

    kind: ClassVar[str] = "confirm"

    def __post_init__(self) -> None:
        super().__post_init__()
        if {DELETED, REJECTED} & set(self.old):
            raise ReviewError(f"{self.kind}: a deleted or rejected beat has no label to keep; relabel it")


@dataclass(frozen=True, kw_only=True)
class Accept(Confirm):
    """The labels ``old`` are taken for right as a group: a family, or what is left of a queue."""

    kind: ClassVar[str] = "accept"


@dataclass(frozen=True, kw_only=True)
class Delete(OnBeats):
    """There is no beat: the RR interval goes from the beat before to the beat after."""

    kind: ClassVar[str] = "delete"


@dataclass(frozen=True, kw_only=True)
class Reject(OnBeats):
    """It cannot be told whether there is a beat (artefact): no RR interval goes across."""

    kind: ClassVar[str] = "reject"


@dataclass(frozen=True, kw_only=True)
class Add(Event):
    """A beat that the network missed, of class ``new`` at ``sample``; its number is minus the event's revision."""

    kind: ClassVar[str] = "add"
    sample: int
    new: str

    def __post_init__(self) -> None:
        check_letter(self.new)


@dataclass(frozen=True, kw_only=True)
class Move(Event):
    """The R peak of a beat lies at sample ``new``, not ``old``."""

    kind: ClassVar[str] = "move"
    beat: int
    old: int
    new: int


@dataclass(frozen=True)
class Span:
    """A rhythm from ``start_s`` to ``end_s``, seconds from the start of the recording."""

    start_s: float
    end_s: float
    label: str


@dataclass(frozen=True, kw_only=True)
class RhythmEdit(Event):
    """An episode is added (no ``old``), altered, or removed (no ``new``)."""

    kind: ClassVar[str] = "rhythm"
    old: Span | None = None
    new: Span | None = None

    def __post_init__(self) -> None:
        if self.old is None and self.new is None:
            raise ReviewError("rhythm needs an episode to take away or one to enter")
        for span in (self.old, self.new):
            if span is not None and not 0 <= span.start_s < span.end_s < float("inf"):
                raise ReviewError(f"rhythm: an episode cannot last from {span.start_s} s to {span.end_s} s")


@dataclass(frozen=True, kw_only=True)
class Regroup(Event):
    """The beats belong to the family of beat ``into``, or become a family of their own.

    Attributes:
        beats: their numbers.
        into: a beat of the family that takes them; None where they are split off.
    """

    kind: ClassVar[str] = "regroup"
    beats: tuple[int, ...]
    into: int | None = None

    def __post_init__(self) -> None:
        if not self.beats:
            raise ReviewError("regroup needs at least one beat")


@dataclass(frozen=True, kw_only=True)
class Adapt(Event):
    """The network, adapted by the decisions so far (:mod:`ecgviz.review.patient`), says otherwise of these beats. What
    a person decided holds before it, whenever that was; a later one takes the place of an earlier.

    Attributes:
        beats: their numbers.
        old: what the network says of each, a letter a beat. new: what it says adapted.
        per_mille: probability of each new label, in thousandths.
        used: decided beats that it was made of.
        checked: of these, how many were held out in turn. wrong_before, wrong_after: how many of those the network has
            wrong, and the adapted one.
    """

    kind: ClassVar[str] = "adapt"
    beats: tuple[int, ...]
    old: str
    new: str
    per_mille: tuple[int, ...]
    used: int
    checked: int
    wrong_before: int
    wrong_after: int

    def __post_init__(self) -> None:
        if not self.beats or not len(self.beats) == len(self.old) == len(self.new) == len(self.per_mille):
            raise ReviewError("adapt needs at least one beat, and two letters and a probability for each")
        if not 0 <= min(self.per_mille) <= max(self.per_mille) <= 1000:
            raise ReviewError("adapt: a probability lies from 0 to 1000 thousandths")
        for letter in sorted({*self.old, *self.new}):
            check_letter(letter)


@dataclass(frozen=True, kw_only=True)
class Undo(Event):
    """The event of revision ``target`` counts no more."""

    kind: ClassVar[str] = "undo"
    target: int

    @property
    def is_edit(self) -> bool:
        return False


@dataclass(frozen=True, kw_only=True)
class Redo(Event):
    """The event of revision ``target``, which was undone, counts again, at its old place."""

    kind: ClassVar[str] = "redo"
    target: int

    @property
    def is_edit(self) -> bool:
        return False


KINDS: dict[str, type[Event]] = {
    one.kind: one
    for one in (Relabel, Confirm, Accept, Delete, Reject, Add, Move, RhythmEdit, Regroup, Adapt, Undo, Redo)
}


def check_letter(letter: str) -> None:
    """Refuse what is no class of AAMI.

    Raises:
        ReviewError: it is none.
    """
    if letter not in AAMI_CLASSES:
        raise ReviewError(f"there is no class {letter!r}; choose {', '.join(AAMI_CLASSES)}")


def live_edits(events: Sequence[Event]) -> list[Event]:
    """The edits that count, in the order of the log: those that are not undone, or were redone."""
    undone: set[int] = set()
    for event in events:
        if isinstance(event, Undo):
            undone.add(event.target)
        elif isinstance(event, Redo):
            undone.discard(event.target)
    return [event for event in events if event.is_edit and event.revision not in undone]


def last_to_undo(events: Sequence[Event]) -> int | None:
    """Revision of the newest edit that counts, None without one."""
    live = live_edits(events)
    return live[-1].revision if live else None


def last_to_redo(events: Sequence[Event]) -> int | None:
    """Revision of the edit that was undone last and still is; None without one, or after a new edit."""
    waiting: list[int] = []
    for event in events:
        if isinstance(event, Undo):
            waiting.append(event.target)
        elif isinstance(event, Redo):
            waiting = [target for target in waiting if target != event.target]
        else:
            waiting.clear()
    return waiting[-1] if waiting else None


def stamped(event: Event, revision: int, who: str, at: str, network: str) -> Event:
    """The event with what the log knows of it."""
    return replace(event, revision=revision, who=who, at=at, network=network)


def body(event: Event) -> dict[str, Any]:
    """What is particular to a kind of event, ready for JSON."""
    return {name: value for name, value in asdict(event).items() if name not in _META}


def document(event: Event) -> dict[str, Any]:
    """The whole event, ready for JSON."""
    return {"kind": event.kind, **{name: getattr(event, name) for name in _META}, **body(event)}


def event_of(kind: str, text: str) -> Event:
    """The event of a kind whose :func:`body` stands in JSON.

    Raises:
        ReviewError: it cannot be one.
    """
    made = KINDS.get(kind)
    if made is None:
        raise ReviewError(f"there is no event {kind!r}; this review was written by a newer version of ecgviz")
    try:
        values = json.loads(text)
        if not isinstance(values, dict):
            raise TypeError("it has no fields")
        known = {field.name for field in fields(made)} - set(_META)
        if set(values) - known:
            raise ReviewError(f"{kind} has no {', '.join(sorted(set(values) - known))}")
        return made(**{name: _typed(name, value) for name, value in values.items()})
    except (ValueError, TypeError, KeyError, OverflowError) as error:
        raise ReviewError(f"a {kind} of this review cannot be read ({error}); restore its file from a copy") from error


def _typed(name: str, value: Any) -> Any:
    if name in {"beats", "per_mille"}:
        return tuple(_whole(one) for one in value)
    if isinstance(value, dict):
        return Span(float(value["start_s"]), float(value["end_s"]), str(value["label"]))
    if name in _NUMBERS or (name == "into" and value is not None):
        return _whole(value)
    return value


def _whole(value: Any) -> int:
    """A number that an array of samples holds.

    Raises:
        ValueError, OverflowError: it is none.
    """
    found = int(value)
    if abs(found) >= 2**62:
        raise ValueError(f"{str(value)[:40]} is no sample, beat or revision")
    return found
