"""Chooses the default checkpoints for an ECG: one rule for pages and commands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from ecgviz.analysis.records import RecordAnalysis, analyse_record
from ecgviz.errors import EcgvizError
from ecgviz.notices import Notice, Weight
from models.checkpoints import (
    DEFAULT_BEAT_CHECKPOINT,
    DEFAULT_PAPER_CHECKPOINT,
    DEFAULT_RECORD_CHECKPOINT,
    DEFAULT_ROWS_CHECKPOINT,
    Checkpoint,
)
from models.core.words import counted
from readers.arrays.beat_rows import BeatRows
from readers.channels.lead_order import is_unnamed
from readers.core.lead_names import EIGHT_LEADS, TWELVE_LEADS
from readers.paper.pictures import EcgPicture
from readers.recording import Recording

LONGEST_RESTING_S = 60.0
"""A resting ECG lasts ten seconds as a rule, a rhythm strip up to a minute; what is longer is a monitor's."""


class LeadsAndLength(Protocol):
    """The properties of a recording that the choice depends on."""

    @property
    def leads(self) -> tuple[str, ...]:
        """Lead names."""

    @property
    def duration_s(self) -> float:
        """Duration in seconds."""


@dataclass(frozen=True)
class Choice:
    """The chosen checkpoints.

    Attributes:
        kind: "resting" for twelve leads of up to a minute, "paper" for a picture of an ECG, "rows" for a table of
            single beats, else "rhythm".
        beats: name of the checkpoint that classifies the beats; None where there is nothing but a picture.
        labels: name of the checkpoint that labels the ECG as a whole; None where that says nothing.
        reason: what the choice rests on, one clause.
    """

    kind: Literal["resting", "rhythm", "paper", "rows"]
    beats: str | None
    labels: str | None
    reason: str

    def describe(self) -> str:
        """One-line description of the choice."""
        by = [f"{what} by {name}" for what, name in (("beats", self.beats), ("labels", self.labels)) if name]
        return f"{' and '.join(by)}, because {self.reason}"


def choose_checkpoints(ecg: LeadsAndLength | EcgPicture | BeatRows) -> Choice:
    """Checkpoints for a recording, by leads and length, for a picture of one, or for a table of beats."""
    if isinstance(ecg, BeatRows):
        return Choice("rows", DEFAULT_ROWS_CHECKPOINT, None, "each of its rows is a single beat")
    if isinstance(ecg, EcgPicture):
        return Choice("paper", None, DEFAULT_PAPER_CHECKPOINT, "it is a picture of an ECG")
    there = {lead.lower() for lead in ecg.leads}
    if any(lead.lower() not in there for lead in EIGHT_LEADS):
        few = f"it has {counted(len(ecg.leads), 'lead')}, not those of a 12-lead ECG"
        if len(ecg.leads) > 1 and is_unnamed(ecg):
            few = f"the file does not name its {len(ecg.leads)} leads"
        return Choice("rhythm", DEFAULT_BEAT_CHECKPOINT, None, few)
    if ecg.duration_s > LONGEST_RESTING_S:
        long = f"it lasts {ecg.duration_s:.0f} s, and a 12-lead ECG of up to {LONGEST_RESTING_S:.0f} s is labelled"
        return Choice("rhythm", DEFAULT_BEAT_CHECKPOINT, None, long)
    short = f"it is a 12-lead ECG of {ecg.duration_s:.1f} s"
    return Choice("resting", DEFAULT_BEAT_CHECKPOINT, DEFAULT_RECORD_CHECKPOINT, short)


def may_be_twelve(recording: Recording) -> bool:
    """Whether naming its leads could make it a 12-lead ECG that gets labels: unnamed leads, short enough."""
    could = len(recording.leads) in {len(TWELVE_LEADS), len(EIGHT_LEADS)} and is_unnamed(recording)
    return could and recording.duration_s <= LONGEST_RESTING_S


def names_wanted(recording: Recording) -> tuple[Notice, ...]:
    """A note on how a recording with unnamed leads gets labels, where it can."""
    if not may_be_twelve(recording):
        return ()
    n = len(recording.leads)
    names = ",".join(next(leads for leads in (TWELVE_LEADS, EIGHT_LEADS) if len(leads) == n))
    sentence = (
        f"The file does not name its {n} leads, so it has no labels as a 12-lead ECG. If it is one, name them in the "
        f"file's order: --leads {names} on the command line, or on the 12-lead page."
    )
    return (Notice(sentence, Weight.PARTLY),)


def labels_or_why_not(recording: Recording, checkpoint: Checkpoint) -> tuple[RecordAnalysis | None, str]:
    """The labels of a recording; or None and the reason, where the network refuses it."""
    try:
        return analyse_record(recording, checkpoint), ""
    except EcgvizError as error:
        return None, f"There are no labels by {checkpoint.name}: {error}"
