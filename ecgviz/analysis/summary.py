"""Summary statistics of a recording, as in a Holter report."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ecgviz.analysis.rhythms import AtrialFibrillation, atrial_fibrillation
from ecgviz.results import Beats
from ecgviz.signals.quality import UNREADABLE, Quality
from ecgviz.signals.rr import Family, Pause, ectopic_families, heart_rate, pauses


@dataclass(frozen=True)
class Summary:
    """Summary statistics of a recording.

    Attributes:
        n_beats: beats found.
        counts: beats of each class.
        rate_min, rate_median, rate_max: heart rate, 1/min, NaN where unknown; of means of eight beats.
        in_unusable: beats in stretches whose signal cannot be read; 0 where it was not assessed.
        usable_share: part of the recording whose signal can be read, 0 to 1; NaN where it was not assessed.
        pauses: RR intervals over two seconds.
        families: couplets, runs, bigeminy and trigeminy of S and V.
        af: atrial fibrillation and flutter; None where the checkpoint says nothing of the rhythm.
    """

    n_beats: int
    counts: dict[str, int]
    rate_min: float
    rate_median: float
    rate_max: float
    usable_share: float
    pauses: tuple[Pause, ...]
    families: tuple[Family, ...]
    af: AtrialFibrillation | None = None
    in_unusable: int = 0

    def share(self, letter: str) -> float:
        """Share of beats with this class, 0 to 1; 0 without beats."""
        return self.counts.get(letter, 0) / self.n_beats if self.n_beats else 0.0


def summarise(beats: Beats, quality: Quality | None = None) -> Summary:
    """Compute the summary; gaps end families and are no pauses."""
    gaps = beats.gaps
    label = beats.label
    rate = heart_rate(beats.time_s, gaps)
    return Summary(
        n_beats=len(beats),
        counts={letter: int((label == letter).sum()) for letter in beats.classes},
        rate_min=rate.minimum,
        rate_median=rate.median,
        rate_max=rate.maximum,
        usable_share=quality.usable_share if quality is not None else float("nan"),
        pauses=pauses(beats.time_s, gaps=gaps),
        families=ectopic_families(beats.time_s, label, gaps=gaps),
        in_unusable=_in_unusable(beats, quality),
        af=atrial_fibrillation(beats.rhythms) if beats.rhythm_classes else None,
    )


def _in_unusable(beats: Beats, quality: Quality | None) -> int:
    """Beats in stretches that are clipped, noise or motion."""
    if quality is None or not len(quality.time_s):
        return 0
    stretch = np.searchsorted(quality.time_s, beats.time_s, side="right") - 1
    return int(np.isin(quality.reason[stretch], UNREADABLE).sum())
