"""A vision transformer for recordings as pictures, and the base that it shares with :mod:`models.networks.ecg.deit`.

Dosovitskiy A et al. An Image is Worth 16x16 Words. ICLR 2021; the blocks are timm's. The picture is cut into patches;
where a side is no multiple of the patch (182 is none of 8), zeros are added below and to the right.
"""

from __future__ import annotations

from collections.abc import Callable
from math import ceil
from typing import ClassVar

import torch
from torch import nn
from torch.nn import functional

from models.networks.image.base import SHORTEST
from models.networks.registry import register_model

IMAGE_SIZE = (182, 256)


class PatchTransformer(nn.Module):
    """Patch embedding, learned positions, blocks and a classifier. Positions are interpolated for other picture sizes.

    Args:
        num_classes: outputs.
        in_channel: channels of the picture.
        image_size: height and width that the positions are learned for.
        patch: side of a patch, pixels.
        dim: channels of a token.
        depth: blocks.
        heads: attention heads, of ``dim / heads`` each.
        mlp: hidden units of a block's two layers.
        dropout: in attention, projections and the two layers.

    Attributes:
        prefix_tokens: learned tokens that stand before those of the patches.
        make_classifier: makes the head from dim and num_classes.

    Raises:
        ValueError: dim is no multiple of heads.
    """

    prefix_tokens: ClassVar[int] = 0
    make_classifier: ClassVar[Callable[[int, int], nn.Module]] = nn.Linear

    def __init__(
        self,
        num_classes: int = 5,
        in_channel: int = 3,
        image_size: tuple[int, int] = IMAGE_SIZE,
        patch: int = 8,
        dim: int = 256,
        depth: int = 6,
        heads: int = 4,
        mlp: int = 1024,
        dropout: float = 0.1,
    ):
        super().__init__()
        from timm.models.vision_transformer import Block  # loads torchvision; needed where a network is made

        if dim % heads:
            raise ValueError(f"dim must be a multiple of heads, got {dim} and {heads}")
        self.in_channel, self.patch = in_channel, patch
        self.grid = (ceil(image_size[0] / patch), ceil(image_size[1] / patch))
        self.patches = nn.Conv2d(in_channel, dim, patch, patch)
        self.positions = nn.Parameter(torch.empty(1, self.grid[0] * self.grid[1], dim))
        self.prefix = nn.Parameter(torch.empty(1, self.prefix_tokens, dim)) if self.prefix_tokens else None
        self.dropout = nn.Dropout(dropout)
        self.blocks = nn.ModuleList(
            Block(dim, heads, mlp / dim, qkv_bias=True, proj_drop=dropout, attn_drop=dropout) for _ in range(depth)
        )
        self.norm = nn.LayerNorm(dim)
        for module in self.blocks.modules():
            if isinstance(module, nn.Linear):
                nn.init.trunc_normal_(module.weight, std=0.02)
                nn.init.zeros_(module.bias)
        for values in (self.positions, self.prefix):
            if values is not None:
                nn.init.trunc_normal_(values, std=0.02)
        self.classifier = type(self).make_classifier(dim, num_classes)

    def grid_of(self, x: torch.Tensor) -> tuple[int, int]:
        """Rows and columns of patches of a picture (B, in_channel, H, W)."""
        return ceil(x.shape[2] / self.patch), ceil(x.shape[3] / self.patch)

    def padded(self, x: torch.Tensor) -> torch.Tensor:
        """The picture zero-padded below and to the right to multiples of the patch."""
        return functional.pad(x, (0, -x.shape[3] % self.patch, 0, -x.shape[2] % self.patch))

    def tokens(
        self, x: torch.Tensor, hidden: torch.Tensor | None = None, stand_in: torch.Tensor | None = None
    ) -> tuple[torch.Tensor, tuple[int, int]]:
        """Input of the first block, (B, prefix + h * w, dim), and the grid (h, w) of its patches.

        Args:
            x: pictures (B, in_channel, H, W).
            hidden: patches that are not shown, bool (B, h * w); see :mod:`models.networks.ecg.masked`.
            stand_in: what stands in their place, (dim,).

        Raises:
            ValueError: not (B, in_channel, H, W) with sides of
                :data:`models.networks.image.base.SHORTEST` pixels or more.
        """
        from timm.layers import resample_abs_pos_embed

        if x.dim() != 4 or x.shape[1] != self.in_channel or min(x.shape[2:]) < SHORTEST:
            raise ValueError(
                f"expected input (batch, {self.in_channel}, height >= {SHORTEST}, width >= {SHORTEST}), "
                f"got {tuple(x.shape)}"
            )
        grid, seen = self.grid_of(x), self.patches(self.padded(x)).flatten(2).transpose(1, 2)
        if hidden is not None and stand_in is not None:
            seen = torch.where(hidden[:, :, None], stand_in.to(seen.dtype), seen)
        places = self.positions
        if grid != self.grid:
            places = resample_abs_pos_embed(places, list(grid), list(self.grid), num_prefix_tokens=0)
        tokens = seen + places
        if self.prefix is not None:
            tokens = torch.cat([self.prefix.expand(len(x), -1, -1), tokens], dim=1)
        return self.dropout(tokens), grid

    def forward_head(self, maps: torch.Tensor) -> torch.Tensor:
        """Logits (B, num_classes) of maps; the mean of both heads where there are two."""
        return self.classifier(self.forward_embedding(maps))

    def forward(
        self, x: torch.Tensor, return_features: bool = False
    ) -> torch.Tensor | tuple[torch.Tensor, torch.Tensor]:
        """Logits of a picture (B, in_channel, H, W); with ``return_features`` also the embedding."""
        embedding = self.forward_embedding(self.forward_features(x))
        logits = self.classifier(embedding)
        return (logits, embedding) if return_features else logits

    def forward_attention(self, x: torch.Tensor) -> list[torch.Tensor]:
        """Attention weights of each block, (B, heads, N, N) with N = prefix + h * w; rows add up to 1.

        Attention rollout (Abnar, Zuidema 2020) multiplies them; no hook is needed.
        """
        tokens, _ = self.tokens(x)
        found = []
        for block in self.blocks:
            found.append(attention_weights(block.attn, block.norm1(tokens)))
            tokens = block(tokens)
        return found


def attention_weights(attention: nn.Module, tokens: torch.Tensor) -> torch.Tensor:
    """Attention weights (B, heads, N, N) of timm's attention layer for tokens (B, N, dim), which timm does not
    return."""
    count, length, _ = tokens.shape
    parts = attention.qkv(tokens).reshape(count, length, 3, attention.num_heads, -1).permute(2, 0, 3, 1, 4)
    query, key = attention.q_norm(parts[0]), attention.k_norm(parts[1])
    return (query * attention.scale @ key.transpose(-2, -1)).softmax(dim=-1)


@register_model("ecg_vit", task="record_picture")
class EcgViT(PatchTransformer):
    """Vision transformer for a recording as a picture: patches of 8, six blocks, mean pooling, a linear head."""

    def forward_features(self, x: torch.Tensor) -> torch.Tensor:
        """The patches after the last block as maps (B, dim, H / patch, W / patch), rounded up."""
        tokens, grid = self.tokens(x)
        for block in self.blocks:
            tokens = block(tokens)
        return self.norm(tokens).transpose(1, 2).unflatten(2, grid)

    def forward_embedding(self, maps: torch.Tensor) -> torch.Tensor:
        """Mean over the patches, (B, dim)."""
        return maps.mean(dim=(2, 3))
