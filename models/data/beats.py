"""Training data of the beat tasks: records conditioned once, then cut, changed and scaled batch by batch."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from math import ceil
from typing import NamedTuple

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
    """Condition a whole record; for windows with the length of one beyond both ends, where no signal is (NaN)."""
    choice = task.choose_leads(record.leads)
    conditioner = task.conditioner(record.fs)

    def read(start: int, stop: int) -> np.ndarray:
        return record.signal_mV[start:stop, choice.indices]

    pad = task.length + round(task.fs_out) if task.kind == "beat" else 0
    n = conditioner.n_out(record.n_samples)
    return PreparedRecord(
        name=record.name,
        conditioned=conditioner.condition(read, record.n_samples, -pad, n + pad),
        position=conditioner.beats(record.sample, record.n_samples) + pad,
        label=record.label,
        rr=rr_ratios(record.sample / record.fs),
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
        """The batch of some rows; of the sequences every process takes all."""
        return replace(self._each(lambda value: value[rows]), sequences=self.sequences)

    def silent(self) -> Batch:
        """The same input, of which nothing is to be learnt."""
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
    """R peaks of strips whose signal is not there: all int64 (B, K), beats -1 and the others 0 where padded."""

    beats: torch.Tensor
    allowed: torch.Tensor
    rhythm: torch.Tensor


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
        self.items, self.share = strip_items(self.records, task, balance)
        self.set_epoch(0)

    def draw(self, generator: np.random.Generator) -> np.ndarray:
        if self.augmenter is None:
            return self.items
        if self.share is None:
            return self.items[generator.permutation(len(self.items))]
        return self.items[generator.choice(len(self.items), len(self.items), p=self.share)]

    def make(self, chosen: np.ndarray, generator: np.random.Generator) -> Batch:
        if self.augmenter is None:
            return stacked([self._strip(self.records[record], int(number)) for record, number in chosen])
        length = min(self.task.length, *(self.records[record].conditioned.shape[1] for record, _ in chosen))
        return stacked(
            [
                training_strip(
                    self.records[record], self.task, self.augmenter, (int(number) * self.task.hop, length), generator
                )
                for record, number in chosen
            ]
        )

    def _strip(self, record: PreparedRecord, number: int) -> TrainingStrip:
        """Strip ``number`` as the analysis reads it; the beats of its core have their label."""
        task, n = self.task, record.conditioned.shape[1]
        start, stop = task.range(number, n)
        inside = (record.position >= start) & (record.position < stop)
        answered = (task.number(record.position, n) == number)[inside]
        beats = record.position[inside] - start
        label = np.where(answered, record.label[inside], -1)
        return TrainingStrip(
            task.scale(record.conditioned[:, start:stop], beats),
            beats,
            label,
            as_bits(label),
            np.where(answered, rhythm_of(record)[inside], 0),
        )


class TrainingStrip(NamedTuple):
    """A scaled strip (in_channel, L) with its beats, each (K,): sample number, label, allowed classes and rhythms."""

    x: torch.Tensor
    beats: np.ndarray
    label: np.ndarray
    allowed: np.ndarray
    rhythm: np.ndarray


def strip_items(
    records: Sequence[PreparedRecord], task: StripTask, balance: float
) -> tuple[np.ndarray, np.ndarray | None]:
    """(record, strip) pairs that hold beats, int64 (n, 2), and the share with which each is drawn (None: equal).

    A strip's share is the mean over its beats of class count to the minus ``balance``.
    """
    known = np.concatenate([record.label[record.label >= 0] for record in records])
    weight = np.append(class_weights(known, len(task.classes), balance), 1.0)
    items, shares = [], []
    for i, record in enumerate(records):
        strip = task.number(record.position - record.pad, record.conditioned.shape[1] - 2 * record.pad)
        for number in np.unique(strip):
            items.append((i, number))
            shares.append(weight[record.label[strip == number]].mean())
    return np.array(items, np.int64), np.array(shares) / np.sum(shares) if balance else None


def training_strip(
    record: PreparedRecord,
    task: StripTask,
    augmenter: Augmenter,
    place: tuple[int, int],
    generator: np.random.Generator,
    leads: Sequence[int] | None = None,
) -> TrainingStrip:
    """A changed strip near a place of a record.

    Args:
        record: prepared.
        task: scales it.
        augmenter: changes of the input.
        place: first sample of the strip that is drawn near, and the length wanted.
        generator: source of all randomness.
        leads: rows of the record's signal; the first ``in_channel`` by default.
    """
    start, length = place
    n = record.conditioned.shape[1]
    pace = np.minimum(augmenter.pace(1, generator), n / length)
    reach = length * pace[0] / 2
    centre = start + task.hop // 2 + generator.integers(-task.hop // 2, task.hop // 2 + 1)
    centre = float(np.clip(centre, reach, max(n - reach, reach)))
    signal = record.conditioned[: task.in_channel] if leads is None else record.conditioned[list(leads)]
    first = max(int(centre - reach) - 1, 0)
    strip = interpolate(signal[:, first : int(centre + reach) + 2], np.array([centre - first]), length, pace)[0]
    near = slice(*np.searchsorted(record.position, [centre - reach - task.fs_out, centre + reach + task.fs_out]))
    jitter = augmenter.shift(near.stop - near.start, task.fs_out, generator)
    beats = np.rint((record.position[near] + jitter - centre) / pace).astype(np.int64) + length // 2
    inside = (beats >= 0) & (beats < length)
    beats, label, rhythm = beats[inside], record.label[near][inside], rhythm_of(record)[near][inside]
    allowed = as_bits(label) if record.allowed is None else record.allowed[near][inside]
    strip, beats, changed = _premature(strip, beats, label, task.fs_out, augmenter, generator)
    allowed = np.where(changed != label, as_bits(changed), allowed)
    strip = _aberrant(strip, beats, changed, task.fs_out, augmenter, generator)
    strip = augmenter(strip[None], generator)[0]
    edge = min(round(_EDGE_S * task.fs_out), length // 8)
    inside = (beats >= 0) & (beats < length)
    answered = (beats >= edge) & (beats < length - edge)
    return TrainingStrip(
        task.scale(strip, beats[inside]),
        beats[inside],
        np.where(answered, changed, -1)[inside],
        np.where(answered, allowed, 0)[inside],
        np.where(answered, rhythm, 0)[inside],
    )


def stacked(strips: Sequence[TrainingStrip]) -> Batch:
    """Strips of one length as a batch; beats are padded to the longest."""
    most = max((len(strip.beats) for strip in strips), default=0)

    def padded(values: Sequence[np.ndarray], fill: int) -> torch.Tensor:
        rows = [np.pad(np.asarray(v, np.int64), (0, most - len(v)), constant_values=fill) for v in values]
        return torch.from_numpy(np.stack(rows))

    return Batch(
        torch.stack([strip.x for strip in strips]),
        {"beats": padded([strip.beats for strip in strips], -1)},
        padded([strip.label for strip in strips], -1),
        padded([strip.allowed for strip in strips], 0),
        padded([strip.rhythm for strip in strips], 0),
    )


def as_bits(label: np.ndarray) -> np.ndarray:
    """Class indices as sets of one class, a bit each, int64; -1 is the empty set."""
    return np.where(label >= 0, np.left_shift(1, np.maximum(label, 0)), 0).astype(np.int64)


def rhythm_of(record: PreparedRecord) -> np.ndarray:
    """Rhythms that each beat may lie in, int64 (n_beats,); 0 where nothing is known."""
    return np.zeros(len(record.position), np.int64) if record.rhythm is None else record.rhythm


def _premature(
    strip: np.ndarray,
    beats: np.ndarray,
    label: np.ndarray,
    fs: float,
    augmenter: Augmenter,
    generator: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The strip with some of its beats made premature, where chance wants it and the rhythm is steady."""
    wanted = generator.random() < augmenter.config.premature
    if not (wanted and is_steady(beats, label, fs)):
        return strip, beats, label
    return make_premature(strip, beats, label, fs, generator)


def _aberrant(
    strip: np.ndarray,
    beats: np.ndarray,
    label: np.ndarray,
    fs: float,
    augmenter: Augmenter,
    generator: np.random.Generator,
) -> np.ndarray:
    """The strip with runs of its N and S beats widened, if chance wants it."""
    if generator.random() >= augmenter.config.aberrant:
        return strip
    inside = (beats >= 0) & (beats < strip.shape[1])
    return make_aberrant(strip, beats[inside], choose_runs(label[inside], (N, S), generator), fs, generator)


def class_weights(labels: np.ndarray, n_classes: int, power: float) -> np.ndarray:
    """Weight of each class, float (n_classes,): count to the minus ``power``, the mean over all beats being 1.

    Counts below 100 are taken as 100, so that a class of a handful of beats (Q) does not rule the sum.
    """
    count = np.maximum(np.bincount(labels, minlength=n_classes), 100).astype(float)
    weight = count**-power
    return weight / weight[labels].mean()
