"""Training data of the beat tasks: records are conditioned once, then cut, augmented and scaled by batch."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from math import ceil
from typing import NamedTuple

import numpy as np
import torch
from torch.utils.data import Dataset, Sampler

from models.core.gaps import find_gaps, without_gaps
from models.data.augment import Augmenter, interpolate
from models.data.mitdb import BeatRecord
from models.tasks import BeatTask, StripTask
from models.tasks.beat import rr_ratios


@dataclass(frozen=True)
class PreparedRecord:
    """A record at the task's sampling frequency.

    Attributes:
        name: record name.
        conditioned: float32 (n_leads, pad + n + pad), the leads that the task chose.
        position: R peaks as sample numbers in ``conditioned``, int64 (n_beats,).
        label: class indices, int64 (n_beats,).
        rr: RR ratios, float32 (n_beats, 8).
        pad: samples before the recording's first.
        allowed: classes that each beat may have, one bit each, int64 (n_beats,); 0 where nothing is known. None: the
            label's.
        rhythm: rhythms that it may lie in, one bit each of RHYTHM_CLASSES, int64 (n_beats,); None: nothing is known.
    """

    name: str
    conditioned: np.ndarray
    position: np.ndarray
    label: np.ndarray
    rr: np.ndarray
    pad: int
    allowed: np.ndarray | None = None
    rhythm: np.ndarray | None = None


def prepare_record(record: BeatRecord, task: BeatTask | StripTask) -> PreparedRecord:
    """Condition a whole record; for windows padded by one window of NaN at both ends."""
    choice = task.choose_leads(record.leads)
    conditioner = task.conditioner(record.fs)

    def read(start: int, stop: int) -> np.ndarray:
        return record.signal_mV[start:stop, choice.indices]

    gaps = find_gaps(record.signal_mV[:, choice.indices], record.fs)
    pad = task.beyond_ends
    n = conditioner.n_out(record.n_samples)
    return PreparedRecord(
        name=record.name,
        conditioned=conditioner.condition(without_gaps(read, record.fs, gaps), record.n_samples, -pad, n + pad),
        position=conditioner.beats(record.sample, record.n_samples) + pad,
        label=record.label,
        rr=rr_ratios(record.sample / record.fs, gaps),
        pad=pad,
        rhythm=record.rhythm,
    )


@dataclass(frozen=True)
class Batch:
    """One batch of a training.

    Attributes:
        x: network input, float32 (B, C, L).
        kwargs: further arguments of the network, as in :class:`models.tasks.BeatInputs`.
        target: class indices, int64, shaped as the logits without their last axis; -1 to ignore.
        allowed: classes that a beat may have, one bit each, shaped as ``target``; 0 to ignore. None: ``target`` says.
        rhythm: rhythms that it may lie in, in the same way; None: no rhythm is trained.
        sequences: beats without their signal that are trained on beside it.
    """

    x: torch.Tensor
    kwargs: dict[str, torch.Tensor]
    target: torch.Tensor
    allowed: torch.Tensor | None = None
    rhythm: torch.Tensor | None = None
    sequences: Sequences | None = None

    def to(self, device: torch.device | str) -> Batch:
        """The same batch on ``device``."""
        return self._each(lambda value: value.to(device))

    def part(self, rows: slice) -> Batch:
        """The given rows of the batch; sequences are kept whole in every process."""
        return replace(self._each(lambda value: value[rows]), sequences=self.sequences)

    def silent(self) -> Batch:
        """The same input without targets."""
        return replace(
            self,
            target=torch.full_like(self.target, -1),
            allowed=None if self.allowed is None else torch.zeros_like(self.allowed),
            rhythm=None if self.rhythm is None else torch.zeros_like(self.rhythm),
            sequences=None,
        )

    def _each(self, change: Callable[[torch.Tensor], torch.Tensor]) -> Batch:
        return Batch(
            change(self.x),
            {name: change(value) for name, value in self.kwargs.items()},
            change(self.target),
            None if self.allowed is None else change(self.allowed),
            None if self.rhythm is None else change(self.rhythm),
            None if self.sequences is None else Sequences(*map(change, self.sequences)),
        )


class Sequences(NamedTuple):
    """R peaks of strips without signal: all int64 (B, K), padded with -1 (beats) and 0 (others)."""

    beats: torch.Tensor
    allowed: torch.Tensor
    rhythm: torch.Tensor


class EpochDataset(Dataset, ABC):
    """Whole batches by number, deterministic for seed, epoch and number."""

    def __init__(
        self,
        records: Sequence[PreparedRecord],
        task: BeatTask | StripTask,
        batch_size: int,
        augmenter: Augmenter | None,
        seed: int,
    ):
        self.records = list(records)
        self.task = task
        self.labels = np.concatenate([record.label[record.label >= 0] for record in self.records])
        self.batch_size = batch_size
        self.augmenter = augmenter
        self.seed = seed
        self.epoch = 0
        self.order = np.empty((0, 2), np.int64)

    def set_epoch(self, epoch: int) -> None:
        """Shuffle for an epoch."""
        self.epoch = epoch
        self.order = self.draw(np.random.default_rng((self.seed, epoch)))

    @abstractmethod
    def draw(self, generator: np.random.Generator) -> np.ndarray:
        """(record, item) pairs of an epoch, int64 (n, 2)."""

    @abstractmethod
    def make(self, chosen: np.ndarray, generator: np.random.Generator) -> Batch:
        """The batch of (record, item) pairs."""

    def __len__(self) -> int:
        return ceil(len(self.order) / self.batch_size)

    def __getitem__(self, number: int) -> Batch:
        if not 0 <= number < len(self):
            raise IndexError(number)
        generator = np.random.default_rng((self.seed, self.epoch, number))
        return self.make(self.order[number * self.batch_size : (number + 1) * self.batch_size], generator)


class BatchOrder(Sampler[int]):
    """Batch numbers of an epoch, shuffled when the epoch is set.

    Args:
        data: the batches.
    """

    def __init__(self, data: EpochDataset):
        self.data = data
        self._first = 0

    def set_epoch(self, epoch: int) -> None:
        """Set the epoch; Lightning calls it before each one."""
        self.data.set_epoch(epoch)

    def start_at(self, epoch: int, batches: int) -> None:
        """Start in this epoch and skip its first batches, which were seen before a training was resumed."""
        self.set_epoch(epoch)
        self._first = batches

    def __len__(self) -> int:
        return len(self.data)

    def __iter__(self) -> Iterator[int]:
        first, self._first = self._first, 0
        yield from range(first, len(self.data))


class WindowDataset(EpochDataset):
    """Batches of single windows for :class:`models.tasks.BeatTask`.

    Args:
        records: prepared records.
        task: how windows are cut and scaled.
        batch_size: windows in a batch.
        augmenter: changes of the input; None for none.
        beats_per_epoch: windows drawn in an epoch; 0: each once.
        balance: windows are drawn as class count to the minus this.
        seed: of order and augmentation.
    """

    task: BeatTask

    def __init__(
        self,
        records: Sequence[PreparedRecord],
        task: BeatTask,
        batch_size: int,
        augmenter: Augmenter | None = None,
        beats_per_epoch: int = 0,
        balance: float = 0.0,
        seed: int = 0,
    ):
        super().__init__(records, task, batch_size, augmenter, seed)
        self.items = np.concatenate(
            [np.stack([np.full(len(r.label), i), np.arange(len(r.label))], axis=1) for i, r in enumerate(self.records)]
        )
        self.count = beats_per_epoch or len(self.items)
        weight = class_weights(self.labels, len(task.classes), balance)[self.labels]
        self.share = weight / weight.sum() if balance or beats_per_epoch else None
        self.set_epoch(0)

    def draw(self, generator: np.random.Generator) -> np.ndarray:
        if self.augmenter is None:
            return self.items
        if self.share is None:
            return self.items[generator.permutation(len(self.items))]
        return self.items[generator.choice(len(self.items), self.count, p=self.share)]

    def make(self, chosen: np.ndarray, generator: np.random.Generator) -> Batch:
        windows = np.zeros((len(chosen), self.task.in_channel, self.task.length), np.float32)
        rr = np.zeros((len(chosen), self.records[0].rr.shape[1]), np.float32)
        target = np.zeros(len(chosen), np.int64)
        for index in np.unique(chosen[:, 0]):
            record, here = self.records[index], chosen[:, 0] == index
            beats = chosen[here, 1]
            windows[here] = self._cut(record, record.position[beats], generator)
            rr[here], target[here] = record.rr[beats], record.label[beats]
        if self.augmenter is not None:
            windows = self.augmenter(windows, generator)
        kwargs = {"rr": torch.from_numpy(rr)} if self.task.rr else {}
        return Batch(self.task.scale(windows), kwargs, torch.from_numpy(target))

    def _cut(self, record: PreparedRecord, position: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        if self.augmenter is None:
            return self.task.cut(record.conditioned, position)
        centre = position + self.augmenter.shift(len(position), self.task.fs_out, generator)
        cut = interpolate(record.conditioned, centre, self.task.length, self.augmenter.pace(len(position), generator))
        return np.pad(cut, ((0, 0), (0, self.task.in_channel - cut.shape[1]), (0, 0)))


def class_weights(labels: np.ndarray, n_classes: int, power: float) -> np.ndarray:
    """Weight of each class, float (n_classes,): count to the power of minus ``power``, with mean 1 over all beats.

    Counts below 100 are taken as 100, so that a class of a handful of beats (Q) does not rule the sum.
    """
    count = np.maximum(np.bincount(labels, minlength=n_classes), 100).astype(float)
    weight = count**-power
    shares: np.ndarray = weight / weight[labels].mean()
    return shares
