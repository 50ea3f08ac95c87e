"""Lightning module of networks that predict a defect score for each place."""

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
"""Weight of a defective place relative to a good one."""
DICE_WEIGHT = 0.5
BAG_WEIGHT = 0.2
"""Weight of a tile with a defect at an unknown place, relative to the mean over the places of the others."""
UNLIKELY_LOGIT = -30.0
"""Logit of places whose target is unknown, so that they are not among a tile's most defective places."""
TRUNK_LR = 0.3
"""Learning rate of the pretrained layers, as a share of that of the new ones."""
WARM_UP = 0.15


class PlaceSettings(Protocol):
    """The part of a configuration that sets the optimiser."""

    @property
    def lr(self) -> float: ...
    @property
    def weight_decay(self) -> float: ...
    @property
    def epochs(self) -> int: ...


class PlaceModule(lightning.LightningModule):
    """Trains with cross-entropy per place plus Dice loss, by AdamW with warm-up and cosine decay.

    Args:
        config: the configuration.
        network: network with ``trunk`` and ``place_logits``.
        steps_per_epoch: number of batches per epoch.
        tile_weight: see :func:`place_loss`.

    Attributes:
        before_epoch: if set, called before each epoch with its number and the network in evaluation mode.
    """

    def __init__(self, config: PlaceSettings, network: nn.Module, steps_per_epoch: int, tile_weight: float = 0.0):
        super().__init__()
        self.config, self.steps_per_epoch, self.tile_weight = config, steps_per_epoch, tile_weight
        self.network = network.to(memory_format=torch.channels_last)
        self._scores: list[torch.Tensor] = []
        self._labels: list[torch.Tensor] = []
        self.before_epoch: Callable[[int], None] | None = None

    def on_train_epoch_start(self) -> None:
        """Freeze the pretrained batch norm statistics: batches are small and partly synthetic."""
        if self.before_epoch is not None:
            self.network.eval()
            with torch.inference_mode():
                self.before_epoch(self.current_epoch)
        self.network.train()
        for module in self.network.modules():
            if isinstance(module, _BatchNorm):
                module.eval()

    def training_step(self, batch: Any, batch_idx: int) -> torch.Tensor:
        """Loss of a batch of tiles."""
        x, target, weight = batch
        loss = place_loss(self._logits(x, target), target, weight, self.tile_weight)
        self.log("train/loss", loss, on_epoch=True, on_step=False, batch_size=len(x))
        return loss

    def on_validation_epoch_start(self) -> None:
        """Clear the collected scores."""
        self.network.eval()
        self._scores, self._labels = [], []

    def validation_step(self, batch: Any, batch_idx: int) -> None:
        """Log the loss, and collect scores for the AUROC of the tiles."""
        x, target, weight = batch
        logits = self._logits(x, target)
        self.log("validation/loss", place_loss(logits, target, weight, self.tile_weight), batch_size=len(x))
        self._scores.append(most_defective(logits).cpu())
        self._labels.append(target.flatten(1).amax(dim=1).cpu())

    def on_validation_epoch_end(self) -> None:
        """Log the AUROC of the tiles."""
        scores, labels = (torch.cat(part).numpy() for part in (self._scores, self._labels))
        found = auroc(scores, (labels > 0).astype(int))
        self.log("validation/auroc", 0.0 if np.isnan(found) else found)

    def configure_optimizers(self) -> dict[str, Any]:
        """AdamW, with a lower learning rate for the pretrained layers."""
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
    """Weighted cross-entropy of places (B, h, w) plus the Dice loss over all of them.

    In a tile with a defect at an unknown place (all weights 0, target 1), the loss takes its most defective places.

    Args:
        logits: logit of each place.
        target: 0 or 1.
        weight: 0 if the target is unknown.
        tile_weight: weight of the cross-entropy of whole tiles, each scored like a picture by its most defective
            places: these reject a picture, but hardly count in a mean over all places.
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
