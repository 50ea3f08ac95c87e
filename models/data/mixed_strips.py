"""Batches that mix databases: long strips of Holter recordings, short ones of resting and hand-held recorders.

A batch holds strips of one length, about as many samples whatever the length. Long ones come from records whose beats
are annotated one by one; short ones come in equal parts from these and from recordings of which less is known (all
beats are N; there is no S in atrial fibrillation). Beside each batch lie sequences: beats of day-long recordings
without signal, from which rhythms are learnt.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from models.data.augment import Augmenter
from models.data.beat_sets import BeatSequences
from models.data.beats import Batch, EpochDataset, PreparedRecord, Sequences
from models.data.strips import TrainingStrip, allowed_of, rhythm_of, stacked, strip_items, training_strip
from models.tasks import StripTask

LENGTHS = ((0.5, 1.0, 1.0), (0.25, 0.2, 0.5), (0.25, 0.07, 0.165))
"""Kinds of batches: share of the batches, shortest and longest strip as a share of the task's."""
_SEQUENCES = 4
"""Sequences beside a batch, for each long strip of one."""
_EDGE_S = 1.0
_STANDARD_PAIR = 0.4
"""Share of 12-lead strips that are read as the analysis reads them: II and V1."""
_II, _V1 = 1, 6


class MixedStrips(EpochDataset):
    """Batches by number, drawn anew in each epoch.

    Args:
        annotated: records whose beats are annotated one by one.
        others: recordings of which less is known, a group a database.
        sequences: beats without signal.
        task: scales strips.
        batch_size: strips of full length in a batch.
        batches: how many an epoch has.
        augmenter: changes of the input.
        balance: strips of ``annotated`` are drawn as class count to the minus this.
        seed: of everything that is drawn.
    """

    task: StripTask
    augmenter: Augmenter

    def __init__(
        self,
        annotated: Sequence[PreparedRecord],
        others: Sequence[Sequence[PreparedRecord]],
        sequences: Sequence[BeatSequences],
        *,
        task: StripTask,
        batch_size: int,
        batches: int,
        augmenter: Augmenter,
        balance: float,
        seed: int,
    ):
        super().__init__(annotated, task, batch_size, augmenter, seed)
        self.batches = batches
        self.items, self.share = strip_items(self.records, task, balance)
        self.others = [_Group(group) for group in others if group]
        self.sequences = [(found, _by_content(found)) for found in sequences]
        self.set_epoch(0)

    def draw(self, generator: np.random.Generator) -> np.ndarray:
        """A pair of numbers per batch; its own generator draws its content."""
        return np.stack([np.arange(self.batches), generator.permutation(self.batches)], axis=1)

    def __len__(self) -> int:
        return self.batches

    def __getitem__(self, number: int) -> Batch:
        if not 0 <= number < len(self):
            raise IndexError(number)
        return self.make(self.order[number], np.random.default_rng((self.seed, self.epoch, number)))

    def make(self, chosen: np.ndarray, generator: np.random.Generator) -> Batch:
        _, low, high = LENGTHS[generator.choice(len(LENGTHS), p=[share for share, _, _ in LENGTHS])]
        length = round(generator.uniform(low, high) * self.task.length)
        count = round(self.batch_size * self.task.length / length)
        from_others = count // 2 if low < 1 and any(group.longest >= length for group in self.others) else 0
        strips = [self._annotated(length, generator) for _ in range(count - from_others)]
        strips += [self._other(length, generator) for _ in range(from_others)]
        batch = stacked(strips)
        if not self.sequences:
            return batch
        beats = [self._sequence(generator) for _ in range(_SEQUENCES * self.batch_size)]
        return Batch(batch.x, batch.kwargs, batch.target, batch.allowed, batch.rhythm, joined(beats))

    def _annotated(self, length: int, generator: np.random.Generator) -> TrainingStrip:
        record, number = self.items[generator.choice(len(self.items), p=self.share)]
        place = (int(number) * self.task.hop, length)
        return training_strip(self.records[record], self.task, self.augmenter, place, generator)

    def _other(self, length: int, generator: np.random.Generator) -> TrainingStrip:
        groups = [group for group in self.others if group.longest >= length]
        record = groups[generator.integers(len(groups))].draw(length, generator)
        n_leads, n = record.conditioned.shape
        leads = None
        if n_leads > self.task.in_channel:
            leads = list(generator.choice(n_leads, self.task.in_channel, replace=False))
            if generator.random() < _STANDARD_PAIR:
                leads = [_II, _V1][: self.task.in_channel]
        place = (int(generator.integers(0, max(n - length, 0) + 1)) - self.task.hop // 2 + length // 2, length)
        return training_strip(record, self.task, self.augmenter, place, generator, leads)

    def _sequence(self, generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Beats, allowed classes and rhythms of a strip around a beat of a random kind."""
        found, kinds = self.sequences[0 if generator.random() < 0.8 else len(self.sequences) - 1]
        index = int(generator.choice(kinds[generator.integers(len(kinds))]))
        recording = int(np.searchsorted(found.first, index, side="right")) - 1
        first, last = found.first[recording], found.first[recording + 1]
        pace = float(self.augmenter.pace(1, generator)[0])
        length = self.task.length * generator.choice([1.0, 1.0, 0.5, 0.2])
        start = found.position[index] - generator.uniform(0.05, 0.95) * length * pace
        around = slice(
            first + np.searchsorted(found.position[first:last], start),
            first + np.searchsorted(found.position[first:last], start + length * pace),
        )
        beats = np.rint((found.position[around] - start) / pace).astype(np.int64)
        edge = _EDGE_S * self.task.fs_out
        answered = (beats >= edge) & (beats < length - edge)
        return (
            beats,
            np.where(answered, found.allowed[around], 0),
            np.where(answered, found.rhythm[around], 0),
        )


def joined(rows: Sequence[tuple[np.ndarray, np.ndarray, np.ndarray]]) -> Sequences:
    """Sequences of beats, allowed classes and rhythms as one batch, padded to the longest."""
    most = max(len(beats) for beats, _, _ in rows)

    def padded(column: int, fill: int) -> torch.Tensor:
        values = [np.pad(row[column].astype(np.int64), (0, most - len(row[0])), constant_values=fill) for row in rows]
        return torch.from_numpy(np.stack(values))

    return Sequences(padded(0, -1), padded(1, 0), padded(2, 0))


class _Group:
    """Recordings of a database from which strips are drawn; kinds are weighted by the square root of their number.

    A strip is never longer than its recording: stretched to fill it, a heart would beat slowly and with a wide QRS.
    """

    def __init__(self, records: Sequence[PreparedRecord]):
        kinds = [(int(allowed_of(record)[0]), int(rhythm_of(record)[0])) for record in records]
        self.records = list(records)
        self._weight = np.array([kinds.count(kind) ** -0.5 for kind in kinds])
        self._length = np.array([record.conditioned.shape[1] for record in records])

    @property
    def longest(self) -> int:
        """Samples of the longest recording."""
        return int(self._length.max())

    def draw(self, length: int, generator: np.random.Generator) -> PreparedRecord:
        """A random recording of at least ``length`` samples."""
        weight = np.where(self._length >= length, self._weight, 0.0)
        return self.records[generator.choice(len(self.records), p=weight / weight.sum())]


def _by_content(found: BeatSequences, most: int = 100_000) -> list[np.ndarray]:
    """Indices of beats by kind: all, and those of each class and rhythm that occurs."""
    kinds = [np.arange(0, len(found.position), max(len(found.position) // most, 1))]
    for column in (found.allowed, found.rhythm):
        for value in np.unique(column):
            if value and value & (value - 1) == 0:
                index = np.flatnonzero(column == value)
                kinds.append(index[:: max(len(index) // most, 1)])
    return kinds
