"""Base classes of the ECG networks: maps, embedding and logits."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import torch
from torch import nn

from models.core.errors import ConfigError
from models.networks.blocks import Gates, gates_of


class BeatNetwork(nn.Module, ABC):
    """Base of networks split into ``forward_features`` -> maps and ``forward_head`` -> logits.

    A subclass sets ``classifier`` and defines ``forward_features(x) -> (B, C, L')`` and
    ``forward_embedding(maps, **kwargs) -> (..., D)``. Grad-CAM needs no hooks then, and threads may share a network.
    """

    classifier: nn.Module

    @abstractmethod
    def forward_features(self, x: torch.Tensor) -> torch.Tensor:
        """Convolutional maps (B, C, L') of an input (B, in_channel, L)."""

    @abstractmethod
    def forward_embedding(self, maps: torch.Tensor, *args: Any, **kwargs: Any) -> torch.Tensor:
        """Input of the classifier, (B, D) for windows and (B, K, D) for strips; further inputs by keyword."""

    def forward_head(self, maps: torch.Tensor, **kwargs: torch.Tensor) -> torch.Tensor:
        """Logits of maps; the keyword arguments are those of :meth:`forward`."""
        return self.classifier(self.forward_embedding(maps, **kwargs))

    def forward(
        self, x: torch.Tensor, return_features: bool = False, **kwargs: torch.Tensor
    ) -> torch.Tensor | tuple[torch.Tensor, torch.Tensor]:
        """Logits of an input; with ``return_features`` also the embedding.

        Raises:
            ValueError: an input that the architecture does not permit.
        """
        embedding = self.forward_embedding(self.forward_features(x), **kwargs)
        logits = self.classifier(embedding)
        return (logits, embedding) if return_features else logits


def require_length(network: BeatNetwork, in_channel: int, length: int) -> None:
    """Refuse windows too short for the network.

    Raises:
        ConfigError: it cannot.
    """
    training = network.training
    window = torch.zeros(1, in_channel, length, device=next(network.parameters()).device)
    try:
        with torch.no_grad():
            network.eval().forward_features(window)
    except (ValueError, RuntimeError) as error:
        raise ConfigError(
            "task.segment_seconds",
            f"{type(network).__name__} cannot take windows of {length} samples ({error}); make them longer, or choose "
            "another network",
        ) from error
    finally:
        network.train(training)


class GatedMixin:
    """For networks whose maps come from a sequence of SE blocks: ``stem`` then ``blocks``."""

    stem: nn.Module
    blocks: nn.Module

    def se_gates(self, x: torch.Tensor) -> Gates:
        """Gates of each SE block, {name: (B, C)}; the last belongs to the channels of the maps."""
        return gates_of(self.blocks, self.stem(x))[1]


def last_states(lstm: nn.LSTM, sequence: torch.Tensor) -> torch.Tensor:
    """Hidden state of each direction of the last layer after its last step, (B, L, C) to (B, hidden or 2 hidden).

    Taken from the outputs: torch 2.10 exports the states that an LSTM hands back with a dimension too many.
    """
    outputs, _ = lstm(sequence)
    size = lstm.hidden_size
    if not lstm.bidirectional:
        return outputs[:, -1]
    return torch.cat([outputs[:, -1, :size], outputs[:, 0, size:]], dim=-1)


class RRInput(nn.Module):
    """Concatenates RR ratios, through a small hidden layer, with an embedding; the identity where none are expected."""

    def __init__(self, features: int, width: int = 16):
        super().__init__()
        self.features = features
        self.width = width if features else 0
        self.hidden = nn.Sequential(nn.Linear(features, width), nn.ReLU()) if features else None

    def forward(self, embedding: torch.Tensor, rr: torch.Tensor | None) -> torch.Tensor:
        """(B, D) and (B, features) to (B, D + width).

        Raises:
            ValueError: ratios are expected and missing, or given and not expected.
        """
        if (rr is None) != (self.hidden is None):
            raise ValueError(
                f"this network expects {self.features} RR ratios a beat; got {'none' if rr is None else 'some'}"
            )
        return embedding if self.hidden is None else torch.cat([embedding, self.hidden(rr)], dim=-1)
