"""inception1d of the PTB-XL benchmark (InceptionTime): parallel convolutions of three lengths."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from models.networks.blocks import require_maps
from models.networks.ecg.concat_head import ConcatHeadNetwork
from models.networks.registry import register_model

_RESIDUAL_EVERY = 3


class InceptionBlock(nn.Module):
    """A narrow 1x1 convolution, then three convolutions of different length and a max-pool side by side.

    Args:
        in_channels: channels that come in.
        width: channels of each of the four paths.
        kernel_sizes: of the three convolutions, odd.
        stride: of all paths.
    """

    def __init__(self, in_channels: int, width: int, kernel_sizes: Sequence[int], stride: int = 1):
        super().__init__()
        self.narrow = nn.Conv1d(in_channels, width, 1, bias=False)
        self.paths = nn.ModuleList(
            nn.Conv1d(width, width, size, stride=stride, padding=size // 2, bias=False) for size in kernel_sizes
        )
        self.pooled = nn.Sequential(
            nn.MaxPool1d(3, stride=stride, padding=1), nn.Conv1d(in_channels, width, 1, bias=False)
        )
        self.norm = nn.BatchNorm1d(width * (len(kernel_sizes) + 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, in_channels, L) to (B, 4 width, L / stride)."""
        narrow = self.narrow(x)
        return torch.relu(self.norm(torch.cat([*(path(narrow) for path in self.paths), self.pooled(x)], dim=1)))


@register_model("inception1d", task="record")
class Inception1d(ConcatHeadNetwork):
    """inception1d of the PTB-XL benchmark: six inception blocks, a shortcut over each three, no pooling on the way.

    Ismail Fawaz H et al. InceptionTime. Data Min Knowl Disc 34:1936-1962, 2020.

    Args:
        in_channel: leads of the input (B, in_channel, L).
        num_classes: outputs.
        depth: blocks, a multiple of 3.
        width: channels of each path; the maps have four times as many.
        kernel_sizes: of the three convolutions, odd.
        stride: of the first block; 1 as published, 2 costs half.
        hidden: size of the hidden layer of the head.
        dropout: of the head.

    Raises:
        ValueError: a depth that is no multiple of 3, or an even kernel.
    """

    def __init__(
        self,
        in_channel: int = 12,
        num_classes: int = 5,
        depth: int = 6,
        width: int = 32,
        kernel_sizes: Sequence[int] = (39, 19, 9),
        stride: int = 1,
        hidden: int = 128,
        dropout: float = 0.5,
    ):
        super().__init__()
        if depth < 1 or depth % _RESIDUAL_EVERY or any(size % 2 == 0 for size in kernel_sizes):
            raise ValueError(f"depth is a multiple of 3 and kernels are odd, got {depth} and {list(kernel_sizes)}")
        self.in_channel = in_channel
        channels = width * (len(kernel_sizes) + 1)
        self.blocks = nn.ModuleList()
        self.shortcuts = nn.ModuleList()
        for block in range(depth):
            first = block == 0
            self.blocks.append(
                InceptionBlock(in_channel if first else channels, width, kernel_sizes, stride if first else 1)
            )
            if block % _RESIDUAL_EVERY == 0:
                self.shortcuts.append(
                    nn.Sequential(
                        nn.Conv1d(in_channel if first else channels, channels, 1, stride if first else 1, bias=False),
                        nn.BatchNorm1d(channels),
                    )
                )
        self.make_head(channels, num_classes, hidden, dropout)

    def forward_features(self, x: torch.Tensor) -> torch.Tensor:
        """(B, in_channel, L) to maps (B, 4 width, L / stride)."""
        require_maps(x, self.in_channel, 32)
        around = x
        for number, block in enumerate(self.blocks):
            x = block(x)
            if number % _RESIDUAL_EVERY == _RESIDUAL_EVERY - 1:
                x = torch.relu(x + self.shortcuts[number // _RESIDUAL_EVERY](around))
                around = x
        return x
