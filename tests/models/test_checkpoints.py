"""Checkpoints are read whole and verified, or refused with a sentence."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import pytest
import torch

from models import Card, create_model, list_checkpoints, load_checkpoint, save_checkpoint
from models.checkpoints import CARD, WEIGHTS, TrainingRecord
from models.core.errors import CheckpointError
from models.tasks import BeatTask


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    network = create_model("dcrnn", in_channel=1, num_classes=5)
    task = BeatTask(fs_out=120, segment_seconds=1)
    card = Card(
        architecture="dcrnn",
        arguments={"in_channel": 1, "num_classes": 5},
        task=task.model_dump(mode="json"),
        classes=task.classes,
        parameters=1,
        training_records=(TrainingRecord(name="208", sha256="0" * 64),),
        calibration={"temperature": 1.5},
    )
    save_checkpoint(tmp_path / "one", network, card)
    return tmp_path / "one"


def test_a_round_trip_keeps_network_task_and_card(folder: Path) -> None:
    checkpoint = load_checkpoint(folder)
    assert checkpoint.name == "one"
    assert checkpoint.card.temperature == 1.5
    assert checkpoint.task == BeatTask(fs_out=120, segment_seconds=1)
    assert not checkpoint.network.training
    torch.manual_seed(0)
    original = create_model("dcrnn", in_channel=1, num_classes=5).eval()
    x = torch.randn(4, 1, 120)
    torch.testing.assert_close(checkpoint.network(x), original(x), atol=5e-3, rtol=5e-3)


def test_weights_are_half_precision_on_disk_and_nothing_is_pickled(folder: Path) -> None:
    floats = sum(value.numel() for value in create_model("dcrnn").state_dict().values())
    assert (folder / WEIGHTS).stat().st_size < 2.2 * floats + 4096
    with pytest.raises(pickle.UnpicklingError):
        pickle.loads((folder / WEIGHTS).read_bytes())
    assert sorted(path.name for path in folder.iterdir()) == sorted([CARD, WEIGHTS])


def damage_truncate(folder: Path) -> None:
    (folder / WEIGHTS).write_bytes((folder / WEIGHTS).read_bytes()[:-100])


def damage_missing_weights(folder: Path) -> None:
    (folder / WEIGHTS).unlink()


def damage_card(folder: Path) -> None:
    (folder / CARD).write_text("{ not json")


def damage_field(folder: Path) -> None:
    card = json.loads((folder / CARD).read_text())
    del card["architecture"]
    (folder / CARD).write_text(json.dumps(card))


def damage_architecture(folder: Path) -> None:
    card = json.loads((folder / CARD).read_text())
    card["arguments"]["lstm_hidden"] = 99
    (folder / CARD).write_text(json.dumps(card))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (damage_truncate, "is not the file that card.json describes"),
        (damage_missing_weights, "weights.safetensors cannot be read"),
        (damage_card, "card.json is damaged"),
        (damage_field, "damaged at architecture"),
        (damage_architecture, "does not fit the network it names"),
    ],
)
def test_damage_is_named(folder: Path, damage, message: str) -> None:
    damage(folder)
    with pytest.raises(CheckpointError, match=message) as caught:
        load_checkpoint(folder)
    assert "one" in str(caught.value)


def test_damaged_checkpoints_are_listed_with_their_fault(folder: Path) -> None:
    assert [summary.fault for summary in list_checkpoints(folder.parent)] == [""]
    damage_card(folder)
    [summary] = list_checkpoints(folder.parent)
    assert summary.card is None
    assert "damaged" in summary.fault


def test_a_name_that_is_not_there_is_answered_with_those_that_are() -> None:
    with pytest.raises(CheckpointError, match="was not found; there are:"):
        load_checkpoint("no-such-checkpoint")
