"""Post-training quantization to int8: static for convolutions and matrices, dynamic for LSTMs.

Static quantization writes scales of the activations into the model, found on calibration inputs; a convolution then
computes on bytes from end to end. An LSTM's states feed back into it, so their scales are taken from each batch
(dynamic). Weights have a scale for each output channel, activations one for each tensor and no sign, which is the pair
that x86's VNNI multiplies in one step. Jacob B et al. Quantization and Training of Neural Networks for Efficient
Integer-Arithmetic-Only Inference. CVPR 2018.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import numpy as np

from models.checkpoints import Checkpoint
from models.compress.export import tidy, to_onnx, write_lighter
from models.core.errors import CheckpointError

Kind = Literal["static", "dynamic"]
_BATCH = 8
_DYNAMIC = ("LSTM", "MatMul", "Gemm")


def int8(
    checkpoint: Checkpoint, folder: str | Path, calibration: list[dict[str, np.ndarray]], *, kind: Kind | None = None
) -> Checkpoint:
    """Write an int8 form of a checkpoint, and load it.

    Args:
        checkpoint: of torch, for windows of beats, whole recordings or pictures.
        folder: of the new checkpoint.
        calibration: inputs of the network by name, one case each, from recordings that it is not judged on; the
            dynamic kind needs none.
        kind: "static" or "dynamic"; by default dynamic for a network with an LSTM and static for any other.

    Raises:
        CheckpointError: its network cannot be exported, has an LSTM that would stay as it is, or there is nothing to
            calibrate with.
        ConfigError: the folder is the original's.
    """
    model = to_onnx(checkpoint)
    recurrent = has_lstm(model)
    if kind == "dynamic" or (kind is None and recurrent):
        return write_lighter(checkpoint, folder, _dynamic(model), {"method": "int8", "kind": "dynamic"})
    if recurrent:
        raise CheckpointError(checkpoint.name, "has an LSTM, whose scales come from each batch; choose dynamic")
    if not calibration:
        raise CheckpointError(checkpoint.name, "is quantized by recordings or pictures; name a folder of them: --data")
    how = {"method": "int8", "kind": "static", "calibrated_on": len(calibration)}
    return write_lighter(checkpoint, folder, static(folded(model), calibration), how)


def has_lstm(model: bytes) -> bool:
    """Whether a model has a recurrent layer."""
    import onnx

    return any(node.op_type == "LSTM" for node in onnx.load_model_from_string(model).graph.node)


def static(
    model: bytes, calibration: list[dict[str, np.ndarray]], scales: dict[str, list[dict[str, Any]]] | None = None
) -> bytes:
    """Quantize a :func:`folded` model statically, with given scales by tensor name and calibrated ones for the rest."""
    from onnxruntime import quantization

    class Reader(quantization.CalibrationDataReader):
        def __init__(self) -> None:
            self.batches = _batches(calibration)

        def get_next(self) -> dict[str, np.ndarray] | None:
            return next(self.batches, None)

    def quantize(source: Path, target: Path) -> None:
        quantization.quantize_static(
            source,
            target,
            Reader(),
            quant_format=quantization.QuantFormat.QDQ,
            per_channel=True,
            weight_type=quantization.QuantType.QInt8,
            activation_type=quantization.QuantType.QUInt8,
            calibrate_method=quantization.CalibrationMethod.MinMax,
            extra_options={"TensorQuantOverrides": scales or {}},
        )

    return _without_zeros(_through_files(model, quantize))


def _dynamic(model: bytes) -> bytes:
    from onnxruntime import quantization

    def quantize(source: Path, target: Path) -> None:
        quantization.quantize_dynamic(
            source,
            target,
            op_types_to_quantize=list(_DYNAMIC),
            per_channel=True,
            weight_type=quantization.QuantType.QInt8,
        )

    return _through_files(model, quantize)


def _without_zeros(model: bytes) -> bytes:
    """Remove the zero points of convolution weights, which are all zero: the default.

    In a small network they are a twentieth of the file.
    """
    import onnx

    found = onnx.load_model_from_string(model)
    constants = {one.name: one for one in found.graph.initializer}
    of_convolutions = {name for node in found.graph.node if node.op_type == "Conv" for name in node.input[1:]}
    for node in found.graph.node:
        if node.op_type == "DequantizeLinear" and len(node.input) == 3 and node.output[0] in of_convolutions:
            zeros = constants.get(node.input[2])
            if zeros is not None and not onnx.numpy_helper.to_array(zeros).any():
                node.input.pop()
    used = {name for node in found.graph.node for name in node.input}
    kept = [one for one in found.graph.initializer if one.name in used]
    del found.graph.initializer[:]
    found.graph.initializer.extend(kept)
    blob: bytes = found.SerializeToString()
    return blob


def _batches(calibration: list[dict[str, np.ndarray]]) -> Iterator[dict[str, np.ndarray]]:
    for start in range(0, len(calibration), _BATCH):
        part = calibration[start : start + _BATCH]
        yield {name: np.stack([one[name] for one in part]) for name in part[0]}


def folded(model: bytes) -> bytes:
    """The model with constants folded: batch norm merges into the preceding convolution."""
    import onnxruntime

    def fold(source: Path, target: Path) -> None:
        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
        options.optimized_model_filepath = str(target)
        options.log_severity_level = 3
        onnxruntime.InferenceSession(str(source), options, providers=["CPUExecutionProvider"])

    return _through_files(model, fold)


def _through_files(model: bytes, work: Any) -> bytes:
    """Apply ``work(source, target)`` to a model through temporary files, as onnxruntime's tools need."""
    import onnx

    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.ERROR)  # the tools advise on the root logger to do what has been done
    try:
        with tempfile.TemporaryDirectory() as folder:
            source, target = Path(folder) / "in.onnx", Path(folder) / "out.onnx"
            source.write_bytes(model)
            work(source, target)
            return tidy(onnx.load_model(target))
    finally:
        root.setLevel(level)
