"""A task of another package, whole: is the heart of a short single-lead recording faster than 100/min?

It imports what any package may import and is named by an entry point of the group ``ecgviz.tasks``; nothing in
``models`` knows of it. ``tests/models/plugins/test_outside_task.py`` installs, trains, scores and lists it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import torch
from pydantic import Field
from torch import nn
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset

from models.checkpoints import load_checkpoint, save_checkpoint
from models.config.base import BaseTrainConfig, Epochs, Patience, Settings
from models.core.errors import ConfigError, ReadError
from models.data.image_dataset import EpochOrder
from models.networks.registry import create_model, register_model
from models.plugins import TaskPlugin, register_task
from models.plugins.results import Cases, SampleBatches, Scores
from models.tasks import Task

SIDES = ("train", "validation")


class FastHeartTask(Task):
    """Eight seconds of one lead at 50 Hz, scaled to mean 0 and SD 1."""

    kind: Literal["fast_heart"] = "fast_heart"
    fs_out: float = 50.0
    segment_seconds: float = 8.0

    @property
    def classes(self):
        return ("slow", "fast")

    @property
    def in_channel(self):
        return 1

    def describe(self):
        return f"one lead at {self.fs_out:g} Hz"

    def prepare(self, signals):
        """Network input of signals (n, length), float32 (n, 1, length)."""
        centred = signals - signals.mean(axis=1, keepdims=True)
        return torch.from_numpy((centred / (centred.std(axis=1, keepdims=True) + 1e-9)).astype(np.float32))[:, None]


class FastHeartData(Settings):
    """Where the arrays lie."""

    root: Annotated[str, Field(description="Folder with train.npz and validation.npz.")] = "data/fast_heart"


class FastHeartConfig(BaseTrainConfig):
    """One training of the task."""

    task: FastHeartTask = FastHeartTask()
    data: FastHeartData = FastHeartData()
    batch_size: Annotated[int, Field(ge=1, le=4096, description="Recordings in a step.")] = 8
    epochs: Epochs = 12
    early_stopping: Patience = 0


@register_model("tiny_rate", task="fast_heart")
class TinyRate(nn.Module):
    """Two convolutions and the mean over time."""

    def __init__(self, in_channel: int = 1, num_classes: int = 2):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv1d(in_channel, 8, 9, padding=4), nn.GELU(), nn.Conv1d(8, 16, 25, padding=12), nn.GELU()
        )
        self.head = nn.Linear(16, num_classes)

    def forward(self, x):
        return self.head(self.features(x).mean(dim=-1))


def load_side(root, side):
    """Signals (n, length) and whether each is fast, (n,)."""
    file = Path(root) / f"{side}.npz"
    try:
        with np.load(file, allow_pickle=False) as arrays:
            return arrays["signal"], arrays["fast"].astype(np.int64)
    except (OSError, KeyError, ValueError) as error:
        raise ReadError(file, f"cannot be read ({error}); it needs the arrays signal and fast") from error


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


def training_module(config, network):
    """Cross-entropy by AdamW, as Lightning takes it; Lightning is loaded to train, not to list tasks."""
    import lightning

    class Module(lightning.LightningModule):
        def __init__(self):
            super().__init__()
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
            return torch.optim.AdamW(self.parameters(), lr=config.lr)

    return Module()


@register_task
class FastHeart(TaskPlugin[FastHeartConfig, FastHeartTask]):
    """Fast or slow."""

    name = "fast_heart"
    title = "Fast or slow"
    reads = "eight seconds of one lead"
    role = "rate"
    unit = "recordings"
    case = "recording"
    data_kind = "whole recordings"
    metric = "accuracy"
    usual_size = (1, 2)
    configs = Path(__file__).parent / "configs"
    config_class = FastHeartConfig
    task_class = FastHeartTask

    def check_data(self, config):
        for side in SIDES:
            if not (Path(config.data.root) / f"{side}.npz").is_file():
                raise ConfigError("data.root", f"{config.data.root} has no {side}.npz; name the folder that does")

    def count(self, config):
        from models.data.beats import Batch

        (signal, fast), (_, held_out) = (load_side(config.data.root, side) for side in SIDES)
        x, target = config.task.prepare(signal), torch.from_numpy(fast)

        def sample(most):
            rows = np.arange(most) % len(x)
            return SampleBatches(make=lambda count: Batch(x[rows[:count]], {}, target[rows[:count]]), read_s=0.0)

        train, validation = (
            {name: int((labels == place).sum()) for place, name in enumerate(config.task.classes)}
            for labels in (fast, held_out)
        )
        return Cases(
            train=train,
            validation=validation,
            units=self.unit,
            data_bytes=float(x.nbytes),
            steps=max(1, len(fast) // config.batch_size),
            validation_steps=-(-len(held_out) // config.batch_size),
            sample=sample,
        )

    def fit(self, config, context):
        from models.training.context import CHECKPOINT
        from models.training.trainer import fit, new_card

        network = create_model(config.network.architecture, **config.network_arguments())
        sides = [load_side(config.data.root, side) for side in SIDES]
        monitor = self.monitor(config.model_dump())
        best = fit(
            config,
            context,
            training_module(config, network),
            loaders(config, sides),
            monitor=monitor.metric,
            mode=monitor.mode,
            example=None,
        )
        folder = context.run_dir / CHECKPOINT
        save_checkpoint(folder, network, new_card(config, network, config=config.model_dump(mode="json")))
        found = self._accuracy(load_checkpoint(folder), *sides[1])
        card = new_card(
            config,
            network,
            config=config.model_dump(mode="json"),
            metrics={"epoch": best, "validation": {"scores": {"accuracy": {"value": found}}}},
        )
        save_checkpoint(folder, network, card)
        (context.run_dir / "metrics.json").write_text(json.dumps(card.metrics))
        return folder

    def score(self, checkpoint, request, *, progress=None):
        found = self._accuracy(checkpoint, *load_side(request.root, request.split or "validation"))
        return Scores(text=f"accuracy {found:.3f}", metrics={"accuracy": found}, card_entry={"accuracy": found})

    def _accuracy(self, checkpoint, signal, fast):
        with torch.inference_mode():
            said = checkpoint.network(checkpoint.task.prepare(signal)).argmax(dim=1)
        return float((said == torch.from_numpy(fast)).float().mean())
