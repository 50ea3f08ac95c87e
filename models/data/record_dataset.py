"""Training and validation windows of recordings, made by the same task as in an analysis."""

from __future__ import annotations

import numpy as np
import torch
from torch.utils.data import Dataset

from models.config.record import RecordAugmentConfig
from models.data.whole_recordings import Prepared
from models.tasks.record import RecordTask

Item = tuple[torch.Tensor, torch.Tensor, torch.Tensor]
"""Input float32 (in_channel, length) or (3, height, width), target float32 (n_classes,), number of the recording."""


class CropDataset(Dataset):
    """A random window of each recording, indexed by (epoch, number).

    Args:
        data: the recordings.
        task: what the network's input is.
        augment: changes of the window.
        seed: of place and changes.
    """

    def __init__(self, data: Prepared, task: RecordTask, augment: RecordAugmentConfig, seed: int = 0):
        self.data = data
        self.task = task
        self.augment = augment
        self.seed = seed

    def __len__(self) -> int:
        return len(self.data.rows)

    def __getitem__(self, place: tuple[int, int]) -> Item:
        epoch, number = place
        generator = np.random.default_rng((self.seed, epoch, number))
        signal = self.data.signals[number]
        signal = stretched(signal, self.augment.stretch, self.task.length, generator)
        start = int(generator.integers(0, max(signal.shape[1] - self.task.length, 0) + 1))
        samples = changed(self.task.cut(signal, start), self.augment, self.task.fs_out, generator)
        x = self.task.as_input(samples, self.augment.photograph, generator)
        return x, torch.from_numpy(self.data.targets[number]), torch.tensor(number)


class WindowDataset(Dataset):
    """All windows of all recordings in order, indexed by (epoch, window number).

    Args:
        data: the recordings.
        task: what the network's input is.
    """

    def __init__(self, data: Prepared, task: RecordTask):
        self.data = data
        self.task = task
        self.places = [
            (number, int(start)) for number, signal in enumerate(data.signals) for start in task.starts(signal.shape[1])
        ]

    def __len__(self) -> int:
        return len(self.places)

    def __getitem__(self, place: tuple[int, int]) -> Item:
        number, start = self.places[place[1]]
        x = self.task.window(self.data.signals[number], start)
        return x, torch.from_numpy(self.data.targets[number]), torch.tensor(number)


def stretched(signal: np.ndarray, share: float, shortest: int, generator: np.random.Generator) -> np.ndarray:
    """The recording (leads, n) with its time stretched by up to ``share``, at least one window long."""
    if not share:
        return signal
    n = signal.shape[1]
    wanted = max(round(n * (1 + generator.uniform(-share, share))), min(shortest, n))
    at = np.linspace(0, n - 1, wanted)
    low = np.minimum(at.astype(np.int64), n - 2)
    part = (at - low).astype(np.float32)
    between: np.ndarray = signal[:, low] * (1 - part) + signal[:, low + 1] * part
    return between


def changed(x: torch.Tensor, augment: RecordAugmentConfig, fs: float, generator: np.random.Generator) -> torch.Tensor:
    """An augmented copy of a window, float32 (leads, L); see :class:`models.config.record.RecordAugmentConfig`."""
    signal = x.numpy().copy()
    leads, n = signal.shape
    size = signal.std(axis=1, keepdims=True)
    if augment.shift_seconds:
        by = round(generator.uniform(-augment.shift_seconds, augment.shift_seconds) * fs)
        signal = _moved(signal, by)
    if augment.gain:
        signal *= generator.uniform(1 - augment.gain, 1 + augment.gain)
    if augment.noise:
        share = generator.uniform(0, augment.noise)
        signal += (share * size * generator.standard_normal((leads, n), dtype=np.float32)).astype(np.float32)
    if augment.wander:
        time = np.arange(n) / fs
        wave = np.sin(2 * np.pi * (generator.uniform(0.1, 1.0) * time + generator.uniform()))
        weight = generator.uniform(-augment.wander, augment.wander, (leads, 1))
        signal += (weight * size * wave).astype(np.float32)
    if augment.mask:
        width = int(n * generator.uniform(0, augment.mask))
        at = int(generator.integers(0, n - width + 1))
        signal[:, at : at + width] = 0
    if augment.drop_lead:
        missing = generator.random(leads) < augment.drop_lead
        if not missing.all():
            signal[missing] = 0
    return torch.from_numpy(signal)


def _moved(signal: np.ndarray, by: int) -> np.ndarray:
    moved = np.zeros_like(signal)
    if by >= 0:
        moved[:, by:] = signal[:, : signal.shape[1] - by]
    else:
        moved[:, :by] = signal[:, -by:]
    return moved
