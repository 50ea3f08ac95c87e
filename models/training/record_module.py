"""Lightning module of the record task: binary cross-entropy per label, AdamW, validation by recording."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import lightning
import numpy as np
import torch
from torch import nn
from torch.nn import functional

from models.checkpoints import Checkpoint
from models.config import RecordTrainConfig
from models.data.record_dataset import Item
from models.metrics.records import record_metrics
from models.training import distributed

_PLATEAU_FACTOR, _PLATEAU_PATIENCE = 0.1, 10


class RecordModule(lightning.LightningModule):
    """Trains a network for recordings according to a :class:`models.config.RecordTrainConfig`.

    Args:
        config: the configuration.
        network: its forward gives logits (B, n_classes).
        positive_weights: of the cross-entropy, float32 (n_classes,).
        steps_per_epoch: batches of an epoch, for the schedules.
        teachers: whose answers to each window are learned beside the labels.
        taught: or answers of teachers that were asked before, float32 (training recordings, n_classes).
    """

    def __init__(
        self,
        config: RecordTrainConfig,
        network: nn.Module,
        positive_weights: torch.Tensor,
        steps_per_epoch: int,
        teachers: Sequence[Checkpoint] = (),
        taught: torch.Tensor | None = None,
    ):
        super().__init__()
        self.config = config
        self.network = network
        self.steps_per_epoch = steps_per_epoch
        self.loss = nn.BCEWithLogitsLoss(pos_weight=positive_weights)
        # A plain tuple: the teachers are no part of what is trained, averaged or saved.
        self.teachers = tuple(teachers)
        self.taught = taught
        self._predictions: list[torch.Tensor] = []

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits, as the network gives them."""
        return self.network(x)

    def training_step(self, batch: Item, batch_idx: int) -> torch.Tensor:
        """Loss of a batch of windows."""
        x, target, number = batch
        taught = None if self.taught is None else self.taught[number.cpu()].to(x.device)
        if self.config.augment.mixup:
            x, target, taught = mixed(x, target, self.config.augment.mixup, taught)
        if self.teachers:
            taught = self._taught(x)
        smoothing = self.config.loss.label_smoothing
        wanted = target * (1 - smoothing) + smoothing / 2
        if taught is None:
            logits, wanted = distributed.all_gather_outputs(self(x).float(), wanted)
            loss = self.loss(logits, wanted)
        else:
            hard, soft = _heads(self.network, x)
            hard, soft, wanted, taught = distributed.all_gather_outputs(hard, soft, wanted, taught)
            weight = self.config.loss.teacher_weight
            loss = (1 - weight) * self.loss(hard, wanted)
            loss = loss + weight * functional.binary_cross_entropy_with_logits(soft, taught)
        self.log("train/loss", loss, on_epoch=True, on_step=False, batch_size=len(wanted), sync_dist=True)
        return loss

    def on_validation_epoch_start(self) -> None:
        """Reset the collected outputs."""
        self._predictions = []

    def validation_step(self, batch: Item, batch_idx: int) -> None:
        """Log the loss and collect outputs."""
        x, target, number = batch
        logits = self(x).float()
        self.log("validation/loss", self.loss(logits, target), batch_size=len(target), sync_dist=True)
        self._predictions.append(torch.cat([number[:, None].float(), logits, target], dim=1).cpu())

    def on_validation_epoch_end(self) -> None:
        """Log AUROC and mean F1 of the labels, with logits averaged over each recording's windows."""
        rows = distributed.all_gather_rows(torch.cat(self._predictions)).numpy().astype(np.float64)
        _, number = np.unique(rows[:, 0], return_inverse=True)
        counts = np.bincount(number)[:, None]
        mean = np.zeros((len(counts), rows.shape[1] - 1))
        np.add.at(mean, number, rows[:, 1:])
        logits, target = np.split(mean / counts, 2, axis=1)
        classes = self.config.task.classes
        # Thresholds are chosen once, at the end; until then F1 is that of an even chance, where a logit is 0.
        found = record_metrics(logits, np.rint(target), [0.0] * len(classes), classes)
        shown = {f"validation/{name}": value for name, value in found.items() if name.endswith("auroc")}
        shown["validation/mean_f1"] = found["macro_f1"]
        self.log_dict({name: 0.0 if np.isnan(value) else value for name, value in shown.items()}, sync_dist=True)

    def configure_optimizers(self) -> torch.optim.Optimizer | dict[str, Any]:
        """AdamW (Adam, where weight_decay is 0) with the configured schedule."""
        config = self.config
        optimiser = torch.optim.AdamW(self.parameters(), lr=config.lr, weight_decay=config.weight_decay)
        if config.schedule == "constant":
            return optimiser
        if config.schedule == "plateau":
            plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(
                optimiser, "min", factor=_PLATEAU_FACTOR, patience=_PLATEAU_PATIENCE
            )
            return {
                "optimizer": optimiser,
                "lr_scheduler": {"scheduler": plateau, "interval": "epoch", "monitor": "validation/loss"},
            }
        total = config.epochs * self.steps_per_epoch
        if config.schedule == "cosine":
            schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, total)
        else:
            schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, config.lr, total_steps=total, pct_start=0.25)
        return {"optimizer": optimiser, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def _taught(self, x: torch.Tensor) -> torch.Tensor:
        """Mean probabilities (B, n_classes) of the teachers for the same windows, without calibration."""
        with torch.no_grad():
            teacher_prob = [torch.sigmoid(teacher.network.to(x.device)(x).float()) for teacher in self.teachers]
        return torch.stack(teacher_prob).mean(dim=0)


def mixed(
    x: torch.Tensor, target: torch.Tensor, alpha: float, taught: torch.Tensor | None = None
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor | None]:
    """Mixup of a batch of windows and targets (Zhang H et al. mixup. ICLR 2018)."""
    share = torch.distributions.Beta(alpha, alpha).sample((len(x),)).to(x.device)
    share = torch.maximum(share, 1 - share)
    other = torch.randperm(len(x), device=x.device)

    def blended(values: torch.Tensor) -> torch.Tensor:
        part = share.reshape(-1, *[1] * (values.dim() - 1))
        return part * values + (1 - part) * values[other]

    return blended(x), blended(target), None if taught is None else blended(taught)


def _heads(network: nn.Module, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Logits of the label head and of the distillation head; the same for networks with one head."""
    if hasattr(network, "forward_heads"):
        hard, soft = network.forward_heads(x)
        return hard.float(), soft.float()
    logits = network(x).float()
    return logits, logits
