"""Eight bits: what is quantized, on what, and how near the answers stay."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from models import load_checkpoint
from models.checkpoints import ONNX
from models.compress.calibration import calibration_inputs
from models.compress.export import example_inputs
from models.compress.int8 import int8
from models.core.errors import CheckpointError, ConfigError
from models.data.whole_recordings import prepare
from models.evaluation.records import predict_prepared, split_of


@pytest.fixture(scope="module")
def lighter(made: Path, ptbxl_root: Path, tmp_path_factory: pytest.TempPathFactory):
    original = load_checkpoint(made / "tiny")
    inputs = calibration_inputs(original, ptbxl_root, "validation")
    return int8(original, tmp_path_factory.mktemp("int8") / "tiny-int8", inputs)


def test_every_convolution_reads_bytes(lighter) -> None:
    graph = onnx.load(lighter.folder / ONNX).graph
    kinds = {one.name: one.data_type for one in graph.initializer}
    makers = {node.output[0]: node for node in graph.node}
    convolutions = [node for node in graph.node if node.op_type == "Conv"]
    assert convolutions
    for node in convolutions:
        assert makers[node.input[0]].op_type == makers[node.input[1]].op_type == "DequantizeLinear"
        assert kinds[makers[node.input[1]].input[0]] == onnx.TensorProto.INT8
    assert lighter.card.compression == {"method": "int8", "kind": "static", "calibrated_on": 12}


def test_answers_stay_near(lighter, made: Path, ptbxl_root: Path) -> None:
    original = load_checkpoint(made / "tiny")
    data = prepare(split_of(original, ptbxl_root).sides["test"], original.task)
    before, after = (predict_prepared(one, data) for one in (original, lighter))
    spread = before.std()
    assert 0 < np.abs(after - before).max() < 0.5 * spread
    assert np.corrcoef(before.ravel(), after.ravel())[0, 1] > 0.99


def test_the_test_side_is_for_the_judgement(made: Path, ptbxl_root: Path) -> None:
    with pytest.raises(ConfigError, match="no side 'test' to calibrate on"):
        calibration_inputs(load_checkpoint(made / "tiny"), ptbxl_root, "test")


def test_calibration_takes_an_even_share_of_one_side(made: Path, ptbxl_root: Path) -> None:
    original = load_checkpoint(made / "tiny")
    some = calibration_inputs(original, ptbxl_root, most=5)
    every = calibration_inputs(original, ptbxl_root)
    assert (len(some), len(every)) == (5, 42)
    np.testing.assert_array_equal(some[-1]["x"], every[-1]["x"])


def test_convolutions_need_calibration_and_an_lstm_does_not(made: Path, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="--data"):
        int8(load_checkpoint(made / "tiny"), tmp_path / "a", [])
    original = load_checkpoint(made / "beat")
    lighter = int8(original, tmp_path / "b", [])
    operators = [node.op_type for node in onnx.load(lighter.folder / ONNX).graph.node]
    assert "DynamicQuantizeLSTM" in operators
    assert "LSTM" not in operators
    inputs = example_inputs(original, 6)
    with torch.inference_mode():
        torch.testing.assert_close(lighter.network(**inputs), original.network(**inputs), atol=0.02, rtol=0.05)
