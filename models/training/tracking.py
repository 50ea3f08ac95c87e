"""Checks the metric tracking of a training before it starts, without loading Lightning."""

from __future__ import annotations

import importlib.util
import os

from models.config import TrainConfig
from models.core.errors import ConfigError

ADDRESS = "MLFLOW_TRACKING_URI"
"""MLflow's own variable: the address of its server."""


def check_mlflow(config: TrainConfig) -> None:
    """Check that the MLflow server is configured.

    Raises:
        ConfigError: ``mlflow`` is true, and MLflow is not installed or no server is named.
    """
    if not config.mlflow:
        return
    if importlib.util.find_spec("mlflow") is None:
        raise ConfigError("mlflow", "needs MLflow: pip install mlflow-skinny, or set it to false")
    if not os.environ.get(ADDRESS):
        raise ConfigError("mlflow", f"needs the address of a server in {ADDRESS}; set it, or set mlflow to false")
