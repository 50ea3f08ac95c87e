"""Detector of foreign sheets: a two-layer network over a picture's features.

Its numbers stand in ``sheets.safetensors`` beside the weights of the checkpoint that it belongs to.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import torch

from models.checkpoints import SHEETS
from models.core.tensors import load_tensors, save_tensors

_CLIP = 6.0


@dataclass(frozen=True)
class SheetDetector:
    """Classifier of foreign sheets; n features, h hidden units.

    Attributes:
        mean, scale: of the features of the training's own sheets and the foreign ones together, (n,).
        weight, bias: of the hidden layer, (h, n) and (h,).
        head, head_bias: of the output, (h,) and (1,).
        limit: score beyond which a picture is unlike, (1,).
    """

    mean: torch.Tensor
    scale: torch.Tensor
    weight: torch.Tensor
    bias: torch.Tensor
    head: torch.Tensor
    head_bias: torch.Tensor
    limit: torch.Tensor

    def score(self, features: np.ndarray) -> np.ndarray:
        """Scores of pictures from 0 (the training's style) to 1 (foreign), float64 (m,), from features (m, n).

        Raises:
            ValueError: another number of features than it was trained on.
        """
        if features.ndim != 2 or features.shape[1] != len(self.mean):
            raise ValueError(f"the detector reads {len(self.mean)} features, got an array of shape {features.shape}")
        x = standardised(torch.from_numpy(features).float(), self.mean.float(), self.scale.float())
        hidden = torch.nn.functional.gelu(x @ self.weight.float().T + self.bias.float())
        unlike: np.ndarray = torch.sigmoid((hidden @ self.head.float() + self.head_bias.float()).double()).numpy()
        return unlike

    def save(self, folder: str | Path) -> None:
        """Write the detector beside a checkpoint's weights, atomically, in half precision except the limit."""
        tensors = {one.name: getattr(self, one.name).half().contiguous() for one in fields(self)}
        save_tensors(folder, SHEETS, tensors | {"limit": self.limit.double()})

    @classmethod
    def load(cls, folder: str | Path) -> SheetDetector | None:
        """The detector of a checkpoint; None where it has none.

        Raises:
            CheckpointError: the file is damaged.
        """
        return load_tensors(folder, SHEETS, cls._of)

    @classmethod
    def _of(cls, tensors: dict[str, torch.Tensor]) -> SheetDetector:
        found = cls(**tensors)
        n, hidden = len(found.mean), len(found.head)
        if [getattr(found, one.name).shape for one in fields(cls)] != [
            (n,), (n,), (hidden, n), (hidden,), (hidden,), (1,), (1,)
        ]:  # fmt: skip
            raise ValueError("shapes do not fit")
        return found


def standardised(x: torch.Tensor, mean: torch.Tensor, scale: torch.Tensor) -> torch.Tensor:
    """Features with mean 0 and SD 1, clipped so that no outlier dominates."""
    return ((x - mean) / scale).clamp(-_CLIP, _CLIP)
