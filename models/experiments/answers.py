"""What two checkpoints say of the same cases, none of which either was trained on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from models.checkpoints import Checkpoint, load_checkpoint
from models.config import BeatTrainConfig, ImageTrainConfig, RecordTrainConfig, TrainConfig
from models.core.callbacks import Progress
from models.core.errors import ConfigError
from models.data import mitdb, recordings
from models.data.image_folder import load_split
from models.data.selection import record_names
from models.evaluation.beats import predict_records
from models.evaluation.images import predict_images
from models.evaluation.records import predict_prepared
from models.metrics.records import calibrated

SIDES = ("validation", "test")


@dataclass(frozen=True)
class Answers:
    """What one network said.

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
    def said(self) -> np.ndarray:
        """The likeliest class, int64 (n,)."""
        likeliest: np.ndarray = self.prob.argmax(axis=1)
        return likeliest


def common_cases(first: TrainConfig, second: TrainConfig, side: str) -> list[str]:
    """Records or picture files that both have on a side of their split, and neither trained on.

    Args:
        first, second: configurations of the same kind.
        side: "validation", or "test": DS2 of MIT-BIH, or the test pictures.

    Raises:
        ConfigError: other kinds or other data, or nothing in common.
        ReadError: data that cannot be read.
    """
    if type(first) is not type(second):
        raise ConfigError("runs", "one reads something else than the other; choose two of a kind")
    if Path(first.data.root).resolve() != Path(second.data.root).resolve():
        raise ConfigError("runs", "they were trained on different data; choose two on the same")
    found = [_cases(config, side) for config in (first, second)]
    trained = found[0][0] | found[1][0]
    common = [name for name in found[0][1] if name in set(found[1][1]) and name not in trained]
    if not common:
        raise ConfigError("runs", f"they have no {side} case in common that neither was trained on; choose other runs")
    return common


def _cases(config: TrainConfig, side: str) -> tuple[set[str], list[str]]:
    """Names trained on, and those of a side."""
    if isinstance(config, ImageTrainConfig):
        sides, _ = load_split(config.data.root, config.data)
        return {row.file for row in sides["train"]}, [row.file for row in sides[side]]
    if isinstance(config, RecordTrainConfig):
        found = recordings.load_split(config.data, config.task).sides
        return {row.name for row in found["train"]}, [row.name for row in found[side]]
    if config.data.prepared:
        raise ConfigError("runs", "one was trained on prepared sets; compare checkpoints by python -m models evaluate")
    train, validation = record_names(config)
    there = set(mitdb.list_records(config.data.root))
    chosen = validation if side == "validation" else mitdb.DS2
    return set(train), [name for name in chosen if name in there]


def answer(
    folder: str | Path,
    config: TrainConfig,
    cases: list[str],
    *,
    progress: Progress | None = None,
) -> Answers:
    """What the checkpoint of a run says of some cases.

    Args:
        folder: of the checkpoint.
        config: of the run; says where the data are.
        cases: of :func:`common_cases`.
        progress: told cases done, in all, a name.

    Raises:
        CheckpointError, ReadError: as they are loaded.
    """
    checkpoint = load_checkpoint(folder)
    if isinstance(config, ImageTrainConfig):
        return _pictures(checkpoint, config, cases, progress)
    if isinstance(config, RecordTrainConfig):
        return _recordings(checkpoint, config, cases, progress)
    return _beats(checkpoint, config, cases, progress)


def _beats(checkpoint: Checkpoint, config: BeatTrainConfig, cases: list[str], progress: Progress | None) -> Answers:
    records = mitdb.load_records(config.data.root, cases)
    predictions = predict_records(checkpoint, records, progress=progress)
    return Answers(
        _prob(predictions.logits, checkpoint),
        predictions.reference,
        [f"{record.name} at {sample / record.fs:.2f} s" for record in records for sample in record.sample],
        np.concatenate([np.full(len(record.sample), record.name) for record in records]),
        checkpoint.card.classes,
    )


def _pictures(checkpoint: Checkpoint, config: ImageTrainConfig, cases: list[str], progress: Progress | None) -> Answers:
    sides, _ = load_split(config.data.root, config.data)
    wanted = set(cases)
    rows = [row for side in sides.values() for row in side if row.file in wanted]
    predictions = predict_images(checkpoint, rows, progress=progress)
    return Answers(
        _prob(predictions.logits, checkpoint),
        predictions.labels,
        [row.file for row in predictions.rows],
        np.array(predictions.groups),
        checkpoint.card.classes,
    )


def _recordings(
    checkpoint: Checkpoint, config: RecordTrainConfig, cases: list[str], progress: Progress | None
) -> Answers:
    """Each label of each recording is a case: it is there or not."""
    sides = recordings.load_split(config.data, config.task).sides
    wanted = set(cases)
    data = recordings.prepare([row for rows in sides.values() for row in rows if row.name in wanted], config.task)
    prob = calibrated(predict_prepared(checkpoint, data, progress=progress), checkpoint.card.calibration)
    labels = checkpoint.card.classes
    return Answers(
        np.stack([1 - prob.ravel(), prob.ravel()], axis=1).astype(np.float32),
        data.targets.ravel().astype(np.int64),
        [f"{row.name}: {label}" for row in data.rows for label in labels],
        np.repeat(np.array(data.groups), len(labels)),
        ("no", "yes"),
    )


def _prob(logits: np.ndarray, checkpoint: Checkpoint) -> np.ndarray:
    prob: np.ndarray = torch.softmax(torch.from_numpy(logits) / checkpoint.card.temperature, dim=-1).numpy()
    return prob
