"""A Holter report before it is written: as JSON and CSV by ``holter_tables``, as a PDF by ``holter_pdf``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from ecgviz.holter.findings import ChosenStrip, Finding, choose_strips, urgent_findings
from ecgviz.holter.hrv import HeartRateVariability, nn_intervals, variability
from ecgviz.holter.numbers import HolterNumbers, holter_numbers
from ecgviz.holter.st_level import StMinutes, StTrend, st_trend
from ecgviz.reports.links import Links
from ecgviz.results import Beats
from ecgviz.review import ReviewState
from ecgviz.review.words import event_words
from ecgviz.signals.quality import Quality
from models import Checkpoint
from models.core.callbacks import Progress, ShouldStop
from readers.recording import Recording

DIARY_SYMBOL = '"'
"""Of annotations that are comments, as EDF+ and WFDB have a patient's events."""
_MOST_DIARY = 200


@dataclass(frozen=True)
class DiaryEvent:
    """What the patient or the recorder marked: a text at a time, s."""

    time_s: float
    text: str


@dataclass(frozen=True)
class EditMade:
    """A decision of a person about the beats: who, when (ISO 8601), and what in words."""

    who: str
    when: str
    what: str


@dataclass(frozen=True)
class HolterReport:
    """A report before it is laid out.

    Attributes:
        recording: the recording.
        beats: what all numbers are made of; edited ones where ``edits`` says so.
        checkpoint: what classified them.
        numbers, hrv, st: of the recording.
        findings: told first.
        strips: chosen ones.
        diary: events of the file.
        edits: decisions of people.
        links: to the dashboard.
        made: when the report was made.
    """

    recording: Recording
    beats: Beats
    checkpoint: Checkpoint
    numbers: HolterNumbers
    hrv: HeartRateVariability
    st: StTrend
    findings: tuple[Finding, ...]
    strips: tuple[ChosenStrip, ...]
    diary: tuple[DiaryEvent, ...] = ()
    edits: tuple[EditMade, ...] = ()
    links: Links = field(default_factory=Links)
    made: datetime = field(default_factory=lambda: datetime.now(UTC))

    def link(self, time_s: float, beat: int = -1) -> str:
        """To a time, with a beat by its number; "" where the report has no links."""
        return self.links.to(time_s, int(self.beats.sample[beat]) if 0 <= beat < len(self.beats) else None)


@dataclass(frozen=True)
class Wanted:
    """What a person chose for a report: times of strips (s), their own edits, and the dashboard that links lead to;
    and the minutes of the recording, where they were measured before."""

    strips_s: Sequence[float] = ()
    edits: Sequence[EditMade] = ()
    links: Links = field(default_factory=Links)
    minutes: StMinutes | None = None


def holter_report(
    recording: Recording,
    beats: Beats,
    checkpoint: Checkpoint,
    quality: Quality | None = None,
    wanted: Wanted | None = None,
    *,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> HolterReport:
    """Make a report.

    Args:
        recording: an open recording.
        beats: of the checkpoint, or edited.
        checkpoint: what classified them.
        quality: of the lead that the beats were found on.
        wanted: strips, edits and links.
        progress: told of heart rate variability and ST levels, which take the time.
        should_stop: asked meanwhile.
    """
    wanted = wanted or Wanted()
    numbers = holter_numbers(beats, recording.duration_s, quality, recording.start, recording=recording)
    hand = [time_s for time_s in wanted.strips_s if 0 <= time_s <= recording.duration_s]
    return HolterReport(
        recording=recording,
        beats=beats,
        checkpoint=checkpoint,
        numbers=numbers,
        hrv=variability(nn_intervals(beats, quality), progress=progress, should_stop=should_stop),
        st=st_trend(recording, beats, minutes=wanted.minutes, progress=progress, should_stop=should_stop),
        findings=urgent_findings(numbers, beats),
        strips=choose_strips(numbers, beats, hand),
        diary=diary_of(recording),
        edits=tuple(wanted.edits),
        links=wanted.links,
    )


def edits_of(state: ReviewState, duration_s: float) -> tuple[EditMade, ...]:
    """What was decided in a review and still counts, the oldest first."""
    return tuple(
        EditMade(event.who, event.at, event_words(event, state.beats.fs, duration_s))
        for event in state.events
        if event.is_edit and event.revision in state.live
    )


def diary_of(recording: Recording) -> tuple[DiaryEvent, ...]:
    """Comments in the file's annotations, in time order."""
    marks = recording.annotations
    if marks is None:
        return ()
    rows = zip(marks.sample.tolist(), marks.symbol.tolist(), marks.aux.tolist(), strict=True)
    found = [DiaryEvent(at / recording.fs, text.strip()) for at, symbol, text in rows if symbol == DIARY_SYMBOL]
    return tuple(one for one in found if one.text)[:_MOST_DIARY]
