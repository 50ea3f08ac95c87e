"""Logs the metrics of each epoch to an MLflow server: ``mlflow: true`` in a configuration.

The server is the one that MLflow's own variable MLFLOW_TRACKING_URI names, so neither an address nor a password stands
in a configuration or a card. A server that cannot be reached costs a warning, never the training.
"""

from __future__ import annotations

import logging
import os
from typing import Any

import lightning
from lightning.pytorch.callbacks import Callback

from models.config import TrainConfig
from models.core.errors import StoppedError
from models.training.context import RunContext
from models.training.tracking import ADDRESS

EXPERIMENT = "ecgviz"
RUN_ID = "mlflow_run_id"
_LONGEST_VALUE = 500
logger = logging.getLogger(__name__)


class MlflowCurves(Callback):
    """Logs settings and metrics to an MLflow run, which a resumed training continues.

    Args:
        config: the configuration.
        context: its folder keeps the id of the run.
    """

    def __init__(self, config: TrainConfig, context: RunContext):
        from mlflow.exceptions import MlflowException

        self._trouble = (MlflowException, OSError)
        self.config = config
        self._file = context.run_dir / RUN_ID
        self._client: Any = None
        self._run_id = ""

    def on_fit_start(self, trainer: lightning.Trainer, module: lightning.LightningModule) -> None:
        self._say(self._begin)

    def on_train_epoch_end(self, trainer: lightning.Trainer, module: lightning.LightningModule) -> None:
        metrics = {name: float(value) for name, value in trainer.callback_metrics.items()}
        epoch = trainer.current_epoch + 1
        self._say(lambda: [self._client.log_metric(self._run_id, *item, step=epoch) for item in metrics.items()])

    def on_fit_end(self, trainer: lightning.Trainer, module: lightning.LightningModule) -> None:
        self._say(lambda: self._client.set_terminated(self._run_id, "FINISHED"))

    def on_exception(
        self, trainer: lightning.Trainer, module: lightning.LightningModule, exception: BaseException
    ) -> None:
        status = "KILLED" if isinstance(exception, StoppedError) else "FAILED"
        self._say(lambda: self._client.set_terminated(self._run_id, status))

    def _begin(self) -> None:
        from mlflow import MlflowClient

        self._client = MlflowClient(os.environ[ADDRESS])
        if self._file.is_file():
            self._run_id = self._file.read_text(encoding="utf-8").strip()
            self._client.update_run(self._run_id, status="RUNNING")
            return
        experiment = self._client.get_experiment_by_name(EXPERIMENT)
        experiment_id = experiment.experiment_id if experiment else self._client.create_experiment(EXPERIMENT)
        self._run_id = self._client.create_run(experiment_id, run_name=self.config.name).info.run_id
        self._file.write_text(self._run_id + "\n", encoding="utf-8")
        for field, value in _flat(self.config.model_dump(mode="json", exclude={"data": {"root", "noise_root"}})):
            self._client.log_param(self._run_id, field, str(value)[:_LONGEST_VALUE])

    def _say(self, call: Any) -> None:
        if call != self._begin and not self._run_id:
            return
        try:
            call()
        except self._trouble as error:
            logger.warning("MLflow is not told: %s", str(error).splitlines()[0] if str(error) else repr(error))


def _flat(values: dict[str, Any], before: str = "") -> list[tuple[str, Any]]:
    pairs = []
    for key, value in values.items():
        if isinstance(value, dict):
            pairs += _flat(value, f"{before}{key}.")
        else:
            pairs.append((f"{before}{key}", value))
    return pairs
