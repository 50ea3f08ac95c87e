"""Training: :func:`run` is the one function that trains; the command line and every runner of jobs call it."""

from models.training.context import RunContext, TrainingProgress
from models.training.runner import run

__all__ = ["RunContext", "TrainingProgress", "run"]
