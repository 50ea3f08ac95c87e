"""Networks that say of each place of a picture how defective it is.

The levels of a pretrained network come together from coarse to fine (Lin et al., Feature Pyramid Networks, CVPR 2017),
so that a pore of a few pixels has its own cells and the cells know what lies around them. A picture is as defective as
its few most defective places.
"""

from __future__ import annotations

import itertools
import math
from abc import abstractmethod
from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional

from models.networks.image.base import SHORTEST
from models.networks.image.contrast import LocalContrast
from models.networks.registry import register_model

LEVELS = (1, 2, 3)
"""Levels of the network of features: a quarter, an eighth and a sixteenth of the picture's resolution."""
TOP_PLACES = 5
"""Places that a picture's score is the mean of."""
USUAL_PROBABILITY = 0.05
"""What the middle one of the good parts is given where no defects were there to calibrate with."""
SLOPE_LIMITS = (1.0, 8.0)
CELL = 4
"""Pixels of the input that a place has in each direction."""
_SHARPNESS = 2.0
_RARE_LOGIT = -3.0
_NEWTON_STEPS = 30


def feature_trunk(backbone: str, in_channel: int, levels: Sequence[int]) -> tuple[nn.Module, list[int]]:
    """A network of timm without what comes after the last of the levels, and the channels of each.

    It is made with fresh weights, never fetched.
    """
    import timm  # loads torchvision; needed where a network for pictures is made

    trunk = timm.create_model(backbone, pretrained=False, num_classes=0, global_pool="", in_chans=in_channel)
    channels = [int(trunk.feature_info[level]["num_chs"]) for level in levels]
    trunk.prune_intermediate_layers(list(levels), prune_norm=True, prune_head=True)
    return trunk, channels


def require_picture(x: torch.Tensor, in_channel: int) -> None:
    """Refuse an input that a network for pictures cannot take.

    Raises:
        ValueError: not (B, in_channel, H, W) with both sides of :data:`SHORTEST` pixels or more.
    """
    if x.dim() != 4 or x.shape[1] != in_channel or min(x.shape[2:]) < SHORTEST:
        raise ValueError(
            f"expected input (batch, {in_channel}, height >= {SHORTEST}, width >= {SHORTEST}), got {tuple(x.shape)}"
        )


class PlaceHead(nn.Module):
    """From the levels of a network to a logit for each place, on the grid of the finest level.

    Args:
        channels: of each level, from fine to coarse.
        width: channels of what they are brought together in.
    """

    def __init__(self, channels: Sequence[int], width: int = 32):
        super().__init__()
        self.lateral = nn.ModuleList(nn.Conv2d(count, width, 1) for count in channels)
        self.smooth = nn.Sequential(*(_separable(width) for _ in range(2)))
        self.out = nn.Conv2d(width, 1, 1)
        nn.init.constant_(self.out.bias, _RARE_LOGIT)

    def forward(self, levels: Sequence[torch.Tensor]) -> torch.Tensor:
        """Maps before the last layer, (B, width, h, w), of levels from fine to coarse."""
        maps = self.lateral[-1](levels[-1])
        for level, lateral in zip(levels[-2::-1], list(self.lateral)[-2::-1], strict=True):
            maps = functional.interpolate(maps, level.shape[2:], mode="bilinear", align_corners=False) + lateral(level)
        return self.smooth(maps)


def _separable(width: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(width, width, 3, padding=1, groups=width), nn.Conv2d(width, width, 1), nn.ReLU(inplace=True)
    )


