"""Networks for pictures: the documented shapes, the same numbers as torchvision, and what each adds to timm."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from models import MultiscaleResNet, ResNetSE, create_model


def randomise_statistics(network: nn.Module) -> None:
    """Give batch norms statistics of their own, so that one that is left out or swapped shows."""
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.running_mean.normal_(0, 0.1)
            layer.running_var.uniform_(0.5, 2.0)
            nn.init.uniform_(layer.weight, 0.5, 1.5)
            nn.init.normal_(layer.bias, 0, 0.1)


def test_a_resnet18_of_torchvision_gives_equal_logits() -> None:
    from torchvision.models import resnet18

    torch.manual_seed(0)
    theirs = resnet18(weights=None, num_classes=2).eval()
    randomise_statistics(theirs)
    state = {
        key.replace("fc.", "classifier.") if key.startswith("fc.") else f"trunk.{key}": value
        for key, value in theirs.state_dict().items()
    }
    ours = create_model("resnet18").eval()
    ours.load_state_dict(state)
    x = torch.randn(2, 3, 96, 128)
    torch.testing.assert_close(ours(x), theirs(x))


def test_the_documented_stage_shapes_of_512_pixels() -> None:
    trunk = create_model("resnet18").eval().trunk
    x, shapes = trunk.maxpool(trunk.act1(trunk.bn1(trunk.conv1(torch.zeros(1, 3, 512, 512))))), []
    with torch.inference_mode():
        for stage in (trunk.layer1, trunk.layer2, trunk.layer3, trunk.layer4):
            x = stage(x)
            shapes.append(tuple(x.shape[1:]))
    assert shapes == [(64, 128, 128), (128, 64, 64), (256, 32, 32), (512, 16, 16)]


@pytest.mark.parametrize("size", [(64, 64), (64, 96), (100, 70), (33, 127)])
def test_the_multiscale_embedding_is_the_average_of_each_layer(size: tuple[int, int]) -> None:
    torch.manual_seed(0)
    network = MultiscaleResNet().eval()
    randomise_statistics(network)
    x, trunk = torch.randn(2, 3, *size), network.trunk
    second = trunk.layer2(trunk.layer1(trunk.maxpool(trunk.act1(trunk.bn1(trunk.conv1(x))))))
    third = trunk.layer3(second)
    expected = torch.cat([maps.mean(dim=(2, 3)) for maps in (second, third, trunk.layer4(third))], dim=1)
    _, embedding = network(x, return_features=True)
    assert embedding.shape == (2, 896)
    torch.testing.assert_close(embedding, expected)


def test_the_gate_weighs_the_maps_of_layer_4() -> None:
    torch.manual_seed(0)
    network, x = ResNetSE().eval(), torch.randn(2, 3, 64, 64)
    gates = network.se_gates(x)["se"]
    expected = network.trunk.forward_features(x) * gates[:, :, None, None]
    torch.testing.assert_close(network.forward_features(x), expected)
    assert network.se.fc1.out_features == 512 // 16


def test_dropout_is_for_training_only() -> None:
    torch.manual_seed(0)
    network, x = create_model("resnet18", drop_rate=0.5).eval(), torch.randn(2, 3, 64, 64)
    assert torch.equal(network(x), network(x))
    maps = network.forward_features(x)
    network.train()
    assert not torch.equal(network.forward_head(maps), network.forward_head(maps))
