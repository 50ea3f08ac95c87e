"""Building blocks shared by several networks, for signals (1-D) and pictures (2-D)."""

from __future__ import annotations

from typing import Any, Literal

import torch
from torch import nn

Dimensions = Literal[1, 2]
_CONV = {1: nn.Conv1d, 2: nn.Conv2d}
_NORM = {1: nn.BatchNorm1d, 2: nn.BatchNorm2d}
Gates = dict[str, torch.Tensor]


class SqueezeExcitation(nn.Module):
    """Squeeze-and-excitation channel attention: a gate in (0, 1) per channel from the channel means.

    Hu J, Shen L, Sun G. Squeeze-and-Excitation Networks. CVPR 2018. The ReLU is not in place: attribution
    methods need its input.

    Args:
        channels: channels of the map.
        reduction: how much narrower the hidden layer is; never below 4 channels.
    """

    def __init__(self, channels: int, reduction: int = 16):
        super().__init__()
        hidden = max(channels // reduction, 4)
        self.fc1 = nn.Linear(channels, hidden)
        self.fc2 = nn.Linear(hidden, channels)

    def gate(self, x: torch.Tensor) -> torch.Tensor:
        """Gates (B, C) of maps (B, C, L) or (B, C, H, W)."""
        return torch.sigmoid(self.fc2(torch.relu(self.fc1(x.flatten(2).mean(dim=-1)))))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Maps weighted by their gates."""
        gate = self.gate(x)
        return x * gate.reshape(*gate.shape, *([1] * (x.dim() - 2)))


class DepthwiseSeparableConv(nn.Module):
    """Depthwise convolution, pointwise convolution, batch norm, ReLU (Chollet, Xception, CVPR 2017)."""

    def __init__(self, in_channels: int, out_channels: int, kernel_size: int, dimensions: Dimensions = 1):
        super().__init__()
        conv, norm = _CONV[dimensions], _NORM[dimensions]
        self.depthwise = conv(
            in_channels, in_channels, kernel_size, padding=kernel_size // 2, groups=in_channels, bias=False
        )
        self.pointwise = conv(in_channels, out_channels, 1, bias=False)
        self.norm = norm(out_channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, in_channels, ...) to (B, out_channels, ...), of the same length."""
        return torch.relu(self.norm(self.pointwise(self.depthwise(x))))


class RowConv(nn.Conv2d):
    """A convolution along the rows of (B, C, 1, L), channels last; also loads the weights of a ``Conv1d``."""

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: int, stride: int = 1, padding: int = 0, **more: bool
    ):
        super().__init__(in_channels, out_channels, (1, kernel_size), (1, stride), (0, padding), **more)

    def _load_from_state_dict(self, state_dict: dict, prefix: str, *others: Any) -> None:
        weight = state_dict.get(f"{prefix}weight")
        if weight is not None and weight.dim() == 3:
            state_dict[f"{prefix}weight"] = weight.unsqueeze(2)
        super()._load_from_state_dict(state_dict, prefix, *others)


def as_rows(x: torch.Tensor) -> torch.Tensor:
    """A signal (B, C, L) as a picture of one row, (B, C, 1, L), channels last in memory."""
    return x.unsqueeze(2).contiguous(memory_format=torch.channels_last)


