"""Base of the image networks: timm's features, maps, embedding and logits."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

SHORTEST = 32
"""Pixels of the shorter side: the networks halve five times."""


class ImageNetwork(nn.Module):
    """A network of timm without its head, global average pooling, dropout and one fully connected layer.

    ``forward_features(x) -> maps (B, C, h, w)`` and ``forward_head(maps) -> logits``, so that Grad-CAM needs no hooks.
    A subclass changes what the maps are; their average over the grid is the embedding.

    Args:
        name: of the network in timm; it is made with fresh weights, never fetched.
        num_classes: outputs.
        in_channel: channels of the input (B, in_channel, H, W).
        drop_rate: share of the embedding that training leaves out.
        embedding_size: channels of the maps; None where they are timm's.
        **trunk: further arguments of timm's network.
    """

    def __init__(
        self,
        name: str,
        num_classes: int,
        in_channel: int,
        drop_rate: float = 0.0,
        embedding_size: int | None = None,
        **trunk: Any,
    ):
        super().__init__()
        import timm  # loads torchvision; needed where a network for pictures is made

        self.in_channel = in_channel
        self.trunk = timm.create_model(
            name, pretrained=False, num_classes=0, global_pool="", in_chans=in_channel, **trunk
        )
        self.dropout = nn.Dropout(drop_rate)
        self.classifier = nn.Linear(embedding_size or self.trunk.num_features, num_classes)

    def forward_features(self, x: torch.Tensor) -> torch.Tensor:
        """Maps (B, C, H / 32, W / 32) of an input (B, in_channel, H, W)."""
        self.require_picture(x)
        return self.trunk.forward_features(x)

    def forward_embedding(self, maps: torch.Tensor) -> torch.Tensor:
        """Global average of the maps, (B, C)."""
        return maps.mean(dim=(2, 3))

    def forward_head(self, maps: torch.Tensor) -> torch.Tensor:
        """Logits (B, num_classes) of maps."""
        return self.classifier(self.dropout(self.forward_embedding(maps)))

    def patch_logits(self, maps: torch.Tensor) -> torch.Tensor:
        """Logits of each patch, (B, num_classes, h, w): what the head says of it alone.

        Where the head is linear, their average is the picture's logits (class activation maps: Zhou et al., CVPR 2016).
        """
        count, channels, height, width = maps.shape
        patches = maps.permute(0, 2, 3, 1).reshape(-1, channels, 1, 1)
        return self.forward_head(patches).reshape(count, height, width, -1).permute(0, 3, 1, 2)

    def patch_map(self, x: torch.Tensor) -> torch.Tensor:
        """How defective each patch is, 0 to 1, float32 (B, h, w): the probability that it is no normal one."""
        return 1 - self.patch_logits(self.forward_features(x)).float().softmax(dim=1)[:, 0]

    def forward(
        self, x: torch.Tensor, return_features: bool = False
    ) -> torch.Tensor | tuple[torch.Tensor, torch.Tensor]:
        """Logits of an input; with ``return_features`` also the embedding (B, C).

        Raises:
            ValueError: an input of another shape.
        """
        embedding = self.forward_embedding(self.forward_features(x))
        logits = self.classifier(self.dropout(embedding))
        return (logits, embedding) if return_features else logits

    def require_picture(self, x: torch.Tensor) -> None:
        """Refuse an input of a shape that the network cannot take.

        Raises:
            ValueError: not (B, in_channel, H, W) with both sides of :data:`SHORTEST` pixels or more.
        """
        if x.dim() != 4 or x.shape[1] != self.in_channel or min(x.shape[2:]) < SHORTEST:
            raise ValueError(
                f"expected input (batch, {self.in_channel}, height >= {SHORTEST}, width >= {SHORTEST}), "
                f"got {tuple(x.shape)}"
            )
