"""The Lightning module of networks that say of each place how defective it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import lightning
import numpy as np
import torch
from torch import nn
from torch.nn import functional
from torch.nn.modules.batchnorm import _BatchNorm

from models.metrics.images import auroc
from models.networks.image.places import most_defective

DEFECT_WEIGHT = 5.0
"""A defective place counts as so many others."""
DICE_WEIGHT = 0.5
BAG_WEIGHT = 0.2
"""Of a piece that has a defect somewhere, against the mean over the places of the others."""
UNLIKELY_LOGIT = -30.0
"""What places count with of which nothing is known."""
TRUNK_LR = 0.3
"""Learning rate of the pretrained layers, as a share of that of the new ones."""
WARM_UP = 0.15


class PlaceSettings(Protocol):
    """What of a configuration decides the optimiser."""

    @property
    def lr(self) -> float: ...
    @property
    def weight_decay(self) -> float: ...
    @property
    def epochs(self) -> int: ...


class PlaceModule(lightning.LightningModule):
    """Cross-entropy of each place and the Dice loss of all, by AdamW with a warm-up and a cosine.

    Args:
        config: the configuration.
        network: with ``trunk`` and ``place_logits``.
        steps_per_epoch: batches of an epoch.
        tile_weight: see :func:`place_loss`.

    Attributes:
        before_epoch: called before each epoch with its number and the network in evaluation mode, where there is one.
    """

    def __init__(self, config: PlaceSettings, network: nn.Module, steps_per_epoch: int, tile_weight: float = 0.0):
        super().__init__()
        self.config, self.steps_per_epoch, self.tile_weight = config, steps_per_epoch, tile_weight
        self.network = network.to(memory_format=torch.channels_last)
        self._scores: list[torch.Tensor] = []
        self._labels: list[torch.Tensor] = []
        self.before_epoch: Callable[[int], None] | None = None

    def on_train_epoch_start(self) -> None:
        """The statistics of batch norm stay those of the pretrained network: batches are small and half drawn."""
        if self.before_epoch is not None:
            self.network.eval()
            with torch.inference_mode():
                self.before_epoch(self.current_epoch)
        self.network.train()
        for module in self.network.modules():
            if isinstance(module, _BatchNorm):
                module.eval()

    def training_step(self, batch: Any, batch_idx: int) -> torch.Tensor:
        """Loss of a batch of pieces."""
        x, target, weight = batch
        loss = place_loss(self._logits(x, target), target, weight, self.tile_weight)
        self.log("train/loss", loss, on_epoch=True, on_step=False, batch_size=len(x))
        return loss

    def on_validation_epoch_start(self) -> None:
        """Start to collect afresh."""
        self.network.eval()
        self._scores, self._labels = [], []

    def validation_step(self, batch: Any, batch_idx: int) -> None:
        """Loss, and whether pieces with defects score higher than those without."""
        x, target, weight = batch
        logits = self._logits(x, target)
        self.log("validation/loss", place_loss(logits, target, weight, self.tile_weight), batch_size=len(x))
        self._scores.append(most_defective(logits).cpu())
        self._labels.append(target.flatten(1).amax(dim=1).cpu())

    def on_validation_epoch_end(self) -> None:
        """Log the AUROC of the pieces."""
        scores, labels = (torch.cat(part).numpy() for part in (self._scores, self._labels))
        found = auroc(scores, (labels > 0).astype(int))
        self.log("validation/auroc", 0.0 if np.isnan(found) else found)

    def configure_optimizers(self) -> dict[str, Any]:
        """AdamW; the pretrained layers learn more slowly."""
        config = self.config
        trunk = list(self.network.trunk.parameters())
        known = {id(parameter) for parameter in trunk}
        fresh = [parameter for parameter in self.network.parameters() if id(parameter) not in known]
        rates = [config.lr * TRUNK_LR, config.lr]
        optimiser = torch.optim.AdamW(
            [{"params": trunk, "lr": rates[0]}, {"params": fresh, "lr": rates[1]}], weight_decay=config.weight_decay
        )
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimiser, rates, config.epochs * self.steps_per_epoch + 1, pct_start=WARM_UP
        )
        return {"optimizer": optimiser, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def _logits(self, x: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        logits = self.network.place_logits(x.contiguous(memory_format=torch.channels_last)).float()
        if logits.shape[1:] != target.shape[1:]:
            logits = functional.interpolate(logits[:, None], target.shape[1:], mode="bilinear")[:, 0]
        return logits


def place_loss(
    logits: torch.Tensor, target: torch.Tensor, weight: torch.Tensor, tile_weight: float = 0.0
) -> torch.Tensor:
    """Weighted cross-entropy of places (B, h, w), and the Dice loss over all of them.

    Of a picture of which nothing is known but that it has a defect (no weight at all, and a target), the most defective
    places are asked for.

    Args:
        logits: of each place.
        target: 0 or 1.
        weight: 0 where it is not known.
        tile_weight: of the cross-entropy of whole pieces, each judged as a picture is, by its most defective places:
            a picture is rejected for its one worst place, which hardly counts among all others.
    """
    bags = (weight.flatten(1).amax(dim=1) == 0) & (target.flatten(1).amax(dim=1) > 0)
    somewhere = functional.softplus(-most_defective(logits[bags])).sum() / len(logits)
    counted = weight * (1 + (DEFECT_WEIGHT - 1) * target)
    entropy = functional.binary_cross_entropy_with_logits(logits, target, weight=counted, reduction="sum")
    prob = logits.sigmoid() * weight
    overlap = (prob * target).sum()
    dice = 1 - (2 * overlap + 1) / (prob.sum() + (target * weight).sum() + 1)
    loss = entropy / weight.sum().clamp_min(1) + DICE_WEIGHT * dice + BAG_WEIGHT * somewhere
    if tile_weight:
        known = logits.masked_fill(weight == 0, UNLIKELY_LOGIT)
        holds = (target * weight).flatten(1).amax(dim=1)
        pieces = functional.binary_cross_entropy_with_logits(most_defective(known), holds, reduction="none")
        loss = loss + tile_weight * (pieces * ~bags).mean()
    return loss
