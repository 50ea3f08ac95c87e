"""Training and validation data of a beat training, including prepared sets, and predictions for them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
import torch

from models.checkpoints import Checkpoint, TrainingRecord
from models.config import BeatTrainConfig
from models.data.augment import Augmenter, load_noise
from models.data.beat_origin import Origin, few_beats
from models.data.beat_sets import BeatSequences, BeatSet, load_sets
from models.data.beats import EpochDataset, PreparedRecord
from models.data.mixed_strips import MixedStrips
from models.data.strips import StripDataset
from models.data.ventricular import VentricularBeats
from models.evaluation.beats import Predictions
from models.metrics.beats import confusion
from models.metrics.resampling import counted
from models.tasks import StripTask

Ask = Callable[[Checkpoint], Predictions]


class Sides(NamedTuple):
    """The data of a training.

    Attributes:
        train: batches to train on.
        validation: batches to choose the epoch by, None for none.
        training_records: what is trained on, for the card.
        origin: what the card says of the data.
        ask_train: what a checkpoint says of the annotated records that are trained on.
        ask_validation: what it says of those that were left out, None where there are none.
    """

    train: EpochDataset
    validation: EpochDataset | None
    training_records: tuple[TrainingRecord, ...]
    origin: Origin
    ask_train: Ask
    ask_validation: Ask | None


class PreparedSides(NamedTuple):
    """Batches of prepared sets for training and validation (None: none), and their entry in the card."""

    train: MixedStrips
    validation: StripDataset | None
    training_records: tuple[TrainingRecord, ...]
    origin: Origin


def sides_of_sets(config: BeatTrainConfig, task: StripTask) -> Sides:
    """:func:`prepared_sides` with predictions at the reference beats."""
    sides = prepared_sides(config, task)
    train = StripDataset(sides.train.records, task, config.batch_size)
    held_out = sides.validation
    ask_validation = None if held_out is None else partial(predict_prepared, data=held_out)
    return Sides(*sides, partial(predict_prepared, data=train), ask_validation)


def prepared_sides(config: BeatTrainConfig, task: StripTask) -> PreparedSides:
    """Load the prepared sets of a configuration with task ``task``, and split them.

    Records whose beats are annotated one by one are left out in turn: of the sorted names of a set one in
    ``data.folds`` validates. Of the other sets the side "train" is trained on.

    Raises:
        ReadError: a set or the noise is missing.
        ConfigError: a set was prepared for another task.
    """
    sets, sequences = load_sets(config.data.prepared, config.data.sets, task)
    train: list[PreparedRecord] = []
    held_out: list[PreparedRecord] = []
    others: list[list[PreparedRecord]] = []
    marks: list[TrainingRecord] = []
    learnt: dict[str, int] = {}
    for found in sets:
        group: list[PreparedRecord] = []
        before = len(marks)
        for number, (record, side, mark) in enumerate(zip(found.records, found.side, found.marks, strict=True)):
            left_out = config.data.folds and number % config.data.folds == config.data.fold
            if side == "":
                (held_out if left_out else train).append(record)
                left_out = bool(left_out)
            else:
                left_out = side != "train"
                if not left_out:
                    group.append(record)
            if not left_out:
                marks.append(
                    TrainingRecord(name=record.name, sha256=mark.sha256, landmarks=tuple(sorted(mark.landmarks)))
                )
        others.append(group)
        learnt[found.name] = len(marks) - before
    noise = None
    if config.augment.noise_probability and config.data.noise_root:
        noise = load_noise(config.data.noise_root, task.conditioner(360.0))
    ventricular = None
    if config.augment.ventricular:
        ventricular = VentricularBeats(train, task.fs_out, task.in_channel)
    mixed = MixedStrips(
        train,
        others,
        sequences,
        task=task,
        batch_size=config.batch_size,
        batches=config.batches_per_epoch,
        augmenter=Augmenter(config.augment, noise, ventricular),
        balance=config.balance,
        seed=config.seed,
    )
    validation = StripDataset(held_out, task, config.batch_size) if held_out else None
    origin = _origin(sets, learnt, sequences, mixed.labels, task.classes)
    return PreparedSides(mixed, validation, tuple(marks), origin)


def predict_prepared(checkpoint: Checkpoint, data: StripDataset) -> Predictions:
    """Predictions for prepared records at their reference beats, as of :func:`predict_records`."""
    n_classes = len(checkpoint.card.classes)
    logits, reference, confusions = [], [], {}
    for index, record in enumerate(data.records):
        rows = data.items[data.items[:, 0] == index]
        found, target = [], []
        for row in rows:
            batch = data.make(row[None], np.random.default_rng(0))
            with torch.inference_mode():
                answer = checkpoint.network(batch.x, **batch.kwargs)[0].float().numpy()
            answered = batch.target[0].numpy() >= 0
            found.append(answer[answered])
            target.append(batch.target[0].numpy()[answered])
        logits.append(np.concatenate(found))
        reference.append(np.concatenate(target))
        confusions[record.name] = confusion(reference[-1], logits[-1].argmax(axis=1), n_classes)
    return Predictions(np.concatenate(logits), np.concatenate(reference), confusions, {})


def _origin(
    sets: Sequence[BeatSet],
    learnt: dict[str, int],
    sequences: Sequence[BeatSequences],
    labels: np.ndarray,
    classes: Sequence[str],
) -> Origin:
    every: list[BeatSet | BeatSequences] = [*sets, *sequences]
    counts = ", ".join(f"{counted(number, 'recording')} of {name}" for name, number in learnt.items())
    days = ", ".join(f"{counted(len(found.first) - 1, 'recording')} of {found.name}" for found in sequences)
    return Origin(
        "; ".join(dict.fromkeys(found.licence for found in every)),
        " ".join(dict.fromkeys(found.citation for found in every)),
        (
            f"Learnt from the signals of {counts}" + (f", and from beat positions alone of {days}." if days else "."),
            "Adults. Never saw paced rhythm beat by beat, infants, or ventricular fibrillation.",
            *few_beats(labels, classes),
        ),
    )
