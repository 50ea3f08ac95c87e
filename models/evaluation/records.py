"""Labels whole recordings with a record checkpoint, and scores it on labelled ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from models.checkpoints import Checkpoint
from models.config.record import RecordDataConfig
from models.core.callbacks import Progress, ShouldStop
from models.core.errors import ConfigError, ReadError
from models.data.whole_recording_split import SIDES, RecordingSplit
from models.data.whole_recordings import Prepared, load_split, prepare, samples_sha256
from models.metrics.records import (
    calibrated,
    calibration_error,
    referral,
    summarise_records,
    uncertainty,
)
from models.metrics.resampling import counted, metric_text, without_interval
from models.plugins.registry import plugin_of
from models.tasks import RecordTask

_METRICS = (
    ("macro AUROC", "macro_auroc"),
    ("macro F1", "macro_f1"),
    ("accuracy", "accuracy"),
    ("all right", "exact_match"),
)


@dataclass(frozen=True)
class LabelAnswer:
    """Prediction for a recording, or for a picture of one.

    Attributes:
        classes: names of the labels.
        logits: before calibration, float32 (n_classes,); of a recording the mean of its windows.
        probability: of each label, calibrated, float64 (n_classes,).
        thresholds: from which probability a label is said, float64 (n_classes,).
        positive: which labels are said, bool (n_classes,).
        uncertainty: mean binary entropy of the probabilities, bits, 0 to 1.
    """

    classes: tuple[str, ...]
    logits: np.ndarray
    probability: np.ndarray
    thresholds: np.ndarray
    positive: np.ndarray
    uncertainty: float


@dataclass(frozen=True)
class RecordAnswer(LabelAnswer):
    """Prediction for one recording.

    Attributes:
        start_s: start of each window, s, (n_windows,).
        window_seconds: length of a window, s.
        window_logits: float32 (n_windows, n_classes).
        window_probability: calibrated, float64 (n_windows, n_classes).
    """

    start_s: np.ndarray
    window_seconds: float
    window_logits: np.ndarray
    window_probability: np.ndarray


def classify_record(
    checkpoint: Checkpoint,
    signal_mV: np.ndarray,
    fs: float,
    leads: Sequence[str],
    *,
    hop_seconds: float | None = None,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> RecordAnswer:
    """Labels of a recording of any sampling frequency, at least one window long.

    Args:
        checkpoint: a record checkpoint.
        signal_mV: float (n, len(leads)), mV; NaN in gaps.
        fs: its sampling frequency, Hz.
        leads: names of its columns, in any case and order.
        hop_seconds: from one window to the next, at most; the task's own by default, longer for long recordings.
        progress: told windows done, windows in all, a note.
        should_stop: asked before each batch; True ends early with the windows answered so far, at least one batch.

    Raises:
        CheckpointError: a checkpoint for something else than recordings.
        ConfigError: leads are missing, or the recording is shorter than a window.
    """
    task = require_record(checkpoint)
    conditioned = task.condition(signal_mV, fs, leads)
    starts = task.starts(conditioned.shape[1], hop_seconds)
    logits: list[np.ndarray] = []
    size = _batch_size(checkpoint)
    for at in range(0, len(starts), size):
        if logits and should_stop is not None and should_stop():
            break
        logits.append(forward(checkpoint, task.windows(conditioned, starts[at : at + size])))
        if progress is not None:
            progress(min(at + size, len(starts)), len(starts), "Reading the recording")
    by_window = np.concatenate(logits)
    return RecordAnswer(
        **vars(label_answer(checkpoint, by_window.mean(axis=0))),
        start_s=starts[: len(by_window)] / task.fs_out,
        window_seconds=task.segment_seconds,
        window_logits=by_window,
        window_probability=calibrated(by_window, checkpoint.card.calibration),
    )


def label_answer(checkpoint: Checkpoint, logits: np.ndarray) -> LabelAnswer:
    """Calibrated probabilities and labels from logits, float32 (n_classes,)."""
    prob = calibrated(logits[None], checkpoint.card.calibration)
    limits = thresholds(checkpoint)
    return LabelAnswer(checkpoint.card.classes, logits, prob[0], limits, prob[0] >= limits, float(uncertainty(prob)[0]))


def thresholds(checkpoint: Checkpoint) -> np.ndarray:
    """Decision threshold of each label, float64 (n_classes,); 0.5 where none was chosen."""
    chosen = checkpoint.card.calibration.get("thresholds", {})
    return np.array([float(chosen.get(name, 0.5)) for name in checkpoint.card.classes])


def forward(checkpoint: Checkpoint, x: torch.Tensor) -> np.ndarray:
    """Logits of windows (B, in_channel, length) on the network's device, float32; under autocast on CUDA."""
    device = next(checkpoint.network.parameters()).device
    with torch.inference_mode(), torch.autocast(device.type, enabled=device.type == "cuda"):
        logits: np.ndarray = checkpoint.network(x.to(device)).float().cpu().numpy()
    return logits


def predict_prepared(checkpoint: Checkpoint, data: Prepared, *, progress: Progress | None = None) -> np.ndarray:
    """Logits of conditioned recordings, averaged over windows, float32 (n, n_classes)."""
    task, size = require_record(checkpoint), _batch_size(checkpoint)
    places = [(number, start) for number, signal in enumerate(data.signals) for start in task.starts(signal.shape[1])]
    total = np.zeros((len(data.rows), len(checkpoint.card.classes)), np.float64)
    for at in range(0, len(places), size):
        batch = places[at : at + size]
        x = torch.stack([task.window(data.signals[number], int(start)) for number, start in batch])
        np.add.at(total, [number for number, _ in batch], forward(checkpoint, x))
        if progress is not None:
            progress(batch[-1][0] + 1, len(data.rows), data.rows[batch[-1][0]].name)
    counts = np.bincount([number for number, _ in places], minlength=len(data.rows))
    return (total / np.maximum(counts, 1)[:, None]).astype(np.float32)


