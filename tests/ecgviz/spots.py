"""A small network that calls bright spots defects, its checkpoint, and pictures with and without a spot."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import nn

from models.checkpoints import Card, Checkpoint, load_checkpoint, save_checkpoint
from models.networks import registry

SIZE = 64
NAME = "spot_network"


class SpotNetwork(nn.Module):
    """Maps of what is brighter than three quarters of white, and of what is darker than a quarter."""

    def __init__(self, num_classes: int = 2, in_channel: int = 3):
        super().__init__()
        self.in_channel = in_channel
        self.bright = nn.Conv2d(3, 2, 1)
        self.classifier = nn.Linear(2, num_classes)
        with torch.no_grad():
            self.bright.weight.copy_(torch.tensor([[1 / 3] * 3, [-1 / 3] * 3])[..., None, None])
            self.bright.bias.fill_(-0.5)
            self.classifier.weight.copy_(torch.tensor([[0.0, 0.0], [600.0, 0.0]]))
            self.classifier.bias.copy_(torch.tensor([0.0, -2.0]))

    def forward_features(self, x):
        return torch.relu(self.bright(nn.functional.avg_pool2d(x, 4)))

    def forward_head(self, maps):
        return self.classifier(maps.mean(dim=(2, 3)))

    def forward(self, x, return_features=False):
        maps = self.forward_features(x)
        logits = self.forward_head(maps)
        return (logits, maps.mean(dim=(2, 3))) if return_features else logits


def register(monkeypatch) -> None:
    """Let ``create_model`` know the network for one test."""
    monkeypatch.setitem(
        registry._architectures, NAME, registry.Architecture(NAME, SpotNetwork, "image", "calls bright spots defects")
    )


def spot_checkpoint(folder: Path, monkeypatch, **changes) -> Checkpoint:
    """A checkpoint of the network in ``folder``/spots, loaded as any other."""
    register(monkeypatch)
    network = SpotNetwork()
    card = Card(
        architecture=NAME,
        arguments={},
        task={"kind": "image", "image_size": SIZE, "normalisation": "tensorflow"},
        classes=("normal", "defect"),
        parameters=sum(parameter.numel() for parameter in network.parameters()),
        **changes,
    )
    save_checkpoint(folder / "spots", network, card)
    return load_checkpoint(folder / "spots")


def picture(
    spot: bool, seed: int = 0, shape: tuple[int, int] = (SIZE, SIZE), at: tuple[int, int] = (16, 40), side: int = 8
) -> np.ndarray:
    """Grey noise, uint8 (H, W), with a white square of ``side`` pixels where there is one."""
    pixels = np.random.default_rng(seed).integers(60, 120, shape).astype(np.uint8)
    if spot:
        pixels[at[0] : at[0] + side, at[1] : at[1] + side] = 255
    return pixels


def write_pictures(folder: Path, spots: list[bool]) -> list[Path]:
    """One PNG each, numbered."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"part_{index:02}.png" for index in range(len(spots))]
    for index, (path, spot) in enumerate(zip(paths, spots, strict=True)):
        Image.fromarray(picture(spot, index)).save(path)
    return paths


def write_stack(path: Path, spots: list[bool]) -> Path:
    """A multi-page TIFF."""
    pages = [Image.fromarray(picture(spot, index)) for index, spot in enumerate(spots)]
    pages[0].save(path, save_all=True, append_images=pages[1:])
    return path
