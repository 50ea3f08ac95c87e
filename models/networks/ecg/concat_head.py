"""The PTB-XL benchmark's head: concatenated average and maximum over time, one hidden layer."""

from __future__ import annotations

import torch
from torch import nn

from models.networks.ecg.base import BeatNetwork


class ConcatHeadNetwork(BeatNetwork):
    """Base of the benchmark's networks: a subclass defines ``forward_features`` and calls :meth:`make_head`.

    After Strodthoff N et al. Deep Learning for ECG Analysis: Benchmarks and Insights from PTB-XL. IEEE J Biomed Health
    Inform 25:1519-1528, 2021, whose networks end in fastai's concatenated pooling and one hidden layer of 128.
    """

    def make_head(self, channels: int, num_classes: int, hidden: int, dropout: float) -> None:
        """Set ``hidden`` and ``classifier`` for a number of map channels."""
        self.hidden = nn.Sequential(
            nn.BatchNorm1d(2 * channels),
            nn.Dropout(dropout / 2),
            nn.Linear(2 * channels, hidden, bias=False),
            nn.ReLU(),
            nn.BatchNorm1d(hidden),
            nn.Dropout(dropout),
        )
        self.classifier = nn.Linear(hidden, num_classes)

    def forward_embedding(self, maps: torch.Tensor) -> torch.Tensor:
        """The hidden layer over mean and maximum of the maps, (B, hidden)."""
        return self.hidden(torch.cat([maps.mean(dim=-1), maps.amax(dim=-1)], dim=-1))
