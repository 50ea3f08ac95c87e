"""Whether reasons by parts of a beat hold, measured in log odds: probabilities are near 1 all the time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch

from ecgviz.errors import ConfigError
from ecgviz.results import NORMAL, Beats
from ecgviz.saliency.beat import read_inputs
from ecgviz.saliency.parts import Reasons, log_odds
from ecgviz.saliency.usual_beat import (
    PARTS,
    WAVES_S,
    find_usual,
    indices_of,
    with_usual_rr,
    with_usual_waves,
)
from models import Checkpoint
from models.compress.twin import float_twin
from readers.recording import Recording

LEAST_SHARE, MOST_SHAM_SHARE, LEAST_ADDITIVE = 0.5, 0.2, 0.7


@dataclass(frozen=True)
class PartsEvidence:
    """What speaks for and against believing reasons by parts.

    Attributes:
        share: of the log odds above a usual beat's that the two strongest parts bring; None where there are none
            above it, and for N, the class that all others are compared with.
        sham_share: the same share lost when the same parts of a usual beat nearby are made usual instead; None where
            there is no beat called N nearby, or no ``share``.
        additive: how well the contributions foretell the answer to every set of parts, as explained variance: low
            where parts act together only, and where the contributions are not the network's.
        reasons: a sentence for each test that failed; empty where the reasons hold.
    """

    share: float | None
    sham_share: float | None
    additive: float
    reasons: tuple[str, ...]

    @property
    def tested(self) -> bool:
        """Whether there was anything to test; reasons for N are not."""
        return self.share is not None or self.weak

    @property
    def weak(self) -> bool:
        """Whether a test failed."""
        return bool(self.reasons)


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
    additive = _foretold(reasons, claimed)
    above = reasons.log_odds - reasons.base
    if reasons.target == NORMAL:
        return PartsEvidence(None, None, additive, ())
    if above <= 0:
        nothing = f"The network says {reasons.target} of this beat no more than of a usual one."
        return PartsEvidence(None, None, additive, (nothing,))
    share = (reasons.log_odds - reasons.without(*two)) / above
    try:
        sham_share = (reasons.log_odds - sham(recording, checkpoint, beats, reasons, two)) / above
    except ConfigError:
        sham_share = None
    found = []
    if share < LEAST_SHARE:
        found.append(
            f"With its two strongest parts usual, {_percent(1 - share)} of the log odds of {reasons.target} stay: they "
            "come from the rest of the strip."
        )
    if sham_share is None:
        found.append("There is no beat called N nearby to test them against.")
    elif sham_share > MOST_SHAM_SHARE:
        found.append(f"The same parts of a usual beat nearby take {_percent(sham_share)} of the log odds, too.")
    if additive < LEAST_ADDITIVE:
        found.append(f"The contributions foretell {_percent(additive)} of the answers to all sets of parts.")
    return PartsEvidence(share, sham_share, additive, tuple(found))


@torch.inference_mode()
def sham(recording: Recording, checkpoint: Checkpoint, beats: Beats, reasons: Reasons, names: tuple[str, ...]) -> float:
    """Log odds of the target after parts of another beat were made usual: the nearest called N that is no neighbour.

    Raises:
        ConfigError: there is no such beat in the strip.
    """
    checkpoint = float_twin(checkpoint)
    strip = read_inputs(recording, checkpoint, beats, reasons.beat)
    usual = find_usual(recording, checkpoint, beats, reasons.beat, strip)
    index = indices_of(strip)
    normal = index[(beats.label[index] == NORMAL) & (abs(index - reasons.beat) > 1)]
    if usual is None or not len(normal):
        raise ConfigError("parts", "there is no beat called N nearby to compare with")
    other = int(normal[abs(normal - reasons.beat).argmin()])
    own = tuple(name not in names for name in PARTS)
    there, here = (int(np.flatnonzero(index == one)[0]) for one in (other, reasons.beat))
    timed = with_usual_rr(strip, there, usual.rr, own[len(WAVES_S) :])
    x = with_usual_waves(timed.x, int(timed.beats[there]), usual, own[: len(WAVES_S)], strip.fs)
    logits = checkpoint.network(x[None], beats=torch.from_numpy(timed.beats)[None])[0, here].numpy()
    return log_odds(logits / checkpoint.card.temperature, beats.classes.index(reasons.target))


def _percent(share: float) -> str:
    """Of a whole: where little is shared out, the tests' own spread goes beyond its ends."""
    return f"{min(max(share, 0.0), 1.0):.0%}"


def _foretold(reasons: Reasons, claimed: Mapping[str, float]) -> float:
    """Share of the variance of the answers to all sets of parts that the sum of the claimed contributions explains."""
    sets, said = np.array(list(reasons.answers), float), np.array(list(reasons.answers.values()))
    residual = said - sets @ np.array([claimed[name] for name in PARTS])
    return float(1 - residual.var() / max(said.var(), 1e-12))
