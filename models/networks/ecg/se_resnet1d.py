"""SE-ResNet for whole recordings: basic blocks with SE on the residual, global average, one fully connected layer."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from models.networks.blocks import SEBasicBlock, require_maps
from models.networks.ecg.base import BeatNetwork, GatedMixin
from models.networks.registry import register_model


@register_model("se_resnet1d", task="record")
class SEResNet1d(GatedMixin, BeatNetwork):
    """SE-ResNet of basic blocks for whole recordings: [3, 4, 6, 3] as documented, any other size by arguments.

    He K et al. CVPR 2016; Hu J et al. CVPR 2018.

    Args:
        in_channel: leads of the input (B, in_channel, L).
        num_classes: outputs.
        layers: blocks of each layer.
        widths: channels of each layer.
        kernel_size: of the blocks, odd.
        reduction: of the SE gates.
        dropout: of the embedding, and of the middle of each block.
        stem_pool: halve once more before the blocks; without it the maps are twice as fine.

    Raises:
        ValueError: not as many widths as layers.
    """

    def __init__(
        self,
        in_channel: int = 8,
        num_classes: int = 1,
        layers: Sequence[int] = (3, 4, 6, 3),
        widths: Sequence[int] = (64, 128, 256, 512),
        kernel_size: int = 7,
        reduction: int = 16,
        dropout: float = 0.0,
        stem_pool: bool = True,
    ):
        super().__init__()
        if len(layers) != len(widths) or not layers or min(layers) < 1:
            raise ValueError(f"layers and widths go in pairs of at least one block, got {list(layers)}, {list(widths)}")
        self.in_channel = in_channel
        pool = nn.MaxPool1d(3, stride=2, padding=1) if stem_pool else nn.Identity()
        self.stem = nn.Sequential(
            nn.Conv1d(in_channel, widths[0], 15, stride=2, padding=7, bias=False),
            nn.BatchNorm1d(widths[0]),
            nn.ReLU(),
            pool,
        )
        self.blocks = nn.Sequential()
        before = widths[0]
        for layer, (count, width) in enumerate(zip(layers, widths, strict=True)):
            for block in range(count):
                stride = 2 if layer > 0 and block == 0 else 1
                self.blocks.add_module(
                    f"layer{layer + 1}_{block}", SEBasicBlock(before, width, stride, kernel_size, reduction, dropout)
                )
                before = width
        self.dropout = nn.Dropout(dropout)
        self.classifier = nn.Linear(before, num_classes)

    def forward_features(self, x: torch.Tensor) -> torch.Tensor:
        """(B, in_channel, L) to maps (B, widths[-1], L / 4 / 2^(layers - 1))."""
        require_maps(x, self.in_channel, 32)
        return self.blocks(self.stem(x))

    def forward_embedding(self, maps: torch.Tensor) -> torch.Tensor:
        """Global average of the maps, (B, widths[-1])."""
        return self.dropout(maps.mean(dim=-1))
