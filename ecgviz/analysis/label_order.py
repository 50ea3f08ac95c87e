"""Which parts to label first: those that the network is least certain of, and of these ones that differ.

Greedy batch selection: the next part is the one with the largest product of uncertainty and distance, in the network's
features, to the parts before it (k-center, Sener and Savarese 2018, weighed by uncertainty). So ten pictures of the
same scratch are not asked for one after the other.
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
"""The least certain parts whose features are compared; the others follow by uncertainty alone."""
_EDGE = 1e-6


@dataclass(frozen=True)
class Candidate:
    """A part in the order of labelling.

    Attributes:
        verdict: the network's.
        uncertainty: 0 to 1: 1 at the threshold, in the grey zone's middle, and where the network cannot know.
        novelty: distance to the nearest part that comes before it, relative to the first ones'; NaN where the order is
            by uncertainty alone.
    """

    verdict: Verdict
    uncertainty: float
    novelty: float = math.nan


def uncertainty(verdict: Verdict) -> float:
    """How little the network knows about a part, 0 to 1: by the log-odds between score and threshold."""
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
    """The parts that nobody decided about, those first whose label would help most.

    Args:
        verdicts: of ``inspect_files``; the files of the least certain are read again.
        checkpoint: what judged them; its features say which parts differ.
        decisions: what stands.
        progress: told parts done, in all, a note.
        should_stop: asked meanwhile; True ends with an order by uncertainty alone.

    Raises:
        CheckpointError: it is not for pictures.
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
    """Indices by weight times distance to those before, each with that distance relative to the largest.

    Args:
        weights: of each part, (n,), 0 to 1.
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
