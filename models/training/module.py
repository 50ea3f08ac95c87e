"""Lightning module of the beat tasks: loss, optimiser, validation metrics."""

from __future__ import annotations

from typing import Any

import lightning
import numpy as np
import torch
from torch import nn

from models.config import BeatTrainConfig
from models.data.beats import Batch
from models.metrics.beats import confusion, scores
from models.networks.losses import CombinedLoss, set_loss, soft_target_loss
from models.training import distributed
from models.training.teachers import load_teachers


class BeatModule(lightning.LightningModule):
    """Trains a beat network according to a :class:`models.config.BeatTrainConfig`.

    Args:
        config: the configuration.
        network: window or strip network.
        class_weights: of the cross-entropy, float32 (n_classes,).
        steps_per_epoch: batches of an epoch, for the one-cycle schedule.
    """

    def __init__(self, config: BeatTrainConfig, network: nn.Module, class_weights: torch.Tensor, steps_per_epoch: int):
        super().__init__()
        self.config = config
        self.network = network
        self.steps_per_epoch = steps_per_epoch
        loss = config.loss
        self.loss = CombinedLoss(
            len(config.task.classes),
            network.classifier.in_features,
            loss.lambda_combined,
            loss.proxy_alpha,
            loss.proxy_delta,
            class_weights,
            loss.label_smoothing,
        )
        # A plain tuple: the teachers are no part of what is trained, averaged or saved.
        self.teachers = load_teachers(config)
        self._counts = np.zeros((0, 0), np.int64)

    def forward(self, x: torch.Tensor, **kwargs: torch.Tensor) -> torch.Tensor:
        """Logits, as the network gives them."""
        return self.network(x, **kwargs)

    def transfer_batch_to_device(self, batch: Batch, device: torch.device, dataloader_idx: int) -> Batch:
        """The batch on ``device``."""
        return batch.to(device)

    def training_step(self, batch: Batch, batch_idx: int) -> torch.Tensor:
        """Loss over the labelled beats."""
        if batch.rhythm is not None and getattr(self.network, "rhythm_classes", None):
            loss = self._rhythm_loss(batch)
            self.log("train/loss", loss, on_epoch=True, on_step=False, batch_size=len(batch.x), sync_dist=True)
            return loss
        logits, embedding, target = distributed.all_gather_outputs(*self._answered(batch))
        loss = self.loss(logits, embedding, target)
        if self.teachers:
            weight = self.config.loss.teacher_weight
            (taught,) = distributed.all_gather_outputs(self._taught(batch))
            loss = (1 - weight) * loss + weight * soft_target_loss(logits, taught)
        self.log("train/loss", loss, on_epoch=True, on_step=False, batch_size=len(target), sync_dist=True)
        return loss

    def _rhythm_loss(self, batch: Batch) -> torch.Tensor:
        """Loss of a network with rhythm output, over strips and over sequences without signal."""
        config = self.config.loss
        maps = self.network.forward_features(batch.x)
        loss = self._set_losses(self.network.forward_both(maps, **batch.kwargs), batch.allowed, batch.rhythm)
        if self.teachers:
            beats = self.network.forward_head(maps, **batch.kwargs)[batch.target >= 0]
            taught = soft_target_loss(beats, self._taught(batch))
            loss = (1 - config.teacher_weight) * loss + config.teacher_weight * taught
        if batch.sequences is not None:
            logits = self.network.forward_positions(batch.sequences.beats)
            loss = loss + config.sequence_weight * self._set_losses(
                logits, batch.sequences.allowed, batch.sequences.rhythm
            )
        return loss

    def _set_losses(
        self, logits: tuple[torch.Tensor, torch.Tensor], allowed: torch.Tensor, rhythm: torch.Tensor
    ) -> torch.Tensor:
        config = self.config.loss
        beats, rhythms = logits
        weights = self.loss.cross_entropy.weight
        return set_loss(
            beats.flatten(0, 1), allowed.flatten(), weights, config.label_smoothing
        ) + config.rhythm_weight * set_loss(rhythms.flatten(0, 1), rhythm.flatten())

    def on_validation_epoch_start(self) -> None:
        """Reset the confusion counts."""
        n = len(self.config.task.classes)
        self._counts = np.zeros((n + 1, n + 1), np.int64)

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        """Log the loss and count confusions."""
        logits, embedding, target = self._answered(batch)
        self.log("validation/loss", self.loss(logits, embedding, target), batch_size=len(target), sync_dist=True)
        self._counts += confusion(target.cpu().numpy(), logits.argmax(dim=-1).cpu().numpy(), logits.shape[-1])

    def on_validation_epoch_end(self) -> None:
        """Log sensitivity, precision and F1 of each class, and the macro-F1."""
        metrics = scores(distributed.all_reduce_sum(self._counts), self.config.task.classes)
        shown = {f"validation/{name}": 0.0 if np.isnan(value) else value for name, value in metrics.items()}
        self.log_dict(shown, sync_dist=True)

    def configure_optimizers(self) -> dict[str, Any]:
        """AdamW over the network and the loss's proxies, with the configured schedule."""
        config = self.config
        optimiser = torch.optim.AdamW(self.parameters(), lr=config.lr, weight_decay=config.weight_decay)
        if config.schedule == "step":
            schedule = torch.optim.lr_scheduler.StepLR(optimiser, config.decay_epoch, gamma=0.1)
            return {"optimizer": optimiser, "lr_scheduler": schedule}
        total = config.epochs * self.steps_per_epoch
        if config.schedule == "cosine":
            schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, total)
        else:
            schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, config.lr, total_steps=total, pct_start=0.2)
        return {"optimizer": optimiser, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def _taught(self, batch: Batch) -> torch.Tensor:
        """Mean calibrated probabilities (n, n_classes) of the teachers for labelled beats."""
        answered = batch.target >= 0
        with torch.no_grad():
            taught = [
                torch.softmax(teacher.network.to(batch.x.device)(batch.x, **batch.kwargs)[answered].float() / heat, -1)
                for teacher, heat in ((teacher, teacher.card.temperature) for teacher in self.teachers)
            ]
        return torch.stack(taught).mean(dim=0)

    def _answered(self, batch: Batch) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Logits (n, n_classes), embeddings (n, D) and targets (n,) of labelled beats."""
        logits, embedding = self.network(batch.x, return_features=True, **batch.kwargs)
        answered = batch.target >= 0
        return logits[answered], embedding[answered], batch.target[answered]
