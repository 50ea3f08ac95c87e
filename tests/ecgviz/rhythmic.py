"""A small network that knows rhythms, and a recording that has some: for tests of what stands around them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from torch import nn

from models.checkpoints import Card, Checkpoint, save_checkpoint
from models.data.rhythms import RHYTHM_CLASSES
from models.networks import registry
from models.networks.ecg.base import BeatNetwork
from models.networks.ecg.beat_strip import rhythm_features
from models.networks.registry import register_model
from models.tasks.strip import StripTask
from readers.recording import Annotations, ArraySource, Recording

NAME = "rhythm_by_rr"
FS = 250.0
AF_S = (60.0, 130.0)
"""When the recording fibrillates."""


class RhythmByRR(BeatNetwork):
    """Random maps beside two rules: a beat that is early is S, and a rhythm of uneven RR intervals is AFIB."""

    rhythm_classes = RHYTHM_CLASSES

    def __init__(self, in_channel: int = 2, num_classes: int = 5):
        super().__init__()
        self.conv = nn.Sequential(nn.Conv1d(in_channel, 4, 9, stride=2, padding=4), nn.ReLU())
        self.classifier = nn.Linear(5, num_classes)
        with torch.no_grad():
            self.classifier.weight.mul_(0.1)
            self.classifier.weight[1, 4] = 30.0
            self.classifier.bias.copy_(torch.tensor([3.0, 0.0, -1.0, -2.0, -3.0]))

    def forward_features(self, x: torch.Tensor) -> torch.Tensor:
        return self.conv(x)

    def forward_embedding(self, maps: torch.Tensor, beats: torch.Tensor) -> torch.Tensor:
        place = (beats.clamp(min=0) // 2).clamp(max=maps.shape[2] - 1)
        gathered = maps.transpose(1, 2).gather(1, place[..., None].expand(-1, -1, maps.shape[1]))
        early = (-rhythm_features(beats.float(), beats >= 0)[..., :1] - 0.15).clamp(min=0)
        return torch.cat([gathered, early], dim=-1)

    def forward_both(self, maps: torch.Tensor, beats: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Logits of the classes (B, K, C) and of the rhythms (B, K, R)."""
        there = beats >= 0
        change = rhythm_features(beats.float(), there)[..., 2].abs() * there
        near = nn.functional.avg_pool1d(torch.stack([change, there.to(change)], dim=1), 9, 1, 4)
        uneven = near[:, 0] / near[:, 1].clamp(min=0.1)
        rhythms = maps.new_full((*beats.shape, len(RHYTHM_CLASSES)), -4.0)
        rhythms[..., 0] = 2.0
        rhythms[..., 1] = 2.0 + 40.0 * (uneven - 0.2)
        return self.forward_head(maps, beats=beats), rhythms


@contextmanager
def registered() -> Iterator[None]:
    """The network is in the table of networks meanwhile."""
    register_model(NAME, task="strip")(RhythmByRR)
    try:
        yield
    finally:
        del registry._architectures[NAME]


def rhythm_checkpoint(folder: Path, **calibration: float) -> Checkpoint:
    """The network as a checkpoint in ``folder``; it can be loaded from there while it is registered."""
    torch.manual_seed(0)
    network, task = RhythmByRR().eval(), StripTask()
    card = Card(
        architecture=NAME,
        arguments={"in_channel": 2, "num_classes": 5},
        task=task.model_dump(mode="json"),
        classes=task.classes,
        rhythm_classes=RHYTHM_CLASSES,
        parameters=sum(one.numel() for one in network.parameters()),
        calibration=calibration,
        date="2026-01-01",
        limits=("For tests only.",),
    )
    return Checkpoint(folder.name, folder, save_checkpoint(folder, network, card), network, task)


def fibrillating(seed: int = 2) -> Recording:
    """Three minutes of one lead: sinus rhythm with three premature beats, and atrial fibrillation in ``AF_S``.

    The annotations hold the beats and the rhythm notes.
    """
    rng = np.random.default_rng(seed)
    times, symbols, now = [], [], 0.5
    while now < 179.5:
        in_af = AF_S[0] <= now < AF_S[1]
        early = not in_af and len(times) in {20, 35, 50}
        times.append(now - 0.3 * early)
        symbols.append("A" if early else "N")
        now += rng.uniform(0.45, 1.15) if in_af else 0.8 + 0.01 * rng.standard_normal()
    samples = 0.01 * rng.standard_normal((round(180 * FS), 1))
    t = np.arange(len(samples)) / FS
    for time in times:
        near = slice(max(round((time - 0.1) * FS), 0), round((time + 0.5) * FS))
        samples[near, 0] += np.exp(-0.5 * ((t[near] - time) / 0.012) ** 2)
        samples[near, 0] += 0.2 * np.exp(-0.5 * ((t[near] - time - 0.25) / 0.04) ** 2)
    marks = [(0.0, "+", "(N"), (AF_S[0] - 0.1, "+", "(AFIB"), (AF_S[1] - 0.1, "+", "(N")]
    marks = sorted(marks + [(time, symbol, "") for time, symbol in zip(times, symbols, strict=True)])
    at, symbol, aux = zip(*marks, strict=True)
    return Recording(
        "fibrillating",
        FS,
        len(samples),
        ("II",),
        ("mV",),
        ArraySource(samples.astype(np.float32)),
        "made",
        annotations=Annotations(np.rint(np.array(at) * FS).astype(np.int64), np.array(symbol), np.array(aux)),
    )
