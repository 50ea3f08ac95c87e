"""The tree of errors, as ``models.core.errors`` defines it (the lower floor raises them too)."""

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
