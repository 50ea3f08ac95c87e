"""Beat by beat, as WFDB's ``bxb`` compares: which reference beat was found, and as what.

Each beat of one annotator is paired with at most one of the other within the match window, walking through both in
time order; a beat without partner is paired with O (missed or extra) or X (within a shutdown of the other annotator).
Test beats within ventricular fibrillation of the reference count nowhere.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from models.metrics.ec57.marks import BEAT_CLASSES, END, BeatMarks, Marks, Protocol, beats_of

ROWS = (*BEAT_CLASSES, "O", "X")
"""Of the reference; the columns are the test's, in the same order."""
_INDEX = {name: number for number, name in enumerate(ROWS)}
_S, _V, _F, _Q, _O = 1, 2, 3, 4, 5


@dataclass(frozen=True)
class BeatCounts:
    """Counts of beat pairs of one recording or of several.

    Attributes:
        matrix: int64 (7, 7), rows the reference and columns the test, both N S V F Q O X; none has O or X on both
            sides.
        shutdown_s: seconds in which the test annotator had shut down.
    """

    matrix: np.ndarray
    shutdown_s: float = 0.0


def compare_beats(truth: Marks, test: Marks, protocol: Protocol | None = None) -> BeatCounts:
    """Count the beat pairs of one recording after the learning period.

    Args:
        truth: annotations of the reference; their ``fs`` counts.
        test: annotations of the test.
        protocol: EC57's by default.
    """
    protocol = protocol or Protocol()
    matrix = np.zeros((7, 7), np.int64)
    for _, row, column in beat_pairs(truth, test, protocol):
        matrix[_INDEX[row], _INDEX[column]] += 1
    end = truth.end
    shutdowns = beats_of(test.at(truth.fs), round(protocol.window_s * truth.fs), protocol.escape).shutdowns
    shutdown = sum(min(last, end) - min(first, end) for first, last in shutdowns)
    return BeatCounts(matrix, shutdown / truth.fs)


def beat_pairs(truth: Marks, test: Marks, protocol: Protocol | None = None) -> list[tuple[int, str, str]]:
    """(sample of the reference, or of the test where that has no beat; class of the reference; class of the test) of
    each pair that counts, in the order of the walk; arguments as of :func:`compare_beats`."""
    protocol = protocol or Protocol()
    window, start = round(protocol.window_s * truth.fs), round(protocol.learning_s * truth.fs)
    reference, found = (beats_of(one, window, protocol.escape) for one in (truth, test.at(truth.fs)))
    every = _pairs(reference, found, window, start, truth.n_samples)
    return [(at, row, column) for at, row, column in every if row is not None and not (row in "OX" and column in "OX")]


def beat_scores(counts: BeatCounts) -> dict[str, tuple[int, int]]:
    """Each share of EC57 as (numerator, denominator).

    Q: any QRS complex. V: a V found as F or Q is missed, but an F or Q called V is no false V; the same holds for S
    and Q. The denominator of a false positive rate are the pairs whose reference is none of the class, but those that
    were missed.
    """
    m = counts.matrix
    beats = m[:_O, :_O]
    scores = {
        "qrs_se": (int(beats.sum()), int(m[:_O].sum())),
        "qrs_ppv": (int(beats.sum()), int(m[:, :_O].sum())),
    }
    for name, of, forgiven in (("veb", _V, (_F, _Q)), ("sveb", _S, (_Q,))):
        hit = int(m[of, of])
        false = int(m[:, of].sum()) - hit - sum(int(m[row, of]) for row in forgiven)
        others = np.delete(np.delete(m[:, :_O], of, axis=0), of, axis=1)
        scores[f"{name}_se"] = (hit, int(m[of].sum()))
        scores[f"{name}_ppv"] = (hit, hit + false)
        scores[f"{name}_fpr"] = (false, false + int(others.sum()))
    return scores


def _pairs(
    reference: BeatMarks, found: BeatMarks, window: int, start: int, end: int | None
) -> list[tuple[int, str | None, str]]:
    """(sample, class of the reference, class of the test) of each pair; a reference of None does not count."""
    T, t = [*reference.time, END, END], [*found.time, END, END]
    A, a = [*reference.label, ""], [*found.label, ""]
    i = int(np.searchsorted(reference.time, start))
    j = int(np.searchsorted(found.time, start))
    pairs: list[tuple[int, str | None, str]] = []
    if start > 0 and T[i] < END:
        before = T[i] - t[j - 1] if j else END
        if before <= window and before < abs(T[i] - t[j]):  # the last one of the learning period is the first beat
            pairs.append((T[i], A[i], a[j - 1]))
            i += 1
        elif t[j] - start <= window and abs(T[i] - t[j + 1]) < abs(T[i] - t[j]):
            j += 1  # its partner lies in the learning period
    while (T[i] <= end or t[j] <= end) if end else T[i] < END:
        if t[j] < T[i]:
            apart = T[i] - t[j]
            if apart <= window and apart < abs(T[i] - t[j + 1]):
                pairs.append((T[i], A[i], a[j]))
                i += 1
            else:
                pairs.append((t[j], _beside(t[j], reference), a[j]))
            j += 1
        else:
            apart = t[j] - T[i]
            if apart <= window and apart < abs(t[j] - T[i + 1]):
                pairs.append((T[i], A[i], a[j]))
                j += 1
            else:
                pairs.append((T[i], A[i], "X" if _within(T[i], found.shutdowns) else "O"))
            i += 1
    return pairs


def _beside(time: int, reference: BeatMarks) -> str | None:
    """Reference of a test beat without a partner; None where test beats do not count."""
    if _within(time, reference.fibrillation):
        return None
    return "X" if _within(time, reference.shutdowns) else "O"


def _within(time: int, stretches: list[tuple[int, int]]) -> bool:
    return any(first <= time <= last for first, last in stretches)
