"""Labels a scan or photograph of ECG paper, with an out-of-distribution score."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
import torch

from models.checkpoints import Checkpoint
from models.data.ecg_picture import as_seen
from models.data.whole_recordings import Prepared
from models.evaluation.out_of_distribution import OutOfDistributionDetector
from models.evaluation.records import LabelAnswer, label_answer, require_record
from models.sheets.detector import SheetDetector
from models.sheets.features import describe

_MOST_SHEETS = 512
_BATCH = 16


@dataclass(frozen=True)
class PictureAnswer(LabelAnswer):
    """Prediction for a picture of a sheet.

    Attributes:
        picture: as the network saw it, uint8 (H, W, 3).
        distance: out-of-distribution score: that of a :class:`SheetDetector`, 0 to 1, or where the checkpoint has none
            the distance of its :class:`OutOfDistributionDetector`, about 1 within the training distribution; None where
            neither is known.
        limit: distance beyond which it counts as unlike; None where that is not known.
    """

    picture: np.ndarray
    distance: float | None
    limit: float | None

    @property
    def unlike(self) -> bool:
        """Whether the picture is out of distribution, so that the prediction should not be trusted."""
        return self.distance is not None and self.limit is not None and self.distance > self.limit

    def without_labels(self) -> PictureAnswer:
        """The same without classes, probabilities and uncertainty."""
        none = np.zeros(0)
        return replace(
            self, classes=(), logits=none.astype(np.float32), probability=none, thresholds=none,
            positive=none.astype(bool), uncertainty=float("nan"),
        )  # fmt: skip


def classify_picture(checkpoint: Checkpoint, pixels: np.ndarray) -> PictureAnswer:
    """Labels of a scan or photograph of a sheet with 3x4 leads and a rhythm strip; any picture is accepted.

    Who shows them to a person looks at ``unlike`` first; :func:`ecgviz.analysis.ecg_pictures.analyse_picture` does.

    Args:
        checkpoint: one that reads ECG paper.
        pixels: uint8 (h, w, 3) or (h, w), upright.

    Raises:
        CheckpointError: a checkpoint for something else than recordings.
        ConfigError: one that reads no paper.
        ValueError: pixels of another shape or type.
    """
    x = require_record(checkpoint).photograph(pixels)
    logits, embedding = _ask(checkpoint, [x])
    distance, limit = _unlikeness(checkpoint, pixels, embedding)
    return PictureAnswer(
        **vars(label_answer(checkpoint, logits[0])), picture=as_seen(x), distance=distance, limit=limit
    )


def sheet_features(checkpoint: Checkpoint, pixels: np.ndarray, embedding: torch.Tensor | None = None) -> np.ndarray:
    """Input of a :class:`SheetDetector`: layout features of the picture and the network's embedding, float32 (n,).

    Args:
        checkpoint: one that reads ECG paper.
        pixels: uint8 (h, w, 3) or (h, w).
        embedding: float32 (1, C) where the network has been asked before.
    """
    task = require_record(checkpoint)
    if embedding is None:
        embedding = _ask(checkpoint, [task.photograph(pixels)])[1]
    return np.concatenate([describe(pixels, task.picture_size), embedding[0].numpy()])


def _unlikeness(
    checkpoint: Checkpoint, pixels: np.ndarray, embedding: torch.Tensor
) -> tuple[float | None, float | None]:
    """Out-of-distribution score of a picture and its limit; None where unknown."""
    if (detector := SheetDetector.load(checkpoint.folder)) is not None:
        score = detector.score(sheet_features(checkpoint, pixels, embedding)[None])
        return float(score[0]), float(detector.limit[0])
    if (features := OutOfDistributionDetector.load(checkpoint.folder)) is not None:
        return float(features.distance(embedding)[0]), features.limit
    return None, None


def save_out_of_distribution_detector(
    checkpoint: Checkpoint, train: Prepared, validation: Prepared, strength: float, seed: int
) -> None:
    """Fit the out-of-distribution detector to augmented sheets of the training, and write it beside the weights.

    Args:
        checkpoint: one that reads ECG paper.
        train, validation: recordings; the limit is that of the second.
        strength: of the changes.
        seed: of the changes.
    """
    generator, task = np.random.default_rng(seed), require_record(checkpoint)

    def embeddings(data: Prepared) -> torch.Tensor:
        chosen = generator.permutation(len(data.signals))[:_MOST_SHEETS]
        cuts = (task.cut(data.signals[place], 0) for place in sorted(chosen))
        return _ask(checkpoint, (task.as_input(cut, strength, generator) for cut in cuts))[1]

    OutOfDistributionDetector.fit(embeddings(train), embeddings(validation)).save(checkpoint.folder)


def _ask(checkpoint: Checkpoint, inputs: Iterable[torch.Tensor]) -> tuple[np.ndarray, torch.Tensor]:
    """Logits float32 (n, n_classes) and embeddings float32 (n, C)."""
    device = next(checkpoint.network.parameters()).device
    batches = torch.stack(list(inputs)).split(_BATCH)
    with torch.inference_mode():
        found = [checkpoint.network(batch.to(device), return_features=True) for batch in batches]
    logits, embedding = (torch.cat(parts).float().cpu() for parts in zip(*found, strict=True))
    return logits.numpy(), embedding
