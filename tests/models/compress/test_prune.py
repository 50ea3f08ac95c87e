"""Pruning: what goes, that it stays away, and that nothing else does."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from models import create_model, load_checkpoint
from models.compress.predictions import Data
from models.compress.prune import fewer_channels, prune, zero_smallest, zeros
from models.core.errors import CheckpointError, ConfigError
from models.training.record_run import make_permanent
from tests.models.compress.conftest import make_record


def test_the_smallest_weights_are_zero_and_stay_so() -> None:
    torch.manual_seed(0)
    network = create_model("xresnet1d", layers=[1, 1], width=8)
    whole = network.stem[0].weight.detach().clone()
    names = set(network.state_dict())
    zero_smallest(network, 0.7)
    kept = network.stem[0].weight != 0
    assert whole[kept].abs().min() >= whole[~kept].abs().max()
    optimiser = torch.optim.AdamW(network.parameters(), lr=0.1)
    network(torch.randn(4, 12, 200)).sum().backward()
    optimiser.step()
    make_permanent(network)
    assert set(network.state_dict()) == names
    assert zeros(network) == pytest.approx(0.7, abs=0.01)
    assert torch.equal(network.stem[0].weight != 0, kept)
    assert not torch.equal(network.stem[0].weight[kept], whole[kept])


def test_channels_that_say_nothing_can_go_without_a_trace(tmp_path: Path) -> None:
    original = make_record(tmp_path / "tiny")
    for block in original.network.blocks:
        for places, norm, reader in (
            ([1, 4, 6, 7], block.norm1, block.conv2),
            ([0, 2, 3, 5], block.norm2, block.conv3),
        ):
            with torch.no_grad():
                norm.weight[places] = 0
                norm.bias[places] = 0
                reader.weight[:, places] = 0
    network, arguments = fewer_channels(original, 0.5)
    assert arguments["planes"] == 4
    assert network.blocks[0].conv2.weight.shape == (4, 4, 5)
    x = torch.randn(3, 12, 800)
    with torch.inference_mode():
        torch.testing.assert_close(network.eval()(x), original.network(x))


@pytest.mark.parametrize("method", ["l1", "channels"])
def test_a_pruned_checkpoint_is_trained_on_and_stays_pruned(tmp_path: Path, ptbxl_root: Path, method: str) -> None:
    original = make_record(tmp_path / "tiny")
    lighter = prune(original, tmp_path / method, Data(ptbxl_root), method=method, epochs=1)
    again = load_checkpoint(tmp_path / method)
    assert again.card.original.sha256 == original.sha256 != again.sha256
    assert again.card.metrics["validation"]["recordings"] == 12
    assert set(again.card.calibration["thresholds"]) == set(again.card.classes)
    if method == "l1":
        assert zeros(lighter.network) == pytest.approx(0.7, abs=0.01)
        assert not torch.equal(lighter.network.classifier.weight, original.network.classifier.weight)
    else:
        assert again.card.arguments["planes"] == 4
        assert again.card.parameters < sum(one.numel() for one in original.network.parameters())


def test_what_cannot_be_pruned_is_refused(root: Path, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="cannot be pruned"):
        prune(load_checkpoint("beat"), tmp_path / "x", Data(tmp_path))
    with pytest.raises(ConfigError, match="between 0 and 1"):
        prune(load_checkpoint("tiny"), tmp_path / "x", Data(tmp_path), share=1.0)
