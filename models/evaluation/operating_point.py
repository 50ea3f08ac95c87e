"""Operating points: threshold and grey zone for scores, chosen by the cost of both errors.

An escape is a defect that was passed, overkill a good part that was rejected. The network gives a score, and where to
cut is a question of money and not of the network: the threshold is the one that costs least on validation scores that
are weighted so that defects are as frequent as on the line. It stands beside the checkpoint as ``operating_point.json``
with all its predecessors, and every verdict names the version it was made with.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from models.checkpoints import CARD
from models.core.errors import CheckpointError, ConfigError
from models.core.files import write_whole

FILE = "operating_point.json"
UNCHOSEN, GIVEN = "default", "given"
ESCAPE_COST, OVERKILL_COST, PREVALENCE = 200.0, 3.0, 0.005
"""What a choice begins with where nobody has said more; only the ratio of the two products matters."""
RESAMPLINGS = 500
Decision = Literal["normal", "defect", "review"]


class OperatingPoint(BaseModel):
    """Threshold and grey zone that turn scores into verdicts.

    Attributes:
        threshold: calibrated probability of a defect from which on the verdict is defect.
        grey_zone: (low, high): from low to below high the picture goes to review; None: never.
        version: name of this choice, "default" before anybody chose and "given" when typed for one run.
        escape_cost: price of a defect that is passed, in any money; None where nothing was weighed.
        overkill_cost: price of a good part that is rejected, in the same money.
        prevalence: share of defects expected where the network is used.
        overkill: share of good parts that may be called defective, where that and no cost chose the threshold.
        chosen_on: which scores it was chosen on, with their number.
        date: when, ISO 8601.
        weights_sha256: hash of the weights that gave those scores; it holds for no others.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    threshold: float = Field(ge=0, le=1)
    grey_zone: tuple[float, float] | None = None
    version: str = ""
    escape_cost: float | None = None
    overkill_cost: float | None = None
    prevalence: float | None = None
    overkill: float | None = None
    chosen_on: str = ""
    date: str = ""
    weights_sha256: str = ""

    def decide(self, score: float, in_distribution: bool | None = None) -> Decision:
        """The verdict on a score; an out-of-distribution picture goes to review whatever its score is."""
        if in_distribution is False or not np.isfinite(score):
            return "review"
        if self.grey_zone is not None and self.grey_zone[0] <= score < self.grey_zone[1]:
            return "review"
        return "defect" if score >= self.threshold else "normal"


def default_point() -> OperatingPoint:
    """The operating point before one is chosen: the likelier of the two classes."""
    return OperatingPoint(threshold=0.5, version=UNCHOSEN, chosen_on="nothing: nobody has weighed the costs yet")


def given_point(threshold: float) -> OperatingPoint:
    """An operating point for one run from a given threshold, without grey zone.

    Raises:
        ConfigError: it is no probability.
    """
    if not 0 <= threshold <= 1:
        raise ConfigError("threshold", f"{threshold:g} is no probability; give a number from 0 to 1")
    return OperatingPoint(threshold=threshold, version=GIVEN, chosen_on="typed for this run")


