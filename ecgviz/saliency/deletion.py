"""Deletion test: does the prediction depend on the part that the map marks?

The marked part is bridged by straight lines and the probability of the class is read again (Samek et al., IEEE TNNLS
2017). The fall means something only beside the falls that random parts of the same shape cause.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from ecgviz.saliency.occlusion import bridge
from ecgviz.saliency.target import AttributionTarget, variant_logits

FRACTIONS = (0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4)
DRAWS = 20
SMOOTH_MS = 40.0


@dataclass(frozen=True)
class DeletionCurve:
    """Probability of the target class over the deleted fraction of the input.

    Attributes:
        fraction: share of the neighbourhood that is bridged, float64 (m,), ascending, first 0.
        prob: probability when the most important samples are bridged, float32 (m,).
        random_prob: the same for random parts of the same number and lengths, float32 (draws, m).
        neighbourhood_s: seconds from the start of the recording between which parts were bridged.
    """

    fraction: np.ndarray
    prob: np.ndarray
    random_prob: np.ndarray
    neighbourhood_s: tuple[float, float]


def marked_part(values: np.ndarray, fraction: float) -> np.ndarray:
    """The most important ``fraction`` of the samples (rounded), bool (n,), without samples of importance 0."""
    order = np.argsort(-values, kind="stable")[: round(fraction * len(values))]
    part = np.zeros(len(values), bool)
    part[order] = values[order] > 0
    return part


def random_parts(part: np.ndarray, draws: int, rng: np.random.Generator) -> np.ndarray:
    """Random parts with the run lengths of ``part``, in random order and positions, bool (draws, n).

    Runs never overlap or touch, and every such placing is equally likely.
    """
    edges = np.flatnonzero(np.diff(np.concatenate([[0], part.astype(np.int8), [0]])))
    lengths = edges[1::2] - edges[::2]
    out = np.zeros((draws, len(part)), bool)
    free = len(part) - int(lengths.sum())
    for row in out:
        shuffled = rng.permutation(lengths)
        before = np.sort(rng.choice(free + 1, len(shuffled), replace=False))
        starts = before + np.concatenate([[0], np.cumsum(shuffled)[:-1]]) if len(shuffled) else before
        for start, length in zip(starts, shuffled, strict=True):
            row[start : start + length] = True
    return out


def smooth(values: np.ndarray, width: int) -> np.ndarray:
    """Moving average over ``width`` samples (made odd), edges repeated."""
    half = width // 2
    if half < 1:
        return values
    padded = np.pad(values.astype(np.float64), half, mode="edge")
    return np.convolve(padded, np.full(2 * half + 1, 1 / (2 * half + 1)), mode="valid")


def deletion_test(
    network: nn.Module,
    target: AttributionTarget,
    values: np.ndarray,
    region: tuple[int, int],
    fs: float,
    *,
    fractions: tuple[float, ...] = FRACTIONS,
    temperature: float = 1.0,
    seed: int = 0,
) -> tuple[float, np.ndarray, np.ndarray]:
    """Probability of the target before and after deletion of parts of ``region``, batched as memory permits.

    The map is smoothed over ``SMOOTH_MS`` first: parts are replaced, not single samples, which a straight line
    would give back as they were.

    Args:
        network: in eval mode.
        target: one output, fitted to the network.
        values: its map at the input's samples, (L,).
        region: first and past-the-last sample of the neighbourhood.
        fs: sampling frequency of the input, Hz.
        fractions: shares of the neighbourhood to replace.
        temperature: divides the logits, as the checkpoint's calibration says.
        seed: of the random parts.

    Returns:
        whole: probability with the input as it is.
        marked: with the marked part bridged, float32 (m,).
        random: with random parts bridged, float32 (DRAWS, m).
    """
    first, last = region
    rng = np.random.default_rng(seed)
    near = smooth(values, round(SMOOTH_MS / 1000 * fs))[first:last]
    holes = np.zeros((1 + len(fractions) * (1 + DRAWS), len(values)), bool)
    for i, fraction in enumerate(fractions):
        part = marked_part(near, fraction)
        block = holes[1 + i * (1 + DRAWS) :]
        block[0, first:last] = part
        block[1 : 1 + DRAWS, first:last] = random_parts(part, DRAWS, rng)
    variants = bridge(target.x[0], torch.as_tensor(holes, device=target.x.device))
    prob = torch.softmax(variant_logits(network, target.with_inputs(variants)) / temperature, dim=1)
    prob = prob[:, int(target.class_index[0])].cpu().numpy()
    table = prob[1:].reshape(len(fractions), 1 + DRAWS)
    return float(prob[0]), table[:, 0], table[:, 1:].T
