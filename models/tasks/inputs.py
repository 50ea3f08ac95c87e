"""Input batches of beat networks, the same in training, analysis and saliency."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import torch


@dataclass(frozen=True)
class BeatInputs:
    """One batch for a beat network.

    Attributes:
        x: network input, float32 (B, C, L).
        kwargs: further keyword arguments of the network's ``forward`` and ``forward_head``, batch first:
            ``rr`` (B, 8) for a window network that takes RR ratios, ``beats`` (B, K) for a strip network
            (R peaks as sample numbers in ``x``, -1 where padded).
        beat: index of the recording's beat behind each output, int64: (B,) for a window network, (B, K) for a
            strip network, -1 where the output is padding or belongs to the neighbouring strip.
        start_s: seconds from the start of the recording of ``x[..., 0]``, float64 (B,).
        fs: sampling frequency of ``x``, Hz.
        size: of a strip, what 1 in ``x`` is on each lead, in the recording's unit, float32 (B, C); 0 on silent leads,
            negative where the strip is turned over.

    The network answers with logits (B, n_classes) for windows and (B, K, n_classes) for strips.
    """

    x: torch.Tensor
    kwargs: dict[str, torch.Tensor] = field(default_factory=dict)
    beat: np.ndarray = field(default_factory=lambda: np.empty(0, np.int64))
    start_s: np.ndarray = field(default_factory=lambda: np.empty(0))
    fs: float = 0.0
    size: np.ndarray = field(default_factory=lambda: np.empty(0, np.float32))

    def to(self, device: torch.device | str) -> BeatInputs:
        """The same batch with its tensors on ``device``."""
        kwargs = {name: value.to(device, non_blocking=True) for name, value in self.kwargs.items()}
        return replace(self, x=self.x.to(device, non_blocking=True), kwargs=kwargs)
