"""Beats of a whole recording for the canvas, a few bytes each: place, class, probability, and what people decided."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ecgviz.figures.beat_marks import colour_of, words_of
from ecgviz.figures.geometry import CLASS_COLOURS
from ecgviz.figures.rhythms import RHYTHM_COLOURS, episode_text, rhythm_words
from ecgviz.results import Beats
from models.data.aami import AAMI_CLASSES, CLASS_OF_SYMBOL
from readers.recording import Annotations, Recording

__all__ = ["CHANGED", "DECIDED", "NO_RR", "beats_message", "is_annotated"]

CHANGED, DECIDED, NO_RR = 1, 2, 4
"""Bits of ``flags``: other than the network says or elsewhere; decided by a person; no RR interval before it."""
_OFFSET_STEPS = 100


def beats_message(
    beats: Beats,
    deleted_s: Sequence[float] | np.ndarray = (),
    rejected_s: Sequence[float] | np.ndarray = (),
    annotations: Annotations | None = None,
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Header and arrays of the beats.

    Args:
        beats: edited or as the network gives them.
        deleted_s, rejected_s: where the beats lie that a person took away, seconds from the start.
        annotations: of the file; its beats are drawn as a second row of letters.

    Returns:
        A header with the classes, their colours and words, and the rhythms; and arrays of one value a beat: ``sample``
        (differences, int32), ``number`` (less the sample, int32; what a decision calls the beat), ``offset`` (100ths of
        a sample, int8), ``letter`` (index in the header's letters), ``confidence`` and ``entropy`` (100ths) and
        ``flags``, uint8; ``deleted`` and ``rejected``: samples, int32; of annotated beats ``reference`` (differences of
        samples, int32) and ``reference_letter``, uint8.
    """
    edits = beats.edits
    letters = [*CLASS_COLOURS, *(name for name in beats.classes if name not in CLASS_COLOURS)]
    number = beats.sample if edits is None else edits.number
    index = np.array([letters.index(name) for name in beats.classes], np.uint8)
    flags = NO_RR * np.isnan(beats.rr_before_ms)
    if edits is not None:
        flags = flags + CHANGED * edits.changed + DECIDED * edits.decided
    offset = np.zeros(len(beats)) if beats.offset is None else beats.offset
    arrays = {
        "sample": np.diff(beats.sample, prepend=0).astype(np.int32),
        "number": (number - beats.sample).astype(np.int32),
        "offset": np.rint(np.clip(offset, -1.2, 1.2) * _OFFSET_STEPS).astype(np.int8),
        "letter": index[beats.class_index] if len(beats) else np.empty(0, np.uint8),
        "confidence": _hundredths(beats.confidence),
        "entropy": _hundredths(beats.entropy),
        "flags": flags.astype(np.uint8),
        "deleted": np.rint(np.asarray(deleted_s, float) * beats.fs).astype(np.int32),
        "rejected": np.rint(np.asarray(rejected_s, float) * beats.fs).astype(np.int32),
    }
    annotated = [] if annotations is None else [one in CLASS_OF_SYMBOL for one in annotations.symbol.tolist()]
    if any(annotated):
        arrays["reference"] = np.diff(annotations.sample[annotated], prepend=0).astype(np.int32)
        names = (AAMI_CLASSES[CLASS_OF_SYMBOL[one]] for one in annotations.symbol[annotated].tolist())
        arrays["reference_letter"] = np.array([letters.index(name) for name in names], np.uint8)
    header = {
        "letters": letters,
        "colours": [colour_of(letter) for letter in letters],
        "words": [words_of(letter) for letter in letters],
        "rhythms": [
            {
                "from": round(one.start_s, 3),
                "to": round(one.end_s, 3),
                "label": one.label,
                "text": f"{one.label} {one.prob:.2f}",
                "told": episode_text(one, hours=one.end_s >= 3600),
                "colour": RHYTHM_COLOURS.get(one.label, RHYTHM_COLOURS["OTHER"]),
                "sinus": one.label == "N",
            }
            for one in beats.rhythms
        ],
        "rhythm_words": {one.label: rhythm_words(one.label) for one in beats.rhythms},
    }
    return header, arrays


def is_annotated(recording: Recording) -> bool:
    """Whether the file came with annotated beats."""
    marks = recording.annotations
    return marks is not None and not CLASS_OF_SYMBOL.keys().isdisjoint(marks.symbol.tolist())


def _hundredths(values: np.ndarray) -> np.ndarray:
    return np.rint(np.clip(np.nan_to_num(values), 0.0, 2.55) * 100).astype(np.uint8)