class SEBottleneck(nn.Module):
    """1x1, k, 1x1 convolutions with an SE gate before the residual sum (He 2016; Hu 2018).

    Args:
        in_channels: channels that come in.
        planes: channels of the narrow part; ``expansion`` times as many go out.
        stride: of the middle convolution.
        kernel_size: of the middle convolution.
        expansion: ratio of outgoing channels to ``planes``.
        reduction: of the SE gate.
        dimensions: 1 for signals, 2 for pictures.
    """

    def __init__(
        self,
        in_channels: int,
        planes: int,
        stride: int = 1,
        kernel_size: int = 3,
        expansion: int = 4,
        reduction: int = 16,
        dimensions: Dimensions = 1,
    ):
        super().__init__()
        conv, norm = _CONV[dimensions], _NORM[dimensions]
        out_channels = planes * expansion
        self.conv1 = conv(in_channels, planes, 1, bias=False)
        self.norm1 = norm(planes)
        self.conv2 = conv(planes, planes, kernel_size, stride=stride, padding=kernel_size // 2, bias=False)
        self.norm2 = norm(planes)
        self.conv3 = conv(planes, out_channels, 1, bias=False)
        self.norm3 = norm(out_channels)
        self.se = SqueezeExcitation(out_channels, reduction)
        self.shortcut = shortcut(in_channels, out_channels, stride, dimensions)

    def residual(self, x: torch.Tensor) -> torch.Tensor:
        """The residual branch before its gate, (B, C_out, ...)."""
        x = torch.relu(self.norm1(self.conv1(x)))
        x = torch.relu(self.norm2(self.conv2(x)))
        return self.norm3(self.conv3(x))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, C_in, ...) to (B, C_out, ...)."""
        return torch.relu(self.se(self.residual(x)) + self.shortcut(x))


class SEBasicBlock(nn.Module):
    """Two convolutions with an SE gate before the residual sum; arguments as in :class:`SEBottleneck`.

    With ``rows`` the signal is a picture of one row, (B, C, 1, L): torch computes that two to three times as fast as
    (B, C, L), for it keeps the channels last from layer to layer. The weights are the same.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        stride: int = 1,
        kernel_size: int = 7,
        reduction: int = 8,
        dropout: float = 0.0,
        dimensions: Dimensions = 1,
        rows: bool = False,
    ):
        super().__init__()
        conv, norm = (RowConv, nn.BatchNorm2d) if rows else (_CONV[dimensions], _NORM[dimensions])
        padding = kernel_size // 2
        self.conv1 = conv(in_channels, out_channels, kernel_size, stride=stride, padding=padding, bias=False)
        self.norm1 = norm(out_channels)
        self.dropout = nn.Dropout(dropout)
        self.conv2 = conv(out_channels, out_channels, kernel_size, padding=padding, bias=False)
        self.norm2 = norm(out_channels)
        self.se = SqueezeExcitation(out_channels, reduction)
        self.shortcut = shortcut(in_channels, out_channels, stride, dimensions)

    def residual(self, x: torch.Tensor) -> torch.Tensor:
        """The residual branch before its gate, (B, C_out, ...)."""
        x = self.dropout(torch.relu(self.norm1(self.conv1(x))))
        return self.norm2(self.conv2(x))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, C_in, ...) to (B, C_out, ...)."""
        return torch.relu(self.se(self.residual(x)) + self.shortcut(x))


def shortcut(in_channels: int, out_channels: int, stride: int, dimensions: Dimensions) -> nn.Module:
    """Shortcut of a residual block: identity where the shapes agree, else a 1x1 convolution with batch norm."""
    if stride == 1 and in_channels == out_channels:
        return nn.Identity()
    return nn.Sequential(
        _CONV[dimensions](in_channels, out_channels, 1, stride=stride, bias=False), _NORM[dimensions](out_channels)
    )


def gates_of(blocks: nn.Module, x: torch.Tensor) -> tuple[torch.Tensor, Gates]:
    """Run a sequence of blocks and collect the gates of its SE blocks, without hooks (so threads may share it).

    Returns:
        The output and {block name: gates (B, C)}; the last entry belongs to the channels of the output.
    """
    gates: Gates = {}
    for name, block in blocks.named_children():
        if isinstance(block, SEBottleneck | SEBasicBlock):
            gates[name] = block.se.gate(block.residual(x))
        x = block(x)
    return x, gates


def require_maps(x: torch.Tensor, in_channel: int, shortest: int) -> None:
    """Refuse an input of a shape that the network cannot take.

    Raises:
        ValueError: not (B, in_channel, L) with L >= ``shortest``.
    """
    if x.dim() != 3 or x.shape[1] != in_channel or x.shape[2] < shortest:
        raise ValueError(
            f"expected input (batch, {in_channel}, length >= {shortest}), got {tuple(x.shape)}: "
            "the second number is the count of leads"
        )
