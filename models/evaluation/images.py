"""Scores an image checkpoint on labelled pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from models.checkpoints import Checkpoint
from models.config.changes import changed_group
from models.config.image import ImageDataConfig
from models.core.callbacks import Progress, ShouldStop
from models.core.errors import ConfigError, ReadError
from models.data.image_dataset import judged_pixels
from models.data.image_folder import SPLITS, ImageRow, below_chance, read_split, split_doubts
from models.evaluation.defect_maps import gives_maps, score_maps
from models.evaluation.operating_point import given_point, in_force
from models.evaluation.out_of_distribution import OutOfDistributionDetector
from models.metrics.beats import expected_calibration_error
from models.metrics.images import auroc, summarise_images
from models.metrics.resampling import counted, metric_text, without_interval
from models.plugins.registry import plugin_of
from models.tasks import ImageTask
from models.tasks.image import defect_probability, of_one_shape
from readers.core.file_names import readable

MARK_LENGTH = 16
"""Hexadecimal digits of a training file's SHA-256 that the card keeps."""
_METRICS = (("AUROC", "auroc"), ("F1", "f1"), ("recall at 95% specificity", "recall_at_95_specificity"))
_MAP_METRICS = (
    ("AUROC over pixels", "pixel_auroc"),
    ("points at a defect", "pointing"),
    ("mass inside of defects", "mass_inside"),
)


@dataclass(frozen=True)
class ImagePredictions:
    """Outputs of a checkpoint for some pictures.

    Attributes:
        rows: the pictures that could be read and are not blank.
        logits: before calibration, float32 (n, n_classes).
        embeddings: global averages of the maps, float32 (n, C).
        unreadable: fault of each picture that could not be read, by its file.
    """

    rows: tuple[ImageRow, ...]
    logits: np.ndarray
    embeddings: np.ndarray
    unreadable: dict[str, str]

    @property
    def labels(self) -> np.ndarray:
        """Reference labels, int64 (n,): 0 normal, 1 defect."""
        return np.array([row.label for row in self.rows], np.int64)

    def classes(self, task: ImageTask) -> np.ndarray:
        """Class index of each picture for a network of this task, int64 (n,)."""
        return np.array([task.class_of(row.label, row.defect_type) for row in self.rows], np.int64)

    @property
    def groups(self) -> list[str]:
        """Group of each picture."""
        return [row.group for row in self.rows]


