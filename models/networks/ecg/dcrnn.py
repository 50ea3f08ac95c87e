"""DSCRNN: depthwise-separable convolutions and a bidirectional LSTM for single beats."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import torch
from torch import nn

from models.networks.blocks import DepthwiseSeparableConv, require_maps
from models.networks.ecg.base import BeatNetwork, RRInput, last_states
from models.networks.registry import register_model


@register_model("dcrnn_base", task="beat")
class DCRNNModel_base(BeatNetwork):  # noqa: N801  the name that the source documents use
    """DSCRNN: separable convolutions with max-pooling, a bidirectional LSTM, one fully connected layer.

    Args:
        in_channel: leads of the input (B, in_channel, L).
        num_classes: outputs.
        conv_channels: channels of the two or three convolution blocks; a max-pool of 2 follows all but the last.
        lstm_hidden: hidden size of each direction.
        lstm_layers: layers of the LSTM.
        kernel_size: of the depthwise convolutions, odd.
        rr_features: RR ratios that ``forward`` takes as ``rr`` (B, rr_features); 0 for none.

    Raises:
        ValueError: not two or three convolution blocks.
    """

    def __init__(
        self,
        in_channel: int = 1,
        num_classes: int = 5,
        conv_channels: Sequence[int] = (64, 128, 256),
        lstm_hidden: int = 100,
        lstm_layers: int = 1,
        kernel_size: int = 9,
        rr_features: int = 0,
    ):
        super().__init__()
        if len(conv_channels) not in (2, 3):
            raise ValueError(f"conv_channels takes 2 or 3 entries, got {list(conv_channels)}")
        self.in_channel = in_channel
        self.shortest = 2 ** (len(conv_channels) - 1)
        widths = [in_channel, *conv_channels]
        layers: list[nn.Module] = []
        for place, (before, after) in enumerate(itertools.pairwise(widths)):
            layers.append(DepthwiseSeparableConv(before, after, kernel_size))
            if place < len(conv_channels) - 1:
                layers.append(nn.MaxPool1d(2))
        self.features = nn.Sequential(*layers)
        self.lstm = nn.LSTM(conv_channels[-1], lstm_hidden, lstm_layers, batch_first=True, bidirectional=True)
        self.rr = RRInput(rr_features)
        self.classifier = nn.Linear(2 * lstm_hidden + self.rr.width, num_classes)

    def forward_features(self, x: torch.Tensor) -> torch.Tensor:
        """(B, in_channel, L) to maps (B, conv_channels[-1], L / 2 or L / 4)."""
        require_maps(x, self.in_channel, self.shortest)
        return self.features(x)

    def forward_embedding(self, maps: torch.Tensor, rr: torch.Tensor | None = None) -> torch.Tensor:
        """Last hidden states of both directions, and the RR ratios, (B, D)."""
        return self.rr(last_states(self.lstm, maps.transpose(1, 2)), rr)


@register_model("dcrnn", task="beat")
class DCRNNModel(DCRNNModel_base):
    """The smallest DSCRNN: two convolution blocks (256, 128), LSTM of hidden size 50, one layer.

    Arguments as in :class:`DCRNNModel_base`.
    """

    def __init__(
        self,
        in_channel: int = 1,
        num_classes: int = 5,
        conv_channels: Sequence[int] = (256, 128),
        lstm_hidden: int = 50,
        lstm_layers: int = 1,
        kernel_size: int = 9,
        rr_features: int = 0,
    ):
        super().__init__(in_channel, num_classes, conv_channels, lstm_hidden, lstm_layers, kernel_size, rr_features)
