"""Training: :func:`run` is the single entry point of the command line and of all job backends."""

from models.training.context import RunContext, TrainingProgress
from models.training.runner import run

__all__ = ["RunContext", "TrainingProgress", "run"]
