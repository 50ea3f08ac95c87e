"""Statistics of the patches of good parts: what is gathered from the pictures, how it is reduced and what is kept."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import torch

from models.config.good_only import BankConfig
from models.networks.image.patches import PatchGaussian, PatchMemory, PatchNetwork, places_of

_SEARCHED = 32
"""Numbers of a patch that the choice of a coreset looks at: a random projection keeps distances well enough
(Johnson and Lindenstrauss), as in PatchCore."""


@dataclass
class Gathered:
    """Patches of good parts: their second moments, and some of them.

    Attributes:
        most: patches that are drawn from each picture.
        count: patches that were seen.
        total, products: sums of their features, float64 (C,), and of the products of these, (C, C).
        rows: features of those that were drawn, half precision (n, C) for each picture.
        source, place: number of the picture and middle of the patch, of each.
    """

    most: int
    seed: int = 0
    count: int = 0
    total: torch.Tensor | None = None
    products: torch.Tensor | None = None
    rows: list[torch.Tensor] = field(default_factory=list)
    source: list[torch.Tensor] = field(default_factory=list)
    place: list[torch.Tensor] = field(default_factory=list)

    def add(self, features: torch.Tensor, source: int) -> None:
        """Take in the features (C, h, w) of picture ``source``."""
        rows = features.flatten(1).T
        self.count += len(rows)
        total, products = rows.double().sum(dim=0), (rows.T @ rows).double()
        self.total = total if self.total is None else self.total + total
        self.products = products if self.products is None else self.products + products
        generator = torch.Generator().manual_seed(self.seed + len(self.rows))
        drawn = torch.randperm(len(rows), generator=generator)[: self.most]
        self.rows.append(rows[drawn].half())
        self.place.append(places_of(features.shape[1:]).flatten(1).T[drawn])
        self.source.append(torch.full((len(drawn),), source, dtype=torch.int32))

    def mean(self) -> torch.Tensor:
        """Mean of the features, float32 (C,)."""
        assert self.total is not None
        return (self.total / self.count).float()

    def whitening(self, components: int, softness: float) -> torch.Tensor:
        """Directions in which good parts vary most, each by its SD, float32 (C, components).

        Args:
            components: how many.
            softness: added to each variance, as a share of the mean one: without it the directions in which nothing
                varies would count without bounds.
        """
        assert self.total is not None
        assert self.products is not None
        mean = self.total / self.count
        covariance = self.products / self.count - torch.outer(mean, mean)
        variance, directions = torch.linalg.eigh(covariance)
        variance, directions = variance.flip(0)[:components].clamp_min(0), directions.flip(1)[:, :components]
        return (directions / (variance + softness * variance.mean() + 1e-12).sqrt()).float().contiguous()


def coreset(patches: torch.Tensor, wanted: int, seed: int = 0) -> torch.Tensor:
    """Indices of patches that cover all others: each is the farthest from those before it (k-centre, greedily).

    Args:
        patches: (n, D).
        wanted: how many; all where there are no more.
        seed: of the first one and of the projection.
    """
    if len(patches) <= wanted:
        return torch.arange(len(patches))
    generator = torch.Generator().manual_seed(seed)
    searched = patches
    if patches.shape[1] > _SEARCHED:
        projection = torch.randn(patches.shape[1], _SEARCHED, generator=generator)
        searched = patches @ projection / _SEARCHED**0.5
    squares = searched.square().sum(dim=1)
    chosen = [int(torch.randint(len(patches), (1,), generator=generator))]
    least = torch.full((len(patches),), float("inf"))
    for _ in range(wanted - 1):
        last = chosen[-1]
        torch.minimum(least, squares + squares[last] - 2 * (searched @ searched[last]), out=least)
        chosen.append(int(least.argmax()))
    return torch.tensor(chosen)


def fill_bank(network: PatchMemory, gathered: Gathered, settings: BankConfig, files: Sequence[str], seed: int) -> None:
    """Choose the patches that the network keeps."""
    source, place = torch.cat(gathered.source), torch.cat(gathered.place)
    reduced = torch.cat([_reduced(network, *pair) for pair in zip(gathered.rows, gathered.place, strict=True)])
    if settings.choice == "coreset":
        kept = coreset(reduced, settings.patches, seed)
    else:
        kept = torch.randperm(len(reduced), generator=torch.Generator().manual_seed(seed))[: settings.patches]
    network.remember(reduced[kept], source[kept], place[kept], files)


def _reduced(network: PatchNetwork, rows: torch.Tensor, place: torch.Tensor) -> torch.Tensor:
    reduced = (rows.float() - network.centre) @ network.projection
    weight = network.position_weight
    return torch.cat([reduced, place * weight], dim=1) if weight else reduced


def fit_gaussians(network: PatchGaussian, pictures: Iterator[torch.Tensor], softness: float) -> None:
    """Mean and covariance of the patches of each place, from the reduced features (D, h, w) of all pictures.

    Covariances are drawn towards that of all places together by ``softness``, which a few pictures need.

    Raises:
        ValueError: grids of different sizes.
    """
    count, total, products = 0, None, None
    for reduced in pictures:
        rows = reduced.permute(1, 2, 0).double()
        if total is not None and total.shape != rows.shape:
            raise ValueError(f"grids of {tuple(total.shape[:2])} and {tuple(rows.shape[:2])} patches")
        outer = rows[..., :, None] * rows[..., None, :]
        total, products = (rows, outer) if total is None else (total + rows, products + outer)
        count += 1
    assert total is not None
    assert products is not None
    mean = total / count
    spread = products / count - mean[..., :, None] * mean[..., None, :]
    common = spread.mean(dim=(0, 1)) + 1e-6 * torch.eye(spread.shape[-1], dtype=spread.dtype)
    share = softness / (1 + softness)
    variance, directions = torch.linalg.eigh((1 - share) * spread + share * common)
    factor = directions.transpose(2, 3) / variance.clamp_min(1e-9).sqrt()[..., None]
    network.mean, network.factor = mean.float().contiguous(), factor.float().contiguous()
