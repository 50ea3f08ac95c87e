"""Small checkpoints with random weights, and their ONNX form, made once."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from models import create_model
from models.checkpoints import Card, Checkpoint, load_checkpoint, save_checkpoint
from models.compress.export import export
from models.tasks import BeatTask, RecordTask

FOLDS = {"train_folds": [1, 2, 3, 4, 5, 6, 7], "validation_folds": [8, 9], "test_folds": [10]}


def make_record(folder: Path, seed: int = 0) -> Checkpoint:
    """A small xresnet1d with lively statistics of batch norm."""
    torch.manual_seed(seed)
    task = RecordTask(hop_seconds=2.0)
    arguments = {"in_channel": 12, "num_classes": 5, "layers": [1, 1], "width": 8}
    network = create_model("xresnet1d", **arguments)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm1d):
            torch.nn.init.uniform_(module.weight, 0.5, 1.5)
            torch.nn.init.normal_(module.bias, std=0.2)
    network.train()(torch.randn(64, 12, task.length))
    config = {
        "name": "tiny", "task": task.model_dump(mode="json"), "data": FOLDS, "batch_size": 8,
        "network": {"architecture": "xresnet1d", "arguments": {"layers": [1, 1], "width": 8}}, "device": "cpu",
    }  # fmt: skip
    card = Card(
        architecture="xresnet1d", arguments=arguments, task=task.model_dump(mode="json"), classes=task.classes,
        parameters=1, config=config,
    )  # fmt: skip
    save_checkpoint(folder, network.eval(), card)
    return load_checkpoint(folder)


def make_beat(folder: Path) -> Checkpoint:
    """A small DSCRNN for short windows of beats with RR ratios: the exporter walks an LSTM step by step."""
    torch.manual_seed(0)
    task = BeatTask(rr=True, segment_seconds=0.5)
    arguments = {"in_channel": 1, "num_classes": 5, "conv_channels": [8, 8, 8], "lstm_hidden": 8, "rr_features": 8}
    network = create_model("dcrnn", **arguments)
    card = Card(
        architecture="dcrnn", arguments=arguments, task=task.model_dump(mode="json"), classes=task.classes, parameters=1
    )
    save_checkpoint(folder, network.eval(), card)
    return load_checkpoint(folder)


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the checkpoints tiny, tiny-onnx, beat and beat-onnx; not to be written to."""
    root = tmp_path_factory.mktemp("checkpoints")
    for name, make in (("tiny", make_record), ("beat", make_beat)):
        export(make(root / name), root / f"{name}-onnx")
    return root


@pytest.fixture
def root(made: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same as the folder of the checkpoints."""
    monkeypatch.setenv("ECGVIZ_CHECKPOINTS", str(made))
    return made
