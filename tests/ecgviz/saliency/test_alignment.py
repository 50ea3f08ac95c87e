"""Cells of a map lie where they look, whatever the padding of the strides before them."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from ecgviz.saliency.alignment import cell_offset, move
from ecgviz.saliency.registry import compute_map
from ecgviz.saliency.target import AttributionTarget
from models import create_model


class Strided(nn.Module):
    """Three convolutions of stride 2 and the mean of their maps; padded by ``before`` and ``after`` samples each."""

    def __init__(self, before: int, after: int):
        super().__init__()
        self.pad = nn.ConstantPad2d((before, after, before, after), 0.0)
        self.layers = nn.ModuleList(nn.Conv2d(1, 1, 3, stride=2, bias=False) for _ in range(3))
        for layer in self.layers:
            nn.init.constant_(layer.weight, 1 / 9)

    def forward_features(self, x):
        for layer in self.layers:
            x = layer(self.pad(x))
        return x

    def forward_head(self, maps):
        return maps.mean(dim=(2, 3))


@pytest.mark.parametrize(("before", "after", "offset"), [(1, 1, -3.5), (0, 1, 3.5), (1, 0, -3.5)])
def test_halves_of_strides_add_up(before, after, offset):
    """0.5 + 1 + 2 samples: to the front where the padding before is a whole sample, else to the back."""
    target = AttributionTarget(torch.zeros(1, 1, 64, 96), torch.tensor([0]))
    assert cell_offset(Strided(before, after).eval(), target) == (offset, offset)


@pytest.mark.parametrize(("before", "after"), [(1, 1), (0, 1)])
def test_a_spot_is_found_where_it_is(before, after):
    x = torch.zeros(1, 1, 128, 128)
    x[0, 0, 72:80, 40:48] = 1.0
    cam, _ = compute_map(Strided(before, after).eval(), AttributionTarget(x, torch.tensor([0])))
    mass = cam[0] / cam.sum()
    row, column = ((mass.sum(dim=axis) * torch.arange(128)).sum().item() for axis in (1, 0))
    assert (row, column) == pytest.approx((75.5, 43.5), abs=1.0)


@pytest.mark.parametrize(("name", "offset"), [("resnet18", -15.5), ("tf_efficientnet_lite0", 15.5)])
def test_networks_for_pictures(name, offset):
    network = create_model(name, num_classes=2, in_channel=3).eval()
    target = AttributionTarget(torch.zeros(1, 3, 320, 320), torch.tensor([1]))
    with torch.inference_mode():
        assert cell_offset(network, target) == (offset, offset)
    assert not any(parameter.grad is not None for parameter in network.parameters())


def test_maps_are_moved_and_keep_their_edge():
    values = torch.arange(5.0)[None]
    assert move(values, (2.0,)).tolist() == [[0.0, 0.0, 0.0, 1.0, 2.0]]
    assert move(values, (-1.5,)).tolist() == [[1.0, 2.0, 3.0, 4.0, 4.0]]
