"""From features of patches to distances, to the score of a picture, to what a map shows."""

from __future__ import annotations

import math

import torch
from torch.nn import functional

_LEAST_PATCHES = 3
_AT_ONCE = 2**19
"""Distances in memory at once: what a core's cache holds, since the search is bound by memory."""


def nearest(rows: torch.Tensor, bank: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Distance of each row to the nearest of a bank, and which that is.

    One matrix product: the squared distance is |q|^2 + (|b|^2 - 2 q.b), and only the bracket takes part in the search.

    Args:
        rows: (M, D). bank: (N, D).

    Returns:
        distances, float32 (M,), and indices, int64 (M,).
    """
    offset, transposed = bank.square().sum(dim=1), -2 * bank.T
    step = max(1, _AT_ONCE // max(len(bank), 1))
    least, place = [], []
    for part in rows.split(step):
        found = torch.addmm(offset, part, transposed).min(dim=1)
        least.append(found.values + part.square().sum(dim=1))
        place.append(found.indices)
    return torch.cat(least).clamp_min(1e-12).sqrt().float(), torch.cat(place)


def score_of(distances: torch.Tensor, share: float) -> torch.Tensor:
    """Mean of the largest ``share`` of distances (B, h, w), of three at least, (B,)."""
    flat = distances.flatten(1)
    count = min(flat.shape[1], max(_LEAST_PATCHES, round(share * flat.shape[1])))
    return flat.topk(count, dim=1).values.mean(dim=1)


def surprise(spreads: torch.Tensor) -> torch.Tensor:
    """How unlikely so many spreads above the usual are among good parts, above 0: minus the logarithm of the normal
    distribution's tail, which grows with the square."""
    return -torch.special.log_ndtr(-spreads)


def blur(maps: torch.Tensor, deviation: float) -> torch.Tensor:
    """Maps (B, h, w) blurred by a Gaussian of this SD in cells; the edge is repeated."""
    if deviation <= 0:
        return maps
    reach = max(1, math.ceil(3 * deviation))
    line = torch.exp(-0.5 * (torch.arange(-reach, reach + 1, device=maps.device) / deviation) ** 2).to(maps.dtype)
    line = line / line.sum()
    padded = functional.pad(maps[:, None], [reach] * 4, mode="replicate")
    return functional.conv2d(functional.conv2d(padded, line[None, None, :, None]), line[None, None, None, :])[:, 0]
