"""Detects recordings that a network was trained on, whose metrics say nothing about new patients."""

from __future__ import annotations

import re

from models.checkpoints import Checkpoint
from models.data.fingerprint import fingerprint
from readers.recording import Recording

LONGEST_S = 3700.0
"""Longer recordings are compared by their first part: training records are 30 min long."""

_PTBXL = re.compile(r"(\d{5})_[lh]r")
"""PTB-XL's file names. Its two sampling frequencies, and copies that were filtered, share no samples to go by."""


def seen_in_training(recording: Recording, checkpoint: Checkpoint) -> str | None:
    """Name of the training record that contains this recording; None when it is new.

    By its decoded samples (an excerpt of about three minutes or one lead is enough), or by its name.
    """
    records = checkpoint.card.training_records
    if not records:
        return None
    words = set(re.findall(r"[\w.-]+", recording.name.lower()))
    words |= {f"ptbxl {int(found[1])}" for found in map(_PTBXL.fullmatch, tuple(words)) if found}
    for record in records:
        if record.name.lower() in words:
            return record.name
    mark = fingerprint(recording.signal_mV(0, min(recording.n_samples, round(LONGEST_S * recording.fs))))
    for record in records:
        if mark.matches(record.sha256, record.landmarks):
            return record.name
    return None
