"""Training data of the strip task: strips with all their beats, cut as in an analysis, or augmented."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch

from models.data.aberrant import choose_runs, make_aberrant
from models.data.augment import Augmenter, interpolate
from models.data.beats import Batch, EpochDataset, PreparedRecord, class_weights
from models.data.premature import N, S, is_steady, make_mostly_premature, make_premature
from models.data.usual_parts import make_usual
from models.tasks import StripTask

_EDGE_S = 1.0


class StripDataset(EpochDataset):
    """Batches of strips with all their beats for :class:`models.tasks.StripTask`; arguments as for windows.

    Without an augmenter the strips of :meth:`StripTask.batches` are given, each beat once. With one, each strip's start
    is moved at random, and strips with rare classes are drawn more often as ``balance`` says.
    """

    task: StripTask

    def __init__(
        self,
        records: Sequence[PreparedRecord],
        task: StripTask,
        batch_size: int,
        augmenter: Augmenter | None = None,
        balance: float = 0.0,
        seed: int = 0,
    ):
        super().__init__(records, task, batch_size, augmenter, seed)
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
        """Strip ``number`` as an analysis reads it; the beats of its core are labelled."""
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
    """(record, strip) pairs with beats, int64 (n, 2), and the sampling weight of each (None: equal).

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
    """An augmented strip near a position of a record.

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
    middle = start + task.hop // 2 + int(generator.integers(-task.hop // 2, task.hop // 2 + 1))
    # Where premature beats are the rule all comes early, so more of the recording fills the strip.
    rule = augmenter.config.mostly_premature and generator.random() < augmenter.config.mostly_premature
    other = augmenter.ventricular is not None and not rule and generator.random() < augmenter.config.ventricular
    spare = 2 if rule else 1.25 if other else 1
    taken = max(length, min(round(spare * length), int(n / pace[0])))
    reach = taken * pace[0] / 2
    centre = float(np.clip(middle, reach, max(n - reach, reach)))
    signal = record.conditioned[: task.in_channel] if leads is None else record.conditioned[list(leads)]
    first = max(int(centre - reach) - 1, 0)
    strip = interpolate(signal[:, first : int(centre + reach) + 2], np.array([centre - first]), taken, pace)[0]
    near = slice(*np.searchsorted(record.position, [centre - reach - task.fs_out, centre + reach + task.fs_out]))
    jitter = augmenter.shift(near.stop - near.start, task.fs_out, generator)
    beats = np.rint((record.position[near] + jitter - centre) / pace).astype(np.int64) + taken // 2
    inside = (beats >= 0) & (beats < taken)
    beats, label, rhythm = beats[inside], record.label[near][inside], rhythm_of(record)[near][inside]
    allowed = allowed_of(record)[near][inside]
    changed = label
    if other and augmenter.ventricular is not None and is_steady(beats, label, task.fs_out):
        strip, beats, changed = augmenter.ventricular.put_into(strip, beats, label, generator)
    strip, beats, changed = _with_other_beats(strip, beats, changed, task.fs_out, augmenter, generator, bool(rule))
    allowed = np.where(changed != label, as_bits(changed), allowed)
    if (rule or other) and (changed != label).any():
        # What was sinus rhythm is none any more.
        rhythm = np.zeros_like(rhythm)
    strip = augmenter(strip[None, :, :length], generator)[0]
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
    """Class indices as bit sets with one bit, int64; -1 is the empty set."""
    return np.where(label >= 0, np.left_shift(1, np.maximum(label, 0)), 0).astype(np.int64)


def allowed_of(record: PreparedRecord) -> np.ndarray:
    """Bit set of the classes that each beat may have, int64 (n_beats,)."""
    return as_bits(record.label) if record.allowed is None else record.allowed


def rhythm_of(record: PreparedRecord) -> np.ndarray:
    """Bit set of the rhythms that each beat may lie in, int64 (n_beats,); 0 where unknown."""
    return np.zeros(len(record.position), np.int64) if record.rhythm is None else record.rhythm


def _with_other_beats(
    strip: np.ndarray,
    beats: np.ndarray,
    label: np.ndarray,
    fs: float,
    augmenter: Augmenter,
    generator: np.random.Generator,
    rule: bool,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The strip, its beats and labels after random augmentation: premature beats in steady rhythm (most of them if
    ``rule``), widened runs of N and S beats, usual waves where they do not decide."""
    inside = slice(int(np.searchsorted(beats, strip.shape[1])))
    if (rule or generator.random() < augmenter.config.premature) and is_steady(beats[inside], label[inside], fs):
        make = make_mostly_premature if rule else make_premature
        beats, label = beats.copy(), label.copy()
        strip, beats[inside], label[inside] = make(strip, beats[inside], label[inside], fs, generator)
    if generator.random() < augmenter.config.aberrant:
        inside = (beats >= 0) & (beats < strip.shape[1])
        strip = make_aberrant(strip, beats[inside], choose_runs(label[inside], (N, S), generator), fs, generator)
    if augmenter.config.usual_parts and generator.random() < augmenter.config.usual_parts:
        inside = (beats >= 0) & (beats < strip.shape[1])
        strip = make_usual(strip, beats[inside], label[inside], fs, generator)
    return strip, beats, label
