"""What must be known beside any answer about a recording: the samples that ``ecgviz.signals`` looks at, read here."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np

from ecgviz.notices import Notice
from ecgviz.signals import lead_reversal
from ecgviz.signals.domain import outside_of_domain
from models.core.gaps import Gaps
from readers.recording import Recording


def domain_warnings(
    recording: Recording, peaks: np.ndarray, leads: Sequence[str], gaps: Gaps = ()
) -> tuple[Notice, ...]:
    """Where a recording lies outside of what the networks learned from, and whether its electrodes were exchanged.

    Args:
        recording: an open recording.
        peaks: its R peaks as sample numbers, ascending, int64 (n,).
        leads: names of the leads that were read, first the one that decides.
        gaps: where no beat can be seen, s.
    """
    fs, n_samples = recording.fs, recording.n_samples
    found = outside_of_domain(partial(recording.signal_mV, leads=leads), fs, n_samples, peaks, leads[0], gaps)
    if lead_reversal.can_be_told(recording.leads):
        beginning = recording.signal_mV(0, min(round(lead_reversal.LONGEST_S * fs), n_samples))
        found += lead_reversal.reversed_leads(beginning, fs, recording.leads)
    return tuple(notice.about(recording.name) for notice in found)
