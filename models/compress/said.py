"""What a checkpoint says of every labelled case, in one shape for recordings, pictures and beats."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from models.checkpoints import Checkpoint
from models.core.callbacks import Progress
from models.core.errors import ConfigError
from models.tasks import ImageTask, RecordTask


@dataclass(frozen=True)
class Data:
    """Labelled data to hold checkpoints against.

    Attributes:
        root: folder of recordings, records or pictures; see ``python -m models evaluate``.
        more: folder of further recordings of PTB-XL; empty: none.
        split: side of the split; of MIT-BIH, "test" is DS2.
    """

    root: str | Path
    more: str | Path = ""
    split: str = "test"


@dataclass(frozen=True)
class Said:
    """Every label that a checkpoint gave.

    Attributes:
        figure: name of what :meth:`score` gives.
        cases: name of each case, n of them.
        groups: patient, record or group of each, (n,).
        labels: what was said, (n, m) strings: a class, or for recordings yes or no of each of m classes.
        truth: the same of the reference.
        titles: of the m columns; one empty title where a case has one label.
        score: the figure over some cases, by their numbers.
    """

    figure: str
    cases: tuple[str, ...]
    groups: np.ndarray
    labels: np.ndarray
    truth: np.ndarray
    titles: tuple[str, ...]
    score: Callable[[np.ndarray], float] = field(repr=False)


def said(checkpoint: Checkpoint, data: Data, *, progress: Progress | None = None) -> Said:
    """All answers of a checkpoint to one side of a data set.

    Raises:
        ConfigError: an unknown side, or one without cases that can be read. ReadError: data that cannot be read.
    """
    task = checkpoint.task
    if isinstance(task, RecordTask):
        found = _recordings(checkpoint, task, data, progress)
    elif isinstance(task, ImageTask):
        found = _pictures(checkpoint, data, progress)
    else:
        found = _beats(checkpoint, data, progress)
    if not found.cases:
        raise ConfigError("split", f"{Path(data.root).name} has no case of the side {data.split} that can be read")
    return found


def _recordings(checkpoint: Checkpoint, task: RecordTask, data: Data, progress: Progress | None) -> Said:
    from models.data.recordings import SIDES, prepare
    from models.evaluation.records import predict_prepared, split_of, thresholds
    from models.metrics.records import calibrated, figures

    if data.split not in SIDES:
        raise ConfigError("split", f"there is no side {data.split!r}; choose {', '.join(SIDES)}")
    found = prepare(split_of(checkpoint, data.root, data.more).sides[data.split], task)
    prob = calibrated(predict_prepared(checkpoint, found, progress=progress), checkpoint.card.calibration)
    limits, classes = thresholds(checkpoint).tolist(), checkpoint.card.classes

    def score(chosen: np.ndarray) -> float:
        return figures(prob[chosen], found.targets[chosen], limits, classes)["macro_auroc"]

    return Said(
        "macro AUROC",
        tuple(row.name for row in found.rows),
        np.array(found.groups),
        np.where(prob >= limits, "yes", "no"),
        np.where(found.targets == 1, "yes", "no"),
        classes,
        score,
    )


def _pictures(checkpoint: Checkpoint, data: Data, progress: Progress | None) -> Said:
    from models.data.image_folder import SPLITS, load_split
    from models.evaluation.images import data_settings, predict_images, probability
    from models.metrics.images import auroc

    if data.split not in SPLITS:
        raise ConfigError("split", f"there is no side {data.split!r}; choose {', '.join(SPLITS)}")
    found = predict_images(
        checkpoint, load_split(data.root, data_settings(checkpoint))[0][data.split], progress=progress
    )
    prob, truth = probability(found.logits, checkpoint.card.temperature), found.labels
    names = np.array(checkpoint.card.classes)
    return Said(
        "AUROC",
        tuple(row.file for row in found.rows),
        np.array(found.groups),
        names[(prob >= 0.5).astype(int)][:, None],
        names[truth][:, None],
        ("",),
        lambda chosen: auroc(prob[chosen], truth[chosen]),
    )


def _beats(checkpoint: Checkpoint, data: Data, progress: Progress | None) -> Said:
    from models.data import mitdb
    from models.evaluation.beats import choose_records, predict_records
    from models.metrics.beats import confusion, scores

    records = mitdb.load_records(data.root, choose_records(data.root, data.split))
    found = predict_records(checkpoint, records, progress=progress)
    classes = checkpoint.card.classes
    label, truth = found.logits.argmax(axis=1), found.reference
    names = np.array(classes)
    return Said(
        "macro F1 of N, S, V",
        tuple(f"{one.name} at {sample / one.fs:.2f} s" for one in records for sample in one.sample),
        np.concatenate([np.full(len(one.sample), one.name) for one in records]),
        names[label][:, None],
        names[truth][:, None],
        ("",),
        lambda chosen: scores(confusion(truth[chosen], label[chosen], len(classes)), classes)["macro_f1"],
    )
