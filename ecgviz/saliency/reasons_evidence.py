"""What speaks for and against believing reasons, of whatever: measured in log odds, since probabilities are near 1."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from ecgviz.saliency.shapley import Kept

LEAST_SHARE, MOST_SHAM_SHARE, LEAST_ADDITIVE = 0.5, 0.2, 0.7


@dataclass(frozen=True)
class PartsEvidence:
    """What speaks for and against believing reasons by parts.

    Attributes:
        share: of the log odds above the base that the two strongest parts bring; None where there are none above it,
            and for the class that all others are compared with.
        sham_share: the same share lost when a sham is exchanged: what speaks neither for nor against the class, by the
            same hand. None where there is nothing to exchange, or no ``share``.
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
        """Whether there was anything to test; reasons for the class that is compared with are not."""
        return self.share is not None or self.weak

    @property
    def weak(self) -> bool:
        """Whether a test failed."""
        return bool(self.reasons)

    def document(self) -> dict[str, object]:
        """The evidence as JSON."""
        return asdict(self) | {"weak": self.weak, "reasons": list(self.reasons)}


@dataclass(frozen=True)
class Wording:
    """What failed, in words; ``{}`` stands for a share in percent.

    Attributes:
        stays: the answer stays without the two strongest parts.
        sham: a sham does as well.
        no_sham: there is nothing to exchange as a sham.
    """

    stays: str
    sham: str
    no_sham: str = ""


def judged(
    share: float,
    sham_share: float | None,
    additive: float,
    words: Wording,
    *,
    turned: bool = False,
) -> PartsEvidence:
    """The evidence of figures, with a sentence for each that fails its limit.

    Args:
        share, sham_share, additive: as in the evidence.
        words: of what fails.
        turned: without the two strongest parts the answer is another one, which carries it whatever their share: one
            finding lies in many leads, and two parts of twelve bring half of it.
    """
    found = []
    if share < LEAST_SHARE and not turned:
        found.append(words.stays.format(_percent(1 - share)))
    if sham_share is None:
        found.append(words.no_sham)
    elif sham_share > MOST_SHAM_SHARE:
        found.append(words.sham.format(_percent(sham_share)))
    if additive < LEAST_ADDITIVE:
        found.append(f"The contributions foretell {_percent(additive)} of the answers to all sets of parts.")
    return PartsEvidence(share, sham_share, additive, tuple(found))


def foretold(coalition_values: Mapping[Kept, float], contributions: Sequence[float] | np.ndarray) -> float:
    """Share of the variance of the answers to sets of parts that the sum of contributions explains."""
    sets, values = np.array(list(coalition_values), float), np.array(list(coalition_values.values()))
    residual = values - sets @ np.asarray(contributions)
    return float(1 - residual.var() / max(values.var(), 1e-12))


def _percent(share: float) -> str:
    """Of a whole: where little is shared out, the tests' own spread goes beyond its ends."""
    return f"{min(max(share, 0.0), 1.0):.0%}"
