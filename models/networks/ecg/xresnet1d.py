"""xresnet1d of the PTB-XL benchmark: a stem of three convolutions, bottlenecks, average-pooled shortcuts."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from models.networks.blocks import require_maps
from models.networks.ecg.concat_head import ConcatHeadNetwork
from models.networks.registry import register_model


class XBottleneck(nn.Module):
    """1, k, 1 convolutions; the last batch norm starts at zero, the shortcut pools before its 1x1 convolution.

    He T et al. Bag of Tricks for Image Classification with Convolutional Neural Networks. CVPR 2019 (ResNet-D).

    Args:
        in_channels: channels that come in.
        planes: channels of the narrow part.
        out_channels: channels that go out.
        stride: 1 or 2, of the middle convolution.
        kernel_size: of the middle convolution, odd.
    """

    def __init__(self, in_channels: int, planes: int, out_channels: int, stride: int, kernel_size: int):
        super().__init__()
        self.conv1 = nn.Conv1d(in_channels, planes, 1, bias=False)
        self.norm1 = nn.BatchNorm1d(planes)
        self.conv2 = nn.Conv1d(planes, planes, kernel_size, stride=stride, padding=kernel_size // 2, bias=False)
        self.norm2 = nn.BatchNorm1d(planes)
        self.conv3 = nn.Conv1d(planes, out_channels, 1, bias=False)
        self.norm3 = nn.BatchNorm1d(out_channels)
        nn.init.zeros_(self.norm3.weight)
        self.shortcut = nn.Sequential()
        if stride != 1:
            self.shortcut.append(nn.AvgPool1d(2, ceil_mode=True))
        if in_channels != out_channels:
            self.shortcut.append(nn.Conv1d(in_channels, out_channels, 1, bias=False))
            self.shortcut.append(nn.BatchNorm1d(out_channels))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, in_channels, L) to (B, out_channels, L / stride)."""
        y = torch.relu(self.norm1(self.conv1(x)))
        y = torch.relu(self.norm2(self.conv2(y)))
        return torch.relu(self.norm3(self.conv3(y)) + self.shortcut(x))


@register_model("xresnet1d", task="record")
class XResNet1d(ConcatHeadNetwork):
    """xresnet1d of the PTB-XL benchmark: bottlenecks, xresnet1d101 as it stands, any other size by arguments.

    Args:
        in_channel: leads of the input (B, in_channel, L).
        num_classes: outputs.
        layers: bottlenecks of each layer; (3, 4, 23, 3) is xresnet1d101, (3, 4, 6, 3) xresnet1d50.
        width: narrow channels of every layer.
        kernel_size: of the convolutions, odd.
        expansion: ratio of a bottleneck's outgoing channels to ``width``.
        hidden: size of the hidden layer of the head.
        dropout: of the head.
        planes: narrow channels of a bottleneck, where they are others than ``width``: a pruned network has fewer.
    """

    def __init__(
        self,
        in_channel: int = 12,
        num_classes: int = 5,
        layers: Sequence[int] = (3, 4, 23, 3),
        width: int = 64,
        kernel_size: int = 5,
        expansion: int = 4,
        hidden: int = 128,
        dropout: float = 0.5,
        planes: int | None = None,
    ):
        super().__init__()
        self.in_channel = in_channel
        self.stem = nn.Sequential()
        before = in_channel
        for place, channels in enumerate((width // 2, width // 2, width)):
            stride = 2 if place == 0 else 1
            self.stem.append(nn.Conv1d(before, channels, kernel_size, stride, kernel_size // 2, bias=False))
            self.stem.append(nn.BatchNorm1d(channels))
            self.stem.append(nn.ReLU())
            before = channels
        self.stem.append(nn.MaxPool1d(3, stride=2, padding=1))
        self.blocks = nn.Sequential()
        for layer, count in enumerate(layers):
            for block in range(count):
                stride = 2 if layer > 0 and block == 0 else 1
                self.blocks.add_module(
                    f"layer{layer + 1}_{block}",
                    XBottleneck(before, planes or width, width * expansion, stride, kernel_size),
                )
                before = width * expansion
        self.make_head(before, num_classes, hidden, dropout)

    def forward_features(self, x: torch.Tensor) -> torch.Tensor:
        """(B, in_channel, L) to maps (B, width x expansion, L / 4 / 2^(layers - 1))."""
        require_maps(x, self.in_channel, 32)
        return self.blocks(self.stem(x))