class Oddness(nn.Module):
    """From scores of a picture to logits of normal and defect.

    Each score is taken in units of what good parts have: their middle is 0, their upper spread 1. The largest counts
    (softly), its growth is damped (asinh), so that large scores keep their order as probabilities, too.

    Args:
        least_spreads: the least spread among good parts that is believed, of each score.
    """

    def __init__(self, least_spreads: Sequence[float]):
        super().__init__()
        self.least_spreads = tuple(least_spreads)
        self.register_buffer("middle", torch.zeros(len(self.least_spreads)))
        self.register_buffer("spread", torch.ones(len(self.least_spreads)))
        self.linear = nn.Linear(1, 2)
        self._set_line(2.0, 0.0)

    def forward(self, scores: torch.Tensor) -> torch.Tensor:
        """Logits (B, 2) of scores (B, n)."""
        return self.linear(self.joint(scores)[:, None])

    def joint(self, scores: torch.Tensor) -> torch.Tensor:
        """One number for each picture, (B,), of scores (B, n)."""
        return torch.asinh(torch.logsumexp(_SHARPNESS * self.in_spreads(scores), dim=1) / _SHARPNESS)

    def in_spreads(self, scores: torch.Tensor) -> torch.Tensor:
        """Scores (..., n) in units of what good parts have."""
        return (scores - self.middle) / self.spread

    @torch.no_grad()
    def calibrate(self, scores: torch.Tensor, labels: torch.Tensor) -> None:
        """The line that makes probabilities of joint scores: logistic regression with a little shrinkage (Platt 1999).

        Args:
            scores: of pictures, (n_pictures, n).
            labels: 1 for a defect, (n_pictures,).
        """
        joint = self.joint(scores).double()
        x = torch.stack([joint, torch.ones_like(joint)], dim=1)
        line, target = torch.zeros(2, dtype=torch.float64), labels.double()
        shrink = torch.diag(torch.tensor([1e-2, 1e-6], dtype=torch.float64))
        for _ in range(_NEWTON_STEPS):
            prob = torch.sigmoid(x @ line)
            hessian = (x * (prob * (1 - prob))[:, None]).T @ x + shrink
            line = line - torch.linalg.solve(hessian, x.T @ (prob - target) + shrink @ line)
        slope = line[0].clamp(SLOPE_LIMITS[0], SLOPE_LIMITS[1]).item()
        offset = float(line[1]) if slope == float(line[0]) else -slope * float(_between(joint, target))
        self.linear.weight.copy_(torch.tensor([[-slope / 2], [slope / 2]]))
        self.linear.bias.copy_(torch.tensor([-offset / 2, offset / 2]))

    @torch.no_grad()
    def settle(self, good: torch.Tensor, threshold: float) -> None:
        """Take the units from good parts, and let the logit be 0 where the joint score of a part exceeds them so far.

        Args:
            good: scores of good parts, (n_parts, n).
            threshold: standard normal quantile: 2.33 for one part in a hundred.
        """
        self.middle = good.median(dim=0).values
        upper = torch.quantile(good, 0.9, dim=0) - self.middle
        self.spread = torch.maximum(upper, torch.tensor(self.least_spreads))
        joint = self.joint(good)
        usual = float(joint.median())
        spread = float(torch.quantile(joint, 0.8413)) - usual
        self._set_line(usual + threshold * max(spread, 1e-3), usual)

    def _set_line(self, threshold: float, usual: float) -> None:
        slope = math.log(1 / USUAL_PROBABILITY - 1) / max(threshold - usual, 1e-6)
        slope = min(max(slope, SLOPE_LIMITS[0]), SLOPE_LIMITS[1])
        with torch.no_grad():
            self.linear.weight.copy_(torch.tensor([[-slope / 2], [slope / 2]]))
            self.linear.bias.copy_(self.linear.weight[:, 0] * -threshold)


