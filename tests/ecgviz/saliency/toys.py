"""Small networks that split as the real ones do, and a task with a planted pattern for them."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

STRIDE = 4


class ToyWindow(nn.Module):
    """Two convolutions (stride 4 in all), then an LSTM or a mean, then one layer: (B, 2, L) -> (B, 3)."""

    def __init__(self, recurrent: bool = True, dims: int = 1):
        super().__init__()
        conv, norm = (nn.Conv1d, nn.BatchNorm1d) if dims == 1 else (nn.Conv2d, nn.BatchNorm2d)
        self.features = nn.Sequential(
            conv(2, 6, 5, stride=2, padding=2), norm(6), nn.ReLU(), conv(6, 8, 5, stride=2, padding=2), nn.Tanh()
        )
        self.lstm = nn.LSTM(8, 5, batch_first=True) if recurrent else None
        self.classifier = nn.Linear(5 if recurrent else 8, 3)

    def forward_features(self, x):
        return self.features(x)

    def forward_head(self, maps):
        if self.lstm is None:
            return self.classifier(torch.relu(maps).flatten(2).mean(dim=-1) * 3)
        return self.classifier(self.lstm(maps.transpose(1, 2))[1][0][-1])

    def forward(self, x):
        return self.forward_head(self.forward_features(x))


class ToyStrip(nn.Module):
    """Features at the beats with those of their neighbours: (B, 1, L), beats (B, K) -> (B, K, 3)."""

    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(nn.Conv1d(1, 8, 9, stride=STRIDE, padding=4), nn.ReLU())
        self.patch = nn.Conv1d(8, 8, 5, padding=2)
        self.lstm = nn.LSTM(8, 6, batch_first=True, bidirectional=True)
        self.classifier = nn.Linear(12 + 8, 3)

    def forward_features(self, x):
        return self.features(x)

    def forward_head(self, maps, beats):
        at = (beats.clamp(min=0) // STRIDE)[:, None].expand(-1, 8, -1)
        tokens = self.patch(maps).gather(2, at).transpose(1, 2)
        return self.classifier(torch.cat([0.1 * self.lstm(tokens)[0], tokens], dim=-1))

    def forward(self, x, beats):
        return self.forward_head(self.forward_features(x), beats=beats)


class Detector(nn.Module):
    """A plain network that can learn to tell a chirp from its mirror image anywhere in the window."""

    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv1d(1, 8, 25, stride=2, padding=12),
            nn.BatchNorm1d(8),
            nn.ReLU(),
            nn.Conv1d(8, 8, 5, stride=2, padding=2),
            nn.ReLU(),
        )
        self.classifier = nn.Linear(8, 2)

    def forward_features(self, x):
        return self.features(x)

    def forward_head(self, maps):
        return self.classifier(maps.amax(dim=2))

    def forward(self, x):
        return self.forward_head(self.forward_features(x))


LENGTH, WIDTH = 256, 32


def planted(count: int, seed: int) -> tuple[torch.Tensor, torch.Tensor, np.ndarray]:
    """Noise with a rising (class 1) or falling (class 0) chirp, and a tone of greater energy somewhere else.

    Returns:
        x (count, 1, LENGTH), class (count,), first sample of the chirp (count,).
    """
    rng = np.random.default_rng(seed)
    t = np.arange(WIDTH) / WIDTH
    chirp = np.sin(2 * np.pi * (0.5 * t + 3.5 * t**2)) * np.hanning(WIDTH)
    tone = 1.5 * np.sin(2 * np.pi * 3 * t) * np.hanning(WIDTH)
    x = rng.normal(0, 0.1, (count, LENGTH))
    rising = rng.integers(0, 2, count)
    start = np.empty(count, int)
    for i in range(count):
        halves = rng.permutation([0, LENGTH // 2]) + rng.integers(0, LENGTH // 2 - WIDTH, 2)
        start[i] = halves[0]
        x[i, start[i] : start[i] + WIDTH] += chirp if rising[i] else chirp[::-1]
        x[i, halves[1] : halves[1] + WIDTH] += tone
    return torch.tensor(x[:, None], dtype=torch.float32), torch.tensor(rising), start


def train_detector() -> Detector:
    """A Detector after a few hundred steps on the planted patterns: about two seconds."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = Detector()
    optimiser = torch.optim.Adam(network.parameters(), lr=0.01)
    x, rising, _ = planted(1024, seed=0)
    for step in range(200):
        part = slice(64 * (step % 16), 64 * (step % 16) + 64)
        loss = nn.functional.cross_entropy(network(x[part]), rising[part])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return network.eval().requires_grad_(True)
