"""Whether reasons by parts of a whole recording hold; a sham is the recording's own median beat at the same places."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import torch
from scipy.special import logit

from ecgviz.analysis.records import NORMAL
from ecgviz.saliency.randomise import fitted_twins
from ecgviz.saliency.reasons_evidence import PartsEvidence, Wording, foretold, judged
from ecgviz.saliency.record_exchange import own_beat
from ecgviz.saliency.record_parts import RecordReasons, ask
from ecgviz.saliency.shapley import owen
from ecgviz.saliency.target import AttributionTarget
from models.checkpoints import Checkpoint
from models.compress.twin import float_twin


def judge_record_parts(
    checkpoint: Checkpoint, reasons: RecordReasons, claimed: Mapping[str, float] | None = None
) -> PartsEvidence:
    """Whether reasons hold: the two strongest parts carry the answer, the recording's own median beat in their place
    does not, and the contributions foretell the answers to all sets of parts that were asked. Reasons for NORM are not
    judged: it is what is compared with.

    Args:
        checkpoint: that was asked.
        reasons: of a recording.
        claimed: contribution of each part, to be tried instead of the reasons' own.
    """
    checkpoint = float_twin(checkpoint)
    values = np.array([part.contribution if claimed is None else claimed[part.name] for part in reasons.parts])
    additive, above = foretold(reasons.coalition_values, values), reasons.log_odds - reasons.base
    if reasons.target == NORMAL:
        return PartsEvidence(None, None, additive, ())
    if above <= 0:
        nothing = f"The network says {reasons.target} no more than of normal beats."
        return PartsEvidence(None, None, additive, (nothing,))
    two = [reasons.parts[place].name for place in np.argsort(-values, kind="stable")[:2]]
    exchanged, shammed = without(checkpoint, reasons, *two)
    limit = float(logit(reasons.threshold))
    words = Wording(
        stays=f"With its two strongest parts normal, {{}} of the log odds of {reasons.target} stay.",
        sham="This recording's own median beat in their place takes {} of the log odds, too.",
    )
    return judged(
        (reasons.log_odds - exchanged) / above,
        (reasons.log_odds - shammed) / above,
        additive,
        words,
        turned=exchanged < limit <= reasons.log_odds,
    )


def without(checkpoint: Checkpoint, reasons: RecordReasons, *names: str) -> tuple[float, float]:
    """Log odds of the label with some parts exchanged for those of normal recordings, and for the recording's own
    median beat (a sham)."""
    kept = tuple(part.name not in names for part in reasons.parts)
    sham = replace(reasons.exchange, instead=own_beat(reasons.exchange))
    signals = np.concatenate([one.made([kept]) for one in (reasons.exchange, sham)])
    exchanged, shammed = ask(checkpoint, reasons.stretch, signals)[:, _column(checkpoint, reasons)]
    return float(exchanged), float(shammed)


def random_contributions(checkpoint: Checkpoint, reasons: RecordReasons) -> np.ndarray:
    """What the parts bring in the same network with random weights (Adebayo 2018), float64 (n,)."""
    task = checkpoint.task
    x = task.windows(reasons.stretch.signal, reasons.stretch.starts)
    target = AttributionTarget(x=x, class_index=torch.full((len(x),), _column(checkpoint, reasons)))
    [network] = fitted_twins(checkpoint.network, target, 1)
    kept = list(reasons.coalition_values)
    values = ask(replace(checkpoint, network=network), reasons.stretch, reasons.exchange.made(kept))
    coalition_values = dict(zip(kept, values[:, _column(checkpoint, reasons)], strict=True))
    return np.array(owen(coalition_values, reasons.exchange.unions))


def _column(checkpoint: Checkpoint, reasons: RecordReasons) -> int:
    return checkpoint.card.classes.index(reasons.target)
