"""All counts of a recording at once; heart rate variability and ST levels take longer and are apart."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from ecgviz.analysis.rhythms import AtrialFibrillation, atrial_fibrillation
from ecgviz.holter.ectopy import Ectopy, ectopy_of
from ecgviz.holter.hours import Counted, Hour, hours_of
from ecgviz.holter.pauses import Pause, held_against_leads, longest_rr, pauses_of
from ecgviz.holter.rates import Moment, RateEpisode, Rates, rate_episodes, rates_of
from ecgviz.results import Beats
from ecgviz.signals.quality import Quality
from ecgviz.signals.rr import HeartRate, heart_rate
from readers.recording import Recording


@dataclass(frozen=True)
class HolterNumbers:
    """The counts of a Holter report.

    Attributes:
        duration_s: length of the recording.
        start: when it began, where the file says so.
        counts: beats of each class.
        rates: minimum, mean and maximum heart rate.
        rate: heart rate at each beat.
        ectopy: of V and S, by letter; a class that the network does not know is not there.
        pauses: RR intervals of 2 s and more, also doubtful ones.
        longest_rr: s, without doubtful ones.
        episodes: sustained bradycardia and tachycardia.
        af: atrial fibrillation and flutter; None where the network says nothing of the rhythm.
        af_s: seconds of it, likewise.
        usable_share: share of the recording whose signal can be read, 0 to 1; NaN where it was not assessed.
        hours: the table of the hours.
    """

    duration_s: float
    start: datetime | None
    counts: dict[str, int]
    rates: Rates
    rate: HeartRate
    ectopy: dict[str, Ectopy]
    pauses: tuple[Pause, ...]
    longest_rr: Moment
    episodes: tuple[RateEpisode, ...]
    af: AtrialFibrillation | None
    af_s: float | None
    usable_share: float
    hours: tuple[Hour, ...]

    @property
    def n_beats(self) -> int:
        """All beats."""
        return sum(self.counts.values())

    def share(self, label: str) -> float:
        """Part of all beats that has this class, 0 to 1; 0 without beats."""
        return self.counts.get(label, 0) / self.n_beats if self.n_beats else 0.0


def holter_numbers(
    beats: Beats,
    duration_s: float,
    quality: Quality | None = None,
    start: datetime | None = None,
    *,
    recording: Recording | None = None,
) -> HolterNumbers:
    """The counts of a recording.

    Args:
        beats: of the network or edited, with their rhythms and gaps.
        duration_s: length of the recording.
        quality: of the lead that the beats were found on.
        start: when the recording began: the hours are then those of the clock.
        recording: with it, the longest pauses are held against all leads.
    """
    label = beats.label
    rate = heart_rate(beats.time_s, beats.gaps)
    ectopy = ectopy_of(beats)
    pauses = pauses_of(beats, quality)
    if recording is not None:
        pauses = held_against_leads(pauses, recording, beats)
    hours = hours_of(Counted(beats, rate, ectopy, pauses, quality), duration_s, start)
    knows_rhythm = bool(beats.rhythm_classes)
    return HolterNumbers(
        duration_s=duration_s,
        start=start,
        counts={name: int((label == name).sum()) for name in beats.classes},
        rates=rates_of(rate),
        rate=rate,
        ectopy=ectopy,
        pauses=pauses,
        longest_rr=longest_rr(beats, pauses),
        episodes=rate_episodes(beats, rate),
        af=atrial_fibrillation(beats.rhythms) if knows_rhythm else None,
        af_s=60 * sum(hour.af_min or 0.0 for hour in hours) if knows_rhythm else None,
        usable_share=quality.usable_share if quality is not None else float("nan"),
        hours=hours,
    )
