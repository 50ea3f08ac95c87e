"""A real tiny training and what stands around it: the outlook before, its curves, its row, its promotion."""

from __future__ import annotations

import json
import time

import pytest

from models import list_checkpoints, load_checkpoint
from models.config import load_config, make_config
from models.core.errors import CheckpointError, ConfigError
from models.experiments.curves import read_curves
from models.experiments.paired import compare
from models.experiments.predictions import common_cases, predict
from models.experiments.preflight import outlook
from models.experiments.promotion import promote, taken
from models.experiments.runs import as_markdown, change, read_run, write_note
from models.jobs import Job, JobState


@pytest.fixture(scope="session")
def tiny_config(simulated_root):
    return load_config(
        "beat_smoke",
        [f"data.root={simulated_root}", "data.train=[sim1, sim2]", "data.validation=[sim3]", "epochs=2"],
    )


@pytest.fixture(scope="session")
def tiny_run(tiny_config, tmp_path_factory):
    from models.training import RunContext, run

    folder = tmp_path_factory.mktemp("run") / "abcdefabcdef"
    run(tiny_config, RunContext(folder))
    return Job(
        "abcdefabcdef", "tiny", tiny_config.model_dump(mode="json"), state=JobState.DONE, progress=1.0, epochs=2,
        run_dir=folder, checkpoint=folder / "checkpoint", created=time.time(),
    )  # fmt: skip


def test_outlook_counts_what_the_training_sees(tiny_config, tiny_run):
    found = outlook(tiny_config)
    card = load_checkpoint(tiny_run.checkpoint).card
    assert found.parameters == card.parameters
    assert sum(found.cases.validation.values()) == card.metrics["validation"]["beats"]
    assert found.cases.steps >= 1
    assert found.seconds > found.step_s > 0
    assert found.memory_bytes > 1e8
    assert found.warnings == ()


def test_outlook_names_what_is_missing(tiny_config):
    values = tiny_config.model_dump(mode="json")
    values["data"]["train"] = ["sim1", "nobody"]
    with pytest.raises(ConfigError) as caught:
        outlook(make_config(values))
    assert caught.value.field == "data.train"


def test_outlook_gives_up_when_asked(tiny_config):
    from models.core.errors import ReadError

    with pytest.raises(ReadError):
        outlook(tiny_config, should_stop=lambda: True)


def test_curves(tiny_run):
    curves = read_curves(tiny_run.run_dir)
    assert curves.series["train/loss"][0] == [1.0, 2.0]
    assert max(curves.series["lr"][0]) <= 2.0
    value, epoch = curves.best("validation/macro_f1", "max")
    metrics = json.loads((tiny_run.run_dir / "metrics.json").read_text())
    assert epoch == metrics["epoch"]
    assert 0 <= value <= 1
    assert read_curves(tiny_run.run_dir / "nowhere").series == {}


def test_run_and_log(tiny_run):
    write_note(tiny_run.run_dir, "kept | for the log")
    run = read_run(tiny_run)
    assert run.done
    assert run.main.value is not None
    assert run.main.low is None, "one record has no interval"
    other = read_run(Job(**{**vars(tiny_run), "id": "b" * 12, "config": {**tiny_run.config, "lr": 0.01}}))
    assert change(other, run) == {"lr": (0.005, 0.01)}
    text = as_markdown([run, other], run)
    assert "lr 0.005 → 0.01" in text
    assert "kept \\| for the log" in text
    assert text.count("\n| ") == 3


def test_compare_on_cases_that_neither_saw(tiny_run, tiny_config):
    cases = common_cases(tiny_config, tiny_config, "validation")
    assert cases == ["sim3"]
    predictions = predict(tiny_run.checkpoint, tiny_config, cases)
    found = compare(predictions, predictions)
    assert found.difference == 0
    assert found.p_value == 1
    values = tiny_config.model_dump(mode="json")
    values["data"] |= {"train": ["sim3"], "validation": ["sim2"]}
    with pytest.raises(ConfigError, match="no validation case in common"):
        common_cases(tiny_config, make_config(values), "validation")


def test_promote(tiny_run, tmp_path, monkeypatch):
    monkeypatch.setenv("ECGVIZ_CHECKPOINTS", str(tmp_path))
    assert not taken("tiny")
    folder = promote(tiny_run.run_dir, "tiny")
    assert [one.name for one in list_checkpoints() if one.card] == ["tiny"]
    assert load_checkpoint("tiny").sha256 == load_checkpoint(tiny_run.checkpoint).sha256
    assert not [file for file in folder.iterdir() if file.name.startswith(".")]
    with pytest.raises(ConfigError, match="already"):
        promote(tiny_run.run_dir, "tiny", replace=False)
    with pytest.raises(ConfigError, match="no name"):
        promote(tiny_run.run_dir, "../outside")
    with pytest.raises(CheckpointError):
        promote(tmp_path / "nothing", "tiny")
