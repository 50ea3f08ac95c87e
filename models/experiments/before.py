"""What a training will meet, found out before it starts: its cases by class, its size, its memory, its time.

Counts come from the annotations and tables themselves. Memory and time come from a few real steps of the network on
real input of the configuration; the estimate says what it rests on and is that: an estimate.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch

from models.config import BeatTrainConfig, ImageTrainConfig, RecordTrainConfig, TrainConfig
from models.core.callbacks import Progress, ShouldStop
from models.core.errors import ConfigError, ReadError
from models.data import heartbeat_csv, mitdb, recordings
from models.data.aami import AAMI_CLASSES, aami_classes
from models.data.image_folder import SPLITS, ImageRow, load_split
from models.data.selection import record_names
from models.experiments.measure import Measured, measure
from models.metrics.beats import SCORED
from models.networks.registry import create_model
from models.tasks.image import IMAGE_CLASSES

PROGRAM_BYTES = 0.95e9
"""What the training program holds before it has any data: Python, torch, Lightning and TensorBoard, on a CPU."""
_BACKWARD = 1.5
"""The backward pass makes gradients of what was kept for it while it uses it up; so much it takes at its peak."""
START_S = 8.0
"""What it needs to come up."""
RECORDING_S = 10.0
"""How long whole recordings are, as a rule: their samples are not read to be counted."""
_FAMILIAR_IMAGES = 2000
_WRITE_BYTES_A_S = 150e6
"""How fast the weights of an epoch get to the disk, with their hash."""


@dataclass(frozen=True)
class Cases:
    """What lies on both sides of a training.

    Attributes:
        train, validation: cases of each class.
        units: what the counts count: "beats", "pictures" or "recordings", which may have several labels or none.
        data_bytes: what the data take in memory while it trains.
        steps, validation_steps: batches of an epoch and of a validation.
        first: path of the first record, or rows of pictures or recordings to measure with.
        items: cases of both sides where they are not the sum of the counts: a recording may have several labels.
    """

    train: dict[str, int]
    validation: dict[str, int]
    units: str
    data_bytes: float
    steps: int
    validation_steps: int
    first: object
    items: tuple[int, int] | None = None

    @property
    def sizes(self) -> tuple[int, int]:
        """Cases to learn from, and to choose by."""
        return self.items or (sum(self.train.values()), sum(self.validation.values()))


@dataclass(frozen=True)
class Outlook:
    """What to expect of a training.

    Attributes:
        cases: the data.
        parameters: trained numbers of the network.
        memory_bytes: at its peak, the program included.
        seconds: if it goes through all epochs.
        epoch_s: of one of them, its validation included.
        step_s: of one step, measured.
        device: "cpu", "cuda" or "mps".
        warnings: sentences to think about before the start.
    """

    cases: Cases
    parameters: int
    memory_bytes: float
    seconds: float
    epoch_s: float
    step_s: float
    device: str
    warnings: tuple[str, ...] = ()


def outlook(
    config: TrainConfig,
    *,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> Outlook:
    """Count the data, draw up the network and measure a few steps.

    Args:
        config: the training.
        progress: told steps done, steps in all, a note.
        should_stop: asked between the steps; True gives up with ReadError.

    Raises:
        ConfigError: a setting that cannot work. ReadError: data that cannot be read, or stopped.
    """

    def tell(done: int, note: str) -> None:
        if should_stop is not None and should_stop():
            raise ReadError("check", "was stopped before it was through; check again for an estimate")
        if progress is not None:
            progress(done, 3, note)

    from models.jobs.submission import check_data, check_network, wanted_device

    tell(0, "Counting the data")
    device = wanted_device(config)
    check_data(config)
    check_network(config)
    cases = count_cases(config)
    tell(1, "Measuring a few steps")
    found = measure(config, cases.first, device)
    tell(2, "Measuring a few steps")
    parameters = network_size(config)
    epoch_s = found.step_s * cases.steps + found.forward_s * cases.validation_steps
    epoch_s += 4.0 * parameters / _WRITE_BYTES_A_S
    return Outlook(
        cases, parameters, _memory(config, cases, parameters, found, device),
        epoch_s * config.epochs + _around(config, cases, found), epoch_s, found.step_s, device,
        _warnings(config, cases, device),
    )  # fmt: skip


def network_size(config: TrainConfig) -> int:
    """Trained numbers of the network; it is drawn up without memory for them.

    Raises:
        ConfigError: arguments that it does not take.
    """
    try:
        with torch.device("meta"):
            network = create_model(config.network.architecture, **config.network_arguments())
    except (ValueError, TypeError, RuntimeError, AssertionError) as error:
        raise ConfigError(
            "network.arguments", f"{config.network.architecture} cannot be made with them ({error})"
        ) from error
    return sum(parameter.numel() for parameter in network.parameters())


def count_cases(config: TrainConfig) -> Cases:
    """The cases of each class on both sides.

    Raises:
        ConfigError, ReadError: as the training would.
    """
    if isinstance(config, ImageTrainConfig):
        return _count_pictures(config)
    return _count_recordings(config) if isinstance(config, RecordTrainConfig) else _count_beats(config)


def _cases(
    tallies: Sequence[dict[str, int]],
    units: str,
    data_bytes: float,
    steps: Sequence[int],
    first: object,
    items: tuple[int, int] | None = None,
) -> Cases:
    """The data; tallies and steps are those of training and validation."""
    train, validation = tallies
    return Cases(
        train=train,
        validation=validation,
        units=units,
        data_bytes=data_bytes,
        steps=steps[0],
        validation_steps=steps[1],
        first=first,
        items=items,
    )


def _count_beats(config: BeatTrainConfig) -> Cases:
    root = Path(config.data.root)
    if config.data.prepared:
        return _count_prepared(config)
    if heartbeat_csv.is_layout(root):
        return _count_tables(config)
    names = record_names(config)
    raw, conditioned = 0.0, 0.0
    tallies = []
    strips = [0, 0]
    for side, records in enumerate(names):
        total = np.zeros(len(AAMI_CLASSES), np.int64)
        for name in records:
            counts, samples, leads, fs = _annotated(root / name, (root / f"{name}.atr").stat().st_mtime_ns)
            total += counts
            raw += 4.0 * samples * leads
            conditioned += 4.0 * samples / fs * config.task.fs_out * min(leads, config.task.in_channel)
            if config.task.kind == "strip":
                strips[side] += math.ceil(samples / fs * config.task.fs_out / config.task.hop)
        tallies.append({letter: int(count) for letter, count in zip(AAMI_CLASSES, total, strict=True)})
    beats = [sum(tally.values()) for tally in tallies]
    items = strips if config.task.kind == "strip" else [config.beats_per_epoch or beats[0], beats[1]]
    steps = [math.ceil(count / config.batch_size) for count in items]
    return _cases(tallies, "beats", raw + conditioned, steps, (root, names[0][0]))


def _count_prepared(config: BeatTrainConfig) -> Cases:
    from models.training.prepared_run import prepared_sides  # not part of what a page needs otherwise

    sides = prepared_sides(config)
    held_out = sides.validation
    counts = [np.bincount(sides.train.labels, minlength=len(AAMI_CLASSES))]
    counts.append(
        np.zeros_like(counts[0]) if held_out is None else np.bincount(held_out.labels, minlength=len(counts[0]))
    )
    tallies = [{letter: int(count) for letter, count in zip(AAMI_CLASSES, tally, strict=True)} for tally in counts]
    records = [*sides.train.records, *(record for group in sides.train.others for record in group.records)]
    data_bytes = float(sum(record.conditioned.nbytes for record in records))
    steps = (config.batches_per_epoch, 0 if held_out is None else len(held_out))
    return _cases(tallies, "beats", data_bytes, steps, records[0])


def _count_tables(config: BeatTrainConfig) -> Cases:
    sides = heartbeat_csv.load_sides(config.data.root, config.task)
    counts = [np.bincount(np.concatenate([one.label for one in side]), minlength=len(AAMI_CLASSES)) for side in sides]
    tallies = [{letter: int(count) for letter, count in zip(AAMI_CLASSES, tally, strict=True)} for tally in counts]
    beats = [int(tally.sum()) for tally in counts]
    steps = [math.ceil(count / config.batch_size) for count in (config.beats_per_epoch or beats[0], beats[1])]
    first: mitdb.BeatRecord = sides[0][0]
    return _cases(tallies, "beats", 8.0 * sum(beats) * config.task.length, steps, first)


@lru_cache(maxsize=512)
def _annotated(path: Path, _stamp: int) -> tuple[np.ndarray, int, int, float]:
    """Beats by class, samples, leads and sampling frequency of a record; a file with another stamp is read again."""
    recording = mitdb.open_record(path.parent, path.name)
    assert recording.annotations is not None
    label = aami_classes(recording.annotations.symbol)
    counts = np.bincount(label[label >= 0], minlength=len(AAMI_CLASSES))
    return counts, recording.n_samples, len(recording.leads), recording.fs


def _count_pictures(config: ImageTrainConfig) -> Cases:
    sides, _ = load_split(config.data.root, config.data)
    tallies = [_tally(sides[name]) for name in SPLITS[:2]]
    count = [len(sides[name]) for name in SPLITS[:2]]
    planes = 3.0 * config.task.image_size**2
    items = [config.images_per_epoch or count[0], count[1]]
    steps = [max(1, items[0] // config.batch_size), math.ceil(items[1] / config.batch_size)]
    data_bytes = min(config.data.cache_gb * 1e9, planes * sum(count))
    return _cases(tallies, "pictures", data_bytes, steps, sides["train"])


def _count_recordings(config: RecordTrainConfig) -> Cases:
    task = config.task
    split = recordings.load_split(config.data, task)
    train, validation = (split.sides[name] for name in SPLITS[:2])
    tallies = [
        {name: sum(row.target[place] for row in rows) for place, name in enumerate(task.classes)}
        for rows in (train, validation)
    ]
    samples = max(task.length, RECORDING_S * task.fs_out)
    windows = len(task.starts(round(samples))) * len(validation)
    steps = [max(1, len(train) // config.batch_size), math.ceil(windows / config.batch_size)]
    items = (len(train), len(validation))
    return _cases(tallies, "recordings", 4.0 * samples * task.in_channel * sum(items), steps, train, items)


def _tally(rows: list[ImageRow]) -> dict[str, int]:
    return {name: sum(row.label == label for row in rows) for label, name in enumerate(IMAGE_CLASSES)}


def _memory(config: TrainConfig, cases: Cases, parameters: int, found: Measured, device: str) -> float:
    """Bytes at the peak: weights, gradients, two moments (and an average), what the backward pass needs, the data.

    On a CPU also what the optimiser puts aside, and the state as it is written: weights and moments (and an average).
    """
    averaged = bool(getattr(config, "ema_decay", 0))
    step = _BACKWARD * found.activation_bytes_per_item * config.batch_size
    if device != "cpu":
        return 4.0 * parameters * (4 + averaged) + step
    return PROGRAM_BYTES + 4.0 * parameters * (8 + 2 * averaged) + step + cases.data_bytes


def _around(config: TrainConfig, cases: Cases, found: Measured) -> float:
    """Seconds before and after the epochs: coming up, reading, and the figures at the end."""
    if isinstance(config, RecordTrainConfig):
        reading = found.read_s * sum(cases.sizes)
        finishing = found.forward_s * cases.validation_steps
    elif isinstance(config, ImageTrainConfig):
        reading = found.read_s * sum(cases.sizes)
        finishing = (found.read_s + found.forward_s / config.batch_size) * (
            cases.sizes[1] + min(_FAMILIAR_IMAGES, cases.sizes[0])
        )
    else:
        counts = (1, 0) if heartbeat_csv.is_layout(config.data.root) else tuple(map(len, record_names(config)))
        reading = found.read_s * sum(counts)
        finishing = found.forward_s * cases.validation_steps + found.read_s * counts[1]
    return START_S + reading + finishing


def _warnings(config: TrainConfig, cases: Cases, device: str) -> tuple[str, ...]:
    found = []
    needed = config.task.classes if isinstance(config, RecordTrainConfig) else (*SCORED, *IMAGE_CLASSES)
    lacking = [name for name, count in cases.train.items() if not count and name in needed]
    if lacking:
        found.append(f"There is nothing of class {', '.join(lacking)} to learn from: the network will never say it.")
    if not cases.sizes[1]:
        found.append(
            "Nothing is held out: all epochs are trained, the last is kept, and nothing is known of how good it is."
        )
    if device == "cpu" and config.mixed_precision:
        found.append("Mixed precision gains on a CPU only where it has bfloat16 units.")
    return tuple(found)
