"""Lightning module of the image task: weighted cross-entropy, Adam, validation metrics."""

from __future__ import annotations

from typing import Any

import lightning
import numpy as np
import torch
from torch import nn

from models.config import ImageTrainConfig
from models.data.marked_pictures import patch_loss
from models.metrics.images import image_metrics
from models.tasks.image import defect_probability
from models.training import distributed

LOWEST_LR = 1e-6


class ImageModule(lightning.LightningModule):
    """Trains an image network according to a :class:`models.config.ImageTrainConfig`.

    Args:
        config: the configuration.
        network: its forward gives logits (B, n_classes), normal first.
        class_weights: of the cross-entropy, float32 (n_classes,).
        steps_per_epoch: batches of an epoch, for the cosine schedule.
    """

    def __init__(self, config: ImageTrainConfig, network: nn.Module, class_weights: torch.Tensor, steps_per_epoch: int):
        super().__init__()
        self.config = config
        self.network = network.to(memory_format=torch.channels_last)
        self.steps_per_epoch = steps_per_epoch
        self.loss = nn.CrossEntropyLoss(weight=class_weights, label_smoothing=config.loss.label_smoothing)
        self.patch_weight = config.loss.patches if hasattr(network, "patch_logits") else 0.0
        self._scores: list[torch.Tensor] = []
        self._targets: list[torch.Tensor] = []

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits, as the network gives them."""
        return self.network(x.contiguous(memory_format=torch.channels_last))

    def training_step(self, batch: tuple[torch.Tensor, ...], batch_idx: int) -> torch.Tensor:
        """Loss of a batch of pictures, and of their patches where the batch says which are defective."""
        x, target, *marks = batch
        if marks:
            maps = self.network.forward_features(x.contiguous(memory_format=torch.channels_last))
            own, patches = self.network.forward_head(maps), self.network.patch_logits(maps).float()
        else:
            own = self(x)
        logits, target = distributed.all_gather_outputs(own.float(), target)
        loss = self.loss(logits, target)
        if marks:
            pointed = patch_loss(patches, marks[0])
            self.log("train/patch_loss", pointed, on_epoch=True, on_step=False, batch_size=len(x), sync_dist=True)
            loss = loss + self.patch_weight * pointed
        self.log("train/loss", loss, on_epoch=True, on_step=False, batch_size=len(target), sync_dist=True)
        return loss

    def on_validation_epoch_start(self) -> None:
        """Reset the collected scores."""
        self._scores, self._targets = [], []

    def validation_step(self, batch: tuple[torch.Tensor, torch.Tensor], batch_idx: int) -> None:
        """Log the loss and collect scores."""
        x, target = batch
        logits = self(x).float()
        self.log("validation/loss", self.loss(logits, target), batch_size=len(target), sync_dist=True)
        self._scores.append(defect_probability(logits).cpu())
        self._targets.append((target > 0).long().cpu())

    def on_validation_epoch_end(self) -> None:
        """Log AUROC, F1 at 0.5 and recall at 95% specificity."""
        both = self._scores, self._targets
        scores, targets = (distributed.all_gather_rows(torch.cat(part)).numpy() for part in both)
        found = image_metrics(scores, targets, 0.5)
        shown = {f"validation/{name}": 0.0 if np.isnan(value) else value for name, value in found.items()}
        self.log_dict(shown, sync_dist=True)

    def configure_optimizers(self) -> torch.optim.Optimizer | dict[str, Any]:
        """Adam, with a cosine schedule where configured."""
        config = self.config
        optimiser = torch.optim.Adam(self.parameters(), lr=config.lr, weight_decay=config.weight_decay)
        if config.schedule == "constant":
            return optimiser
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(
            optimiser, config.epochs * self.steps_per_epoch, eta_min=LOWEST_LR
        )
        return {"optimizer": optimiser, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}
