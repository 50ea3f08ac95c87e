"""The median beat of normal recordings: what takes the place of a wave where a recording has no usual beat of its own.

``normal_beat.json`` is made by ``scripts/normal_beat.py`` and says of itself what it was made of. It holds the beat of
each of twelve leads in mV, and in the SD of its lead, which is how networks read that scale each lead by itself.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from readers.core.once import once

FILE = Path(__file__).with_name("normal_beat.json")
T_FROM_S = 0.06
"""From here after R on the beat is as long as the heart is slow."""


@dataclass(frozen=True)
class NormalBeat:
    """A beat of the twelve leads.

    Attributes:
        samples: in the unit of a scaling of the task ("mV", "zscore"), float64 (12, n) each.
        leads: names of the rows.
        fs: Hz.
        start_s: first sample, seconds beside the R peak.
        rr_s: RR interval at which it is as long as stored.
        count: recordings that it is the median of, by scaling.
        source: of what, as a sentence says it.
        licence: of the recordings.
        citation: of the recordings.
    """

    samples: dict[str, np.ndarray]
    leads: tuple[str, ...]
    fs: float
    start_s: float
    rr_s: float
    count: dict[str, int]
    source: str
    licence: str
    citation: str

    @property
    def end_s(self) -> float:
        """Last sample at ``rr_s``, seconds beside the R peak."""
        return self.start_s + (self.samples["mV"].shape[1] - 1) / self.fs

    def at(self, scaling: str, leads: tuple[str, ...], fs: float, rr_s: float) -> np.ndarray:
        """The beat as a network reads it, float64 (len(leads), n), from ``start_s`` on.

        Args:
            scaling: "mV" or "zscore".
            leads: in the order of the rows.
            fs: sampling frequency of the network's input, Hz.
            rr_s: RR interval of the recording, s: ST and T are as long as it asks for (Fridericia's cube root).

        Raises:
            ValueError: a lead that is none of the twelve.
        """
        names = [name.lower() for name in self.leads]
        rows = self.samples[scaling][[names.index(lead.lower()) for lead in leads]]
        longer = stretch(rr_s, self.rr_s)
        end_s = T_FROM_S + (self.end_s - T_FROM_S) * longer
        time_s = self.start_s + np.arange(round((end_s - self.start_s) * fs) + 1) / fs
        time_s = np.where(time_s > T_FROM_S, T_FROM_S + (time_s - T_FROM_S) / longer, time_s)
        known_s = self.start_s + np.arange(rows.shape[1]) / self.fs
        return np.stack([np.interp(time_s, known_s, row) for row in rows])


def stretch(rr_s: float, than_s: float) -> float:
    """How many times as long ST and T are at one RR interval than at another (Fridericia 1920)."""
    return float((rr_s / than_s) ** (1 / 3))


@once
def normal_beat() -> NormalBeat:
    """The beat that comes along."""
    found = json.loads(FILE.read_text(encoding="utf-8"))
    samples = {scaling: np.array(rows) for scaling, rows in found.pop("samples").items()}
    return NormalBeat(samples, tuple(found.pop("leads")), **found)
