"""Training data of the beat tasks: records conditioned once, then cut, changed and scaled batch by batch."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np
import torch
from torch.utils.data import Dataset, Sampler

from models.data.aberrant import choose_runs, make_aberrant
from models.data.augment import Augmenter, interpolate
from models.data.mitdb import BeatRecord
from models.data.premature import N, S, is_steady, make_premature
from models.tasks import BeatTask, StripTask
from models.tasks.beat import rr_ratios

_EDGE_S = 1.0


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
    """

    name: str
    conditioned: np.ndarray
    position: np.ndarray
    label: np.ndarray
    rr: np.ndarray
    pad: int


def prepare_record(record: BeatRecord, task: BeatTask | StripTask) -> PreparedRecord:
    """Condition a whole record, with a window (or strip) beyond both ends."""
    choice = task.choose_leads(record.leads)
    conditioner = task.conditioner(record.fs)

    def read(start: int, stop: int) -> np.ndarray:
        return record.signal_mV[start:stop, choice.indices]

    pad = task.length + round(task.fs_out)
    n = conditioner.n_out(record.n_samples)
    return PreparedRecord(
        name=record.name,
        conditioned=conditioner.condition(read, record.n_samples, -pad, n + pad),
        position=conditioner.position(record.sample) + pad,
        label=record.label,
        rr=rr_ratios(record.sample / record.fs),
        pad=pad,
    )


@dataclass(frozen=True)
class Batch:
    """One training batch: ``target`` holds class indices shaped as the logits without their last axis, -1 to ignore."""

    x: torch.Tensor
    kwargs: dict[str, torch.Tensor]
    target: torch.Tensor


class _EpochDataset(Dataset, ABC):
    """Whole batches by number; the same seed, epoch and number give the same batch."""

    def __init__(self, records: Sequence[PreparedRecord], batch_size: int, augmenter: Augmenter | None, seed: int):
        self.records = list(records)
        self.batch_size = batch_size
        self.augmenter = augmenter
        self.seed = seed
        self.epoch = 0
        self.order = np.empty((0, 2), np.int64)

    def set_epoch(self, epoch: int) -> None:
        """Draw the order of an epoch."""
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
    """Numbers of the batches of an epoch; draws the epoch's order when told its number.

    Args:
        data: the batches.
    """

    def __init__(self, data: _EpochDataset):
        self.data = data
        self._first = 0

    def set_epoch(self, epoch: int) -> None:
        """Lightning calls it before each epoch."""
        self.data.set_epoch(epoch)

    def start_at(self, epoch: int, batches: int) -> None:
        """Begin with this epoch and leave out so many of its batches: they were seen before a training was resumed."""
        self.set_epoch(epoch)
        self._first = batches

    def __len__(self) -> int:
        return len(self.data)

    def __iter__(self) -> Iterator[int]:
        first, self._first = self._first, 0
        yield from range(first, len(self.data))


class WindowDataset(_EpochDataset):
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
        super().__init__(records, batch_size, augmenter, seed)
        self.task = task
        self.items = np.concatenate(
            [np.stack([np.full(len(r.label), i), np.arange(len(r.label))], axis=1) for i, r in enumerate(self.records)]
        )
        self.labels = np.concatenate([record.label for record in self.records])
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


