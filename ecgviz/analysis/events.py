"""Events to step through in a recording, by kind: their positions, and the previous and next one."""

from __future__ import annotations

from collections.abc import Collection
from types import MappingProxyType

import numpy as np

from ecgviz.analysis.bench import annotation_marks, beat_marks
from ecgviz.analysis.navigate import ECTOPIC as ECTOPIC_CLASSES
from ecgviz.analysis.navigate import beats_of, index_of_sample
from ecgviz.analysis.rhythms import SINUS
from ecgviz.results import Beats
from ecgviz.signals.rr import pauses
from models.data.aami import AAMI_CLASSES, CLASS_OF_SYMBOL, aami_classes
from models.metrics.ec57.beat_by_beat import beat_pairs
from models.metrics.ec57.marks import Protocol
from readers.recording import Recording

ECTOPIC, PAUSE, RHYTHM, DISAGREEMENT = "ectopic", "pause", "rhythm", "disagreement"
WORDS = MappingProxyType(
    {
        ECTOPIC: "ectopic beat",
        "V": "ventricular ectopic",
        "S": "supraventricular ectopic",
        "F": "fusion beat",
        PAUSE: "pause from 2 s",
        RHYTHM: "rhythm episode",
        DISAGREEMENT: "disagreement",
    }
)
"""Display name of each kind of event."""


def kinds(recording: Recording, classes: Collection[str], rhythm_classes: Collection[str]) -> tuple[str, ...]:
    """Kinds available for this recording with a network of these classes and rhythms."""
    known = [kind for kind in ("V", "S", "F") if kind in classes]
    rhythm = [RHYTHM] if rhythm_classes else []
    return (ECTOPIC, *known, PAUSE, *rhythm, *([DISAGREEMENT] if is_annotated(recording) else []))


def is_annotated(recording: Recording) -> bool:
    """Whether the file came with annotated beats."""
    marks = recording.annotations
    return marks is not None and not CLASS_OF_SYMBOL.keys().isdisjoint(marks.symbol.tolist())


def samples_of(kind: str, recording: Recording, beats: Beats) -> np.ndarray:
    """Sample numbers of all events of a kind, ascending, int64 (n,).

    Args:
        kind: one of :data:`WORDS`.
        recording: the recording, with its annotations if it has any.
        beats: its beats in time order.

    Raises:
        KeyError: an unknown kind.
    """
    if kind == ECTOPIC:
        return of_classes(beats, ECTOPIC_CLASSES)
    if kind in {"V", "S", "F"}:
        return of_classes(beats, (kind,))
    if kind == PAUSE:
        return np.array([beats.sample[one.beat] for one in pauses(beats.time_s, gaps=beats.gaps)], np.int64)
    if kind == RHYTHM:
        return rhythm_changes(beats)
    if kind == DISAGREEMENT:
        return disagreements(recording, beats)
    raise KeyError(kind)


def of_classes(beats: Beats, classes: Collection[str]) -> np.ndarray:
    """Sample numbers of the beats of some classes, int64 (n,)."""
    return beats.sample[beats_of(beats, classes)]


def rhythm_changes(beats: Beats) -> np.ndarray:
    """Sample numbers of the first beat of each episode that is not sinus rhythm, int64 (n,)."""
    starts = [episode.start_s for episode in beats.rhythms if episode.label != SINUS]
    first = np.searchsorted(beats.time_s, starts)
    return beats.sample[first[first < len(beats)]]


def disagreements(recording: Recording, beats: Beats) -> np.ndarray:
    """Sample numbers where beats and annotations disagree: other class, extra beat, missed beat; int64 (n,).

    Of the beat, and of the annotation where no beat is within 150 ms of it.

    Paired as EC57 does, but from the first second on, and with escape beats as N (:func:`reference_letters`).
    """
    if recording.annotations is None:
        return np.empty(0, np.int64)
    truth = annotation_marks(recording.annotations, recording.fs, recording.n_samples)
    pairs = beat_pairs(truth, beat_marks(beats, recording.n_samples), Protocol(learning_s=0.0, escape="N"))
    places = [at for at, row, column in pairs if row != column]
    found = [index_of_sample(beats, at) for at in places]  # an annotator's mark is seldom on the R peak itself
    return np.unique(
        np.array([at if i is None else beats.sample[i] for at, i in zip(places, found, strict=True)], np.int64)
    )


def reference_letters(recording: Recording, start_s: float, stop_s: float) -> tuple[np.ndarray, np.ndarray] | None:
    """Times, s, float64 (n,), and AAMI classes, str (n,), of the beats annotated in [start_s, stop_s]; None if the
    file has no annotated beats."""
    if not is_annotated(recording):
        return None
    marks = recording.annotations
    inside = slice(*np.searchsorted(marks.sample, (start_s * recording.fs - 1e-6, stop_s * recording.fs + 1e-6)))
    classes = aami_classes(marks.symbol[inside])
    return marks.sample[inside][classes >= 0] / recording.fs, np.array(AAMI_CLASSES)[classes[classes >= 0]]


def around(samples: np.ndarray, at: int) -> tuple[int | None, int | None]:
    """Previous and next event of a sample number, wrapping around at the ends; None without events."""
    if not len(samples):
        return None, None
    before = int(np.searchsorted(samples, at, side="left")) - 1
    after = int(np.searchsorted(samples, at, side="right"))
    return int(samples[before]), int(samples[after % len(samples)])
