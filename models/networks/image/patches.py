"""Networks that know good parts only: how far the features of each patch of a picture are from those of good parts.

What is learned from good parts are statistics, kept as buffers beside the weights:

- :class:`PatchMemory` (PatchCore: Roth et al., CVPR 2022) keeps a choice of the patches of good parts; a patch is as
  odd as it is far from the nearest of them.
- :class:`PatchGaussian` (PaDiM: Defard et al., ICPR 2021) keeps mean and covariance of the patches at each place, for
  parts that always lie alike.
- :class:`GoodParts` is a memory whose features were tuned to tell good parts from such with defects drawn into them,
  and which says of each place, too, whether it looks drawn. What nobody drew is still far from the memory.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import torch
from torch.nn import functional

from models.networks.image.patch_scores import blur, nearest, score_of, surprise
from models.networks.image.places import (
    LEVELS,
    Oddness,
    PlaceHead,
    ScoredPicture,
    feature_trunk,
    most_defective,
    require_picture,
)
from models.networks.registry import register_model

NEIGHBOURHOOD = 3
"""Side of the square of cells that features are averaged over."""
SMOOTHING = 1.0
"""SD of the blur of a map, in cells."""


class PatchNetwork(ScoredPicture, ABC):
    """What the three have in common: features of patches, projected; the score; logits.

    ``forward_features(x) -> patches (B, D, h, w)`` and ``forward_head(patches) -> logits``, as every network for
    pictures.

    Args:
        in_channel: channels of the input (B, in_channel, H, W).
        num_classes: outputs: two, normal and defect.
        backbone: name of the network in timm; it is made with fresh weights, never fetched.
        layers: which of its levels give the features: 0 has half of the picture's resolution, 1 a quarter, and so on.
            The grid is that of the middle one.
        components: numbers that the features of a patch are reduced to.
        position_weight: how much a difference of place counts beside one of features; 0: not at all.
        top_share: share of the patches, the oddest ones, whose mean distance is the score of the picture.

    Attributes:
        usual: middle value of the maps of good parts.
    """

    least_spreads: tuple[float, ...] = (0.02,)
    """Least spread among good parts that is believed, of each score of a picture."""
    relative = False
    """Whether oddness is in spreads of what is usual, and no distance."""

    def __init__(
        self,
        in_channel: int = 3,
        num_classes: int = 2,
        backbone: str = "tf_efficientnet_lite0",
        layers: Sequence[int] = LEVELS,
        components: int = 128,
        position_weight: float = 0.0,
        top_share: float = 0.01,
    ):
        super().__init__()
        if num_classes != 2:
            raise ValueError(f"expected 2 outputs, normal and defect, got {num_classes}")
        self.in_channel, self.layers = in_channel, list(layers)
        self.position_weight, self.top_share = position_weight, top_share
        self.trunk, counts = feature_trunk(backbone, in_channel, self.layers)
        channels = sum(counts)
        self.components = min(components, channels) + (2 if position_weight else 0)
        self.register_buffer("usual", torch.tensor(0.0))
        self.register_buffer("centre", torch.zeros(channels))
        self.register_buffer("projection", torch.eye(channels)[:, : min(components, channels)].contiguous())
        self.classifier = Oddness(self.least_spreads)
        self.make_parts(counts)
        self.make_statistics()

    def make_parts(self, channels: Sequence[int]) -> None:
        """Layers beside those that all of them have; ``channels`` are those of each level."""

    @abstractmethod
    def make_statistics(self) -> None:
        """Register the buffers of what is known of good parts, with something in them that can be computed with."""

    def levels(self, x: torch.Tensor) -> list[torch.Tensor]:
        """Features of each level, from fine to coarse.

        Raises:
            ValueError: an input of another shape.
        """
        require_picture(x, self.in_channel)
        found: list[torch.Tensor] = self.trunk.forward_intermediates(
            x, indices=self.layers, stop_early=True, intermediates_only=True, output_fmt="NCHW"
        )
        return found

    def raw_features(self, x: torch.Tensor) -> torch.Tensor:
        """Features of patches before they are reduced, (B, C, h, w); averaged over their neighbourhood."""
        return gathered(self.levels(x))

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

    @abstractmethod
    def oddness(self, patches: torch.Tensor, without: torch.Tensor | None = None) -> torch.Tensor:
        """How odd each patch is, float32 (B, h, w), of reduced features (B, D, h, w).

        It is a distance, above 0, or how many spreads the logarithm of it is above what is usual (:attr:`relative`).

        Args:
            patches: reduced features.
            without: what of the good parts takes no part, where the network can leave some out.
        """

    def forward_embedding(self, patches: torch.Tensor) -> torch.Tensor:
        """Scores of each picture, (B, n)."""
        return self.embedding_of(self.oddness(patches), patches)

    def embedding_of(self, odd: torch.Tensor, patches: torch.Tensor) -> torch.Tensor:
        """Scores of each picture, (B, n), where the oddness (B, h, w) is known: that of the oddest, a logarithm."""
        if self.relative:
            return score_of(blur(odd, SMOOTHING), self.top_share)[:, None]
        return score_of(odd, self.top_share).clamp_min(1e-6).log()[:, None]

    def defect_map(self, x: torch.Tensor) -> torch.Tensor:
        """How odd each place is, above 0, float32 (B, h, w)."""
        return self.map_of(self.forward_features(x))

    def map_of(self, patches: torch.Tensor) -> torch.Tensor:
        """How odd each place is, above 0, float32 (B, h, w), of what :meth:`forward_features` gives."""
        smooth = blur(self.oddness(patches), SMOOTHING)
        return surprise(smooth) if self.relative else smooth

    def defect_excess(self, x: torch.Tensor) -> torch.Tensor:
        """What of :meth:`defect_map` is above what good parts usually have, (B, h, w)."""
        return (self.defect_map(x) - self.usual).clamp_min(0)

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
        bank_usual: mean and SD of the logarithm of the distance that good patches near each have from the patches of
            other parts, float (N, 2); distances are not relative where there are none: (0, 2).
        bank_source: number of the picture of each, int32 (N,).
        bank_place: middle of each in its picture, shares of height and width, float (N, 2).
        bank_crop: what each looks like in the network's input, uint8 (N, crop_px, crop_px); none: (0, ...).
        source_names: names of the pictures as UTF-8, a line each, uint8 (n,).
    """

    crop_px = 32

    def make_statistics(self) -> None:
        """A bank of noise, until :meth:`remember`."""
        self.register_buffer("bank", torch.randn(16, self.components))
        self.register_buffer("bank_usual", torch.zeros(0, 2))
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
        self.bank_usual = self.bank.new_zeros(0, 2)
        self.bank_source = source.to(torch.int32).contiguous()
        self.source_names = torch.tensor(list("\n".join(files).encode()), dtype=torch.uint8)

    @property
    def relative(self) -> bool:  # type: ignore[override]  # what a checkpoint holds decides
        """Whether what is usual near each patch of the bank is known."""
        return len(self.bank_usual) > 0

    def oddness(self, patches: torch.Tensor, without: torch.Tensor | None = None) -> torch.Tensor:
        """Distance to the nearest patch of the bank, as :meth:`against_usual` has it, float32 (B, h, w)."""
        return self.against_usual(*self.search(patches, without))

    def against_usual(self, distance: torch.Tensor, place: torch.Tensor) -> torch.Tensor:
        """Distances from patches of the bank with these numbers, in spreads of what is usual there, if that is known.

        Good parts differ more at an edge than within, and a distance says something only against that.
        """
        if not self.relative:
            return distance
        usual, spread = self.bank_usual[place].unbind(dim=-1)
        return (distance.clamp_min(1e-6).log() - usual) / spread

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

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *arguments: Any) -> None:
        """Banks that were kept before distances had a usual one load as they are."""
        state_dict.setdefault(prefix + "bank_usual", self.bank_usual.new_zeros(0, 2))
        super()._load_from_state_dict(state_dict, prefix, *arguments)