def evaluate_recordings(
    checkpoint: Checkpoint,
    root: str | Path,
    split: str = "test",
    *,
    more: str | Path = "",
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Metrics of a record checkpoint on labelled recordings, ready for JSON.

    The folds are those of the checkpoint's training; how many of the scored recordings were trained on after all is
    counted by the hashes of their samples.

    Args:
        checkpoint: a record checkpoint.
        root: folder of the recordings; see :mod:`models.data.whole_recordings`.
        split: train, validation, test or all.
        more: folder of further recordings of PTB-XL.
        progress: told recordings done, recordings in all, a name.

    Raises:
        CheckpointError: a checkpoint for something else. ConfigError: an unknown split, or one without recordings.
        ReadError: tables that cannot be read, or no recording that can.
    """
    task = require_record(checkpoint)
    if split not in (*SIDES, "all"):
        raise ConfigError("split", f"there is no split {split!r}; choose all, {', '.join(SIDES)}")
    found = split_of(checkpoint, root, more)
    rows = [row for side in SIDES for row in found.sides[side]] if split == "all" else found.sides[split]
    if not rows:
        raise ConfigError("split", f"{Path(root).resolve().name} has no recording in split {split!r}")
    data = prepare(rows, task)
    if not data.rows:
        raise ReadError(root, "holds no recording of this split that can be read")
    seen = {record.sha256 for record in checkpoint.card.training_records}
    result = score(checkpoint, data, predict_prepared(checkpoint, data, progress=progress))
    return {
        "checkpoint": checkpoint.name,
        "checkpoint_sha256": checkpoint.sha256,
        "data": [Path(folder).resolve().name for folder in (root, more) if str(folder)],
        "split": split,
        "classes": list(checkpoint.card.classes),
        "left_out": found.left_out,
        "unreadable": data.left_out,
        "seen_in_training": sum(samples_sha256(row) in seen for row in data.rows),
    } | result


def split_of(checkpoint: Checkpoint, root: str | Path, more: str | Path = "") -> RecordingSplit:
    """Labelled recordings by side, with the folds of the checkpoint's training.

    Raises:
        ConfigError, ReadError: as :func:`models.data.whole_recordings.load_split`.
    """
    stored = checkpoint.card.config.get("data", {}) | {"root": str(root), "more": str(more)}
    return load_split(RecordDataConfig.model_validate(stored), require_record(checkpoint))


def score(checkpoint: Checkpoint, data: Prepared, logits: np.ndarray) -> dict[str, Any]:
    """Metrics, calibration and referral curve of conditioned recordings, and all predictions."""
    classes, limits = checkpoint.card.classes, thresholds(checkpoint).tolist()
    prob = calibrated(logits, checkpoint.card.calibration)
    error, bins = calibration_error(prob, data.targets)
    return {
        "pooled": summarise_records(prob, data.targets, data.groups, limits, classes),
        "calibration": {"ece": error, "bins": bins},
        "referral": referral(prob, data.targets, limits, classes),
        "recordings": [
            {
                "name": row.name,
                "probability": [round(float(value), 5) for value in prob[place]],
                "target": [int(value) for value in data.targets[place]],
            }
            for place, row in enumerate(data.rows)
        ],
    }


def render_recordings(result: dict[str, Any]) -> str:
    """The metrics of :func:`evaluate_recordings` as a table for people."""
    pool = result["pooled"]
    data = " + ".join(result["data"])
    size = f"{counted(pool['recordings'], 'recording')} of {counted(pool['groups'], 'patient')}"
    size += without_interval(pool["groups"], "patient")
    lines = [f"{result['checkpoint']} on {data} ({result['split']}): {size}"]
    if result["seen_in_training"]:
        lines.append(f"WARNING: {result['seen_in_training']} of these recordings were trained on")
    lines.extend(f"  {name:<12} {metric_text(pool['scores'][key])}" for name, key in _METRICS)
    for name in result["classes"]:
        auroc, f1 = pool["scores"][f"{name}_auroc"], pool["scores"][f"{name}_f1"]
        lines.append(
            f"  {name:<12} AUROC {metric_text(auroc)}  F1 {metric_text(f1)}  positives {pool['positives'][name]}"
        )
    lines.append(f"  ECE          {result['calibration']['ece']:.3f}")
    for row in result["referral"][1:]:
        cells = ", ".join(f"{name} {_plain(row[key])}" for name, key in _METRICS)
        lines.append(f"  without the {row['referred']:.0%} least certain: {cells}")
    return "\n".join(lines)


def require_record(checkpoint: Checkpoint) -> RecordTask:
    """The task of a checkpoint for whole recordings.

    Raises:
        CheckpointError: it is for something else.
    """
    return checkpoint.require(RecordTask, "does not read whole recordings; choose one of task kind record")


def _batch_size(checkpoint: Checkpoint) -> int:
    device = next(checkpoint.network.parameters()).device.type
    return plugin_of(checkpoint).batch_sizes["cpu" if device == "cpu" else "other"]


def _plain(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
