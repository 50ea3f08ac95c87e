"""Shards batches over processes so that together they see what one process would see alone."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

from torch.utils.data import Dataset, Sampler

from models.data.beats import Batch


def own_rows(n: int, rank: int, world_size: int) -> slice:
    """Rows of a batch of ``n`` for process ``rank``; shards differ by one row at most."""
    return slice(n * rank // world_size, n * (rank + 1) // world_size)


class BatchShares(Dataset):
    """The own rows of each batch of beats.

    The whole batch is made, because its random numbers are drawn one after the other; so a beat is changed in the same
    way whoever computes it. A batch with fewer rows than there are processes is given to all, and its targets to the
    first alone.

    Args:
        data: whole batches by number.
        rank: number of this process.
        world_size: how many there are.
    """

    def __init__(self, data: Any, rank: int, world_size: int):
        self.data = data
        self.rank = rank
        self.world_size = world_size

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, number: int) -> Batch:
        batch: Batch = self.data[number]
        n = len(batch.target)
        if n < self.world_size:
            return batch if self.rank == 0 else batch.silent()
        return batch.part(own_rows(n, self.rank, self.world_size))


class ItemShares(Sampler[Any]):
    """The own items of each whole batch, for loading in batches of ``batch_size / world_size``.

    Args:
        order: the items of an epoch; has ``set_epoch`` and ``start_at``.
        batch_size: items of a batch of all processes together, a multiple of their number.
        rank: number of this process.
        world_size: how many there are.
    """

    def __init__(self, order: Any, batch_size: int, rank: int, world_size: int):
        self.order = order
        self.batch_size = batch_size
        self.rank = rank
        self.world_size = world_size

    def set_epoch(self, epoch: int) -> None:
        """Set the epoch; Lightning calls it before each one."""
        self.order.set_epoch(epoch)

    def start_at(self, epoch: int, items: int) -> None:
        """Start in this epoch and skip its first own items."""
        self.order.start_at(epoch, items * self.world_size)

    def __len__(self) -> int:
        return len(self.order) // self.batch_size * (self.batch_size // self.world_size)

    def __iter__(self) -> Iterator[Any]:
        rows = own_rows(self.batch_size, self.rank, self.world_size)
        for batch in _batches(self.order, self.batch_size):
            if len(batch) == self.batch_size:
                yield from batch[rows]


class EveryNthBatch(Sampler[Any]):
    """Every ``world_size``-th whole batch, starting at ``rank``; all, where there are fewer batches.

    Args:
        order: items, or numbers of batches.
        batch_size: items of a batch; 1 for numbers of batches.
        rank: number of this process.
        world_size: how many there are.
    """

    def __init__(self, order: Any, batch_size: int, rank: int, world_size: int):
        self.order = order
        self.batch_size = batch_size
        batches = -(-len(order) // batch_size)
        self.first, self.step = (rank, world_size) if batches >= world_size else (0, 1)

    def set_epoch(self, epoch: int) -> None:
        """Set the epoch; Lightning calls it before each one."""
        self.order.set_epoch(epoch)

    def __len__(self) -> int:
        return sum(len(range(len(self.order))[i : i + self.batch_size]) for i in self._starts())

    def __iter__(self) -> Iterator[Any]:
        for batch in islice(_batches(self.order, self.batch_size), self.first, None, self.step):
            yield from batch

    def _starts(self) -> range:
        return range(self.first * self.batch_size, len(self.order), self.step * self.batch_size)


def _batches(items: Any, size: int) -> Iterator[list[Any]]:
    waiting = iter(items)
    while batch := list(islice(waiting, size)):
        yield batch