@register_model("good_parts", task="good_only")
class GoodParts(PatchMemory):
    """Memory of good patches on features that were tuned by drawn defects, with a logit for each place beside it.

    ``forward_features`` gives the patches of the memory and, as four further channels, the logits of the places that
    lie in each patch: the grid of the places is twice as fine.
    """

    least_spreads = (0.02, 0.5)

    def make_parts(self, channels: Sequence[int]) -> None:
        """The head that says of each place whether it looks drawn."""
        self.head = PlaceHead(channels)

    def place_logits(self, x: torch.Tensor) -> torch.Tensor:
        """Logit of each place, (B, h, w) on the grid of the finest level: whether it looks like a drawn defect."""
        return self.head.out(self.head(self.levels(x)))[:, 0]

    def forward_features(self, x: torch.Tensor) -> torch.Tensor:
        """Reduced features of the patches and four logits of places each, (B, D + 4, h, w)."""
        levels = self.levels(x)
        patches, places = self.reduce(gathered(levels)), self.head.out(self.head(levels))
        fine = [2 * side for side in patches.shape[2:]]
        if list(places.shape[2:]) != fine:
            places = functional.interpolate(places, fine, mode="bilinear", align_corners=False)
        return torch.cat([patches, functional.pixel_unshuffle(places, 2)], dim=1)

    def search(self, patches: torch.Tensor, without: torch.Tensor | None = None) -> tuple[torch.Tensor, torch.Tensor]:
        """As that of :class:`PatchMemory`; the logits of places take no part."""
        return super().search(patches[:, : self.components], without)

    def embedding_of(self, odd: torch.Tensor, patches: torch.Tensor) -> torch.Tensor:
        """Logarithm of the distance of the oddest patches, and mean logit of what looks drawn most, (B, 2)."""
        drawn = most_defective(self.places(patches))
        return torch.cat([super().embedding_of(odd, patches), drawn[:, None]], dim=1)

    def places(self, patches: torch.Tensor) -> torch.Tensor:
        """Logit of each place, (B, 2 h, 2 w), of what :meth:`forward_features` gives."""
        return functional.pixel_shuffle(patches[:, self.components :], 2)[:, 0]

    def map_of(self, patches: torch.Tensor) -> torch.Tensor:
        """How odd each place is, the larger (softly) of the two in units of what good parts have, (B, 2 h, 2 w)."""
        smooth = blur(self.oddness(patches), SMOOTHING)
        distances = smooth if self.relative else smooth.clamp_min(1e-6).log()
        places = self.places(patches).float()
        fine = functional.interpolate(distances[:, None], places.shape[1:], mode="bilinear", align_corners=False)[:, 0]
        both = self.classifier.in_spreads(torch.stack([fine, places], dim=-1))
        larger = torch.logsumexp(both, dim=-1)
        return surprise(larger) if self.relative else functional.softplus(larger)


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

    def oddness(self, patches: torch.Tensor, without: torch.Tensor | None = None) -> torch.Tensor:
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


def gathered(levels: Sequence[torch.Tensor]) -> torch.Tensor:
    """Features of all levels on the grid of the middle one, each averaged over its neighbourhood, (B, C, h, w)."""
    grid = levels[(len(levels) - 1) // 2].shape[2:]
    found = []
    for level in levels:
        # What lies around the picture counts as nothing, so features fade towards the border: there they rest on
        # padding, and unfaded the border would be the oddest place of most good pictures.
        averaged = functional.avg_pool2d(level, NEIGHBOURHOOD, 1, NEIGHBOURHOOD // 2)
        if averaged.shape[2] > grid[0]:
            averaged = functional.adaptive_avg_pool2d(averaged, grid)
        elif averaged.shape[2:] != grid:
            averaged = functional.interpolate(averaged, grid, mode="bilinear", align_corners=False)
        found.append(averaged)
    return torch.cat(found, dim=1)


def places_of(grid: Sequence[int]) -> torch.Tensor:
    """Middles of the cells of a grid as shares of its height and width, float32 (2, h, w)."""
    shares = [(torch.arange(count) + 0.5) / count for count in grid]
    return torch.stack(torch.meshgrid(*shares, indexing="ij"))
