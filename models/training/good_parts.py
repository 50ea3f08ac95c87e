"""Patch statistics of good parts: collected from the pictures, reduced, and stored in the network."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import torch

from models.config.good_only import BankConfig
from models.networks.image.patch_scores import nearest
from models.networks.image.patches import PatchGaussian, PatchMemory, PatchNetwork, places_of

_SEARCHED = 32
"""Dimensions of the random projection for the choice of a coreset; it approximately preserves distances (Johnson and
Lindenstrauss), as in PatchCore."""
_NEIGHBOURS = 32
"""Neighbours in the bank over which the usual distance is averaged."""
_PRIOR = 10.0
"""Weight of the overall usual distance, in patches (shrinkage), where few good patches are near."""
_LEAST_SPREAD = 0.05
_AT_ONCE = 1024


@dataclass
class Gathered:
    """Patches of good parts: first and second moments of all, and a sample.

    Attributes:
        most: largest number of patches sampled from each picture.
        count: number of patches.
        total, products: sum of the features, float64 (C,), and of their outer products, (C, C).
        rows: features of the sampled patches, half precision (n, C) for each picture.
        source, place: number of the picture and centre of each sampled patch.
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
        """Add the features (C, h, w) of picture ``source``."""
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

    def covariance(self) -> torch.Tensor:
        """Covariance of the features, float64 (C, C)."""
        assert self.total is not None
        assert self.products is not None
        mean = self.total / self.count
        return self.products / self.count - torch.outer(mean, mean)

    def scaling(self, components: int) -> torch.Tensor:
        """Projection onto the principal components of the standardised features, float32 (C, components).

        It approximates distances between standardised features in fewer dimensions.
        """
        covariance = self.covariance()
        scale = covariance.diagonal().clamp_min(1e-12).sqrt()
        directions = torch.linalg.eigh(covariance / torch.outer(scale, scale)).eigenvectors
        return (directions.flip(1)[:, :components] / scale[:, None]).float().contiguous()

    def whitening(self, components: int, softness: float) -> torch.Tensor:
        """Whitening projection onto the principal components, each divided by its SD, float32 (C, components).

        Args:
            components: number of components.
            softness: regularisation added to each variance, as a share of the mean variance; without it, directions of
                no variance would dominate.
        """
        variance, directions = torch.linalg.eigh(self.covariance())
        variance, directions = variance.flip(0)[:components].clamp_min(0), directions.flip(1)[:, :components]
        return (directions / (variance + softness * variance.mean() + 1e-12).sqrt()).float().contiguous()


def coreset(patches: torch.Tensor, wanted: int, seed: int = 0) -> torch.Tensor:
    """Coreset of patches by greedy k-centre: each is the farthest from those before it; returns indices.

    Args:
        patches: (n, D).
        wanted: number of patches; all if there are no more.
        seed: seed of the first patch and of the projection.
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


def fill_bank(
    network: PatchMemory,
    gathered: Gathered,
    settings: BankConfig,
    files: Sequence[str],
    parts: Sequence[str],
    seed: int,
) -> None:
    """Fill the network's memory bank with patches of good parts, and estimate the usual distances near each.

    Args:
        network: the network; it reduces the features as at inference.
        gathered: patches of good parts to choose from.
        settings: size of the bank, method of choice, and whether distances are relative.
        files: name of each picture.
        parts: part that each picture shows.
        seed: seed of the choice.
    """
    source, place = torch.cat(gathered.source), torch.cat(gathered.place)
    reduced = torch.cat([_reduced(network, *pair) for pair in zip(gathered.rows, gathered.place, strict=True)])
    if settings.choice == "coreset":
        kept = coreset(reduced, settings.patches, seed)
    else:
        kept = torch.randperm(len(reduced), generator=torch.Generator().manual_seed(seed))[: settings.patches]
    network.remember(reduced[kept], source[kept], place[kept], files)
    if settings.relative:
        numbers = {part: number for number, part in enumerate(dict.fromkeys(parts))}
        part = torch.tensor([numbers[name] for name in parts])[source.long()]
        network.bank_usual = usual_distances(network.bank, part[kept], reduced, part)


def usual_distances(
    bank: torch.Tensor, bank_part: torch.Tensor, patches: torch.Tensor, part: torch.Tensor
) -> torch.Tensor:
    """Usual log-distance of good patches from the bank without their own part, near each patch of the bank.

    It is large where good parts differ much, as at their edges; a distance there is weak evidence (local scaling:
    Zelnik-Manor and Perona, NeurIPS 2004). It is averaged over neighbours in the bank.

    Args:
        bank: (N, D). bank_part: part of each, (N,).
        patches: patches of good parts, (M, D). part: part of each, (M,).

    Returns:
        mean and SD, float32 (N, 2); 0 and 1 if there is only one part.
    """
    moments = torch.zeros(len(bank), 3)
    for number in part.unique():
        others = torch.nonzero(bank_part != number)[:, 0]
        if not len(others):
            return torch.tensor([0.0, 1.0]).repeat(len(bank), 1)
        distance, place = nearest(patches[part == number], bank[others])
        powers = torch.stack([distance.log() ** power for power in range(3)], dim=1)
        moments.index_add_(0, others[place], powers)
    everywhere = moments.sum(dim=0) / moments[:, 0].sum()
    usual = []
    for rows in bank.split(_AT_ONCE):
        near = torch.cdist(rows, bank).topk(min(_NEIGHBOURS, len(bank)), dim=1, largest=False).indices
        count, total, squares = (moments[near].sum(dim=1) + _PRIOR * everywhere).unbind(dim=1)
        mean = total / count
        usual.append(torch.stack([mean, (squares / count - mean**2).clamp_min(_LEAST_SPREAD**2).sqrt()], dim=1))
    return torch.cat(usual)


def _reduced(network: PatchNetwork, rows: torch.Tensor, place: torch.Tensor) -> torch.Tensor:
    reduced = (rows.float() - network.centre) @ network.projection
    weight = network.position_weight
    return torch.cat([reduced, place * weight], dim=1) if weight else reduced


def fit_gaussians(network: PatchGaussian, pictures: Iterator[torch.Tensor], softness: float) -> None:
    """Mean and covariance of the patches at each place, from the reduced features (D, h, w) of all pictures.

    Covariances are shrunk towards the pooled one by ``softness``, as few pictures require.

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
