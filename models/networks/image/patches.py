"""Networks that know good parts only: how far the features of each patch of a picture are from those of good parts.

The features are those of a network that was trained on other pictures (ImageNet) and stay as they are; what is learned
from good parts are statistics, kept as buffers beside the weights:

- :class:`PatchMemory` (PatchCore: Roth et al., CVPR 2022) keeps a choice of the patches of good parts; a patch is as
  odd as it is far from the nearest of them.
- :class:`PatchGaussian` (PaDiM: Defard et al., ICPR 2021) keeps mean and covariance of the patches at each place, for
  parts that always lie alike.

The score of a picture is the mean of its oddest patches; its logarithm goes through a linear layer to logits, so that
whatever reads a network for pictures reads these as well.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from models.networks.image.base import SHORTEST
from models.networks.registry import register_model

SLOPE_LIMITS = (2.0, 60.0)
"""How steeply the logit may follow the logarithm of the score."""
USUAL_PROBABILITY = 0.05
"""What the middle one of the good parts is given."""
NEIGHBOURHOOD = 3
"""Side of the square of cells that features are averaged over."""
SMOOTHING = 1.0
"""SD of the blur of a map, in cells."""
_LEAST_PATCHES = 3
_AT_ONCE = 2**24
"""Distances in memory at once."""


class PatchNetwork(nn.Module):
    """What the two have in common: features of patches, projected; the score; logits.

    ``forward_features(x) -> patches (B, D, h, w)`` and ``forward_head(patches) -> logits``, as every network for
    pictures.

    Args:
        in_channel: channels of the input (B, in_channel, H, W).
        num_classes: outputs: two, normal and defect.
        backbone: name of the network in timm; it is made with fresh weights, never fetched.
        layers: which of its levels give the features: 0 has half of the picture's resolution, 1 a quarter, and so on.
            The grid is that of the first.
        components: numbers that the features of a patch are reduced to.
        position_weight: how much a difference of place counts beside one of features; 0: not at all.
        top_share: share of the patches, the oddest ones, whose mean distance is the score of the picture.
    """

    def __init__(
        self,
        in_channel: int = 3,
        num_classes: int = 2,
        backbone: str = "tf_efficientnet_lite0",
        layers: Sequence[int] = (2, 3),
        components: int = 128,
        position_weight: float = 0.0,
        top_share: float = 0.01,
    ):
        super().__init__()
        import timm  # loads torchvision; needed where a network for pictures is made

        if num_classes != 2:
            raise ValueError(f"expected 2 outputs, normal and defect, got {num_classes}")
        self.in_channel, self.layers = in_channel, list(layers)
        self.position_weight, self.top_share = position_weight, top_share
        self.trunk = timm.create_model(backbone, pretrained=False, num_classes=0, global_pool="", in_chans=in_channel)
        channels = sum(self.trunk.feature_info[level]["num_chs"] for level in self.layers)
        self.trunk.prune_intermediate_layers(self.layers, prune_norm=True, prune_head=True)
        self.components = min(components, channels) + (2 if position_weight else 0)
        self.register_buffer("usual", torch.tensor(0.0))
        self.register_buffer("centre", torch.zeros(channels))
        self.register_buffer("projection", torch.eye(channels)[:, : min(components, channels)].contiguous())
        self.classifier = nn.Linear(1, num_classes)
        self.set_scale(2.0, 1.0)
        self.make_statistics()

    def make_statistics(self) -> None:
        """Register the buffers of what is known of good parts, with something in them that can be computed with."""
        raise NotImplementedError

    def set_scale(self, threshold: float, usual: float) -> None:
        """Which score is a probability of one half, and which is the usual one of good parts.

        Args:
            threshold: from which on the likelier class is defect.
            usual: of the middle one of the good parts: it gets :data:`USUAL_PROBABILITY`.
        """
        distance = abs(math.log(threshold) - math.log(usual))
        slope = math.log(1 / USUAL_PROBABILITY - 1) / max(distance, 1e-6)
        slope = min(max(slope, SLOPE_LIMITS[0]), SLOPE_LIMITS[1])
        with torch.no_grad():
            self.classifier.weight.copy_(torch.tensor([[-slope / 2], [slope / 2]]))
            self.classifier.bias.copy_(self.classifier.weight[:, 0] * -math.log(threshold))

    def raw_features(self, x: torch.Tensor) -> torch.Tensor:
        """Features of patches before they are reduced, (B, C, h, w); averaged over their neighbourhood.

        Raises:
            ValueError: an input of another shape.
        """
        self.require_picture(x)
        levels = self.trunk.forward_intermediates(
            x, indices=self.layers, stop_early=True, intermediates_only=True, output_fmt="NCHW"
        )
        grid, side = levels[0].shape[2:], NEIGHBOURHOOD
        averaged = (functional.avg_pool2d(level, side, 1, side // 2, count_include_pad=False) for level in levels)
        return torch.cat(
            [
                level
                if level.shape[2:] == grid
                else functional.interpolate(level, grid, mode="bilinear", align_corners=False)
                for level in averaged
            ],
            dim=1,
        )

    def reduce(self, features: torch.Tensor) -> torch.Tensor:
        """Features (B, C, h, w) centred and projected, with their place beside them where it counts, (B, D, h, w)."""
        weight = self.projection.T[:, :, None, None]
        reduced = functional.conv2d(features, weight, -(self.centre @ self.projection))
        if not self.position_weight:
            return reduced
        places = places_of(reduced.shape[2:]).to(reduced) * self.position_weight
        return torch.cat([reduced, places.expand(len(reduced), -1, -1, -1)], dim=1)

    def forward_features(self, x: torch.Tensor) -> torch.Tensor:
        """Reduced features of the patches, (B, D, h, w), of an input (B, in_channel, H, W)."""
        return self.reduce(self.raw_features(x))

    def distances(self, patches: torch.Tensor) -> torch.Tensor:
        """How odd each patch is, float32 (B, h, w), of reduced features (B, D, h, w)."""
        raise NotImplementedError

    def forward_embedding(self, patches: torch.Tensor) -> torch.Tensor:
        """Logarithm of the score of each picture, (B, 1)."""
        return score_of(self.distances(patches), self.top_share).clamp_min(1e-6).log()[:, None]

    def forward_head(self, patches: torch.Tensor) -> torch.Tensor:
        """Logits (B, 2) of reduced features."""
        return self.classifier(self.forward_embedding(patches))

    def forward(
        self, x: torch.Tensor, return_features: bool = False
    ) -> torch.Tensor | tuple[torch.Tensor, torch.Tensor]:
        """Logits of an input, and with ``return_features`` the logarithm of the score (B, 1) beside them.

        Raises:
            ValueError: an input of another shape.
        """
        embedding = self.forward_embedding(self.forward_features(x))
        logits = self.classifier(embedding)
        return (logits, embedding) if return_features else logits

    def defect_map(self, x: torch.Tensor) -> torch.Tensor:
        """How odd each patch is, blurred, float32 (B, h, w) on the grid of the features."""
        return blur(self.distances(self.forward_features(x)), SMOOTHING)

    def defect_excess(self, x: torch.Tensor) -> torch.Tensor:
        """What of :meth:`defect_map` is above the distance that patches of good parts usually have, (B, h, w)."""
        return (self.defect_map(x) - self.usual).clamp_min(0)

    def require_picture(self, x: torch.Tensor) -> None:
        """Refuse an input that the network cannot take.

        Raises:
            ValueError: not (B, in_channel, H, W) with both sides of :data:`SHORTEST` pixels or more.
        """
        if x.dim() != 4 or x.shape[1] != self.in_channel or min(x.shape[2:]) < SHORTEST:
            raise ValueError(
                f"expected input (batch, {self.in_channel}, height >= {SHORTEST}, width >= {SHORTEST}), "
                f"got {tuple(x.shape)}"
            )

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *arguments: Any) -> None:
        """Statistics may have any number of rows: the buffers take the shape of what is loaded.

        A tensor with another number of dimensions is left to the usual check, which refuses it.
        """
        for name, buffer in list(self._buffers.items()):
            loaded = state_dict.get(prefix + name)
            if buffer is not None and loaded is not None and loaded.dim() == buffer.dim():
                setattr(self, name, buffer.new_empty(loaded.shape))
        super()._load_from_state_dict(state_dict, prefix, *arguments)


@register_model("patch_memory", task="good_only")
class PatchMemory(PatchNetwork):
    """Distance of each patch to the nearest patch of good parts (PatchCore) on ImageNet features.

    Attributes:
        bank: patches of good parts, (N, D).
        bank_source: number of the picture of each, int32 (N,).
        bank_place: middle of each in its picture, shares of height and width, float (N, 2).
        bank_crop: what each looks like in the network's input, uint8 (N, crop_px, crop_px); none: (0, ...).
        source_names: names of the pictures as UTF-8, a line each, uint8 (n,).
        usual: middle distance of the patches of good parts from those of others.
    """

    crop_px = 32

    def make_statistics(self) -> None:
        """A bank of noise, until :meth:`remember`."""
        self.register_buffer("bank", torch.randn(16, self.components))
        self.register_buffer("bank_source", torch.zeros(16, dtype=torch.int32))
        self.register_buffer("bank_place", torch.zeros(16, 2))
        self.register_buffer("bank_crop", torch.zeros(0, self.crop_px, self.crop_px, dtype=torch.uint8))
        self.register_buffer("source_names", torch.zeros(0, dtype=torch.uint8))

    @property
    def sources(self) -> tuple[str, ...]:
        """File of each picture that patches of the bank are from."""
        text = bytes(self.source_names.cpu().tolist()).decode("utf-8", "replace")
        return tuple(text.split("\n")) if text else ()

    def remember(self, bank: torch.Tensor, source: torch.Tensor, place: torch.Tensor, files: Sequence[str]) -> None:
        """Put patches of good parts into the bank, with the picture and the place that each is from."""
        self.bank, self.bank_place = bank.float().contiguous(), place.float().contiguous()
        self.bank_source = source.to(torch.int32).contiguous()
        self.source_names = torch.tensor(list("\n".join(files).encode()), dtype=torch.uint8)

    def distances(self, patches: torch.Tensor) -> torch.Tensor:
        """Distance to the nearest patch of the bank, float32 (B, h, w)."""
        return self.search(patches)[0]

    def nearest_patches(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Distance of each patch of an input to the nearest of the bank, and the number of that one, (B, h, w)."""
        return self.search(self.forward_features(x))

    def search(self, patches: torch.Tensor, without: torch.Tensor | None = None) -> tuple[torch.Tensor, torch.Tensor]:
        """Distance of reduced features (B, D, h, w) to the nearest of the bank, and its number, (B, h, w) each.

        Args:
            patches: reduced features.
            without: patches of the bank that take no part, bool (N,).
        """
        rows = patches.permute(0, 2, 3, 1).reshape(-1, patches.shape[1])
        kept = None if without is None else torch.nonzero(~without)[:, 0]
        if kept is None or not len(kept):
            distance, place = nearest(rows, self.bank)
        else:
            distance, place = nearest(rows, self.bank[kept])
            place = kept[place]
        shape = (len(patches), *patches.shape[2:])
        return distance.reshape(shape), place.reshape(shape)


