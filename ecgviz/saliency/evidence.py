"""Evidence on saliency maps, and the criteria for calling one weak.

Everything is measured in the neighbourhood of the beat, ``NEIGHBOURHOOD_S`` to both sides: it holds the beat, the one
before and the one after, which is where a reader looks, and it makes windows and strips comparable.

The limits, and why:
- Rank correlations of 0.1, 0.3 and 0.5 are called small, medium and large (Cohen, Statistical Power Analysis, 1988).
  A map whose correlation with those of random networks is large shows the input (Adebayo 2018 gives no limit of its
  own); two methods with less than a medium correlation do not speak of the same thing (Krishna et al., TMLR 2024).
- The marked part must matter more than 19 of 20 random parts of the same shape do (the usual 5%), and by at
  least 0.05 of probability: below that nobody would act otherwise.
- Half of the map's mass in more than a second, the interval of two beats at 60/min, or in 40% of a shorter window
  (50% is what an even map has), points at no part of one beat.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from torch import Tensor, nn

from ecgviz.results import Evidence, MapEvidence
from ecgviz.saliency.deletion import deletion_test, smooth
from ecgviz.saliency.randomise import fitted_twins
from ecgviz.saliency.registry import compute_map, get_method
from ecgviz.saliency.target import AttributionTarget, match_network
from models.core.callbacks import Progress

NEIGHBOURHOOD_S = 1.5
DELETED_FRACTION = 0.1
RANDOMISED_LIMIT = 0.5
AGREEMENT_LIMIT = 0.3
DROP_LIMIT = 0.05
WIDTH_LIMIT_MS = 1000.0
WIDTH_LIMIT_SHARE = 0.4


def neighbourhood(centre: float, length: int, fs: float) -> tuple[int, int]:
    """First and past-the-last sample near sample ``centre`` in an input of ``length`` samples."""
    first = int(np.clip(round(centre - NEIGHBOURHOOD_S * fs), 0, length - 1))
    last = int(np.clip(round(centre + NEIGHBOURHOOD_S * fs) + 1, first + 1, length))
    return first, last


def half_mass_width(values: np.ndarray) -> int:
    """Number of samples in the smallest set with half of the map's sum; all for an empty map."""
    mass = np.cumsum(np.sort(values.astype(np.float64))[::-1])
    return int(np.searchsorted(mass, mass[-1] / 2) + 1) if mass[-1] > 0 else len(values)


def rank_correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Spearman's rank correlation with average ranks for ties; 0 where one is constant."""
    from scipy.stats import rankdata  # half a second, when a map is judged

    ranks_a, ranks_b = rankdata(a), rankdata(b)
    if np.ptp(ranks_a) == 0 or np.ptp(ranks_b) == 0:
        return 0.0
    return float(np.corrcoef(ranks_a, ranks_b)[0, 1])


def partner_of(method: str) -> str:
    """Comparison method: an input method for a feature-map method, and vice versa."""
    return "hires_cam" if get_method(method).detail == "samples" else "integrated_gradients"


def randomised_correlation(
    network: nn.Module, target: AttributionTarget, values: np.ndarray, method: str, region: tuple[int, int]
) -> float:
    """Mean rank correlation of a map (L,) with those of randomised networks, inside ``region``."""
    part = slice(*region)
    found = [
        rank_correlation(values[part], _first(compute_map(twin, target, method)[0])[part])
        for twin in fitted_twins(network, target)
    ]
    return float(np.mean(found))


def agreement(
    network: nn.Module,
    target: AttributionTarget,
    values: np.ndarray,
    method: str,
    spacing: float,
    region: tuple[int, int],
) -> float:
    """Rank correlation of a map (L,) with its partner method's, both smoothed to the coarser resolution."""
    other, other_spacing = compute_map(network, target, partner_of(method))
    width, part = round(max(spacing, other_spacing)), slice(*region)
    return rank_correlation(smooth(values, width)[part], smooth(_first(other), width)[part])


def _first(values: Tensor) -> np.ndarray:
    return values[0].cpu().numpy()


