"""ResNet-18 that classifies by the global averages of its layers 2, 3 and 4."""

from __future__ import annotations

import torch
from torch.nn import functional

from models.networks.image.base import ImageNetwork
from models.networks.registry import register_model

_CHANNELS = (128, 256, 512)


@register_model("multiscale_resnet", task="image")
class MultiscaleResNet(ImageNetwork):
    """ResNet-18; the averages of layers 2, 3 and 4 side by side (128 + 256 + 512 = 896) go to the classes.

    The maps are those of all three layers on the grid of the last: layers 2 and 3 are averaged within its cells. The
    average of such maps is the average of the layer, so the head is the plain one and Grad-CAM sees all scales.

    Args:
        num_classes: outputs.
        in_channel: channels of the input.
        drop_rate: share of the embedding that training leaves out.
    """

    def __init__(self, num_classes: int = 2, in_channel: int = 3, drop_rate: float = 0.0):
        super().__init__("resnet18", num_classes, in_channel, drop_rate, embedding_size=sum(_CHANNELS))

    def forward_features(self, x: torch.Tensor) -> torch.Tensor:
        """Maps (B, 896, H / 32, W / 32): 128 channels of layer 2, 256 of layer 3, 512 of layer 4."""
        self.require_picture(x)
        trunk = self.trunk
        stem = trunk.maxpool(trunk.act1(trunk.bn1(trunk.conv1(x))))
        second = trunk.layer2(trunk.layer1(stem))
        third = trunk.layer3(second)
        fourth = trunk.layer4(third)
        grid = fourth.shape[2:]
        return torch.cat([_onto_grid(second, grid), _onto_grid(third, grid), fourth], dim=1)


def _onto_grid(maps: torch.Tensor, grid: torch.Size) -> torch.Tensor:
    """Maps averaged within the cells of a coarser grid; the overall mean is preserved.

    Where the grid does not divide the maps evenly the cells overlap and their mean is a little off; the difference is
    taken from every cell alike. Where it does (sides that are multiples of 32) the difference is zero.
    """
    cells = functional.adaptive_avg_pool2d(maps, grid)
    return cells + (maps.mean(dim=(2, 3), keepdim=True) - cells.mean(dim=(2, 3), keepdim=True))
