"""Attention rollout against what can be counted by hand."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from ecgviz.saliency import list_methods
from ecgviz.saliency.registry import compute_map, get_method
from ecgviz.saliency.rollout import rollout
from ecgviz.saliency.target import AttributionTarget
from models import create_model
from tests.ecgviz.simulated import SMALL


def test_attention_and_the_residual_share_by_half_and_blocks_multiply() -> None:
    # Both tokens attend to the first one alone, in both heads.
    block = torch.tensor([[1.0, 0.0], [1.0, 0.0]]).expand(1, 2, 2, 2)
    torch.testing.assert_close(rollout([block])[0], torch.tensor([[1.0, 0.0], [0.5, 0.5]]))
    torch.testing.assert_close(rollout([block, block])[0], torch.tensor([[1.0, 0.0], [0.75, 0.25]]))


def test_the_last_block_is_read_first() -> None:
    # Token 1 takes from token 2 in the first block, token 0 from token 1 in the second: 0 sees 2 by way of 1.
    first, last = torch.eye(3).repeat(1, 1, 1, 1), torch.eye(3).repeat(1, 1, 1, 1)
    first[0, 0, 1] = torch.tensor([0.0, 0.0, 1.0])
    last[0, 0, 0] = torch.tensor([0.0, 1.0, 0.0])
    torch.testing.assert_close(rollout([first, last])[0, 0], torch.tensor([0.5, 0.25, 0.25]))
    torch.testing.assert_close(rollout([last, first])[0, 0], torch.tensor([0.5, 0.5, 0.0]))


class Attends(nn.Module):
    """Gives attention to one place of a grid of 2 x 3 patches, with tokens before the patches or without."""

    def __init__(self, weights: torch.Tensor):
        super().__init__()
        self.weights = weights

    def grid_of(self, x: torch.Tensor) -> tuple[int, int]:
        return 2, 3

    def forward_attention(self, x: torch.Tensor) -> list[torch.Tensor]:
        return [self.weights.expand(len(x), 1, -1, -1)] * 3


@pytest.mark.parametrize("before", [0, 2])
def test_the_place_that_is_attended_to_is_marked_and_no_other(before: int) -> None:
    count = 6 + before
    weights = torch.zeros(count, count)
    weights[:, before + 4] = 1.0
    target = AttributionTarget(x=torch.zeros(1, 3, 2, 3), class_index=torch.tensor([0, 1]), row=torch.tensor([0, 0]))
    values, _ = compute_map(Attends(weights).eval(), target, "attention_rollout")
    assert values.shape == (2, 2, 3)
    assert values[0].flatten().argmax() == 4 and torch.count_nonzero(values[0]) == 1
    torch.testing.assert_close(values[0], values[1])


@pytest.mark.parametrize("before", [0, 2])
def test_even_attention_marks_nothing(before: int) -> None:
    weights = torch.full((6 + before, 6 + before), 1 / (6 + before))
    target = AttributionTarget(x=torch.zeros(1, 3, 2, 3), class_index=torch.tensor([0]))
    values, _ = compute_map(Attends(weights).eval(), target, "attention_rollout")
    assert float(values.max()) < 1e-6


@pytest.mark.parametrize("name", ["ecg_vit", "ecg_deit"])
def test_the_networks_of_patches_have_it_and_others_do_not(name: str) -> None:
    torch.manual_seed(0)
    network = create_model(name, **SMALL, image_size=(64, 96)).eval()
    assert "attention_rollout" in list_methods(network)
    x = torch.randn(2, 3, 64, 96)
    target = AttributionTarget(x=x, class_index=torch.tensor([0, 3]))
    values, spacing = compute_map(network, target, "attention_rollout")
    assert values.shape == (2, 64, 96) and spacing == 8
    assert not torch.allclose(values[0], values[1])
    assert not any(len(module._forward_hooks) for module in network.modules())
    assert not get_method("attention_rollout").per_class
    other = create_model("se_resnet1d", in_channel=12, num_classes=5).eval()
    assert "attention_rollout" not in list_methods(other)