class StripDataset(_EpochDataset):
    """Batches of strips with all their beats for :class:`models.tasks.StripTask`; arguments as for windows.

    Without an augmenter the strips of :meth:`StripTask.batches` are given, each beat once. With one, each strip's start
    is moved at random, and strips with rare classes are drawn more often as ``balance`` says.
    """

    def __init__(
        self,
        records: Sequence[PreparedRecord],
        task: StripTask,
        batch_size: int,
        augmenter: Augmenter | None = None,
        balance: float = 0.0,
        seed: int = 0,
    ):
        super().__init__(records, batch_size, augmenter, seed)
        self.task = task
        self.labels = np.concatenate([record.label for record in self.records])
        weight = class_weights(self.labels, len(task.classes), balance)
        items, shares = [], []
        for i, record in enumerate(self.records):
            strip = (record.position - record.pad) // task.hop
            for number in np.unique(strip):
                items.append((i, number))
                shares.append(weight[record.label[strip == number]].mean())
        self.items = np.array(items, np.int64)
        self.share = np.array(shares) / np.sum(shares) if balance else None
        self.set_epoch(0)

    def draw(self, generator: np.random.Generator) -> np.ndarray:
        if self.augmenter is None:
            return self.items
        if self.share is None:
            return self.items[generator.permutation(len(self.items))]
        return self.items[generator.choice(len(self.items), len(self.items), p=self.share)]

    def make(self, chosen: np.ndarray, generator: np.random.Generator) -> Batch:
        strips = [self._strip(self.records[record], int(number), generator) for record, number in chosen]
        most = max(len(beats) for _, beats, _ in strips)

        def padded(values: np.ndarray) -> torch.Tensor:
            return torch.from_numpy(np.pad(values, (0, most - len(values)), constant_values=-1))

        return Batch(
            torch.stack([x for x, _, _ in strips]),
            {"beats": torch.stack([padded(beats) for _, beats, _ in strips])},
            torch.stack([padded(target) for _, _, target in strips]),
        )

    def _strip(
        self, record: PreparedRecord, number: int, generator: np.random.Generator
    ) -> tuple[torch.Tensor, np.ndarray, np.ndarray]:
        task = self.task
        start = number * task.hop - task.margin + record.pad
        if self.augmenter is None:
            strip = record.conditioned[:, start : start + task.length]
            beats = record.position - start
            answered = (beats >= task.margin) & (beats < task.length - task.margin)
        else:
            centre = start + task.length // 2 + generator.integers(-task.hop // 2, task.hop // 2)
            pace = self.augmenter.pace(1, generator)
            strip = interpolate(record.conditioned, np.array([float(centre)]), task.length, pace)[0]
            jitter = self.augmenter.shift(len(record.position), task.fs_out, generator)
            beats = np.rint((record.position + jitter - centre) / pace).astype(np.int64) + task.length // 2
            strip, beats, label = self._premature(strip, beats, record.label, generator)
            strip = self._aberrant(strip, beats, label, generator)
            strip = self.augmenter(strip[None], generator)[0]
            edge = round(_EDGE_S * task.fs_out)
            answered = (beats >= edge) & (beats < task.length - edge)
            inside = (beats >= 0) & (beats < task.length)
            return task.scale(strip), beats[inside], np.where(answered, label, -1)[inside]
        inside = (beats >= 0) & (beats < task.length)
        return task.scale(strip), beats[inside], np.where(answered, record.label, -1)[inside]

    def _premature(
        self, strip: np.ndarray, beats: np.ndarray, label: np.ndarray, generator: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The strip with its beats inside it, some of them made premature where the rhythm is steady."""
        inside = (beats >= 0) & (beats < self.task.length)
        beats, label = beats[inside], label[inside]
        wanted = generator.random() < self.augmenter.config.premature
        if not (wanted and is_steady(beats, label, self.task.fs_out)):
            return strip, beats, label
        return make_premature(strip, beats, label, self.task.fs_out, generator)

    def _aberrant(
        self, strip: np.ndarray, beats: np.ndarray, label: np.ndarray, generator: np.random.Generator
    ) -> np.ndarray:
        """The strip with runs of its N and S beats widened, if chance wants it."""
        if generator.random() >= self.augmenter.config.aberrant:
            return strip
        inside = (beats >= 0) & (beats < self.task.length)
        beats, label = beats[inside], label[inside]
        return make_aberrant(strip, beats, choose_runs(label, (N, S), generator), self.task.fs_out, generator)


def class_weights(labels: np.ndarray, n_classes: int, power: float) -> np.ndarray:
    """Weight of each class, float (n_classes,): count to the minus ``power``, the mean over all beats being 1.

    Counts below 100 are taken as 100, so that a class of a handful of beats (Q) does not rule the sum.
    """
    count = np.maximum(np.bincount(labels, minlength=n_classes), 100).astype(float)
    weight = count**-power
    return weight / weight[labels].mean()
