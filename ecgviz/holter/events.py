"""The events of a recording as a list: runs, pauses, slow and fast stretches, episodes of AF and other
rhythms, couplets, bigeminy."""

from __future__ import annotations

from dataclasses import dataclass

from ecgviz.analysis.rhythms import SINUS
from ecgviz.holter.numbers import HolterNumbers
from ecgviz.results import Beats
from models.core.words import counted
from models.postprocessing.rhythm_episodes import AF_CLASSES

KINDS = ("runs", "pauses", "rate", "AF", "couplets", "bigeminy and trigeminy", "other rhythms")
_FAST = {"V": "VT", "S": "SVT"}


@dataclass(frozen=True)
class Event:
    """A row of a list of events.

    Attributes:
        time_s: where it begins.
        what: in words; of a rhythm its code, such as AFIB.
        length: in words: beats or time.
        rate: in 1/min; None where it has none.
        beat: number of its first beat; -1 where it begins between beats.
        weight: the larger the more it is one: rate of a run, length of a pause.
        doubt: why it may be none; "" as a rule.
    """

    time_s: float
    what: str
    length: str
    rate: float | None = None
    beat: int = -1
    weight: float = 0.0
    doubt: str = ""


def events_of(numbers: HolterNumbers, beats: Beats) -> dict[str, list[Event]]:
    """Events of each of ``KINDS`` in time order.

    Args:
        numbers: of the recording.
        beats: that they were made of.
    """
    found: dict[str, list[Event]] = {kind: [] for kind in KINDS}
    for letter, ectopy in numbers.ectopy.items():
        for run in ectopy.runs:
            name = _FAST[letter] if run in ectopy.tachycardias else f"run of {letter}"
            found["runs"].append(
                Event(run.start_s, name, counted(run.n_beats, "beat"), run.rate, run.first, weight=run.rate)
            )
        found["couplets"] += [
            Event(one.start_s, f"couplet of {letter}", "2 beats", one.rate, one.first) for one in ectopy.couplets
        ]
        found["bigeminy and trigeminy"] += [
            Event(one.start_s, f"{one.kind} of {letter}", counted(one.n_beats, "beat"), one.rate, one.first)
            for one in (*ectopy.bigeminy, *ectopy.trigeminy)
        ]
    for pause in numbers.pauses:
        length = f"{pause.rr_s:.2f} s"
        found["pauses"].append(
            Event(pause.time_s, f"pause after {pause.after}", length, None, pause.beat, pause.rr_s, pause.doubt)
        )
    for one in numbers.episodes:
        found["rate"].append(Event(one.start_s, one.kind, length_words(one.end_s - one.start_s), one.rate, one.first))
    for episode in beats.rhythms:
        if episode.label != SINUS:
            kind = "AF" if episode.label in AF_CLASSES else "other rhythms"
            length = length_words(episode.duration_s)
            found[kind].append(Event(episode.start_s, episode.label, length, weight=episode.duration_s))
    return {kind: sorted(rows, key=lambda row: row.time_s) for kind, rows in found.items()}


def length_words(seconds: float) -> str:
    """A length of time: 33 s, 45 min, 3.2 h."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
