"""Out-of-distribution score of a picture: a Mahalanobis-like distance of its features from the training pictures.

After Lee K et al. (NeurIPS 2018) and Wang H et al. (ViM, CVPR 2022): the features that vary in training are whitened,
and what lies outside of their span counts by its own usual size. The statistics stand in ``features.safetensors``
beside the weights.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from pathlib import Path

import torch

from models.checkpoints import FEATURES
from models.core.tensors import load_tensors, save_tensors

LIMIT_PERCENTILE = 99.0
MAX_COMPONENTS = 64
EXPLAINED = 0.95


@dataclass(frozen=True)
class OutOfDistributionDetector:
    """Detects out-of-distribution pictures by statistics of the training embeddings (global averages of the maps).

    Attributes:
        mean: of the embeddings, float32 (C,).
        components: directions in which they vary, orthonormal, float32 (k, C).
        scale: SD along each, float32 (k,).
        residual: root mean square of what lies outside of the components.
        limit: distance that one in a hundred validation pictures exceeds.
    """

    mean: torch.Tensor
    components: torch.Tensor
    scale: torch.Tensor
    residual: float
    limit: float

    @classmethod
    def fit(cls, training: torch.Tensor, validation: torch.Tensor) -> OutOfDistributionDetector:
        """Fit to embeddings.

        Args:
            training: float (n, C), n >= 2.
            validation: float (m, C), m >= 1; the limit is chosen on them.
        """
        training = training.double()
        mean = training.mean(dim=0)
        _, singular, directions = torch.linalg.svd(training - mean, full_matrices=False)
        variance = singular.square() / (len(training) - 1)
        share = variance.cumsum(0) / variance.sum().clamp_min(1e-12)
        k = min(MAX_COMPONENTS, max(1, len(training) // 4), int((share < EXPLAINED).sum()) + 1)
        rest = variance[k:].sum().sqrt()
        found = cls(
            mean.float(),
            directions[:k].float().contiguous(),
            variance[:k].sqrt().clamp_min(1e-6).float(),
            max(float(rest), 1e-6),
            0.0,
        )
        limit = torch.quantile(found.distance(validation.float()), LIMIT_PERCENTILE / 100)
        return cls(found.mean, found.components, found.scale, found.residual, float(limit))

    def distance(self, embedding: torch.Tensor) -> torch.Tensor:
        """Distance of embeddings (B, C) from the training pictures, float32 (B,); about 1 within the distribution."""
        centred = embedding.float().cpu() - self.mean
        along = centred @ self.components.T
        outside = (centred - along @ self.components).square().sum(dim=1) / self.residual**2
        inside = (along / self.scale).square().mean(dim=1)
        return ((inside + outside) / 2).sqrt()

    def save(self, folder: str | Path) -> None:
        """Write the detector beside a checkpoint's weights, atomically."""
        tensors = {one.name: torch.as_tensor(getattr(self, one.name)) for one in fields(self)}
        save_tensors(folder, FEATURES, tensors)

    @classmethod
    def load(cls, folder: str | Path) -> OutOfDistributionDetector | None:
        """The detector of a checkpoint; None where it has none.

        Raises:
            CheckpointError: the file is damaged.
        """
        return load_tensors(folder, FEATURES, cls._of)

    @classmethod
    def _of(cls, tensors: dict[str, torch.Tensor]) -> OutOfDistributionDetector:
        found = cls(**tensors)
        k, channels = len(found.scale), len(found.mean)
        if (found.mean.shape, found.components.shape, found.scale.shape) != ((channels,), (k, channels), (k,)):
            raise ValueError("shapes do not fit")
        if tensors["residual"].ndim or tensors["limit"].ndim:
            raise ValueError("one number each")
        return replace(found, residual=float(found.residual), limit=float(found.limit))
