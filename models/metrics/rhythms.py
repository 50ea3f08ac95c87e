"""Metrics for rhythm: atrial fibrillation by time, after ANSI/AAMI EC57:2012 (duration sensitivity and predictivity).

Seconds are counted, not beats: how long AF was there, and how much of it was found. The records are the independent
units, so intervals come from drawing whole records again.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np

from models.data.rhythms import rhythm_changes
from models.metrics.resampling import RESAMPLINGS, metrics_with_intervals
from models.postprocessing.rhythm_episodes import AF_CLASSES, RhythmEpisode, rhythm_at


def reference_episodes(
    sample: Sequence[int] | np.ndarray,
    symbol: Sequence[str] | np.ndarray,
    aux: Sequence[str] | np.ndarray,
    fs: float,
    duration_s: float,
) -> tuple[RhythmEpisode, ...]:
    """Rhythm annotations of a file as episodes; none before the first, and none between the end of one and the next.

    Args:
        sample, symbol, aux: all annotations of the file, as in :func:`models.data.rhythms.rhythm_changes`.
        fs: Hz of the annotations' time base.
        duration_s: length of the recording; the last rhythm holds until then.
    """
    start, name = rhythm_changes(sample, symbol, aux)
    edge_s = np.append(np.clip(start / fs, 0.0, duration_s), duration_s)
    return tuple(
        RhythmEpisode(float(begin), float(end), label, 1.0)
        for begin, end, label in zip(edge_s[:-1], edge_s[1:], name, strict=True)
        if end > begin and label is not None
    )


def time_counts(
    reference: Sequence[RhythmEpisode],
    predicted: Sequence[RhythmEpisode],
    positive: Collection[str] = AF_CLASSES,
) -> np.ndarray:
    """Seconds of one record, float64 (2, 2): rows are the reference (other, positive), columns the prediction.

    Time of unknown reference does not count. Where the reference is known, time outside of all predicted episodes
    counts as other.
    """
    edges = sorted({time_s for one in (*reference, *predicted) for time_s in (one.start_s, one.end_s)})
    middle = (np.array(edges[1:]) + np.array(edges[:-1])) / 2
    is_true, is_predicted = (
        np.array([*(episode.label in positive for episode in episodes), False])[rhythm_at(episodes, middle)]
        for episodes in (reference, predicted)
    )
    known = rhythm_at(reference, middle) >= 0
    counts = np.zeros((2, 2))
    np.add.at(counts, (is_true[known].astype(int), is_predicted[known].astype(int)), np.diff(edges)[known])
    return counts


def time_scores(counts: np.ndarray) -> dict[str, float]:
    """Sensitivity, specificity and positive predictivity by time, as shares; NaN where undefined.

    Args:
        counts: seconds as of :func:`time_counts`.
    """
    (other_right, other_wrong), (missed, found) = counts.tolist()

    def share(part: float, whole: float) -> float:
        return part / whole if whole else float("nan")

    return {
        "se": share(found, found + missed),
        "sp": share(other_right, other_right + other_wrong),
        "ppv": share(found, found + other_wrong),
    }


def summarise_time(
    records: Mapping[str, np.ndarray], *, resamplings: int = RESAMPLINGS, seed: int = 0
) -> dict[str, Any]:
    """Pooled scores of some records with 95% intervals from resampling records, ready for JSON.

    Args:
        records: seconds of each record, as of :func:`time_counts`. One patient's records are one: add them up.
        resamplings: how often.
        seed: of the drawing.
    """
    stacked = np.stack(list(records.values())) if records else np.zeros((0, 2, 2))
    _, scores = metrics_with_intervals(
        lambda chosen: time_scores(stacked[chosen].sum(axis=0)), list(records), resamplings=resamplings, seed=seed
    )
    return {
        "records": list(records),
        "records_with_it": int((stacked[:, 1].sum(axis=1) > 0).sum()),
        "hours": float(stacked.sum()) / 3600,
        "hours_of_it": float(stacked[:, 1].sum()) / 3600,
        "scores": scores,
    }
