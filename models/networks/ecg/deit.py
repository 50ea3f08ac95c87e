"""DeiT for recordings as pictures: the class token learns the labels, the distillation token a teacher's predictions.

Touvron H et al. Training data-efficient image transformers & distillation through attention. ICML 2021. The prediction
is the mean of both heads; :meth:`EcgDeiT.forward_heads` gives them apart, for the loss.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import ClassVar

import torch
from torch import nn

from models.networks.ecg.vit import PatchTransformer
from models.networks.registry import register_model


class TwoHeads(nn.Module):
    """A head for each of two concatenated tokens, (B, 2 * dim); the output is their mean."""

    def __init__(self, dim: int, num_classes: int):
        super().__init__()
        self.hard = nn.Linear(dim, num_classes)
        self.soft = nn.Linear(dim, num_classes)

    def both(self, embedding: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Logits of the class token and of the distillation token, (B, num_classes) each."""
        first, second = embedding.chunk(2, dim=1)
        return self.hard(first), self.soft(second)

    def forward(self, embedding: torch.Tensor) -> torch.Tensor:
        """Their mean."""
        hard, soft = self.both(embedding)
        return (hard + soft) / 2


class EcgDeiT(PatchTransformer):
    """Class token, distillation token, patches; the heads read the two tokens after the last block.

    Grad-CAM needs maps that the logits still depend on place by place, and after the last block the patches count no
    more. So the maps are the input of the last block, which belongs to the head: (B, 3 * dim, h, w), the patches and
    the two tokens. Each token is laid over the grid with alternating signs, so that its gradient has mean 0 there and
    Grad-CAM weighs it with nothing.
    """

    prefix_tokens = 2
    make_classifier: ClassVar[Callable[[int, int], nn.Module]] = TwoHeads

    def forward_features(self, x: torch.Tensor) -> torch.Tensor:
        """Input of the last block as maps (B, 3 * dim, H / patch, W / patch), rounded up."""
        tokens, grid = self.tokens(x)
        for block in self.blocks[:-1]:
            tokens = block(tokens)
        signs = _signs(grid, tokens)
        patches = tokens[:, 2:].transpose(1, 2).unflatten(2, grid)
        return torch.cat([patches, *(tokens[:, place, :, None, None] * signs for place in (0, 1))], dim=1)

    def forward_embedding(self, maps: torch.Tensor) -> torch.Tensor:
        """The two tokens after the last block, concatenated, (B, 2 * dim)."""
        patches, *laid = maps.chunk(3, dim=1)
        signs = _signs((maps.shape[2], maps.shape[3]), maps)
        prefix = [(one * signs).sum(dim=(2, 3)) / signs.square().sum() for one in laid]
        tokens = torch.cat([torch.stack(prefix, dim=1), patches.flatten(2).transpose(1, 2)], dim=1)
        return self.norm(self.blocks[-1](tokens))[:, :2].flatten(1)

    def forward_heads(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Logits trained on the labels, and logits trained on a teacher's predictions, (B, num_classes) each."""
        hard, soft = self.classifier.both(self.forward_embedding(self.forward_features(x)))
        return hard, soft


def _signs(grid: tuple[int, int], like: torch.Tensor) -> torch.Tensor:
    """Alternating +1 and -1 over a grid of two cells or more, with sum 0, (h, w)."""
    count = grid[0] * grid[1]
    signs = 1 - 2 * (torch.arange(count, device=like.device) % 2)
    if count % 2:
        signs[-1] = 0
    return signs.to(like.dtype).reshape(grid)


ecg_deit = partial(EcgDeiT, patch=16, dim=192, depth=12, heads=3, mlp=768, dropout=0.2)
ecg_deit.__doc__ = (
    "DeiT-Tiny for a recording as a picture: patches of 16, twelve blocks, learns from a teacher by a second head."
)
ecg_deit_base = partial(ecg_deit, dim=768, heads=12, mlp=3072)
ecg_deit_base.__doc__ = "DeiT-Base for a recording as a picture: as the tiny one, four times as wide."
for _name, _build in (("ecg_deit", ecg_deit), ("ecg_deit_base", ecg_deit_base)):
    register_model(_name, task="record_picture")(_build)