def _between(joint: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Middle between the median of the good and that of the defective ones."""
    return (joint[labels == 0].median() + joint[labels == 1].median()) / 2


class ScoredPicture(nn.Module):
    """Base of networks whose answer is made of a few scores of a picture by an :class:`Oddness` ``classifier``."""

    classifier: Oddness

    @abstractmethod
    def forward_features(self, x: torch.Tensor) -> torch.Tensor:
        """Maps of an input (B, in_channel, H, W)."""

    @abstractmethod
    def forward_embedding(self, maps: torch.Tensor) -> torch.Tensor:
        """Scores of each picture, (B, n), of its maps."""

    def forward_head(self, maps: torch.Tensor) -> torch.Tensor:
        """Logits (B, 2) of maps."""
        return self.classifier(self.forward_embedding(maps))

    def forward(
        self, x: torch.Tensor, return_features: bool = False
    ) -> torch.Tensor | tuple[torch.Tensor, torch.Tensor]:
        """Logits of an input, and with ``return_features`` the scores (B, n) beside them.

        Raises:
            ValueError: an input of another shape.
        """
        embedding = self.forward_embedding(self.forward_features(x))
        logits = self.classifier(embedding)
        return (logits, embedding) if return_features else logits


@register_model("place_network", task="small_defects")
class PlaceNetwork(ScoredPicture):
    """Feature pyramid on a network of timm that says of each place how defective it is, tile by tile.

    ``forward_features(x) -> logits of places (B, 1, H / 4, W / 4)`` and ``forward_head(places) -> logits``, as every
    network for pictures. A picture larger than a tile is looked at in tiles that overlap: memory grows with the
    picture and its places alone.

    Args:
        in_channel: channels of the input (B, in_channel, H, W); each tile gets the three that the features take.
        num_classes: outputs: two, normal and defect.
        backbone: name of the network in timm; it is made with fresh weights, never fetched.
        tile: side of the tiles, pixels.
        overlap: pixels that neighbours share.
        contrast: whether two of the three channels are grey values relative to their surroundings.
    """

    def __init__(
        self,
        in_channel: int = 1,
        num_classes: int = 2,
        backbone: str = "tf_efficientnet_lite0",
        tile: int = 512,
        overlap: int = 64,
        contrast: bool = False,
    ):
        super().__init__()
        if num_classes != 2:
            raise ValueError(f"expected 2 outputs, normal and defect, got {num_classes}")
        self.in_channel, self.tile, self.overlap = in_channel, tile, overlap
        self.trunk, channels = feature_trunk(backbone, 3, LEVELS)
        self.head = PlaceHead(channels)
        self.classifier = Oddness((0.5,))
        self.contrast = LocalContrast() if contrast else None

    def place_logits(self, x: torch.Tensor) -> torch.Tensor:
        """Logit of each place, (B, H / 4, W / 4), of an input that is one tile."""
        if x.shape[1] == 1:
            x = x.expand(-1, 3, -1, -1) if self.contrast is None else self.contrast(x)
        levels = self.trunk.forward_intermediates(
            x, indices=list(LEVELS), stop_early=True, intermediates_only=True, output_fmt="NCHW"
        )
        return self.head.out(self.head(levels))[:, 0]

    def forward_features(self, x: torch.Tensor) -> torch.Tensor:
        """Logits of places, (B, 1, H / 4, W / 4), of an input of any size.

        Raises:
            ValueError: an input of another shape.
        """
        require_picture(x, self.in_channel)
        if max(x.shape[2:]) <= self.tile:
            return self.place_logits(x)[:, None]
        cells = [-(-side // CELL) for side in x.shape[2:]]
        whole = x.new_zeros(len(x), *cells)
        for top, above, below in spans(x.shape[2], self.tile, self.overlap):
            for left, before, behind in spans(x.shape[3], self.tile, self.overlap):
                piece = x[:, :, top : top + self.tile, left : left + self.tile]
                logits = self.place_logits(piece)
                row, column = (above - top) // CELL, (before - left) // CELL
                rows, columns = -(-(below - above) // CELL), -(-(behind - before) // CELL)
                at = slice(above // CELL, above // CELL + rows), slice(before // CELL, before // CELL + columns)
                whole[:, at[0], at[1]] = logits[:, row : row + rows, column : column + columns]
        return whole[:, None]

    def forward_embedding(self, places: torch.Tensor) -> torch.Tensor:
        """Mean logit of the most defective places, (B, 1)."""
        return most_defective(places[:, 0])[:, None]

    def defect_map(self, x: torch.Tensor) -> torch.Tensor:
        """How defective each place is, 0 to 1, float32 (B, H / 4, W / 4)."""
        return self.forward_features(x)[:, 0].float().sigmoid()

    def place_map(self, x: torch.Tensor) -> torch.Tensor:
        """What a map shows: :meth:`defect_map` as it is."""
        return self.defect_map(x)


def spans(length: int, tile: int, overlap: int) -> list[tuple[int, int, int]]:
    """Tiles along a side: first pixel of each, and the first and the past-the-last pixel that it answers for.

    Neighbours share ``overlap`` pixels and each answers for its half of them, so that a defect on a seam is seen whole
    by the one that answers for it. The last tile ends with the side.
    """
    if length <= tile:
        return [(0, 0, length)]
    starts = [*range(0, length - tile, tile - overlap), -(-(length - tile) // CELL) * CELL]
    edges = [0, *((second + first + tile) // 2 // CELL * CELL for first, second in itertools.pairwise(starts)), length]
    return [(start, *edges[number : number + 2]) for number, start in enumerate(starts)]


def most_defective(places: torch.Tensor, count: int = TOP_PLACES) -> torch.Tensor:
    """Mean of the highest few of logits (B, h, w), (B,)."""
    flat = places.flatten(1)
    return flat.topk(min(count, flat.shape[1]), dim=1).values.mean(dim=1)