def judge(
    network: nn.Module,
    target: AttributionTarget,
    values: np.ndarray,
    method: str,
    *,
    fs: float,
    centre: float,
    spacing: float,
    temperature: float = 1.0,
    seed: int = 0,
    progress: Progress | None = None,
) -> Evidence:
    """Evidence on the map of a signal.

    Args:
        network: in eval mode.
        target: the one output that the map explains.
        values: the map at the input's samples, (L,).
        method: name of the method that made it.
        fs: sampling frequency of the input, Hz.
        centre: where the beat is, in input samples.
        spacing: finest detail of the map in input samples.
        temperature: of the checkpoint's calibration.
        seed: of the random parts.
        progress: told of each finished test.
    """
    tell = progress or (lambda done, total, note: None)
    target = match_network(network, target)
    region = neighbourhood(centre, len(values), fs)
    tell(0, 3, "comparing with random networks")
    randomised = randomised_correlation(network, target, values, method, region)
    tell(1, 3, "replacing the marked part")
    whole, marked, random = deletion_test(
        network, target, values, region, fs, fractions=(DELETED_FRACTION,), temperature=temperature, seed=seed
    )
    tell(2, 3, "comparing with another method")
    agreed = agreement(network, target, values, method, spacing, region)
    tell(3, 3, "")
    measured = Evidence(
        resolution_ms=spacing / fs * 1000,
        width_ms=half_mass_width(values) / fs * 1000,
        randomised_correlation=randomised,
        **drops(whole, marked, random),
        agreement=agreed,
        agreement_with=partner_of(method),
    )
    empty = not np.any(values[slice(*region)] > 0)
    return replace(measured, reasons=weak_reasons(measured, len(values) / fs * 1000, empty=empty))


def weak_reasons(
    evidence: Evidence, length_ms: float, *, empty: bool = False, widest_ms: float = WIDTH_LIMIT_MS
) -> tuple[str, ...]:
    """Reasons against relying on a map of an input of ``length_ms``, one sentence per failed test.

    Half of it may cover ``widest_ms``: the interval of two beats for a beat; a whole recording has many.
    """
    if empty:
        return ("The map marks nothing near this beat.",)
    reasons = common_reasons(evidence, "signal", "random parts of the same size do")
    if evidence.width_ms > min(widest_ms, WIDTH_LIMIT_SHARE * length_ms):
        reasons.append(f"The map is spread out: half of it covers {evidence.width_ms:.0f} ms.")
    return tuple(reasons)


def drops(whole: float, marked: np.ndarray, random: np.ndarray) -> dict[str, float]:
    """Probability drops of ``MapEvidence`` from ``deletion_test`` for one fraction: (), (1,) and (draws, 1)."""
    return {
        "deletion_drop": whole - float(marked[0]),
        "random_drop": whole - float(random.mean()),
        "random_drop_95": float(np.quantile(whole - random[:, 0], 0.95)),
    }


def common_reasons(evidence: MapEvidence, shown: str, others: str) -> list[str]:
    """Reasons against relying on the map of a signal or picture, one sentence per failed test.

    Args:
        evidence: what was measured.
        shown: word for the network's input.
        others: which parts lower the probability as much as the marked one, with the verb.
    """
    reasons = []
    if evidence.randomised_correlation > RANDOMISED_LIMIT:
        reasons.append(
            f"Networks with random weights give nearly the same map (rank correlation "
            f"{evidence.randomised_correlation:.2f}): it shows the {shown}, not what was learned."
        )
    if evidence.deletion_drop <= -0.005:
        reasons.append(f"Replacing the marked part raises the probability by {-evidence.deletion_drop:.2f}.")
    elif evidence.deletion_drop <= evidence.random_drop_95:
        reasons.append(
            f"Replacing the marked part lowers the probability by {max(evidence.deletion_drop, 0):.2f}, no more than "
            f"{others} (up to {evidence.random_drop_95:.2f})."
        )
    elif evidence.deletion_drop < DROP_LIMIT:
        reasons.append(
            f"Replacing the marked part lowers the probability by {evidence.deletion_drop:.2f} only: the network does "
            f"not depend on it."
        )
    if evidence.agreement < AGREEMENT_LIMIT:
        reasons.append(
            f"Another method ({get_method(evidence.agreement_with).title}) marks other places "
            f"(rank correlation {evidence.agreement:.2f})."
        )
    return reasons
