"""Classifies tables of single beats row by row, with a map of each."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace

import numpy as np
import torch

from ecgviz.errors import CheckpointError
from ecgviz.results import Beats, SaliencyMap
from models.checkpoints import Checkpoint
from models.core.callbacks import Progress, ShouldStop
from models.data import mitdb
from models.data.heartbeat_csv import laid_out, scaled
from models.evaluation.beats import classify
from readers.arrays.beat_rows import FS, BeatRows
from readers.recording import ArraySource, Recording

_LEAD = "MLII"


@dataclass(frozen=True)
class RowPredictions:
    """Predictions for each row of a table of beats.

    Attributes:
        rows: the table.
        prob: calibrated class probabilities, float32 (n, n_classes); NaN in rows without a beat, and in those that
            were not reached.
        classes: names of the columns of ``prob``.
        checkpoint, checkpoint_sha256: what answered.
        device: where the network ran.
        seconds: wall-clock seconds of the steps.
        warnings: sentences that must stay visible beside the result.
    """

    rows: BeatRows
    prob: np.ndarray
    classes: tuple[str, ...]
    checkpoint: str
    checkpoint_sha256: str
    device: str = "cpu"
    seconds: dict[str, float] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.prob)

    @property
    def answered(self) -> np.ndarray:
        """Rows with a prediction, bool (n,)."""
        return np.isfinite(self.prob).all(axis=1)

    @property
    def class_index(self) -> np.ndarray:
        """Column of the likeliest class of each row, int64 (n,); -1 without a prediction."""
        return np.where(self.answered, np.nan_to_num(self.prob).argmax(axis=1), -1)

    @property
    def label(self) -> np.ndarray:
        """Likeliest class of each row, str (n,); "" without a prediction."""
        return self.named(self.class_index)

    @property
    def stated(self) -> np.ndarray | None:
        """Class stated in the table for each row, str (n,), "" where none; None: the table states none at all."""
        return None if self.rows.label is None else self.named(self.rows.label)

    @property
    def confidence(self) -> np.ndarray:
        """Probability of each ``label``, float32 (n,), NaN without a prediction."""
        return self.prob.max(axis=1) if len(self) else np.empty(0, np.float32)

    @property
    def counts(self) -> dict[str, int]:
        """Rows of each class."""
        return {name: int((self.class_index == index).sum()) for index, name in enumerate(self.classes)}

    @property
    def confusion(self) -> np.ndarray | None:
        """Counts, int64 (n_classes, n_classes): rows are stated, columns predicted; None without stated classes."""
        if self.rows.label is None:
            return None
        both = self.answered & (self.rows.label >= 0)
        counts = np.zeros((len(self.classes), len(self.classes)), np.int64)
        np.add.at(counts, (self.rows.label[both], self.class_index[both]), 1)
        return counts

    def named(self, index: np.ndarray) -> np.ndarray:
        """Names of class indices, "" for -1."""
        return np.array([*self.classes, ""])[index]


def analyse_rows(
    rows: BeatRows,
    checkpoint: Checkpoint,
    *,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> RowPredictions:
    """Classify every row of a table of beats.

    Args:
        rows: the table.
        checkpoint: one that was trained on such rows.
        progress: told rows done, rows in all, a note.
        should_stop: asked between batches; True ends early, rows not reached have no answer.

    Raises:
        CheckpointError: a checkpoint for something else than such rows.
    """
    require_rows(checkpoint, rows.rows.shape[1])
    started = time.perf_counter()
    beats = scaled(rows.rows)
    there = np.isfinite(beats).all(axis=1) & beats.any(axis=1)
    signal, sample = laid_out(beats[there])

    def read(start: int, stop: int) -> np.ndarray:
        return signal[start:stop]

    logits = classify(checkpoint, read, FS, len(signal), sample, progress=progress, should_stop=should_stop).classes
    prob = np.full((len(rows), len(checkpoint.card.classes)), np.nan, np.float32)
    prob[there] = torch.softmax(torch.from_numpy(logits) / checkpoint.card.temperature, dim=-1).numpy()
    predictions = RowPredictions(
        rows, prob, checkpoint.card.classes, checkpoint.name, checkpoint.sha256,
        device=str(next(checkpoint.network.parameters()).device),
        seconds={"classify": time.perf_counter() - started},
    )  # fmt: skip
    return replace(predictions, warnings=_warnings(predictions, beats, int(there.sum()), checkpoint))


def require_rows(checkpoint: Checkpoint, width: int) -> None:
    """Refuse a checkpoint that does not read rows of that length.

    Raises:
        CheckpointError: it is such.
    """
    task = checkpoint.task
    if not task.reads_rows or task.length != width:
        raise CheckpointError(checkpoint.name, f"does not classify the rows of a table of beats of {width} samples")


def explain_row(
    predictions: RowPredictions,
    checkpoint: Checkpoint,
    row: int,
    *,
    target: str | None = None,
    method: str | None = None,
) -> SaliencyMap:
    """Saliency map of one row; its times are seconds from the R peak.

    Raises:
        IndexError: there is no such row, or it has no answer.
        ValueError: an unknown class, or a method that is unknown or does not suit the network.
    """
    from ecgviz.saliency import explain_beat

    if not predictions.answered[row]:
        raise IndexError(f"row {row} has no answer")
    signal, sample = laid_out(scaled(predictions.rows.rows[row : row + 1]))
    alone = Recording(predictions.rows.name, FS, len(signal), (_LEAD,), ("unknown",), ArraySource(signal), "rows")
    beat = Beats(sample, predictions.prob[row : row + 1], predictions.classes, FS, checkpoint.name, (_LEAD,))
    return replace(explain_beat(alone, checkpoint, beat, 0, target=target, method=method), beat=row)


def _warnings(predictions: RowPredictions, beats: np.ndarray, n_there: int, checkpoint: Checkpoint) -> tuple[str, ...]:
    warnings = list(predictions.rows.warnings)
    if n_flat := int((beats == 0).all(axis=1).sum()):
        warnings.append(f"{n_flat} rows hold no beat (one value throughout), and are not classified.")
    if (n_reached := int(predictions.answered.sum())) < n_there:
        warnings.append(f"Stopped before the end: {n_reached} of {n_there} rows are classified.")
    known = {record.name for record in checkpoint.card.training_records} & {*mitdb.DS1, *mitdb.DS2, *mitdb.PACED}
    if predictions.rows.label is not None and known:
        warnings.append(
            f"{checkpoint.name} was trained on {len(known)} of the 48 records of MIT-BIH, of which the public tables "
            "(mitbih_train.csv, mitbih_test.csv) are made: how well it agrees with those says little of new patients."
        )
    return tuple(warnings)
