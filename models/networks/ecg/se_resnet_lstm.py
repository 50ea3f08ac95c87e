"""SE-ResNet-LSTM: a residual network with channel attention, then an LSTM, for single beats."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from models.networks.blocks import SEBottleneck, require_maps
from models.networks.ecg.base import BeatNetwork, GatedMixin, RRInput, last_states
from models.networks.registry import register_model


@register_model("se_resnet_lstm", task="beat", also=("record",))
class SEResNetLSTM(GatedMixin, BeatNetwork):
    """SE-ResNet-LSTM: stem of kernel 15, bottlenecks with SE, an LSTM, one fully connected layer.

    Args:
        in_channel: leads of the input (B, in_channel, L).
        num_classes: outputs.
        layers: bottlenecks in each of the two layers, or three where the optional third is wanted.
        planes: narrow channels of the first layer; each further layer has twice as many.
        lstm_hidden: hidden size of the LSTM.
        bidirectional: read the sequence both ways.
        reduction: of the SE gates.
        rr_features: RR ratios that ``forward`` takes as ``rr`` (B, rr_features); 0 for none.

    Raises:
        ValueError: not two or three layers.
    """

    def __init__(
        self,
        in_channel: int = 1,
        num_classes: int = 5,
        layers: Sequence[int] = (2, 2),
        planes: int = 64,
        lstm_hidden: int = 50,
        bidirectional: bool = False,
        reduction: int = 16,
        rr_features: int = 0,
    ):
        super().__init__()
        if len(layers) not in (2, 3) or min(layers) < 1:
            raise ValueError(f"layers takes 2 or 3 entries of at least one bottleneck, got {list(layers)}")
        self.in_channel = in_channel
        self.stem = nn.Sequential(
            nn.Conv1d(in_channel, planes, 15, stride=2, padding=7, bias=False),
            nn.BatchNorm1d(planes),
            nn.ReLU(),
            nn.MaxPool1d(3, stride=2, padding=1),
        )
        channels = planes
        self.blocks = nn.Sequential()
        for layer, count in enumerate(layers):
            for block in range(count):
                width = planes * 2**layer
                stride = 2 if layer > 0 and block == 0 else 1
                self.blocks.add_module(
                    f"layer{layer + 1}_{block}", SEBottleneck(channels, width, stride, reduction=reduction)
                )
                channels = 4 * width
        self.lstm = nn.LSTM(channels, lstm_hidden, batch_first=True, bidirectional=bidirectional)
        self.rr = RRInput(rr_features)
        self.classifier = nn.Linear(lstm_hidden * (2 if bidirectional else 1) + self.rr.width, num_classes)

    def forward_features(self, x: torch.Tensor) -> torch.Tensor:
        """(B, in_channel, L) to maps (B, 4 planes of the last layer, L / 8 or L / 16)."""
        require_maps(x, self.in_channel, 8)
        return self.blocks(self.stem(x))

    def forward_embedding(self, maps: torch.Tensor, rr: torch.Tensor | None = None) -> torch.Tensor:
        """Last hidden state of each direction, and the RR ratios, (B, D)."""
        return self.rr(last_states(self.lstm, maps.transpose(1, 2)), rr)