@register_model("patch_gaussian", task="good_only")
class PatchGaussian(PatchNetwork):
    """Mahalanobis distance of each patch from the good parts' at its place (PaDiM) on ImageNet features.

    Attributes:
        mean: of the patches at each place, (h, w, D); of all places together where h and w are 1.
        factor: what whitens the difference from it: the distance is the length of their product, (h, w, D, D).
    """

    def make_statistics(self) -> None:
        """One place for all, and the identity."""
        self.register_buffer("mean", torch.zeros(1, 1, self.components))
        self.register_buffer("factor", torch.eye(self.components)[None, None].clone())

    def distances(self, patches: torch.Tensor) -> torch.Tensor:
        """Mahalanobis distance over the root of the number of components, float32 (B, h, w).

        Raises:
            ValueError: the grid is not the one of the good parts.
        """
        rows = patches.permute(2, 3, 0, 1)
        known = self.mean.shape[:2]
        if known not in {(1, 1), rows.shape[:2]}:
            raise ValueError(f"the picture has {tuple(rows.shape[:2])} patches, the good parts had {tuple(known)}")
        whitened = (rows - self.mean[:, :, None]) @ self.factor.transpose(2, 3)
        return whitened.square().mean(dim=-1).clamp_min(1e-12).sqrt().permute(2, 0, 1).float()


def places_of(grid: Sequence[int]) -> torch.Tensor:
    """Middles of the cells of a grid as shares of its height and width, float32 (2, h, w)."""
    shares = [(torch.arange(count) + 0.5) / count for count in grid]
    return torch.stack(torch.meshgrid(*shares, indexing="ij"))


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


def blur(maps: torch.Tensor, deviation: float) -> torch.Tensor:
    """Maps (B, h, w) blurred by a Gaussian of this SD in cells; the edge is repeated."""
    if deviation <= 0:
        return maps
    reach = max(1, math.ceil(3 * deviation))
    line = torch.exp(-0.5 * (torch.arange(-reach, reach + 1, device=maps.device) / deviation) ** 2).to(maps.dtype)
    line = line / line.sum()
    padded = functional.pad(maps[:, None], [reach] * 4, mode="replicate")
    return functional.conv2d(functional.conv2d(padded, line[None, None, :, None]), line[None, None, None, :])[:, 0]
