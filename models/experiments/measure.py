"""A few real steps of a training, timed, with the bytes that they keep for the backward pass."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from models.config import BeatTrainConfig, ImageTrainConfig, RecordTrainConfig, TrainConfig
from models.core.errors import ReadError
from models.data import mitdb
from models.data.augment import Augmenter
from models.data.beats import Batch, PreparedRecord, WindowDataset, prepare_record
from models.data.image_augment import ImageAugmenter
from models.data.image_dataset import ImageDataset
from models.data.record_dataset import CropDataset
from models.data.recordings import prepare
from models.data.strips import StripDataset
from models.networks.registry import create_model

_BUDGET_S = 5.0
_FIRST_ITEMS = 2
_GROWTH = 4
_MOST_ITEMS = 256
_MOST_PICTURES = 16
Make = Callable[[int], Batch]
"""Gives a batch of so many windows, strips, pictures or recordings, or of fewer where there are no more."""


@dataclass(frozen=True)
class Measured:
    """What a few steps took, scaled to the batch of the configuration.

    Attributes:
        step_s: a step of training, its batch made included, s.
        forward_s: a batch of validation, s.
        read_s: a record or a picture read and prepared, s.
        activation_bytes_per_item: kept for the backward pass, for each window, strip or picture of a batch.
    """

    step_s: float
    forward_s: float
    read_s: float
    activation_bytes_per_item: float


def measure(config: TrainConfig, first: Any, device: str) -> Measured:
    """Train a fresh network for some seconds on some of the data.

    Args:
        config: the training.
        first: folder and name of a record, or rows of pictures or recordings; see
            :class:`models.experiments.before.Cases`.
        device: where.
    """
    most = min(config.batch_size, _MOST_ITEMS)
    if isinstance(config, ImageTrainConfig):
        make, read_s = _pictures(config, first, most)
    elif isinstance(config, RecordTrainConfig):
        make, read_s = _recordings(config, first, most)
    else:
        make, read_s = _beats(config, first)
    network = create_model(config.network.architecture, **config.network_arguments()).to(device).train()
    optimiser = torch.optim.AdamW(network.parameters(), lr=config.lr)
    count = min(most, _FIRST_ITEMS)
    kept = _activation_bytes(network, make(count), device) / count
    began = time.monotonic()
    while True:  # larger batches until the next one would take too long: the pace is that of the largest
        step = _clock(lambda: _step(network, optimiser, make(count), device, config.mixed_precision))  # noqa: B023
        spent = time.monotonic() - began
        if count >= most or spent + _GROWTH * step > _BUDGET_S:
            break
        count = min(most, count * _GROWTH)
    forward = _clock(lambda: _forward(network.eval(), make(count), device))
    teachers = len(getattr(config.loss, "teachers", ()))
    scale = config.batch_size / count
    return Measured((step + teachers * forward) * scale, forward * scale, read_s, kept)


def _beats(config: BeatTrainConfig, first: tuple[Path, str] | mitdb.BeatRecord | PreparedRecord) -> tuple[Make, float]:
    since = time.monotonic()
    if isinstance(first, PreparedRecord):
        record = first
    else:
        read = first if isinstance(first, mitdb.BeatRecord) else mitdb.load_record(*first)
        record = prepare_record(read, config.task)
    read_s = time.monotonic() - since
    augmenter = Augmenter(config.augment.model_copy(update={"noise_probability": 0.0}))
    data: Any
    if config.task.kind == "strip":
        data = StripDataset([record], config.task, 1, augmenter, 0.0, config.seed)
    else:
        data = WindowDataset([record], config.task, 1, augmenter, 0, 0.0, config.seed)

    def make(count: int) -> Batch:
        data.batch_size = count
        batch: Batch = data[0]
        return batch

    return make, read_s


def _pictures(config: ImageTrainConfig, rows: Any, most: int) -> tuple[Make, float]:
    chosen = [rows[place] for place in np.linspace(0, len(rows) - 1, min(most, len(rows), _MOST_PICTURES)).astype(int)]
    since = time.monotonic()
    data = ImageDataset(chosen, config.task, ImageAugmenter(config.augment), config.seed)
    read_s = (time.monotonic() - since) / max(len(chosen), 1)

    def make(count: int) -> Batch:
        pairs = [data[0, place % len(data)] for place in range(count)]
        return Batch(torch.stack([x for x, _ in pairs]), {}, torch.tensor([int(label) for _, label in pairs]))

    return make, read_s


def _recordings(config: RecordTrainConfig, rows: Any, most: int) -> tuple[Make, float]:
    chosen = [rows[place] for place in np.linspace(0, len(rows) - 1, min(most, len(rows), _MOST_PICTURES)).astype(int)]
    since = time.monotonic()
    found = prepare(chosen, config.task)
    read_s = (time.monotonic() - since) / max(len(chosen), 1)
    if not found.rows:
        raise ReadError(*next(iter(found.left_out.items())))
    data = CropDataset(found, config.task, config.augment, config.seed)

    def make(count: int) -> Batch:
        items = [data[0, place % len(data)] for place in range(count)]
        return Batch(torch.stack([x for x, _, _ in items]), {}, torch.stack([target for _, target, _ in items]))

    return make, read_s


def _loss(network: torch.nn.Module, batch: Batch, device: str) -> torch.Tensor:
    kwargs = {name: value.to(device) for name, value in batch.kwargs.items()}
    logits, target = network(batch.x.to(device), **kwargs), batch.target.to(device)
    if target.is_floating_point():
        return functional.binary_cross_entropy_with_logits(logits.float(), target)
    answered = target >= 0
    return functional.cross_entropy(logits[answered].float(), target[answered])


def _step(network: torch.nn.Module, optimiser: Any, batch: Batch, device: str, mixed: bool) -> None:
    optimiser.zero_grad(set_to_none=True)
    with torch.autocast(device, dtype=torch.bfloat16, enabled=mixed):
        loss = _loss(network, batch, device)
    loss.backward()
    optimiser.step()
    loss.item()  # waits for a GPU


def _forward(network: torch.nn.Module, batch: Batch, device: str) -> None:
    with torch.inference_mode():
        _loss(network, batch, device).item()


def _activation_bytes(network: torch.nn.Module, batch: Batch, device: str) -> float:
    """Bytes that the backward pass needs, each storage counted once, the weights not."""
    weights = {parameter.untyped_storage().data_ptr() for parameter in network.parameters()}
    seen: dict[int, int] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            seen[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        _loss(network, batch, device).backward()
    network.zero_grad(set_to_none=True)
    return float(sum(seen.values()))


def _clock(call: Callable[[], object]) -> float:
    since = time.monotonic()
    call()
    return time.monotonic() - since
