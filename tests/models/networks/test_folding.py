"""Folding of batch normalisation: the answers stay, and what cannot be folded is left alone."""

from __future__ import annotations

import gc
import weakref

import pytest
import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from models import create_model
from models.networks.folding import TOLERANCE, folded, folded_once


def shaken(name: str) -> nn.Module:
    """A network whose normalisations do something."""
    torch.manual_seed(0)
    network = create_model(name)
    for module in network.modules():
        if isinstance(module, _BatchNorm):
            nn.init.uniform_(module.running_var, 0.5, 2)
            nn.init.normal_(module.running_mean, 0, 0.1)
            nn.init.uniform_(module.weight, 0.7, 1.3)
            nn.init.normal_(module.bias, 0, 0.1)
    return network.eval()


def normalisations(network: nn.Module) -> int:
    return sum(isinstance(module, _BatchNorm) for module in network.modules())


@pytest.mark.parametrize("name", ["tf_efficientnet_lite0", "resnet18", "resnet_se", "multiscale_resnet"])
def test_the_answers_stay(name: str) -> None:
    network = shaken(name)
    before = {key: value.clone() for key, value in network.state_dict().items()}
    light = folded(network)
    assert normalisations(network) > 10 and normalisations(light) == 0
    x = torch.rand(2, 3, 96, 96)
    with torch.inference_mode():
        for expected, found in zip(network(x, return_features=True), light(x, return_features=True), strict=True):
            torch.testing.assert_close(found, expected, rtol=TOLERANCE, atol=TOLERANCE)
    for key, value in network.state_dict().items():
        assert torch.equal(value, before[key]), "the network itself is left as it is"
    assert not any(parameter.requires_grad for parameter in light.parameters())


def test_a_network_without_normalisation_is_copied() -> None:
    network = create_model("convnext_tiny").eval()
    light = folded(network)
    assert light is not network
    x = torch.rand(1, 3, 64, 64)
    with torch.inference_mode():
        torch.testing.assert_close(light(x), network(x))


class Crossed(nn.Module):
    """A convolution whose answer is read beside its normalisation too: folding would change the answers."""

    def __init__(self) -> None:
        super().__init__()
        self.convolution, self.normalisation = nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        maps = self.convolution(x)
        return (self.normalisation(maps) + 2 * maps).mean(dim=(2, 3))


class Twice(nn.Module):
    """A convolution that is called twice keeps its weights."""

    def __init__(self) -> None:
        super().__init__()
        self.convolution, self.normalisation = nn.Conv2d(3, 3, 3), nn.BatchNorm2d(3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.convolution(self.normalisation(self.convolution(x))).mean(dim=(2, 3))


@pytest.mark.parametrize("network", [Crossed(), Twice()])
def test_what_cannot_be_folded_is_left(network: nn.Module) -> None:
    nn.init.uniform_(network.normalisation.running_var, 0.2, 3)
    network.eval()
    light = folded(network)
    assert normalisations(light) == 1
    x = torch.rand(2, 3, 32, 32)
    with torch.inference_mode():
        torch.testing.assert_close(light(x), network(x))


def test_a_network_is_folded_once_until_its_weights_change() -> None:
    """Whatever changes them: a training step, a loaded state, another value behind autograd's back."""
    network, example = shaken("resnet18"), (torch.rand(1, 3, 64, 64), {})
    light = folded_once(network, example)
    assert normalisations(light) == 0 and folded_once(network, example) is light
    for key in ("bn1.running_mean", "conv1.weight"):
        name = next(found for found in network.state_dict() if found.endswith(key))
        network.state_dict()[name].data.add_(0.5)
        light, before = folded_once(network, example), light
        assert light is not before
        with torch.inference_mode():
            expected = network(example[0])
            torch.testing.assert_close(light(example[0]), expected, rtol=TOLERANCE, atol=TOLERANCE)
            assert not torch.allclose(before(example[0]), expected, rtol=TOLERANCE, atol=TOLERANCE)


def test_the_folded_copy_goes_with_its_network() -> None:
    network = shaken("resnet18")
    light = weakref.ref(folded_once(network, (torch.rand(1, 3, 64, 64), {})))
    del network
    gc.collect()
    assert light() is None