def choose(
    scores: np.ndarray,
    labels: np.ndarray,
    escape_cost: float,
    overkill_cost: float,
    prevalence: float,
    *,
    groups: Sequence[str] | np.ndarray | None = None,
    chosen_on: str = "",
    seed: int = 0,
) -> OperatingPoint:
    """The threshold of least expected cost, and a grey zone from its bootstrap distribution.

    Expected cost of one part = prevalence * escape_cost * share of defects below the threshold
    + (1 - prevalence) * overkill_cost * share of good parts at or above it. Thresholds lie midway between neighbouring
    scores; of several that cost the same the lowest is taken, which lets the fewest defects pass. The grey zone holds
    the thresholds that 95 of 100 resamplings of the data (of whole groups, where they are given) would have chosen:
    a score in it is called differently by the next sample of the same line, so a person looks.

    Args:
        scores: calibrated probabilities of a defect, validation data only, (n,).
        labels: 1 (or True) for a defect, (n,).
        escape_cost, overkill_cost: in one money, above 0.
        prevalence: share of defects expected in use, above 0 and below 1.
        groups: cell, board or weld of each, (n,).
        chosen_on: name of the data, for the record.
        seed: of the resamplings.

    Raises:
        ConfigError: a cost or share out of its bounds, scores that are no probabilities, or data without defects or
            without good parts: what a threshold costs cannot be known from those.
    """
    scores, labels = checked_scores(scores, labels)
    for name, cost in (("escape_cost", escape_cost), ("overkill_cost", overkill_cost)):
        if not (np.isfinite(cost) and cost > 0):
            raise ConfigError(name, f"{cost:g} is no price; give a number above 0")
    if not 0 < prevalence < 1:
        raise ConfigError("prevalence", f"{prevalence:g} is no share of defects; give a number between 0 and 1")
    order = np.argsort(scores, kind="stable")
    scores, labels = scores[order], labels[order]
    cuts, place = thresholds_between(scores)
    weighed = np.array([prevalence * escape_cost, (1 - prevalence) * overkill_cost])
    best = _cheapest(labels, place, len(cuts), weighed, np.ones(len(labels)))
    rng = np.random.default_rng(seed)
    drawn = [
        cuts[_cheapest(labels, place, len(cuts), weighed, weight)]
        for weight in _resamplings(labels, None if groups is None else np.asarray(groups)[order], rng)
    ]
    threshold = float(cuts[best])
    low, high = np.percentile(drawn, [2.5, 97.5]) if drawn else (threshold, threshold)
    zone = (min(float(low), threshold), max(float(high), threshold))
    count = f"{int(labels.sum())} defects and {int((~labels).sum())} good"
    return OperatingPoint(
        threshold=threshold,
        grey_zone=zone if zone[1] > zone[0] else None,
        escape_cost=float(escape_cost),
        overkill_cost=float(overkill_cost),
        prevalence=float(prevalence),
        chosen_on=f"{chosen_on}: {count}" if chosen_on else count,
        date=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def checked_scores(scores: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Validated scores as float64 and labels as bool, (n,) each.

    Raises:
        ConfigError: they do not go together, are no probabilities, or lack defects or good parts.
    """
    scores, labels = np.asarray(scores, np.float64).ravel(), np.asarray(labels).astype(bool).ravel()
    if len(scores) != len(labels):
        raise ConfigError("labels", f"there are {len(labels)} for {len(scores)} scores; give one for each")
    if not np.all((scores >= 0) & (scores <= 1)):
        raise ConfigError("scores", "some are no probabilities; leave out the files that could not be read")
    for there, what in ((labels.any(), "defects"), ((~labels).any(), "good parts")):
        if not there:
            raise ConfigError(
                "labels", f"the data holds no {what}, so what a threshold costs cannot be known; add labelled {what}"
            )
    return scores, labels


def thresholds_between(scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """All thresholds that split the ascending scores differently.

    Returns:
        cuts: ascending, (m,): 0, the middles between neighbouring scores, and one above the last where there is room.
        place: of each score the index of the highest cut that calls it a defect, (n,).
    """
    distinct, place = np.unique(scores, return_inverse=True)
    middle = (distinct[:-1] + distinct[1:]) / 2
    middle = np.where(middle > distinct[:-1], middle, distinct[1:])
    above = [(distinct[-1] + 1) / 2] if (distinct[-1] + 1) / 2 > distinct[-1] else []
    return np.concatenate([[0.0], middle, above]), place


def save(folder: str | Path, point: OperatingPoint) -> OperatingPoint:
    """Save an operating point beside the card under the next version; earlier versions are kept.

    Returns:
        The point with its version (a number that counts up and a part of its hash) and the hash of the weights.

    Raises:
        CheckpointError: there is no checkpoint in that folder, or its operating points are damaged.
    """
    folder = Path(folder)
    weights = _weights_of(folder)
    with _one_writer(folder):
        points = _read(folder)
        content = point.model_copy(update={"weights_sha256": weights, "version": ""})
        mark = hashlib.sha256(content.model_dump_json().encode()).hexdigest()[:6]
        saved = content.model_copy(update={"version": f"{len(points) + 1}-{mark}"})
        document = {"points": [one.model_dump(mode="json") for one in (*points, saved)]}
        write_whole(folder / FILE, (json.dumps(document, indent=1) + "\n").encode())
    return saved


def load(folder: str | Path) -> OperatingPoint | None:
    """The newest operating point for the weights in this folder; None where there is none.

    Raises:
        CheckpointError: the file is damaged.
    """
    folder = Path(folder)
    points = _read(folder)
    weights = _weights_of(folder) if points else ""
    return next((point for point in reversed(points) if point.weights_sha256 == weights), None)


def in_force(folder: str | Path) -> OperatingPoint:
    """The operating point that verdicts of a checkpoint are made with: the one saved for its weights, or the default.

    Raises:
        CheckpointError: the file is damaged.
    """
    return load(folder) or default_point()


def history(folder: str | Path) -> tuple[OperatingPoint, ...]:
    """All operating points ever saved here, oldest first, including those for earlier weights.

    Raises:
        CheckpointError: the file is damaged.
    """
    return _read(Path(folder))


def _cheapest(labels: np.ndarray, place: np.ndarray, n_cuts: int, weighed: np.ndarray, weight: np.ndarray) -> int:
    """Index of the threshold of least cost; the lowest of equal ones."""
    # A defect at place p escapes every cut above p; a good part is rejected by every cut up to p.
    defects = np.bincount(place, weight * labels, n_cuts)
    good = np.bincount(place, weight * ~labels, n_cuts)
    escaped = (np.cumsum(defects) - defects) / defects.sum()
    rejected = np.cumsum(good[::-1])[::-1] / good.sum()
    cost = weighed[0] * escaped + weighed[1] * rejected
    return int(np.flatnonzero(cost <= cost.min() * (1 + 1e-9) + 1e-15)[0])


def _resamplings(labels: np.ndarray, groups: np.ndarray | None, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """Bootstrap counts of each part, (n,), by group or stratified by class; draws without one class are skipped."""
    members = None if groups is None else np.unique(groups, return_inverse=True)[1]
    for _ in range(RESAMPLINGS):
        if members is None:
            weight = np.zeros(len(labels))
            for kind in (labels, ~labels):
                number = int(kind.sum())
                weight[kind] = np.bincount(rng.integers(0, number, number), minlength=number)
        else:
            number = members.max() + 1
            weight = np.bincount(rng.integers(0, number, number), minlength=number)[members].astype(float)
        if weight[labels].any() and weight[~labels].any():
            yield weight


def _weights_of(folder: Path) -> str:
    try:
        return str(json.loads((folder / CARD).read_text(encoding="utf-8"))["weights_sha256"])
    except (OSError, ValueError, KeyError) as error:
        raise CheckpointError(
            folder.name, f"has no readable {CARD}; an operating point belongs to a checkpoint"
        ) from error


def _read(folder: Path) -> tuple[OperatingPoint, ...]:
    path = folder / FILE
    if not path.is_file():
        return ()
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        return tuple(OperatingPoint.model_validate(point) for point in document["points"])
    except (OSError, ValueError, KeyError, TypeError, ValidationError) as error:
        raise CheckpointError(folder.name, f"{FILE} is damaged; delete it and choose the threshold again") from error


@contextmanager
def _one_writer(folder: Path) -> Iterator[None]:
    """Lock so that two simultaneous saves get two versions."""
    with (folder / f".{FILE}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
