"""What a checkpoint that reads ECG paper says of a scan or photograph, and how unlike its training it looks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch

from models.checkpoints import Checkpoint
from models.data.ecg_picture import as_seen
from models.data.recordings import Prepared
from models.familiarity import Familiarity
from models.record_evaluation import LabelAnswer, label_answer, require_record

_MOST_SHEETS = 512
_BATCH = 16


@dataclass(frozen=True)
class PictureAnswer(LabelAnswer):
    """What a checkpoint said of a picture of a sheet.

    Attributes:
        picture: as the network saw it, uint8 (H, W, 3).
        distance: how unlike the training pictures it looks, about 1 for one of them; None where that is not known.
        limit: distance beyond which it counts as unlike; None where that is not known.
    """

    picture: np.ndarray
    distance: float | None
    limit: float | None

    @property
    def unlike(self) -> bool:
        """Whether it is so unlike the training pictures that the answer should not be trusted."""
        return self.distance is not None and self.limit is not None and self.distance > self.limit


def classify_picture(checkpoint: Checkpoint, pixels: np.ndarray) -> PictureAnswer:
    """Labels of a scan or photograph of a sheet with 3x4 leads and a rhythm strip.

    Args:
        checkpoint: one that reads ECG paper.
        pixels: uint8 (h, w, 3) or (h, w), upright.

    Raises:
        CheckpointError: a checkpoint for something else than recordings.
        ConfigError: one that reads no paper.
        ValueError: pixels of another shape or type.
    """
    require_record(checkpoint)
    x = checkpoint.task.photograph(pixels)
    logits, embedding = _ask(checkpoint, [x])
    familiar = Familiarity.load(checkpoint.folder)
    return PictureAnswer(
        **vars(label_answer(checkpoint, logits[0])),
        picture=as_seen(x),
        distance=None if familiar is None else float(familiar.distance(embedding)[0]),
        limit=None if familiar is None else familiar.limit,
    )


def note_familiar(checkpoint: Checkpoint, train: Prepared, validation: Prepared, strength: float, seed: int) -> None:
    """Write down beside the weights how sheets of training look to the network, changed as in training.

    Args:
        checkpoint: one that reads ECG paper.
        train, validation: recordings; the limit is that of the second.
        strength: of the changes.
        seed: of the changes.
    """
    generator = np.random.default_rng(seed)

    def embeddings(data: Prepared) -> torch.Tensor:
        chosen = generator.permutation(len(data.signals))[:_MOST_SHEETS]
        cuts = (checkpoint.task.cut(data.signals[place], 0) for place in sorted(chosen))
        return _ask(checkpoint, (checkpoint.task.as_input(cut, strength, generator) for cut in cuts))[1]

    Familiarity.fit(embeddings(train), embeddings(validation)).save(checkpoint.folder)


def _ask(checkpoint: Checkpoint, inputs: Iterable[torch.Tensor]) -> tuple[np.ndarray, torch.Tensor]:
    """Logits float32 (n, n_classes) and embeddings float32 (n, C)."""
    device = next(checkpoint.network.parameters()).device
    batches = torch.stack(list(inputs)).split(_BATCH)
    with torch.inference_mode():
        found = [checkpoint.network(batch.to(device), return_features=True) for batch in batches]
    logits, embedding = (torch.cat(parts).float().cpu() for parts in zip(*found, strict=True))
    return logits.numpy(), embedding
