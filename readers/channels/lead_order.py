"""Detects whether twelve unnamed leads are in standard order, by Einthoven's and Goldberger's laws.

Two of the six limb leads give the other four: III = II - I, aVR = -(I + II) / 2, aVL = I - II / 2, aVF = II - I / 2
(Macfarlane et al., Comprehensive Electrocardiology, 2nd ed., 2010, ch. 11). Another order, or other signals, do not.
"""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np

from readers.core.lead_names import TWELVE_LEADS
from readers.recording import Recording

LOOK_S = 10.0
LARGEST_REST = 0.1
"""Of the SD of a lead: rounding and an own filter for each lead leave less, a wrong order leaves about 1."""

_UNNAMED = re.compile(r"lead \d+")
_NOTE = (
    "The file does not name its leads; the first six obey Einthoven's law as I, II, III, aVR, aVL, aVF do, so the "
    "standard order is taken."
)


def in_standard_order(recording: Recording) -> Recording:
    """The recording with standard names and a note, where twelve unnamed leads obey the laws; else unchanged."""
    if len(recording.leads) != len(TWELVE_LEADS) or not is_unnamed(recording):
        return recording
    limbs = recording.signal_mV(0, min(recording.n_samples, round(LOOK_S * recording.fs)))[:, :6].astype(np.float64)
    limbs = limbs[np.isfinite(limbs).all(axis=1)]
    if not obey_einthoven(limbs):
        return recording
    return replace(recording, leads=TWELVE_LEADS, warnings=(*recording.warnings, _NOTE))


def is_unnamed(recording: Recording) -> bool:
    """Whether the file names no lead."""
    return all(map(_UNNAMED.fullmatch, recording.leads))


def obey_einthoven(limbs: np.ndarray) -> bool:
    """Whether six columns (n, 6) are I, II, III, aVR, aVL, aVF of one recording, in this order."""
    if len(limbs) < 2:
        return False
    limbs = limbs - limbs.mean(axis=0)
    first, second = limbs[:, 0], limbs[:, 1]
    laws = np.stack([second - first, -(first + second) / 2, first - second / 2, second - first / 2], axis=1)
    spread = limbs.std(axis=0)
    return bool((spread > 0).all() and ((limbs[:, 2:] - laws).std(axis=0) < LARGEST_REST * spread.mean()).all())
