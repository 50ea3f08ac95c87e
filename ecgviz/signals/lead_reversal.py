"""Detects exchanged electrodes in a 12-lead recording from its median beat.

Limb electrodes: V6 looks from the left as I does, and nearly along II. Where lead I is V6 upside down, with a negative
P wave and a QRS that points down, the arms are exchanged; where lead II is, right arm and left leg. (Of a heart on
the right side I and V6 are inverted together, and nothing is said.) Left arm and left leg exchanged look like another
healthy heart and are not told. Chest electrodes: neighbours look alike; an exchange of two that brings the leads
closer to each other by a quarter is told.

Batchvarov VN, Malik M, Camm AJ. Incorrect electrode cable connection during electrocardiographic recording.
Europace 2007;9:1081-1090.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations, pairwise

import numpy as np

from ecgviz.notices import Notice, Weight
from ecgviz.signals.median_beat import MedianBeats, median_beats_of

LONGEST_S = 20.0
"""So much of a recording says enough."""
UPSIDE_DOWN = -0.5
"""Correlation of the median beats of the limb lead and V6, P to T."""
LEAST_P = 0.02
"""The negative P wave as a share of the lead's range."""
CLOSER = 0.25
"""Of 620 recordings of PTB-XL and LUDB as they are, 0.3% would be closer by this when two chest leads change places."""
CHEST = ("v1", "v2", "v3", "v4", "v5", "v6")


def can_be_told(leads: Sequence[str]) -> bool:
    """Whether exchanged electrodes of these leads are detectable: with limb leads I and II, and V6."""
    return {"i", "ii", "v6"} <= {name.lower() for name in leads}


def reversed_leads(samples: np.ndarray, fs: float, leads: Sequence[str]) -> list[Notice]:
    """Warnings about exchanged electrodes; none where limb leads, V6 or beats are missing.

    Args:
        samples: of some seconds; twenty say enough, (n, n_leads), NaN where missing.
        fs: sampling frequency, Hz.
        leads: names of the columns.
    """
    median = median_beats_of(samples, fs, leads) if can_be_told(leads) else None
    if median is None:
        return []
    chest = _chest(median) if set(CHEST) <= {name.lower() for name in leads} else ()
    return [Notice(sentence, Weight.UNSURE) for sentence in (*_limbs(median), *chest)]


def _limbs(median: MedianBeats) -> tuple[str, ...]:
    beat = _Beat(median)
    correlation = {name: beat.correlation(name, "v6") for name in ("i", "ii")}
    lead = min(correlation, key=correlation.get)
    upside_down = correlation[lead] < UPSIDE_DOWN and beat.qrs(lead) < 0 and beat.p_wave(lead) < -LEAST_P
    if not upside_down:
        return ()
    electrodes = "those of the arms" if lead == "i" else "those of right arm and left leg"
    return (
        (
            f"lead {lead.upper()} is upside down (P wave and QRS are negative, against V6): two limb electrodes seem "
            f"exchanged, {electrodes}. All limb leads are wrong then; check the electrodes and record again."
        ),
    )


def _chest(median: MedianBeats) -> tuple[str, ...]:
    beat = _Beat(median)
    leads = np.stack([beat.of(name) for name in CHEST])
    apart = np.linalg.norm(leads[:, None] - leads[None], axis=2)

    def way(order: list[int]) -> float:
        return float(sum(apart[a, b] for a, b in pairwise(order)))

    as_it_is = way(list(range(6)))
    exchanged = {}
    for pair in combinations(range(6), 2):
        order = list(range(6))
        order[pair[0]], order[pair[1]] = pair[1], pair[0]
        exchanged[pair] = way(order)
    pair = min(exchanged, key=exchanged.get)
    if not exchanged[pair] < (1 - CLOSER) * as_it_is:
        return ()
    first, second = (CHEST[index].upper() for index in pair)
    return (
        (
            f"the chest leads do not follow from V1 to V6: {first} and {second} seem exchanged. What is said of them "
            "is about another place of the chest; check the electrodes and record again."
        ),
    )


class _Beat:
    """Median beat from P to T, by lead."""

    def __init__(self, median: MedianBeats):
        self._column = {name.lower(): index for index, name in enumerate(median.leads)}
        self._samples = median.samples - np.median(median.samples, axis=0)
        self._r, self._fs = median.r_sample, median.fs

    def of(self, lead: str, from_s: float = -0.25, to_s: float = 0.4) -> np.ndarray:
        """Samples between two times relative to R, s, minus the lead's median."""
        start = max(self._r + round(from_s * self._fs), 0)
        return self._samples[start : self._r + round(to_s * self._fs), self._column[lead]]

    def correlation(self, lead: str, other: str) -> float:
        """Correlation of two leads; 0 where one is constant."""
        columns = [self._samples[:, self._column[name]] for name in (lead, other)]
        norm = np.linalg.norm(columns[0]) * np.linalg.norm(columns[1])
        return float(columns[0] @ columns[1] / norm) if norm > 0 else 0.0

    def qrs(self, lead: str) -> float:
        """Net QRS amplitude: below 0 where the QRS is negative."""
        near = self.of(lead, -0.06, 0.06)
        return float(near.max(initial=0) + near.min(initial=0))

    def p_wave(self, lead: str) -> float:
        """Amplitude of the P wave above the line between its ends, relative to the lead's range."""
        part = self.of(lead, -0.25, -0.07)
        if len(part) < 3:
            return 0.0
        above = part - np.linspace(part[0], part[-1], len(part))
        return float(above[np.abs(above).argmax()] / max(np.ptp(self.of(lead)), np.finfo(float).tiny))
