"""ResNet-18 with one SE block after its last stage."""

from __future__ import annotations

import torch

from models.networks.blocks import Gates, SqueezeExcitation
from models.networks.image.base import ImageNetwork
from models.networks.registry import register_model


@register_model("resnet_se", task="image")
class ResNetSE(ImageNetwork):
    """ResNet-18 whose last maps are weighted channel by channel (SE, reduction 16).

    Args:
        num_classes: outputs.
        in_channel: channels of the input.
        drop_rate: share of the embedding that training leaves out.
        reduction: how much narrower the gate's hidden layer is.
    """

    def __init__(self, num_classes: int = 2, in_channel: int = 3, drop_rate: float = 0.0, reduction: int = 16):
        super().__init__("resnet18", num_classes, in_channel, drop_rate)
        self.se = SqueezeExcitation(self.trunk.num_features, reduction)

    def forward_features(self, x: torch.Tensor) -> torch.Tensor:
        """Gated maps (B, 512, H / 32, W / 32)."""
        return self.se(super().forward_features(x))

    def se_gates(self, x: torch.Tensor) -> Gates:
        """Gates of the SE block, {"se": (B, 512)}; they belong to the channels of the maps."""
        return {"se": self.se.gate(super().forward_features(x))}
