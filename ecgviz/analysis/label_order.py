"""Active learning: orders parts for labelling by uncertainty and diversity.

Greedy batch selection: the next part has the largest product of uncertainty and distance, in the network's features, to
the parts before it (k-center, Sener and Savarese 2018, weighted by uncertainty). This avoids ten pictures of the same
scratch in a row.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ecgviz.analysis.dispositions import Decisions, final_verdict
from ecgviz.results import Verdict
from models.checkpoints import Checkpoint
from models.core.callbacks import Progress, ShouldStop
from models.data.image_folder import ImageRow
from models.evaluation.images import predict_images

MOST_PARTS = 300
"""So many of the least certain parts are compared by their features; the others follow by uncertainty alone."""
_EDGE = 1e-6


@dataclass(frozen=True)
class Candidate:
    """A part in the order of labelling.

    Attributes:
        verdict: the network's verdict.
        uncertainty: 0 to 1; 1 at the threshold, out of distribution, and without a score.
        novelty: distance to the nearest part that comes before it, relative to the first ones'; NaN where the order is
            by uncertainty alone.
    """

    verdict: Verdict
    uncertainty: float
    novelty: float = math.nan


def uncertainty(verdict: Verdict) -> float:
    """Uncertainty about a part, 0 to 1, from the log-odds between score and threshold."""
    if not math.isfinite(verdict.score) or verdict.in_distribution is False:
        return 1.0
    return math.exp(-abs(_log_odds(verdict.score) - _log_odds(verdict.threshold)))


def label_order(
    verdicts: Sequence[Verdict],
    checkpoint: Checkpoint,
    decisions: Decisions,
    *,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> list[Candidate]:
    """Order the undecided parts for labelling, the most informative first.

    Args:
        verdicts: of ``inspect_files``; the files of the least certain are read again.
        checkpoint: network that judged them; its features measure diversity.
        decisions: decisions in force.
        progress: called with parts done, their total, and a note.
        should_stop: polled; True ends with an order by uncertainty alone.

    Raises:
        CheckpointError: the checkpoint is not for pictures.
    """
    left = [one for one in verdicts if one.sha256 and not final_verdict(one, decisions).decided]
    found = sorted((Candidate(one, uncertainty(one)) for one in left), key=lambda one: -one.uncertainty)
    head, tail = found[:MOST_PARTS], found[MOST_PARTS:]
    rows = [
        ImageRow(Path(one.verdict.file), str(number), 0, str(number), page=one.verdict.slice_index or 0)
        for number, one in enumerate(head)
        if Path(one.verdict.file).is_file()
    ]
    outputs = predict_images(checkpoint, rows, progress=progress, should_stop=should_stop)
    features = {int(row.file): vector for row, vector in zip(outputs.rows, outputs.embeddings, strict=True)}
    if len(features) < 2:
        return found
    known = [number for number in range(len(head)) if number in features]
    order = diverse_order(
        np.array([head[number].uncertainty for number in known]), np.stack([features[number] for number in known])
    )
    chosen = [Candidate(head[known[place]].verdict, head[known[place]].uncertainty, far) for place, far in order]
    return [*chosen, *(one for number, one in enumerate(head) if number not in features), *tail]


def diverse_order(weights: np.ndarray, features: np.ndarray) -> list[tuple[int, float]]:
    """Greedy order of indices by weight times distance to those before, each with its distance relative to the largest.

    Args:
        weights: weight of each part, (n,), 0 to 1.
        features: (n, C).
    """
    vectors = features / np.maximum(np.linalg.norm(features, axis=1, keepdims=True), 1e-12)
    first = int(np.argmax(weights))
    order, nearest = [(first, 1.0)], np.linalg.norm(vectors - vectors[first], axis=1)
    largest = max(float(nearest.max()), 1e-12)
    left = np.ones(len(weights), bool)
    left[first] = False
    while left.any():
        gain = np.where(left, (weights + _EDGE) * (nearest + _EDGE), -1.0)
        place = int(np.argmax(gain))
        order.append((place, float(nearest[place]) / largest))
        left[place] = False
        nearest = np.minimum(nearest, np.linalg.norm(vectors - vectors[place], axis=1))
    return order


def _log_odds(score: float) -> float:
    bounded = min(max(score, _EDGE), 1 - _EDGE)
    return math.log(bounded / (1 - bounded))
