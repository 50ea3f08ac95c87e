"""An ONNX checkpoint answers, moves and fails like any other."""

from __future__ import annotations

import copy
import hashlib
import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from models import load_checkpoint
from models.__main__ import main
from models.checkpoints import CARD, ONNX, Card, Checkpoint
from models.compress.export import example_inputs, export
from models.compress.twin import float_twin, twin_sentence
from models.core.errors import CheckpointError, ConfigError
from models.evaluation.records import evaluate_recordings
from models.tasks import RecordTask


@pytest.mark.parametrize("name", ["tiny", "beat"])
@pytest.mark.parametrize("count", [1, 7])
def test_it_answers_as_its_original_for_a_batch_of_any_size(root: Path, name: str, count: int) -> None:
    original, lighter = load_checkpoint(name), load_checkpoint(f"{name}-onnx")
    inputs = example_inputs(original, count)
    with torch.inference_mode():
        wanted, found = (one.network(**inputs, return_features=True) for one in (original, lighter))
    for a, b in zip(wanted, found, strict=True):
        assert a.shape == b.shape
        torch.testing.assert_close(a, b, atol=1e-4, rtol=1e-4)
    assert lighter.card.original.name == name
    assert lighter.card.original.sha256 == original.sha256
    assert lighter.card.metrics == {}


def test_evaluation_runs_it_like_any_other(root: Path, ptbxl_root: Path) -> None:
    before, after = (evaluate_recordings(load_checkpoint(name), ptbxl_root) for name in ("tiny", "tiny-onnx"))
    assert before["checkpoint_sha256"] != after["checkpoint_sha256"]
    for a, b in zip(before["recordings"], after["recordings"], strict=True):
        assert a["name"] == b["name"]
        np.testing.assert_allclose(a["probability"], b["probability"], atol=1e-3)


def test_it_stays_on_the_cpu_and_copies_share_the_model(root: Path) -> None:
    network = load_checkpoint("tiny-onnx", device="meta").network
    assert next(network.parameters()).device.type == "cpu"
    twin = copy.deepcopy(network).to(memory_format=torch.channels_last).half()
    x = torch.randn(2, 12, 800)
    assert torch.equal(twin(x), network(x))
    assert not twin.training


def test_threads_run_it_at_the_same_time(root: Path) -> None:
    network = load_checkpoint("tiny-onnx").network
    batches = [torch.randn(3, 12, 800) for _ in range(12)]
    alone = [network(x) for x in batches]
    with ThreadPoolExecutor(4) as pool:
        for a, b in zip(alone, pool.map(network, batches), strict=True):
            torch.testing.assert_close(a, b)


@pytest.mark.parametrize(
    ("inputs", "words"),
    [({"x": torch.zeros(1, 12, 799)}, "expected x of shape .batch, 12, 800."),
     ({"x": torch.zeros(1, 12, 800), "rr": torch.zeros(1, 8)}, "takes no rr")],
)  # fmt: skip
def test_it_refuses_other_inputs(root: Path, inputs: dict, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        load_checkpoint("tiny-onnx").network(**inputs)


def _elsewhere(model: onnx.ModelProto) -> None:
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="../../secret")


def _strange(model: onnx.ModelProto) -> None:
    model.opset_import.add(domain="org.stranger", version=1)


def _renamed(model: onnx.ModelProto) -> None:
    model.graph.output.pop()


@pytest.mark.parametrize(
    ("change", "words"),
    [(_elsewhere, "other files"), (_strange, "operators of org.stranger"), (_renamed, "outputs logits, embedding")],
)
def test_a_model_that_reaches_out_is_refused(root: Path, tmp_path: Path, change, words: str) -> None:
    model = onnx.load(root / "tiny-onnx" / ONNX)
    change(model)
    _forge(root, tmp_path / "forged", model.SerializeToString())
    with pytest.raises(CheckpointError, match=words):
        load_checkpoint(tmp_path / "forged")


def test_damage_is_told(root: Path, tmp_path: Path) -> None:
    blob = (root / "tiny-onnx" / ONNX).read_bytes()
    _forge(root, tmp_path / "cut", blob[: len(blob) // 2])
    with pytest.raises(CheckpointError, match=r"no ONNX model|cannot run"):
        load_checkpoint(tmp_path / "cut")
    (tmp_path / "cut" / ONNX).write_bytes(blob[:-1])
    with pytest.raises(CheckpointError, match=r"model.onnx is not the file"):
        load_checkpoint(tmp_path / "cut")
    (tmp_path / "cut" / ONNX).unlink()
    with pytest.raises(CheckpointError, match=r"model.onnx cannot be read"):
        load_checkpoint(tmp_path / "cut")


def _forge(root: Path, folder: Path, blob: bytes) -> None:
    """The checkpoint with another model and the hash that goes with it."""
    shutil.copytree(root / "tiny-onnx", folder)
    (folder / ONNX).write_bytes(blob)
    card = json.loads((folder / CARD).read_text())
    (folder / CARD).write_text(json.dumps(card | {"weights_sha256": hashlib.sha256(blob).hexdigest()}))


def test_what_cannot_be_exported_is_refused(root: Path, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="ONNX checkpoint already"):
        export(load_checkpoint("tiny-onnx"), tmp_path / "again")
    with pytest.raises(ConfigError, match="folder of tiny itself"):
        export(load_checkpoint("tiny"), root / "tiny")
    assert not (root / "tiny" / ONNX).exists()


def test_the_command_needs_its_form(root: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    assert main(["export", "tiny", "--out", str(tmp_path / "x")]) == 2
    assert "add --onnx" in capsys.readouterr().err


def test_maps_come_from_the_float_twin_by_its_hash(root: Path, tmp_path: Path, monkeypatch) -> None:
    lighter = load_checkpoint("tiny-onnx")
    assert float_twin(lighter).sha256 == load_checkpoint("tiny").sha256
    assert "float twin tiny" in twin_sentence(lighter)
    assert twin_sentence(load_checkpoint("tiny")) == ""
    moved = tmp_path / "elsewhere"
    shutil.copytree(root / "tiny-onnx", moved / "lonely")
    monkeypatch.setenv("ECGVIZ_CHECKPOINTS", str(moved))
    lonely = load_checkpoint("lonely")
    with pytest.raises(CheckpointError, match="needs its original tiny"):
        float_twin(lonely)
    shutil.copytree(root / "tiny", moved / "under-another-name")
    assert float_twin(lonely).name == "under-another-name"


@pytest.mark.parametrize(("form", "shape"), [("signal", (2, 12, 800)), ("matrix", (2, 3, 182, 256))])
def test_example_inputs_are_what_the_network_reads(form: str, shape: tuple[int, ...]) -> None:
    task = RecordTask(form=form)
    card = Card(architecture="", arguments={}, task={}, classes=(), parameters=0)
    drawn = example_inputs(Checkpoint("any", Path(), card, torch.nn.Identity(), task), 2)["x"]
    assert drawn.shape == shape
    assert drawn.shape[1:] == task.window(np.random.default_rng(0).normal(size=(12, 1000)), 0).shape
