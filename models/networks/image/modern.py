"""Newer timm networks for pictures, adapted to the common split into maps and head.

Tan M, Le Q. EfficientNetV2. ICML 2021. Liu Z et al. A ConvNet for the 2020s. CVPR 2022. Szegedy C et al. Rethinking the
Inception Architecture. CVPR 2016. Liu Z et al. Swin Transformer. ICCV 2021.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from models.networks.image.base import ImageNetwork
from models.networks.registry import register_model

_ALSO = ("record_picture",)
_INCEPTION_SHORTEST = 75
_SWIN_MULTIPLE = 32


@register_model("efficientnet_v2_s", task="image", also=_ALSO)
def efficientnet_v2_s(
    num_classes: int = 2, in_channel: int = 3, drop_rate: float = 0.2, drop_path_rate: float = 0.2
) -> ImageNetwork:
    """EfficientNetV2-S: fused inverted bottlenecks first, then with SE, 1280 channels, stochastic depth."""
    return ImageNetwork("tf_efficientnetv2_s", num_classes, in_channel, drop_rate, drop_path_rate=drop_path_rate)


@register_model("convnext_tiny", task="image", also=_ALSO)
class ConvNeXtTiny(ImageNetwork):
    """ConvNeXt-Tiny: depthwise 7x7 blocks in layers [3, 3, 9, 3], 768 channels, layer norm before the head."""

    def __init__(self, num_classes: int = 2, in_channel: int = 3, drop_rate: float = 0.0, drop_path_rate: float = 0.1):
        super().__init__("convnext_tiny", num_classes, in_channel, drop_rate, drop_path_rate=drop_path_rate)
        self.trunk.head = nn.Identity()  # its norm stands behind the pooling, which is ours
        self.norm = nn.LayerNorm(self.trunk.num_features, eps=1e-6)

    def forward_embedding(self, maps: torch.Tensor) -> torch.Tensor:
        """Global average of the maps, normalised, (B, C)."""
        return self.norm(super().forward_embedding(maps))


@register_model("inception_v3", task="image", also=_ALSO)
class InceptionV3(ImageNetwork):
    """Inception v3: parallel paths of several kernels, 2048 channels; small pictures get zeros around them."""

    def __init__(self, num_classes: int = 2, in_channel: int = 3, drop_rate: float = 0.0):
        super().__init__("inception_v3", num_classes, in_channel, drop_rate)

    def forward_features(self, x: torch.Tensor) -> torch.Tensor:
        """Maps (B, 2048, h, w) of an input (B, in_channel, H, W); below 75 pixels it is padded to them."""
        self.require_picture(x)
        height, width = (max(0, _INCEPTION_SHORTEST - side) for side in x.shape[2:])
        edges = (width // 2, width - width // 2, height // 2, height - height // 2)
        return self.trunk.forward_features(functional.pad(x, edges))


@register_model("swin_tiny", task="image", also=_ALSO)
class SwinTiny(ImageNetwork):
    """Swin-Tiny: attention within shifted windows of 7 patches, 768 channels; zeros fill the last 32 pixels."""

    def __init__(self, num_classes: int = 2, in_channel: int = 3, drop_rate: float = 0.0, drop_path_rate: float = 0.1):
        super().__init__(
            "swin_tiny_patch4_window7_224",
            num_classes,
            in_channel,
            drop_rate,
            drop_path_rate=drop_path_rate,
            strict_img_size=False,
        )

    def forward_features(self, x: torch.Tensor) -> torch.Tensor:
        """Maps (B, 768, H / 32, W / 32), rounded up, of an input (B, in_channel, H, W)."""
        self.require_picture(x)
        x = functional.pad(x, (0, -x.shape[3] % _SWIN_MULTIPLE, 0, -x.shape[2] % _SWIN_MULTIPLE))
        return self.trunk.forward_features(x).permute(0, 3, 1, 2)
