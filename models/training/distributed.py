"""Distributed training that matches one process on the whole batch.

What is no sum over beats cannot be averaged afterwards: a class-weighted mean, Proxy-Anchor, batch normalisation. So
the outputs of all are gathered and each process computes the loss of the whole batch, and batch normalisation shares
its mean and variance. What is left between one process and several is the order of sums, and dropout.

Whoever starts the processes opens the process group: Ray Train, or :func:`joined` under torchrun.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache, partial
from inspect import signature
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from lightning.pytorch.plugins import LayerSync
from lightning.pytorch.plugins.environments import ClusterEnvironment
from lightning.pytorch.strategies import DDPStrategy
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.parallel import DistributedDataParallel

from models.config import TrainConfig
from models.core.errors import ConfigError
from models.plugins import plugin_of
from models.training.context import RunContext

T = TypeVar("T")
_BUFFERS = "forward_sync_buffers"
if _BUFFERS not in signature(DistributedDataParallel).parameters:
    _BUFFERS = "broadcast_buffers"  # its name before torch 2.14


def world_size() -> int:
    """Number of processes; 1 without a process group."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def rank() -> int:
    """Rank of this process."""
    return dist.get_rank() if world_size() > 1 else 0


@contextmanager
def joined(config: TrainConfig) -> Iterator[tuple[int, int]]:
    """Rank and world size from the environment of torchrun or ``srun``; 0 and 1 outside of it."""
    wanted = int(os.environ.get("WORLD_SIZE") or 1)
    if wanted == 1:
        yield 0, 1
        return
    on_cuda = config.device in {"auto", "cuda"} and torch.cuda.is_available()
    if on_cuda:
        torch.cuda.set_device(_local_rank() % torch.cuda.device_count())
    dist.init_process_group("nccl" if on_cuda else "gloo")
    try:
        yield dist.get_rank(), wanted
    finally:
        _control.cache_clear()
        dist.destroy_process_group()


def check(config: TrainConfig, context: RunContext) -> None:
    """Refuse a distributed training without process group, or with batches that cannot be divided.

    Raises:
        ConfigError: it is such.
    """
    size = world_size()
    if context.world_size != size or context.rank != rank():
        raise ConfigError(
            "world_size",
            f"the context says process {context.rank} of {context.world_size}, the process group {rank()} of {size}; "
            "start it with torchrun or through Ray",
        )
    if config.batch_size < size or (plugin_of(config).whole_batches and config.batch_size % size):
        raise ConfigError(
            "batch_size", f"{config.batch_size} cannot be shared by {size} processes; make it a multiple of that"
        )


def all_gather_outputs(*outputs: torch.Tensor) -> tuple[torch.Tensor, ...]:
    """Concatenate the rows of all processes in batch order, with gradients; each tensor is (n, ...), with the same
    n."""
    if world_size() == 1:
        return outputs
    counts = _gather_numbers(len(outputs[0]))
    return tuple(_Rows.apply(own, counts) for own in outputs)


def all_reduce_sum(counts: Any) -> Any:
    """Sum of an integer array over all processes."""
    if world_size() == 1:
        return counts
    summed = torch.from_numpy(counts).clone()
    dist.all_reduce(summed, group=_control())
    return summed.numpy()


def all_gather_rows(own: torch.Tensor) -> torch.Tensor:
    """Concatenate the rows of all processes, without gradients."""
    if world_size() == 1:
        return own
    found: list[Any] = [None] * world_size()
    dist.all_gather_object(found, own, group=_control())
    return torch.cat(found)


def all_reduce_any(*flags: bool) -> list[bool]:
    """Logical or of each flag over all processes, so that all of them end or save together."""
    if world_size() == 1:
        return list(flags)
    votes = torch.tensor(flags, dtype=torch.int32)
    dist.all_reduce(votes, dist.ReduceOp.MAX, group=_control())
    return [bool(vote) for vote in votes]


def broadcast(value: T) -> T:
    """The object of process 0, in all processes."""
    if world_size() == 1:
        return value
    held = [value]
    dist.broadcast_object_list(held, src=0, group=_control())
    return held[0]


def seed_by_rank() -> None:
    """Seed each process's random numbers (dropout) differently; process 0 as in a single-process training."""
    if rank() > 0:
        torch.manual_seed(int(torch.randint(2**31, ())) + rank())


def trainer_arguments(config: TrainConfig) -> dict[str, Any]:
    """Lightning's trainer arguments: each process is a node with one device."""
    if world_size() == 1:
        return {"devices": 1}
    strategy = DDPStrategy(
        cluster_environment=_Started(),
        # The running statistics of batch normalisation are the same everywhere already.
        **{_BUFFERS: False},
        # Without cross-entropy the classifier gets no gradient.
        find_unused_parameters=getattr(config.loss, "lambda_combined", 1.0) == 0.0,
    )
    on_cuda = config.device in {"auto", "cuda"} and torch.cuda.is_available()
    return {
        "devices": [torch.cuda.current_device()] if on_cuda else 1,
        "num_nodes": world_size(),
        "strategy": strategy,
        "use_distributed_sampler": False,
        "plugins": [SharedBatchNorm()],
    }


