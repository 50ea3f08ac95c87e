"""Result types of task plug-ins: counts, predictions, labels and scores, common to all tasks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

if TYPE_CHECKING:
    import torch

    from models.data.beats import Batch


@dataclass(frozen=True, kw_only=True)
class Fact:
    """A named count or length, for a page."""

    label: str
    value: str
    help: str | None = None


def shares(classes: Mapping[str, int], cases: int) -> list[Fact]:
    """The cases of each class, and their share of all."""
    return [Fact(label=name, value=f"{count:,} ({count / max(cases, 1):.1%})") for name, count in classes.items()]


@dataclass(frozen=True, kw_only=True)
class Monitor:
    """The metric that selects the epoch of a training, and its direction."""

    metric: str
    mode: Literal["min", "max"]


@dataclass(frozen=True, kw_only=True)
class SampleBatches:
    """Training batches from a few cases, for timing steps.

    Attributes:
        make: gives a batch of so many inputs (windows, strips, pictures), or of fewer where there are no more.
        read_s: how long one record, recording or picture took to read and prepare, s.
        loss: of the network's output and the target of a batch; None for cross-entropy of the classes in the last axis,
            binary where the targets are no whole numbers.
    """

    make: Callable[[int], Batch]
    read_s: float
    loss: Callable[[Any, torch.Tensor], torch.Tensor] | None = None


@dataclass(frozen=True, kw_only=True)
class Cases:
    """Cases on both sides of a training.

    Attributes:
        train, validation: cases of each class.
        units: what the counts count: "beats", "pictures" or "recordings", which may have several labels or none.
        data_bytes: memory that the data take while it trains.
        steps, validation_steps: batches of an epoch and of a validation.
        sample: reads some of the training data and makes batches of up to so many inputs.
        items: cases of both sides where they are not the sum of the counts: a recording may have several labels.
        doubts: sentences on what this split cannot tell.
    """

    train: dict[str, int]
    validation: dict[str, int]
    units: str
    data_bytes: float
    steps: int
    validation_steps: int
    sample: Callable[[int], SampleBatches] = field(repr=False)
    items: tuple[int, int] | None = None
    doubts: tuple[str, ...] = ()

    @property
    def sizes(self) -> tuple[int, int]:
        """Numbers of training and validation cases."""
        return self.items or (sum(self.train.values()), sum(self.validation.values()))


@dataclass(frozen=True, kw_only=True)
class Pace:
    """Measured duration and memory of a few steps, scaled to the batch of the configuration.

    Attributes:
        step_s: a step of training, its batch made included, s.
        forward_s: a batch of validation, s.
        read_s: a record or a picture read and prepared, s.
        activation_bytes_per_item: kept for the backward pass, for each window, strip or picture of a batch.
    """

    step_s: float
    forward_s: float
    read_s: float
    activation_bytes_per_item: float


@dataclass(frozen=True, kw_only=True)
class SplitNames:
    """Names of the training cases, and of those on one side of the split."""

    trained: frozenset[str]
    side: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Predictions:
    """Predictions of a network for labelled cases.

    Attributes:
        prob: calibrated probabilities, float32 (n, n_classes).
        truth: class indices, int64 (n,).
        case: a name of each case: file, or record and time.
        group: what stays together when cases are resampled: record, cell, board (n,).
        classes: names of the classes.
    """

    prob: np.ndarray
    truth: np.ndarray
    case: list[str]
    group: np.ndarray
    classes: tuple[str, ...]

    @property
    def predicted(self) -> np.ndarray:
        """The likeliest class, int64 (n,)."""
        likeliest: np.ndarray = self.prob.argmax(axis=1)
        return likeliest


@dataclass(frozen=True)
class Data:
    """Labelled data for comparing checkpoints.

    Attributes:
        root: folder of recordings, records or pictures; see ``python -m models evaluate``.
        more: folder of further recordings of PTB-XL; empty: none.
        split: side of the split; of MIT-BIH, "test" is DS2.
    """

    root: str | Path
    more: str | Path = ""
    split: str = "test"


@dataclass(frozen=True, kw_only=True)
class PredictedLabels:
    """Predicted labels of a checkpoint.

    Attributes:
        metric: name of what :meth:`score` gives.
        cases: name of each case, n of them.
        groups: patient, record or group of each, (n,).
        labels: predicted, (n, m) strings: a class, or for recordings yes or no of each of m classes.
        truth: the same of the reference.
        titles: of the m columns; one empty title where a case has one label.
        score: the metric over some cases, by their numbers.
    """

    metric: str
    cases: tuple[str, ...]
    groups: np.ndarray
    labels: np.ndarray
    truth: np.ndarray
    titles: tuple[str, ...]
    score: Callable[[np.ndarray], float] = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class ScoreRequest:
    """Arguments of ``python -m models evaluate``.

    Attributes:
        root: folder of the data, or their table.
        split: side of the split; None for the task's usual one.
        records: names of records, instead of a split.
        lead: the lead to read first; None for the task's.
        more: folder of further recordings; empty: none.
        changes: ``key=value`` of the settings of the data, for tasks that read another set by other settings.
    """

    root: Path
    split: str | None = None
    records: tuple[str, ...] = ()
    lead: str | None = None
    more: str = ""
    changes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Scores:
    """Scores of a checkpoint on labelled data.

    Attributes:
        text: as a table for people.
        metrics: all of them, ready for JSON.
        card_entry: those that a card keeps.
    """

    text: str
    metrics: dict[str, Any]
    card_entry: dict[str, Any]
