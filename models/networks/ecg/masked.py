"""Self-supervised pre-training by masked image modelling (SimMIM).

Xie Z et al. SimMIM: a Simple Framework for Masked Image Modeling. CVPR 2022; for ECG Vaid A et al. (HeartBEiT), npj
Digit Med 2023. A learned token stands for a hidden patch, one layer tells its pixels, the loss is their mean distance.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from models.networks.ecg.vit import PatchTransformer


class MaskedPatches(nn.Module):
    """A patch transformer with the mask token and the pixel head of its pre-training.

    Args:
        network: what learns.
        share: of the patches, hidden.
    """

    def __init__(self, network: PatchTransformer, share: float):
        super().__init__()
        dim = network.norm.normalized_shape[0]
        self.network = network
        self.share = share
        self.hidden = nn.Parameter(torch.zeros(dim))
        self.pixels = nn.Linear(dim, network.in_channel * network.patch**2)

    def forward(self, x: torch.Tensor, generator: torch.Generator | None = None) -> torch.Tensor:
        """Mean absolute error of the hidden patches' pixels, of pictures (B, in_channel, H, W)."""
        network, size = self.network, self.network.patch
        places = network.grid_of(x)
        count = places[0] * places[1]
        order = torch.rand(len(x), count, generator=generator).to(x.device).argsort(dim=1)
        hidden = order < max(1, round(self.share * count))
        tokens, _ = network.tokens(x, hidden, self.hidden)
        for block in network.blocks:
            tokens = block(tokens)
        told = self.pixels(network.norm(tokens)[:, -count:][hidden])
        wanted = functional.unfold(network.padded(x), size, stride=size).transpose(1, 2)[hidden]
        return (told - wanted).abs().mean()
