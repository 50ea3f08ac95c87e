"""ResNeXt for single beats, and its plain ResNet twin; both read whole recordings too."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import torch
from torch import nn

from models.networks.blocks import require_maps, shortcut
from models.networks.ecg.base import BeatNetwork, RRInput
from models.networks.registry import register_model


class GroupedBottleneck(nn.Module):
    """Bottleneck of 1, k, 1 convolutions with a grouped middle one.

    Xie S et al. Aggregated Residual Transformations for Deep Neural Networks. CVPR 2017, figure 3 (c).

    Args:
        in_channels: channels that come in.
        width: channels of the middle; twice as many go out.
        groups: parallel paths; 1 is the plain bottleneck.
        stride: of the middle convolution.
        kernel_size: of the middle convolution, odd.
    """

    def __init__(self, in_channels: int, width: int, groups: int, stride: int, kernel_size: int):
        super().__init__()
        self.conv1 = nn.Conv1d(in_channels, width, 1, bias=False)
        self.norm1 = nn.BatchNorm1d(width)
        self.conv2 = nn.Conv1d(
            width, width, kernel_size, stride=stride, padding=kernel_size // 2, groups=groups, bias=False
        )
        self.norm2 = nn.BatchNorm1d(width)
        self.conv3 = nn.Conv1d(width, 2 * width, 1, bias=False)
        self.norm3 = nn.BatchNorm1d(2 * width)
        self.shortcut = shortcut(in_channels, 2 * width, stride, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, in_channels, L) to (B, 2 width, L / stride)."""
        y = torch.relu(self.norm1(self.conv1(x)))
        y = torch.relu(self.norm2(self.conv2(y)))
        return torch.relu(self.norm3(self.conv3(y)) + self.shortcut(x))


@register_model("resnext1d", task="beat", also=("record",))
class ResNeXt1d(BeatNetwork):
    """ResNeXt for single beats: residual blocks with eight parallel paths.

    Args:
        in_channel: leads of the input (B, in_channel, L).
        num_classes: outputs.
        layers: blocks of each layer.
        width: middle channels of the first layer; each further layer has twice as many.
        groups: parallel paths of the middle convolutions.
        kernel_size: of the middle convolutions, odd.
        dropout: of the embedding.
        rr_features: RR ratios that ``forward`` takes as ``rr`` (B, rr_features); 0 for none.

    Raises:
        ValueError: a width that the groups do not divide.
    """

    def __init__(
        self,
        in_channel: int = 1,
        num_classes: int = 5,
        layers: Sequence[int] = (2, 2, 2),
        width: int = 64,
        groups: int = 8,
        kernel_size: int = 7,
        dropout: float = 0.0,
        rr_features: int = 0,
    ):
        super().__init__()
        if width % groups:
            raise ValueError(f"width must be a multiple of groups, got {width} and {groups}")
        self.in_channel = in_channel
        self.stem = nn.Sequential(
            nn.Conv1d(in_channel, width, 15, stride=2, padding=7, bias=False), nn.BatchNorm1d(width), nn.ReLU()
        )
        self.blocks = nn.Sequential()
        before = width
        for layer, count in enumerate(layers):
            middle = width * 2**layer
            for block in range(count):
                stride = 2 if layer > 0 and block == 0 else 1
                self.blocks.add_module(
                    f"layer{layer + 1}_{block}", GroupedBottleneck(before, middle, groups, stride, kernel_size)
                )
                before = 2 * middle
        self.dropout = nn.Dropout(dropout)
        self.rr = RRInput(rr_features)
        self.classifier = nn.Linear(before + self.rr.width, num_classes)

    def forward_features(self, x: torch.Tensor) -> torch.Tensor:
        """(B, in_channel, L) to maps (B, 2 x middle channels, L / 2 / 2^(layers - 1))."""
        require_maps(x, self.in_channel, 16)
        return self.blocks(self.stem(x))

    def forward_embedding(self, maps: torch.Tensor, rr: torch.Tensor | None = None) -> torch.Tensor:
        """Global average of the maps, and the RR ratios, (B, D)."""
        return self.rr(self.dropout(maps.mean(dim=-1)), rr)


resnet1d = partial(ResNeXt1d, groups=1)
resnet1d.__doc__ = "The plain twin of resnext1d: the same blocks with one path."
register_model("resnet1d", task="beat", also=("record",))(resnet1d)
