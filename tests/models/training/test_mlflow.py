"""The figures of a training in MLflow: one run with settings and curves, its end, a server that is not there."""

from __future__ import annotations

import pytest

from models.config import load_config
from models.core.errors import ConfigError, StoppedError
from models.training import RunContext, run
from models.training.mlflow_curves import EXPERIMENT
from models.training.tracking import ADDRESS, check_mlflow
from tests.models.training.test_resume import BEATS, stop_at

mlflow = pytest.importorskip("mlflow", reason="MLflow is not installed: pip install mlflow-skinny")


@pytest.fixture
def beats(simulated_root):
    return lambda *changes: load_config("beat_smoke", [*BEATS, f"data.root={simulated_root}", *changes])


@pytest.fixture
def client(tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    monkeypatch.setenv(ADDRESS, (tmp_path / "mlruns").as_uri())
    return mlflow.MlflowClient((tmp_path / "mlruns").as_uri())


def runs(client) -> list:
    return client.search_runs([client.get_experiment_by_name(EXPERIMENT).experiment_id])


def test_a_stopped_and_resumed_training_is_one_run_with_a_figure_an_epoch(beats, client, tmp_path) -> None:
    config = beats("mlflow=true", "epochs=3")
    with pytest.raises(StoppedError):
        run(config, stop_at(tmp_path / "run", 2, 2))
    (stopped,) = runs(client)
    assert stopped.info.status == "KILLED"
    run(config, RunContext(tmp_path / "run", resume=True))
    (ended,) = runs(client)
    assert (ended.info.run_id, ended.info.status) == (stopped.info.run_id, "FINISHED")
    assert ended.data.params["network.architecture"] == config.network.architecture
    assert not any("root" in name for name in ended.data.params), "folders of this machine stay here"
    steps = [row.step for row in client.get_metric_history(ended.info.run_id, "validation/macro_f1")]
    assert steps == [1, 2, 3]


def test_a_server_that_is_away_costs_a_warning(beats, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    blocked = tmp_path / "no-folder"
    blocked.write_text("a file where the store would be")
    monkeypatch.setenv(ADDRESS, (blocked / "mlruns").as_uri())
    assert (run(beats("mlflow=true", "epochs=1"), RunContext(tmp_path / "run")) / "card.json").is_file()
    assert "MLflow is not told" in (tmp_path / "run" / "log.txt").read_text()


def test_without_an_address_the_configuration_is_refused(beats, monkeypatch) -> None:
    monkeypatch.delenv(ADDRESS, raising=False)
    with pytest.raises(ConfigError, match=f"mlflow.*{ADDRESS}"):
        check_mlflow(beats("mlflow=true"))
    check_mlflow(beats())
