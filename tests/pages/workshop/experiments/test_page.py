"""The Experiments page under AppTest: the table, changes against the baseline, comparison, notes, the log."""

from __future__ import annotations

import json
import re
import time
from dataclasses import replace

import numpy as np
import pytest
import torch

from models import create_model
from models.checkpoints import Card, save_checkpoint
from models.config import load_config
from models.jobs import JobState
from models.metrics.beats import confusion, summarise
from pages.workshop import keys
from tests.models.conftest import write_record
from tests.pages.outline import metrics, outline, settle


@pytest.fixture
def runs(jobs, own_home):
    """Two finished runs with untrained networks of two seeds, which differ in the learning rate."""
    root = own_home / "data" / "simulated"
    root.mkdir()
    for seed in (1, 2, 3):
        write_record(root, f"sim{seed}", 40.0, seed)
    made = []
    for lr in (0.005, 0.02):
        config = load_config(
            "beat_smoke",
            [f"data.root={root}", "data.train=[sim1]", "data.validation=[sim2, sim3]", f"lr={lr}"],
        )
        job = jobs.get(jobs.submit(config, name=f"lr-{lr:g}"))
        jobs.advance(4)
        _finish(job, config, int(lr * 1000))
        jobs._jobs[job.id] = replace(jobs.get(job.id), state=JobState.DONE, checkpoint=job.run_dir / "checkpoint")
        made.append(job.id)
    return made


def _finish(job, config, seed: int) -> None:
    torch.manual_seed(seed)
    network = create_model(config.network.architecture, **config.network_arguments())
    counts = {name: confusion(np.array([0, 0, 2, 1]), np.array([0, 0, 2, 0]), 5) for name in ("sim2", "sim3")}
    validation = summarise(counts, config.task.classes)
    card = Card(
        architecture=config.network.architecture,
        arguments=config.network_arguments(),
        task=config.task.model_dump(mode="json"),
        classes=config.task.classes,
        parameters=sum(one.numel() for one in network.parameters()),
        metrics={"validation": validation},
        date=time.strftime("%Y-%m-%d"),
    )
    save_checkpoint(job.run_dir / "checkpoint", network, card)
    (job.run_dir / "metrics.json").write_text(json.dumps({"epoch": 2, "validation": validation, "seconds": 12.0}))


def _tick(app, *rows: int):
    table = app.dataframe[0]
    app.session_state[table.key] = {"selection": {"rows": list(rows), "columns": [], "cells": []}}
    return app.run()


def test_empty_page(visit, jobs, snapshot):
    app = visit("experiments")
    assert not app.exception
    snapshot("experiments_empty", outline(app))


def test_table_and_curves(visit, runs, snapshot):
    app = visit("experiments")
    assert not app.exception
    table = app.dataframe[0].value
    assert list(table["Name"]) == ["lr-0.02", "lr-0.005"]
    assert list(table["Changed"]) == ["lr 0.005 → 0.02", "baseline"]
    assert "(" in table["Validation"].iloc[0]
    snapshot("experiments", [re.sub(r"\([0-9a-f]{6}\)", "(ID)", line) for line in outline(app)])


def test_another_baseline_by_link(visit, runs):
    app = visit("experiments", **{keys.BASELINE: runs[1]})
    assert list(app.dataframe[0].value["Changed"]) == ["baseline", "lr 0.02 → 0.005"]


def test_comparison(visit, runs):
    app = _tick(visit("experiments"), 0)
    app.button_group(key="experiments-view").set_value("Compare").run()
    app.button(key="experiments-compare").click()
    settle(app.run())
    assert not app.exception
    assert not app.error
    assert metrics(app)["Cases"].endswith("2 records")
    assert metrics(app)["McNemar"].startswith("p = ")


def test_notes_are_kept(visit, runs, jobs):
    app = _tick(visit("experiments"), 0)
    app.button_group(key="experiments-view").set_value("Notes").run()
    app.text_area[0].set_value("worth another try").run()
    assert (jobs.get(runs[1]).run_dir / "notes.md").read_text() == "worth another try"
    assert app.dataframe[0].value["Note"].iloc[0] == "worth another try"


def test_promote(visit, runs, own_home, monkeypatch):
    monkeypatch.setenv("ECGVIZ_CHECKPOINTS", str(own_home / "checkpoints"))
    app = _tick(visit("experiments"), 0)
    app.button_group(key="experiments-view").set_value("Notes").run()
    app.button(key="workshop-run_promote").click().run()
    assert not app.exception
    assert (own_home / "checkpoints" / "lr-0.02" / "weights.safetensors").is_file()
    assert "lr-0.02" in app.sidebar.selectbox[0].options


def test_strangers_look_and_touch_nothing(visit, runs, monkeypatch):
    monkeypatch.setenv("ECGVIZ_TRAINING", "off")
    app = _tick(visit("experiments"), 0)
    assert len(app.dataframe[0].value) == 2
    app.button_group(key="experiments-view").set_value("Notes").run()
    assert app.text_area[0].disabled
    assert not any(str(one.key).startswith("workshop-run") for one in app.button)
    app.button_group(key="experiments-view").set_value("Compare").run()
    assert len(app.info) == 1
