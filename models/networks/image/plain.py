"""timm networks for pictures without changes: ResNet, EfficientNet, EfficientNet-Lite.

He K et al. Deep Residual Learning for Image Recognition. CVPR 2016. Tan M, Le Q. EfficientNet. ICML 2019.
"""

from __future__ import annotations

from models.networks.image.base import ImageNetwork
from models.networks.registry import register_model


@register_model("resnet18", task="image", also=("record_picture",))
def resnet18(num_classes: int = 2, in_channel: int = 3, drop_rate: float = 0.0) -> ImageNetwork:
    """ResNet-18: four stages of two blocks, 512 channels."""
    return ImageNetwork("resnet18", num_classes, in_channel, drop_rate)


@register_model("resnet50", task="image", also=("record_picture",))
def resnet50(num_classes: int = 2, in_channel: int = 3, drop_rate: float = 0.0) -> ImageNetwork:
    """ResNet-50: bottlenecks, 2048 channels."""
    return ImageNetwork("resnet50", num_classes, in_channel, drop_rate)


@register_model("resnet101", task="image", also=("record_picture",))
def resnet101(num_classes: int = 2, in_channel: int = 3, drop_rate: float = 0.0) -> ImageNetwork:
    """ResNet-101: bottlenecks, 23 of them in the third stage, 2048 channels."""
    return ImageNetwork("resnet101", num_classes, in_channel, drop_rate)


@register_model("efficientnet_b0", task="image", also=("record_picture",))
def efficientnet_b0(num_classes: int = 2, in_channel: int = 3, drop_rate: float = 0.0) -> ImageNetwork:
    """EfficientNet-B0: inverted bottlenecks with SE, 1280 channels."""
    return ImageNetwork("efficientnet_b0", num_classes, in_channel, drop_rate)


@register_model("efficientnet_b1", task="image", also=("record_picture",))
def efficientnet_b1(num_classes: int = 2, in_channel: int = 3, drop_rate: float = 0.0) -> ImageNetwork:
    """EfficientNet-B1: B0, deeper."""
    return ImageNetwork("efficientnet_b1", num_classes, in_channel, drop_rate)


@register_model("tf_efficientnet_lite0", task="image", also=("record_picture",))
def tf_efficientnet_lite0(num_classes: int = 2, in_channel: int = 3, drop_rate: float = 0.0) -> ImageNetwork:
    """EfficientNet-Lite0: without SE, quick on a CPU; its pretrained weights need no hub."""
    return ImageNetwork("tf_efficientnet_lite0", num_classes, in_channel, drop_rate)


@register_model("tf_efficientnet_lite1", task="image", also=("record_picture",))
def tf_efficientnet_lite1(num_classes: int = 2, in_channel: int = 3, drop_rate: float = 0.0) -> ImageNetwork:
    """EfficientNet-Lite1: Lite0, deeper."""
    return ImageNetwork("tf_efficientnet_lite1", num_classes, in_channel, drop_rate)


@register_model("tf_efficientnet_lite2", task="image", also=("record_picture",))
def tf_efficientnet_lite2(num_classes: int = 2, in_channel: int = 3, drop_rate: float = 0.0) -> ImageNetwork:
    """EfficientNet-Lite2: Lite1, wider."""
    return ImageNetwork("tf_efficientnet_lite2", num_classes, in_channel, drop_rate)
