"""A review in words: what an event decides, and the log as lines."""

from __future__ import annotations

from ecgviz.review.events import Adapt, Add, Event, Move, OnBeats, Redo, Regroup, RhythmEdit, Undo
from ecgviz.review.state import ReviewState
from models.core.words import clock, counted


def log_lines(state: ReviewState, duration_s: float) -> list[str]:
    """The log, a line an event, the oldest first: revision, when, who, what; what was undone says so."""
    lines = []
    for event in state.events:
        undone = " (undone)" if event.is_edit and event.revision not in state.live else ""
        when = event.at[:19].replace("T", " ")
        lines.append(
            f"{event.revision:5d}  {when}  {event.who}: {event_words(event, state.beats.fs, duration_s)}{undone}"
        )
    return lines


def event_words(event: Event, fs: float, duration_s: float) -> str:
    """What an event decides, in words."""
    hours = duration_s >= 3600

    def at(sample: int) -> str:
        return clock(sample / fs, hours=hours, decimals=2)

    match event:
        case OnBeats():
            was, to = "".join(sorted(set(event.old))), f" to {event.new}" if event.kind == "relabel" else ""
            [first, *more] = event.beats
            where = "" if more else " that was added" if first < 0 else f" at {at(first)}"
            words = f"{event.kind} {counted(len(event.beats), 'beat')}{where}: {', '.join(was)}{to}"
        case Add():
            words = f"add {event.new} at {at(event.sample)}"
        case Move():
            words = f"move the beat at {at(event.old)} to {at(event.new)}"
        case RhythmEdit():
            span = event.new or event.old
            assert span is not None
            word = "enter" if event.old is None else "take away" if event.new is None else "alter"
            times = f"{clock(span.start_s, hours=hours)} to {clock(span.end_s, hours=hours)}"
            words = f"{word} rhythm {span.label}, {times}"
        case Regroup():
            words = f"{'split off' if event.into is None else 'merge'} {counted(len(event.beats), 'beat')}"
        case Adapt():
            words = (
                f"adapt {counted(len(event.beats), 'beat')} by {event.used} that were decided (held out: "
                f"{event.wrong_before} of {event.checked} wrong before, {event.wrong_after} after)"
            )
        case Undo() | Redo():
            words = f"{event.kind} {event.target}"
        case _:
            raise TypeError(event.kind)
    return words
