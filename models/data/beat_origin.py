"""Provenance of training beats for the card: licence, citation, and the limits that follow."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from models.data import heartbeat_csv, mitdb
from models.data.mitdb import BeatRecord
from models.metrics.resampling import counted

FEW_BEATS = 100
_MITDB = (
    "Trained on half-hour two-lead Holter excerpts from one hospital, digitised in the 1980s.",
    "Supraventricular ectopic beats (S) are found less reliably than ventricular ones (V); see metrics.",
)
_NO_PACED = "Never saw paced rhythm."
_SVDB = (
    " Greenwald SD. Improved detection and classification of arrhythmias in noise-corrupted electrocardiograms. "
    "MIT 1990."
)
_SVDB_NAMES = re.compile(r"8\d\d")
"""Records of the MIT-BIH Supraventricular Arrhythmia Database, in tables that name the record of each row."""


class Origin(NamedTuple):
    """Provenance of the data on a card."""

    licence: str = ""
    citation: str = ""
    limits: tuple[str, ...] = ()


def beat_origin(root: str | Path, records: Sequence[BeatRecord], classes: Sequence[str]) -> Origin:
    """Origin of training records that are already read.

    Args:
        root: their folder.
        records: those that are trained on.
        classes: names of the class indices.

    Returns:
        Licence and citation where the records are MIT-BIH's or tables made of them, empty texts where nobody can tell.
    """
    tables = heartbeat_csv.is_layout(root)
    rare = few_beats(np.concatenate([record.label for record in records]), classes)
    if tables or mitdb.are_mitdb(records):
        names = {record.name for record in records}
        unpaced = () if names & set(mitdb.PACED) else (_NO_PACED,)
        citation = mitdb.CITATION + (_SVDB if any(map(_SVDB_NAMES.fullmatch, names)) else "")
        return Origin(mitdb.LICENCE, citation, (*heartbeat_csv.limits_of(root), *_MITDB, *unpaced, *rare))
    hours = sum(record.n_samples / record.fs for record in records) / 3600
    one = (
        f"Trained on {counted(len(records), 'recording')} of no database known here, {hours:.1f} h in all: patients, "
        "recorders and leads that differ from theirs may be answered worse."
    )
    return Origin(limits=(one, *rare))


def few_beats(labels: np.ndarray, classes: Sequence[str]) -> tuple[str, ...]:
    """A sentence naming the classes with too few beats among the class indices ``labels``; none where all have
    enough."""
    counts = np.bincount(labels, minlength=len(classes))
    few = [f"{name} ({count})" for name, count in zip(classes, counts, strict=True) if count < FEW_BEATS]
    return (f"Saw too few beats of a class to know it: {', '.join(few)}.",) if few else ()
