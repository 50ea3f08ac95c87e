"""The exceptions of ``models.core.errors``, re-exported."""

from models.core.errors import (
    CheckpointError,
    ConfigError,
    EcgvizError,
    JobError,
    ReadError,
    ReviewError,
    StaleReviewError,
)

__all__ = [
    "CheckpointError",
    "ConfigError",
    "EcgvizError",
    "JobError",
    "ReadError",
    "ReviewError",
    "StaleReviewError",
]
