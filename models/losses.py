"""Losses: weighted cross-entropy and Proxy-Anchor in one sum, and label smoothing beside class weights."""

from __future__ import annotations

import torch
from torch import nn


class CombinedLoss(nn.Module):
    """``lambda_combined`` x cross-entropy + (1 - ``lambda_combined``) x Proxy-Anchor.

    Kim S et al. Proxy Anchor Loss for Deep Metric Learning. CVPR 2020; the implementation is
    pytorch-metric-learning's. Its proxies are parameters of this module and belong into the optimiser.

    Args:
        num_classes: classes of the logits.
        embedding_size: size of the embedding that Proxy-Anchor compares.
        lambda_combined: 1 is pure cross-entropy, 0 is pure Proxy-Anchor.
        alpha: sharpness of Proxy-Anchor.
        delta: its margin.
        class_weights: of the cross-entropy, float (num_classes,).
        label_smoothing: share of the target that is spread over all classes.

    Raises:
        ValueError: ``lambda_combined`` outside 0 to 1.
    """

    def __init__(
        self,
        num_classes: int,
        embedding_size: int,
        lambda_combined: float = 1.0,
        alpha: float = 32.0,
        delta: float = 0.1,
        class_weights: torch.Tensor | None = None,
        label_smoothing: float = 0.0,
    ):
        super().__init__()
        if not 0.0 <= lambda_combined <= 1.0:
            raise ValueError(f"lambda_combined lies between 0 and 1, got {lambda_combined}")
        self.lambda_combined = lambda_combined
        self.cross_entropy = nn.CrossEntropyLoss(weight=class_weights, label_smoothing=label_smoothing)
        self.proxy_anchor = None
        if lambda_combined < 1.0:
            from pytorch_metric_learning.losses import ProxyAnchorLoss  # needed for training only

            self.proxy_anchor = ProxyAnchorLoss(num_classes, embedding_size, margin=delta, alpha=alpha)

    def forward(self, logits: torch.Tensor, embedding: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """Mean loss of logits (n, num_classes), embeddings (n, D) and class indices (n,)."""
        loss = logits.new_zeros(())
        if self.lambda_combined > 0.0:
            loss = loss + self.lambda_combined * self.cross_entropy(logits, target)
        if self.proxy_anchor is not None:
            loss = loss + (1.0 - self.lambda_combined) * self.proxy_anchor(embedding, target)
        return loss


def soft_target_loss(logits: torch.Tensor, probability: torch.Tensor) -> torch.Tensor:
    """Cross-entropy with a teacher's probabilities (Hinton, Vinyals, Dean 2015, at temperature 1).

    Args:
        logits: (n, n_classes).
        probability: of the teacher, (n, n_classes), each row sums to 1.
    """
    return -(probability * torch.log_softmax(logits.float(), dim=-1)).sum(dim=-1).mean()
