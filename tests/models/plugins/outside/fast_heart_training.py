"""How the task of another package trains: what loads Lightning stands by itself, since listing tasks must be quick."""

from __future__ import annotations

import lightning
import torch
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset

from models.data.image_dataset import EpochOrder


class Windows(Dataset):
    """Prepared recordings; an item is asked for by (epoch, number)."""

    def __init__(self, task, signal, fast):
        self.x, self.target = task.prepare(signal), torch.from_numpy(fast)

    def __len__(self):
        return len(self.x)

    def __getitem__(self, place):
        return self.x[place[1]], self.target[place[1]]


def loaders(config, sides):
    """Of the training and of the validation recordings."""
    data = [Windows(config.task, *side) for side in sides]
    orders = [EpochOrder(len(data[0]), shuffle=True, seed=config.seed), EpochOrder(len(data[1]), shuffle=False)]
    return [
        DataLoader(one, config.batch_size, sampler=order, generator=torch.Generator())
        for one, order in zip(data, orders, strict=True)
    ]


class FastHeartModule(lightning.LightningModule):
    """Cross-entropy by AdamW."""

    def __init__(self, config, network):
        super().__init__()
        self.config = config
        self.network = network

    def training_step(self, batch, batch_idx):
        loss = functional.cross_entropy(self.network(batch[0]), batch[1])
        self.log("train/loss", loss, on_epoch=True, on_step=False)
        return loss

    def validation_step(self, batch, batch_idx):
        logits = self.network(batch[0])
        self.log("validation/loss", functional.cross_entropy(logits, batch[1]))
        self.log("validation/accuracy", (logits.argmax(dim=1) == batch[1]).float().mean())

    def configure_optimizers(self):
        return torch.optim.AdamW(self.parameters(), lr=self.config.lr)
