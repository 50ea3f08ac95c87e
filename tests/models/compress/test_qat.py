"""Quantization-aware training: what is rounded, that it learns, and that the int8 form answers as the training said."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from models import load_checkpoint
from models.__main__ import main
from models.checkpoints import ONNX, save_checkpoint
from models.compress.export import example_inputs
from models.compress.predictions import Data
from models.compress.qat import FakeQuantized, quantize_aware, quantized, scales_by_name
from models.core.errors import CheckpointError, ConfigError
from models.networks.onnx_network import OnnxNetwork
from tests.models.compress.conftest import make_record


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory):
    return make_record(tmp_path_factory.mktemp("qat") / "tiny")


def _followed(checkpoint) -> FakeQuantized:
    """Its ranges know what normal noise spans."""
    network = FakeQuantized(checkpoint).train()
    for _ in range(3):
        network(example_inputs(checkpoint, 16)["x"])
    return network.eval()


def test_rounding_is_all_that_differs(original) -> None:
    network = _followed(original)
    x = example_inputs(original, 16)["x"]
    with torch.no_grad():
        rounded, exact, plain = network(x), original.network(x), network.plain()(x)[0]
    torch.testing.assert_close(plain, exact, atol=1e-4, rtol=1e-4)
    assert 1e-4 < (rounded - exact).abs().max() < 0.3 * exact.std()


def test_the_original_keeps_its_weights(original) -> None:
    before = {name: value.clone() for name, value in original.network.state_dict().items()}
    network = FakeQuantized(original).train()
    optimiser = torch.optim.SGD(network.parameters(), lr=0.1)
    network(example_inputs(original, 16)["x"]).square().sum().backward()
    optimiser.step()
    assert all(one.grad is not None for one in network.parameters())
    assert all(torch.equal(before[name], value) for name, value in original.network.state_dict().items())


def test_ranges_stand_while_it_is_asked(original) -> None:
    network = _followed(original)
    before = [one.scale.copy() for one in network.learned()]
    with torch.no_grad():
        network(100 * example_inputs(original, 4)["x"])
    assert all(np.array_equal(one.scale, old) for one, old in zip(network.learned(), before, strict=True))
    network.train()(100 * example_inputs(original, 4)["x"])
    assert network.learned()[0].scale > before[0]


def test_every_convolution_and_matrix_keeps_its_learned_scales(original) -> None:
    network = _followed(original)
    layers = [one for one in original.network.modules() if isinstance(one, (torch.nn.Conv1d, torch.nn.Linear))]
    learned = network.learned()
    assert len(learned) == len(layers)
    inputs = [{"x": one.numpy()} for one in example_inputs(original, 16)["x"]]
    blob = quantized(network, original, inputs)
    graph = onnx.load_model_from_string(blob).graph
    constants = {one.name: onnx.numpy_helper.to_array(one) for one in graph.initializer}
    makers = {node.output[0]: node for node in graph.node}
    convolutions = [node for node in graph.node if node.op_type == "Conv"]
    assert len(convolutions) == sum(isinstance(one, torch.nn.Conv1d) for one in layers)
    scales = {one.weight_scale.tobytes() for one in learned}
    for node in convolutions:
        source = makers[node.input[1]]
        assert constants[source.input[0]].dtype == np.int8
        assert constants[source.input[1]].astype(np.float32).tobytes() in scales
    first = makers[convolutions[0].input[0]]
    assert constants[first.input[1]] == pytest.approx(learned[0].scale, rel=1e-6)
    answers = OnnxNetwork(blob)(example_inputs(original, 16)["x"])
    with torch.no_grad():
        wanted = network(example_inputs(original, 16)["x"])
    assert (answers - wanted).abs().max() < 0.2 * wanted.std()


def test_a_layer_that_is_not_there_is_an_error(original) -> None:
    empty = onnx.helper.make_model(onnx.helper.make_graph([], "none", [], [])).SerializeToString()
    with pytest.raises(ValueError, match="no layer of the model"):
        scales_by_name(empty, _followed(original).learned()[:1])


def test_the_command_trains_and_writes_eight_bits(
    tmp_path: Path, ptbxl_root: Path, capsys: pytest.CaptureFixture
) -> None:
    original = make_record(tmp_path / "tiny")
    card = original.card.model_copy(
        update={"config": original.card.config | {"mixed_precision": True, "ema_decay": 0.9}}
    )
    save_checkpoint(original.folder, original.network, card)
    command = ["compress", str(original.folder), "--method", "qat", "--epochs", "1", "--data", str(ptbxl_root)]
    assert main([*command, "--out", str(tmp_path / "light")]) == 0
    assert "light" in capsys.readouterr().out
    lighter = load_checkpoint(tmp_path / "light")
    assert lighter.card.format == "onnx"
    assert lighter.card.original.sha256 == original.sha256
    assert lighter.card.compression["method"] == "qat"
    assert lighter.card.compression["fine_tuning"]["epochs"] == 1
    assert lighter.card.metrics["validation"]["recordings"] == 12
    assert set(lighter.card.calibration["thresholds"]) == set(lighter.card.classes)
    assert (lighter.folder / ONNX).stat().st_size < 60_000
    assert main([*command, "--out", str(original.folder)]) == 2
    assert "is the folder of tiny itself" in capsys.readouterr().err


def test_what_it_is_not_for_is_refused(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CheckpointError, match="no torch checkpoint for whole recordings"):
        quantize_aware(load_checkpoint("beat"), tmp_path / "x", Data(tmp_path))
    with pytest.raises(CheckpointError, match="no torch checkpoint for whole recordings"):
        quantize_aware(load_checkpoint("tiny-onnx"), tmp_path / "x", Data(tmp_path))
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "torchao" else find(name))
    with pytest.raises(ConfigError, match=r"pip install -r requirements\.txt"):
        quantize_aware(load_checkpoint("tiny"), tmp_path / "x", Data(tmp_path))