def predict_images(
    checkpoint: Checkpoint,
    rows: Sequence[ImageRow],
    *,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> ImagePredictions:
    """Logits and embeddings of pictures, on the network's device.

    Args:
        checkpoint: an image checkpoint.
        rows: the pictures.
        progress: told pictures done, pictures in all, a file name.
        should_stop: asked before each batch; True ends early with what was scored.
    """
    task, device = require_pictures(checkpoint), next(checkpoint.network.parameters()).device
    size = plugin_of(checkpoint).batch_sizes["cpu" if device.type == "cpu" else "other"]
    kept: list[ImageRow] = []
    logits, embeddings, unreadable = [], [], {}
    for start in range(0, len(rows), size):
        if should_stop is not None and should_stop():
            break
        batch = []
        for row in rows[start : start + size]:
            try:
                batch.append(task.prepare(judged_pixels(row)))
                kept.append(row)
            except ReadError as error:
                unreadable[readable(row.name)] = error.fault
        if batch:
            answer, embedding = _predicted(checkpoint, batch, device)
            logits.append(answer)
            embeddings.append(embedding)
        if progress is not None:
            progress(min(start + size, len(rows)), len(rows), rows[min(start + size, len(rows)) - 1].file)
    return ImagePredictions(
        tuple(kept),
        np.concatenate(logits) if logits else np.empty((0, 2), np.float32),
        np.concatenate(embeddings) if embeddings else np.empty((0, 0), np.float32),
        unreadable,
    )


def _predicted(
    checkpoint: Checkpoint, batch: Sequence[torch.Tensor], device: torch.device
) -> tuple[np.ndarray, np.ndarray]:
    """Logits and embeddings of prepared pictures, float32 (n, 2) and (n, C); those of one shape go together."""
    found: dict[int, tuple[np.ndarray, np.ndarray]] = {}
    for places in of_one_shape(batch):
        x = torch.stack([batch[place] for place in places]).to(device).contiguous(memory_format=torch.channels_last)
        with torch.inference_mode(), torch.autocast(device.type, enabled=device.type == "cuda"):
            outputs = checkpoint.network(x, return_features=True)
        both = (output.float().cpu().numpy() for output in outputs)
        found |= dict(zip(places, zip(*both, strict=True), strict=True))
    logits, embeddings = zip(*(found[place] for place in range(len(batch))), strict=True)
    return np.stack(logits), np.stack(embeddings)


def require_pictures(checkpoint: Checkpoint) -> ImageTask:
    """The task of an image checkpoint.

    Raises:
        CheckpointError: it is for something else.
    """
    return checkpoint.require(ImageTask, "reads recordings, not pictures; choose an image checkpoint")


def probability(logits: np.ndarray, temperature: float) -> np.ndarray:
    """Calibrated probability of a defect of any type, float32 (n,), from logits (n, n_classes), normal first."""
    prob: np.ndarray = defect_probability(torch.from_numpy(logits) / temperature).numpy()
    return prob


def evaluate_images(
    checkpoint: Checkpoint,
    root: str | Path,
    split: str = "test",
    *,
    changes: Sequence[str] = (),
    threshold: float | None = None,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Metrics of an image checkpoint on a set of pictures, ready for JSON.

    The set is split as the checkpoint's card says it was for training, so ``test`` is what training did not see; how
    many of the scored files were trained on after all is counted by their hashes.

    Args:
        checkpoint: an image checkpoint.
        root: folder or table; see :mod:`models.data.image_folder`.
        split: train, validation, test or all.
        changes: of how the training understood and split its pictures, as ``data.normal=[OK]``.
        threshold: probability from which F1 counts a defect; that of the checkpoint's operating point when None.
        progress: told pictures done, pictures in all, a file name.

    Raises:
        CheckpointError: a checkpoint for something else than pictures.
        ConfigError: an unknown split, or one without pictures.
        ReadError: a set that cannot be read.
    """
    task = require_pictures(checkpoint)
    if split not in (*SPLITS, "all"):
        raise ConfigError("split", f"there is no split {split!r}; choose all, {', '.join(SPLITS)}")
    point = in_force(checkpoint.folder) if threshold is None else given_point(threshold)
    whole = read_split(root, data_settings(checkpoint, changes))
    sides, hashes = whole.sides, whole.hashes
    rows = [row for side in SPLITS for row in sides[side]] if split == "all" else sides[split]
    if not rows:
        filled = ", ".join(f"{side} {len(sides[side])}" for side in SPLITS if sides[side])
        raise ConfigError(
            "split",
            f"{Path(root).resolve().name} has no picture in split {split!r} ({filled}; parts stay whole, so one side "
            "may get none); give --split all, or name other parts or sides in its table",
        )
    predictions = predict_images(checkpoint, rows, progress=progress)
    if not predictions.rows:
        raise ReadError(root, "holds no picture of this split that can be read")
    scores, labels = probability(predictions.logits, checkpoint.card.temperature), predictions.labels
    stacked = np.stack([1 - scores, scores], axis=1)
    error, bins = expected_calibration_error(stacked, labels)
    seen = set(checkpoint.card.training_images)
    result: dict[str, Any] = {
        "checkpoint": checkpoint.name,
        "checkpoint_sha256": checkpoint.sha256,
        "data": Path(root).resolve().name,
        "split": split,
        "classes": list(checkpoint.card.classes),
        "operating_point": {"version": point.version, "threshold": point.threshold},
        "pooled": summarise_images(scores, labels, predictions.groups, point.threshold),
        "seen_in_training": sum(hashes.get(row.file, "")[:MARK_LENGTH] in seen for row in predictions.rows),
        "calibration": {"ece": error, "bins": bins},
        "unreadable": predictions.unreadable,
        "set_aside": whole.folder.aside_counts,
        "unjudged": [readable(one.file) for one in whole.folder.set_aside if one.kind == "unlabelled"],
        "doubts": _doubts(sides, split, predictions, scores),
    }
    result["auroc"] = result["pooled"]["scores"]["auroc"]["value"]
    result |= _by_type(task, predictions, scores)
    result |= _by_background(predictions, scores, point.threshold)
    if gives_maps(checkpoint):
        found = score_maps(checkpoint, require_pictures(checkpoint), predictions.rows, progress=progress)
        if found is not None:
            result["maps"] = found
            result["pooled"]["scores"] |= {key: found[key] for _, key in _MAP_METRICS}
            result["pixel_auroc"] = found["pixel_auroc"]["value"]
    result["files"] = _files(checkpoint, predictions, scores)
    return result


def _doubts(
    sides: dict[str, list[ImageRow]], split: str, predictions: ImagePredictions, scores: np.ndarray
) -> list[str]:
    """What the side that was scored cannot tell, and whether its ranking is worse than none."""
    found = split_doubts({split: sides[split]}) if split in ("validation", "test") else []
    worse = below_chance(auroc(scores, predictions.labels), split)
    return [*found, *([worse] if worse else [])]


def _by_type(task: ImageTask, predictions: ImagePredictions, scores: np.ndarray) -> dict[str, Any]:
    """AUROC of each type of defect against all normal pictures, and whether it is named, where types are stated."""
    kinds, labels = np.array([row.defect_type for row in predictions.rows]), predictions.labels
    found = sorted(set(kinds) - {""})
    by_type = {
        kind: {"images": int((kinds == kind).sum()), "auroc": auroc(scores[chosen], labels[chosen])}
        for kind in found
        if (chosen := (kinds == kind) | (labels == 0)) is not None and (labels == 0).any()
    }
    if task.defect_types:  # of the defects of a type, how many are called it rather than another
        predicted = predictions.logits[:, 1:].argmax(axis=1)
        for place, kind in enumerate(task.defect_types):
            if kind in by_type:
                by_type[kind]["named"] = float((predicted[kinds == kind] == place).mean())
    return {"by_type": by_type} if by_type else {}


def data_settings(checkpoint: Checkpoint, changes: Sequence[str] = ()) -> ImageDataConfig:
    """How the checkpoint's training named its labels and split its pictures, with changes for another set.

    Raises:
        ConfigError: a change of something else, or one that cannot be.
    """
    values = {"data": dict(checkpoint.card.config.get("data", {}))}
    return changed_group(values, "data", changes, ImageDataConfig)


def _by_background(predictions: ImagePredictions, scores: np.ndarray, threshold: float) -> dict[str, Any]:
    kinds = np.array([row.background for row in predictions.rows])
    found = sorted(set(kinds) - {""})
    groups = np.array(predictions.groups)
    return {
        f"pooled_background_{kind}": summarise_images(
            scores[kinds == kind], predictions.labels[kinds == kind], groups[kinds == kind].tolist(), threshold
        )
        for kind in (found if len(found) > 1 else [])
    }


def _files(checkpoint: Checkpoint, predictions: ImagePredictions, scores: np.ndarray) -> list[dict[str, Any]]:
    detector = OutOfDistributionDetector.load(checkpoint.folder)
    distance = None if detector is None else detector.distance(torch.from_numpy(predictions.embeddings)).numpy()
    return [
        {
            "file": readable(row.name),
            "label": int(row.label),
            "group": readable(row.group),
            "probability": float(scores[place]),
            "distance": None if distance is None else float(distance[place]),
            "truth": row.has_truth,
        }
        for place, row in enumerate(predictions.rows)
    ]


def render_images(result: dict[str, Any]) -> str:
    """The metrics of :func:`evaluate_images` as a table for people."""
    lines = [f"{result['checkpoint']} on {result['data']} ({result['split']})"]
    if result["seen_in_training"]:
        lines.append(f"WARNING: {result['seen_in_training']} of these pictures were trained on")
    for title in [key for key in result if key.startswith("pooled")]:
        pool = result[title]
        lines.append(
            f"{title.replace('_', ' ')}: {counted(pool['images'], 'picture')} in {counted(pool['groups'], 'group')}, "
            f"{counted(pool['defects'], 'defect')}{without_interval(pool['groups'], 'group')}"
        )
        words = {"F1": f"F1 at threshold {pool['threshold']:.3f}"}
        lines.extend(f"  {words.get(name, name):<26} {metric_text(pool['scores'][key])}" for name, key in _METRICS)
    if "maps" in result:
        maps = result["maps"]
        covered = "" if maps["cover"] is None else f", which cover {maps['cover']:.2%} of them"
        lines.append(f"maps: {counted(maps['pictures'], 'picture')}, {maps['marked']} with marked defects{covered}")
        lines.extend(f"  {name:<26} {metric_text(maps[key])}" for name, key in _MAP_METRICS)
    for kind, one in result.get("by_type", {}).items():
        named = f", {one['named']:.0%} named so" if "named" in one else ""
        lines.append(f"  AUROC of {readable(kind)} ({counted(one['images'], 'picture')}): {one['auroc']:.3f}{named}")
    lines += [f"WARNING: {doubt}" for doubt in result.get("doubts", ())]
    unjudged = result.get("unjudged", ())
    if unjudged:
        few = ", ".join(unjudged[:5])
        lines.append(f"not judged: {counted(len(unjudged), 'picture')} of which nothing says the class ({few})")
    if result["set_aside"]:
        lines.append(f"set aside: {', '.join(f'{kind} {count}' for kind, count in result['set_aside'].items())}")
    if result["unreadable"]:
        lines.append(f"not readable: {', '.join(sorted(result['unreadable'])[:10])}")
    return "\n".join(lines)
