"""Whether reasons by parts of a picture hold; a sham are two other parts, of those that bring least."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import torch
from scipy.special import logit

from ecgviz.saliency.picture_parts import PictureReasons, ask_picture, shapley_by_orders
from ecgviz.saliency.randomise import fitted_twins
from ecgviz.saliency.reasons_evidence import PartsEvidence, Wording, foretold, judged
from ecgviz.saliency.target import AttributionTarget
from models.checkpoints import Checkpoint
from models.compress.twin import float_twin

NORMAL = "normal"


def judge_picture_parts(
    checkpoint: Checkpoint,
    reasons: PictureReasons,
    threshold: float = 0.5,
    claimed: Mapping[str, float] | None = None,
) -> PartsEvidence:
    """Whether reasons hold: the two strongest parts carry the answer, two others do not, and the contributions foretell
    the answers to all sets that were asked. Reasons for normal are not judged: it is what is compared with.

    Args:
        checkpoint: that was asked.
        reasons: of a picture.
        threshold: probability from which the class is said.
        claimed: contribution of each part, to be tried instead of the reasons' own.
    """
    values = np.array([part.contribution if claimed is None else claimed[part.name] for part in reasons.parts])
    additive, above = foretold(reasons.coalition_values, values), reasons.log_odds - reasons.base
    if reasons.target == NORMAL:
        return PartsEvidence(None, None, additive, ())
    if above <= 0:
        nothing = f"The network says {reasons.target} no more than of a picture that looks as usual."
        return PartsEvidence(None, None, additive, (nothing,))
    two, sham = strongest_and_sham(values)
    exchanged, shammed = ask_picture(checkpoint, reasons, [_without(len(values), some) for some in (two, sham)])
    words = Wording(
        stays=f"With its two strongest parts as usual, {{}} of the log odds of {reasons.target} stay.",
        sham="Two other parts take {} of the log odds, too.",
    )
    limit = float(logit(threshold))
    return judged(
        (reasons.log_odds - float(exchanged)) / above,
        (reasons.log_odds - float(shammed)) / above,
        additive,
        words,
        turned=bool(exchanged < limit <= reasons.log_odds),
    )


def strongest_and_sham(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Places of the two parts that bring most, and of two in the middle of the lesser half."""
    order = np.argsort(-values, kind="stable")
    middle = len(order) * 3 // 4
    return order[:2], order[middle - 1 : middle + 1]


def random_contributions(checkpoint: Checkpoint, reasons: PictureReasons) -> np.ndarray:
    """What the parts bring in the same network with random weights (Adebayo 2018), float64 (n,)."""
    checkpoint = float_twin(checkpoint)
    column = torch.tensor([checkpoint.task.classes.index(reasons.target)])
    asked = AttributionTarget(x=reasons.exchange.x[None], class_index=column)
    [twin] = fitted_twins(checkpoint.network, asked, 1)
    other = replace(checkpoint, network=twin)
    return shapley_by_orders(reasons.exchange, lambda kept: ask_picture(other, reasons, kept))[1].mean(axis=0)


def _without(n: int, places: np.ndarray) -> tuple[bool, ...]:
    return tuple(place not in places for place in range(n))