class SharedBatchNorm(LayerSync):
    """Synchronised batch normalisation, also on a CPU.

    torch's own needs a GPU, and its conversion drops the activation that timm's layers hold.
    """

    def apply(self, model: nn.Module) -> nn.Module:
        """Replace batch norm layers by synchronised ones."""
        for module in model.modules():
            if isinstance(module, _BatchNorm):
                module.forward = partial(_normalised, module)
        return model

    def revert(self, model: nn.Module) -> nn.Module:
        """Restore the original layers."""
        for module in model.modules():
            if isinstance(module, _BatchNorm):
                module.__dict__.pop("forward", None)
        return model


def _normalised(layer: _BatchNorm, x: torch.Tensor) -> torch.Tensor:
    if not layer.training:
        return type(layer).forward(layer, x)
    axes = [0, *range(2, x.ndim)]
    shape = [1, -1] + [1] * (x.ndim - 2)
    wide = x if x.dtype == torch.float64 else x.float()
    own_mean = wide.mean(axes)
    own_spread = (wide - own_mean.view(shape)).square().sum(axes)
    own_count = torch.full_like(own_mean, x.numel() // x.shape[1])
    means, spreads, counts = _Gathered.apply(torch.stack([own_mean, own_spread, own_count])).unbind(1)
    n = counts.sum(0)
    mean = (counts * means).sum(0) / n
    variance = (spreads + counts * (means - mean).square()).sum(0) / n
    if layer.track_running_stats:
        with torch.no_grad():
            layer.num_batches_tracked.add_(1)
            weight = layer.momentum if layer.momentum is not None else 1.0 / float(layer.num_batches_tracked)
            layer.running_mean.lerp_(mean.to(layer.running_mean.dtype), weight)
            layer.running_var.lerp_((variance * n / (n - 1).clamp(min=1)).to(layer.running_var.dtype), weight)
    y = (wide - mean.view(shape)) * torch.rsqrt(variance + layer.eps).view(shape)
    if layer.affine:
        y = y * layer.weight.view(shape) + layer.bias.view(shape)
    y = y.to(x.dtype)
    # timm's layers hold the activation that follows.
    return layer.act(layer.drop(y)) if hasattr(layer, "act") else y


class _Rows(torch.autograd.Function):
    """All-gather whose backward keeps the own rows' gradient, since every process computes the same loss.

    It is multiplied by the number of processes, because the gradients of the weights are averaged, not summed.
    """

    @staticmethod
    def forward(ctx: Any, own: torch.Tensor, counts: Sequence[int]) -> torch.Tensor:
        ctx.counts = counts
        padded = own.new_zeros((max(counts), *own.shape[1:]))
        padded[: len(own)] = own
        found = [torch.empty_like(padded) for _ in counts]
        dist.all_gather(found, padded)
        return torch.cat([rows[:count] for rows, count in zip(found, counts, strict=True)])

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor, None]:
        start = sum(ctx.counts[: rank()])
        return world_size() * gradient[start : start + ctx.counts[rank()]], None


class _Gathered(torch.autograd.Function):
    """All-gather, (world_size, ...), whose backward sums the gradients over processes."""

    @staticmethod
    def forward(_: Any, own: torch.Tensor) -> torch.Tensor:
        found = [torch.empty_like(own) for _ in range(world_size())]
        dist.all_gather(found, own.contiguous())
        return torch.stack(found)

    @staticmethod
    def backward(_: Any, gradient: torch.Tensor) -> torch.Tensor:
        summed = gradient.clone(memory_format=torch.contiguous_format)
        dist.all_reduce(summed)
        return summed[rank()]


class _Started(ClusterEnvironment):
    """Lightning environment of processes that are already connected."""

    creates_processes_externally = True

    @property
    def main_address(self) -> str:
        return os.environ.get("MASTER_ADDR", "127.0.0.1")

    @property
    def main_port(self) -> int:
        return int(os.environ.get("MASTER_PORT") or 0)

    @staticmethod
    def detect() -> bool:
        return False

    def world_size(self) -> int:
        return world_size()

    def set_world_size(self, size: int) -> None:
        """Nothing to set: the process group knows it."""

    def global_rank(self) -> int:
        return rank()

    def set_global_rank(self, rank: int) -> None:
        """Nothing to set: the process group knows it."""

    def local_rank(self) -> int:
        return 0

    def node_rank(self) -> int:
        return rank()


def _gather_numbers(own: int) -> list[int]:
    found = [torch.empty(1, dtype=torch.int64) for _ in range(world_size())]
    dist.all_gather(found, torch.tensor([own]), group=_control())
    return [int(number) for number in found]


@lru_cache(maxsize=1)
def _control() -> Any:
    """Process group on the CPU for control messages, which do not wait for a GPU."""
    return dist.group.WORLD if dist.get_backend() == "gloo" else dist.new_group(backend="gloo")


def _local_rank() -> int:
    return int(os.environ.get("LOCAL_RANK") or 0)
