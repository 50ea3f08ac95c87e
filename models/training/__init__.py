"""Training: :func:`run` is the one function that trains; the command line and every runner of jobs call it."""

from models.training.context import Progress, RunContext
from models.training.runner import run

__all__ = ["Progress", "RunContext", "run"]
