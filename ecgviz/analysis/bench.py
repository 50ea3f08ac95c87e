"""Beats and annotations as the comparisons of EC57 read them (:mod:`models.metrics.ec57`)."""

from __future__ import annotations

import numpy as np

from ecgviz.analysis.rhythms import rhythm_marks
from ecgviz.results import Beats
from models.data.rhythms import RHYTHM_CHANGE
from models.metrics.ec57.marks import Marks
from readers.recording import Annotations


def annotation_marks(annotations: Annotations, fs: float, n_samples: int | None) -> Marks:
    """The annotations of a file."""
    subtype = np.zeros(len(annotations), np.int64) if annotations.subtype is None else annotations.subtype
    return Marks(annotations.sample, annotations.symbol, annotations.aux, subtype, fs, n_samples)


def beat_marks(beats: Beats, n_samples: int) -> Marks:
    """The beats of a network, or edited ones, with a note where each rhythm begins, as their WFDB file has them."""
    marks = rhythm_marks(beats)
    begins, notes = np.array([at for at, _ in marks], np.int64), [note for _, note in marks]
    sample = np.concatenate([begins, beats.sample])
    symbol = np.concatenate([np.full(len(begins), RHYTHM_CHANGE, "<U1"), beats.label.astype("<U1")])
    aux = np.concatenate([np.array(notes, "<U8"), np.zeros(len(beats), "<U8")])
    order = np.argsort(sample, kind="stable")
    nothing = np.zeros(len(sample), np.int64)
    return Marks(sample[order], symbol[order], aux[order], nothing, beats.fs, n_samples)
