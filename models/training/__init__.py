"""Training: :func:`run` is the one function that trains; the command line and every runner of jobs call it."""

from models.training.context import RunContext
from models.training.runner import run

__all__ = ["RunContext", "run"]
