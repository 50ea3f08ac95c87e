"""Losses: weighted cross-entropy combined with Proxy-Anchor, with label smoothing; distillation and partial labels."""

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


def set_loss(
    logits: torch.Tensor,
    allowed: torch.Tensor,
    class_weights: torch.Tensor | None = None,
    label_smoothing: float = 0.0,
) -> torch.Tensor:
    """Mean negative log-likelihood of the set of classes that a case may have (Jin, Ghahramani. NIPS 2002).

    With one class allowed it is the weighted cross-entropy, smoothed over all classes; a set of several has weight 1
    and is not smoothed. Cases without any knowledge (0, or all classes) do not count.

    Args:
        logits: (n, n_classes).
        allowed: sets of classes, one bit each, int64 (n,).
        class_weights: of sets of one class, float (n_classes,).
        label_smoothing: share of the target that is spread over all classes.
    """
    n_classes = logits.shape[-1]
    member = (allowed[:, None] >> torch.arange(n_classes, device=allowed.device)) & 1
    count = member.sum(dim=-1)
    known = (count > 0) & (count < n_classes)
    logits, member, count = logits[known].float(), member[known].bool(), count[known]
    if not len(logits):
        return logits.sum()
    log_prob = torch.log_softmax(logits, dim=-1)
    loss = -torch.logsumexp(log_prob.masked_fill(~member, -torch.inf), dim=-1)
    single = count == 1
    loss = torch.where(single, (1 - label_smoothing) * loss - label_smoothing * log_prob.mean(dim=-1), loss)
    if class_weights is None:
        return loss.mean()
    weight = torch.where(single, class_weights.to(loss)[member.to(torch.int8).argmax(dim=-1)], torch.ones_like(loss))
    return (weight * loss).sum() / weight.sum()
