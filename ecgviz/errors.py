"""The tree of errors, as ``models.errors`` defines it (the lower floor raises them too)."""

from models.errors import CheckpointError, ConfigError, EcgvizError, JobError, ReadError

__all__ = ["CheckpointError", "ConfigError", "EcgvizError", "JobError", "ReadError"]
