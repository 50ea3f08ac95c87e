"""Whether reasons by parts of a beat hold, measured in log odds: probabilities are near 1 all the time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import torch

from ecgviz.errors import ConfigError
from ecgviz.results import NORMAL, Beats
from ecgviz.saliency.beat import read_inputs
from ecgviz.saliency.donors import find_usual
from ecgviz.saliency.parts import Reasons, explain_parts, log_odds
from ecgviz.saliency.randomise import fitted_twins
from ecgviz.saliency.reasons_evidence import PartsEvidence, Wording, foretold, judged
from ecgviz.saliency.target import AttributionTarget
from ecgviz.saliency.usual_beat import (
    INTERVALS,
    exchange,
    indices_of,
    with_usual_rr,
    with_usual_waves,
)
from ecgviz.saliency.window_parts import answer, read_strip
from models import Checkpoint
from models.compress.twin import float_twin
from readers.recording import Recording


def judge_parts(
    recording: Recording,
    checkpoint: Checkpoint,
    beats: Beats,
    reasons: Reasons,
    claimed: Mapping[str, float] | None = None,
) -> PartsEvidence:
    """Whether reasons hold: the two strongest parts carry the answer, the same parts of a usual beat nearby do not, and
    the contributions foretell the answers to all sets of parts. Reasons for N are not judged: it is the usual class.

    Args:
        recording: of the beat.
        checkpoint: that was asked.
        beats: of the recording.
        reasons: of the beat.
        claimed: contribution of each part, to be tried instead of the reasons' own.
    """
    claimed = claimed or {part.name: part.contribution for part in reasons.parts}
    two = tuple(sorted(claimed, key=lambda name: -claimed[name])[:2])
    additive = foretold(reasons.coalition_values, [claimed[part.name] for part in reasons.parts])
    above = reasons.log_odds - reasons.base
    if reasons.target == NORMAL:
        return PartsEvidence(None, None, additive, ())
    if above <= 0:
        nothing = f"The network says {reasons.target} of this beat no more than of a usual one."
        return PartsEvidence(None, None, additive, (nothing,))
    try:
        sham_share = (reasons.log_odds - sham(recording, checkpoint, beats, reasons, two)) / above
    except ConfigError:
        sham_share = None
    words = Wording(
        stays=f"With its two strongest parts usual, {{}} of the log odds of {reasons.target} stay: they come from the "
        f"rest of the {reasons.within}.",
        sham="The same parts of a usual beat nearby take {} of the log odds, too.",
        no_sham="There is no beat called N nearby to test them against.",
    )
    return judged((reasons.log_odds - reasons.without(*two)) / above, sham_share, additive, words)


def sham(recording: Recording, checkpoint: Checkpoint, beats: Beats, reasons: Reasons, names: tuple[str, ...]) -> float:
    """Log odds of the target after parts of another beat were made usual: the nearest called N that is no neighbour.

    Raises:
        ConfigError: there is no such beat in the strip.
    """
    checkpoint = float_twin(checkpoint)
    strip = read_strip(recording, checkpoint, beats, reasons.beat)
    usual = find_usual(recording, checkpoint, beats, reasons.beat, strip)
    index = indices_of(strip)
    called_n = beats.class_index[index] == beats.classes.index(NORMAL)
    normal = index[called_n & (abs(index - reasons.beat) > 1)]
    if not len(normal):
        raise ConfigError("parts", "there is no beat called N nearby to compare with")
    other = int(normal[abs(normal - reasons.beat).argmin()])
    own = reasons.kept_without(*names)
    there, here = (int(np.flatnonzero(index == one)[0]) for one in (other, reasons.beat))
    timed = with_usual_rr(strip, there, usual, own[-len(INTERVALS) :])
    mix = exchange(usual, [own[: -len(INTERVALS)]], strip.fs, reasons.groups)
    x = with_usual_waves(timed.x, int(timed.beats[there]), usual, mix)
    logits = answer(checkpoint, x[0], timed.beats, strip.fs, here)
    return float(log_odds(logits / checkpoint.card.temperature, beats.classes.index(reasons.target)))


def random_contributions(recording: Recording, checkpoint: Checkpoint, beats: Beats, reasons: Reasons) -> list[float]:
    """What the parts bring in the same network with random weights (Adebayo 2018)."""
    checkpoint = float_twin(checkpoint)
    strip = read_inputs(recording, checkpoint, beats, reasons.beat)
    column = torch.tensor([beats.classes.index(reasons.target)])
    [twin] = fitted_twins(checkpoint.network, AttributionTarget(x=strip.x, class_index=column, kwargs=strip.kwargs), 1)
    found = explain_parts(recording, replace(checkpoint, network=twin), beats, reasons.beat, target=reasons.target)
    return [part.contribution for part in found.parts]
