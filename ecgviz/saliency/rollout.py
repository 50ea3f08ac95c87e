"""Attention rollout: the flow of each patch into the tokens that a transformer's head reads.

Abnar S, Zuidema W. Quantifying Attention Flow in Transformers. ACL 2020. The network gives its attention weights itself
(``forward_attention``), so no hook is needed and threads may share it.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ecgviz.saliency.registry import register_method
from ecgviz.saliency.target import AttributionTarget


def rollout(weights: list[Tensor]) -> Tensor:
    """Share of each input token in each token after the last block, (B, N, N); rows sum to 1.

    Args:
        weights: of each block from the first on, (B, heads, N, N), rows add up to 1.
    """
    count = weights[0].shape[-1]
    same = torch.eye(count, dtype=weights[0].dtype, device=weights[0].device)
    flow = same.expand(len(weights[0]), -1, -1)
    for block in weights:
        # The residual connection hands each token on as it is, by half.
        flow = (block.mean(dim=1) + same) / 2 @ flow
    return flow


@register_method(
    "attention_rollout",
    title="Attention rollout",
    source="Abnar and Zuidema, ACL 2020",
    detail="maps",
    per_class=False,
    requires="forward_attention",
)
def attention_rollout(network: nn.Module, target: AttributionTarget) -> Tensor:
    """Share of each patch, beyond the uniform one, in the tokens that the head reads, (N, h, w).

    These tokens are those before the patches, or all patches where there are none and the head takes their mean. The
    even share is left out: it tells no place from another, and would colour the whole picture. The map says where the
    network looks before it decides, so it is the same for every class.
    """
    rows, columns = network.grid_of(target.x)
    flow = rollout(network.forward_attention(target.x)).float()
    before = flow.shape[-1] - rows * columns
    read = flow[:, :before] if before else flow
    share = read.mean(dim=1)[:, before:]
    beyond = (share - share.mean(dim=1, keepdim=True)).clamp(min=0)
    return target.per_output(beyond.unflatten(1, (rows, columns)))
