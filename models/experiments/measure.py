"""Times a few real training steps and measures the bytes stored for the backward pass."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import torch
from torch.nn import functional

from models.config import TrainConfig
from models.data.beats import Batch
from models.networks.registry import create_model
from models.plugins.results import Pace, SampleBatches

_BUDGET_S = 5.0
_FIRST_ITEMS = 2
_GROWTH = 4
_MOST_ITEMS = 256
Loss = Callable[[Batch], torch.Tensor]


def measure(config: TrainConfig, sample: Callable[[int], SampleBatches], device: str) -> Pace:
    """Train a fresh network for a few seconds on part of the data.

    Args:
        config: the training.
        sample: reads some of the data; see :class:`models.plugins.results.Cases`.
        device: where.
    """
    most = min(config.batch_size, _MOST_ITEMS)
    batches = sample(most)
    make = batches.make
    network = create_model(config.network.architecture, **config.network_arguments()).to(device).train()
    optimiser = torch.optim.AdamW(network.parameters(), lr=config.lr)

    def loss(batch: Batch) -> torch.Tensor:
        kwargs = {name: value.to(device) for name, value in batch.kwargs.items()}
        return (batches.loss or _label_loss)(network(batch.x.to(device), **kwargs), batch.target.to(device))

    count = min(most, _FIRST_ITEMS)
    kept = _activation_bytes(network, loss, make(count)) / count
    began = time.monotonic()
    while True:  # larger batches until the next one would take too long: the pace is that of the largest
        step = _clock(lambda: _step(optimiser, loss, make(count), device, config.mixed_precision))  # noqa: B023
        spent = time.monotonic() - began
        if count >= most or spent + _GROWTH * step > _BUDGET_S:
            break
        count = min(most, count * _GROWTH)
    network.eval()
    forward = _clock(lambda: _forward(loss, make(count)))
    scale = config.batch_size / count
    return Pace(
        step_s=(step + len(config.teachers) * forward) * scale,
        forward_s=forward * scale,
        read_s=batches.read_s,
        activation_bytes_per_item=kept,
    )


def _label_loss(logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    if target.is_floating_point():
        return functional.binary_cross_entropy_with_logits(logits.float(), target)
    answered = target >= 0
    return functional.cross_entropy(logits[answered].float(), target[answered])


def _step(optimiser: Any, loss: Loss, batch: Batch, device: str, mixed: bool) -> None:
    optimiser.zero_grad(set_to_none=True)
    with torch.autocast(device, dtype=torch.bfloat16, enabled=mixed):
        found = loss(batch)
    found.backward()
    optimiser.step()
    found.item()  # waits for a GPU


def _forward(loss: Loss, batch: Batch) -> None:
    with torch.inference_mode():
        loss(batch).item()


def _activation_bytes(network: torch.nn.Module, loss: Loss, batch: Batch) -> float:
    """Bytes stored for the backward pass, each storage counted once, without the weights."""
    weights = {parameter.untyped_storage().data_ptr() for parameter in network.parameters()}
    seen: dict[int, int] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            seen[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        loss(batch).backward()
    network.zero_grad(set_to_none=True)
    return float(sum(seen.values()))


def _clock(call: Callable[[], object]) -> float:
    since = time.monotonic()
    call()
    return time.monotonic() - since
