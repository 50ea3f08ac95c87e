"""Quantization-aware training: a short fine-tuning with fake int8 quantization.

torchao's PT2E rounds weights (a scale for each output channel, no zero point) and what convolutions and matrices read
(one scale, unsigned bytes) in its form for x86, the FBGEMM convention; gradients pass the rounding as if it were not
there. Batch norm is folded into the convolutions first, so that what is rounded is what will run. The weights and
scales that come out are written into the ONNX model that static quantization writes, and onnxruntime runs it: torch's
own compiler for the converted graph would want a C++ compiler on each user's machine, and its file holds a program.
Krishnamoorthi R. Quantizing deep convolutional networks for efficient inference. arXiv:1806.08342, 2018.
"""

from __future__ import annotations

import copy
import importlib.util
import logging
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn
from torch.fx import GraphModule, Node
from torch.nn.utils.fusion import fuse_conv_bn_weights

from models.checkpoints import Checkpoint, load_checkpoint, write_checkpoint
from models.compress.calibration import calibration_inputs
from models.compress.export import Named, any_batch, check_folder, example_inputs, onnx_bytes, write_lighter
from models.compress.int8 import folded, static
from models.compress.predictions import Data
from models.compress.prune import fine_tuning, tuning_place
from models.core.errors import CheckpointError, ConfigError
from models.plugins import plugin_of

if TYPE_CHECKING:
    from models.training.context import RunContext

EPOCHS = 3
LR = 1e-4
_CONVOLUTIONS = (torch.ops.aten.conv1d.default, torch.ops.aten.conv2d.default)
_WEIGHTED = (*_CONVOLUTIONS, torch.ops.aten.linear.default)
_NOTE = "quantization_annotation"


@dataclass(frozen=True)
class Learned:
    """Learned weights and scales of one convolution or matrix.

    Attributes:
        weight: as it is before the rounding, the output channels first.
        weight_scale: of each output channel.
        scale, zero_point: of what it reads.
    """

    weight: np.ndarray
    weight_scale: np.ndarray
    scale: np.ndarray
    zero_point: np.ndarray


def quantize_aware(
    checkpoint: Checkpoint,
    folder: str | Path,
    data: Data,
    *,
    epochs: int | None = None,
    lr: float = LR,
    context: RunContext | None = None,
) -> Checkpoint:
    """Fine-tune a checkpoint for whole recordings with fake quantization, write its int8 form, and load it.

    Args:
        checkpoint: of torch, for whole recordings, without LSTM.
        folder: of the new checkpoint.
        data: where the recordings are; the side is not read.
        epochs, lr: of the fine-tuning; None for :data:`EPOCHS`.
        context: where it runs, who is told and who may stop it; by default a temporary folder, and nobody.

    Raises:
        CheckpointError: a checkpoint for something else, or with an LSTM.
        ConfigError: torchao is not installed, or data that do not serve.
    """
    require_torchao()
    check_trainable(checkpoint)
    check_folder(checkpoint, folder)
    from models.training.record_masked import labelled
    from models.training.record_run import fit_recordings, read_sides, validated  # Lightning is loaded to train

    epochs = EPOCHS if epochs is None else epochs
    # The rounding reads float32 alone, and an average of weights would have ranges that no batch had.
    plain = {"ema_decay": 0.0, "mixed_precision": False}
    config = fine_tuning(checkpoint, data, epochs, lr).model_copy(update=plain)
    network = FakeQuantized(checkpoint)
    split, train, validation = read_sides(config)
    train = labelled(train, config.data.label_share, config.seed)
    with tuning_place(context) as place:
        import lightning

        lightning.seed_everything(config.seed, workers=True, verbose=False)
        fit_recordings(config, place, network, split, train, validation, graph=False)
    inputs = calibration_inputs(checkpoint, data.root, more=data.more)
    how = {"method": "qat", "fine_tuning": {"epochs": epochs, "lr": lr}, "calibrated_on": len(inputs)}
    made = write_lighter(checkpoint, folder, quantized(network, checkpoint, inputs), how)
    if validation.rows:
        card = made.card.model_copy(update=validated(made, validation))
        write_checkpoint(made.folder, (made.folder / card.weights_file).read_bytes(), card)
        made = load_checkpoint(made.folder)
    return made


def require_torchao() -> None:
    """Raise an error where torchao is missing.

    Raises:
        ConfigError: it is; the message names the remedy.
    """
    if importlib.util.find_spec("torchao") is None:
        raise ConfigError(
            "method",
            "quantization-aware training needs torchao, which is not installed; pip install -r requirements.txt, "
            "or choose int8, which needs no training",
        )


def check_trainable(checkpoint: Checkpoint) -> None:
    """Refuse a checkpoint unsuitable for this training.

    Raises:
        CheckpointError: it is.
    """
    if not plugin_of(checkpoint).fine_tunes or checkpoint.card.format != "torch":
        raise CheckpointError(
            checkpoint.name, "cannot be trained on in eight bits: it is no torch checkpoint for whole recordings"
        )
    if any(isinstance(module, nn.RNNBase) for module in checkpoint.network.modules()):
        raise CheckpointError(checkpoint.name, "has an LSTM, whose scales come from each batch; choose dynamic")


class FakeQuantized(nn.Module):
    """A checkpoint's network with folded batch norm and fake-quantized weights and activations.

    While it trains, the ranges that the scales span follow what passes; else they stand.

    Args:
        checkpoint: of torch, with one input.
    """

    def __init__(self, checkpoint: Checkpoint):
        super().__init__()
        # What torchao declares to torch.compile, which is not used here, it warns of at its import.
        logging.getLogger("torch.utils._pytree").setLevel(logging.ERROR)
        from torchao.quantization.pt2e.quantize_pt2e import prepare_qat_pt2e

        inputs = example_inputs(checkpoint, 2)
        network = Named(copy.deepcopy(checkpoint.network), tuple(inputs))  # what is exported keeps its very weights
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            program = torch.export.export(network, tuple(inputs.values()), dynamic_shapes=any_batch(inputs))
            graph = program.module()
            fold_batch_norm(graph)
            self.program = prepare_qat_pt2e(graph, _quantizer())
        self._follows = True

    def train(self, mode: bool = True) -> FakeQuantized:
        """Set the mode of the observers only; the graph has no dropout or batch norm."""
        self.training = mode  # a prepared graph refuses to be told
        return self

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits."""
        if self._follows != self.training:
            from torchao.quantization.pt2e import disable_observer, enable_observer

            self.program.apply(enable_observer if self.training else disable_observer)
            self._follows = self.training
        return self.program(x)[0]

    def learned(self) -> list[Learned]:
        """Learned weights and scales of each quantized convolution and matrix."""
        found = []
        for node in self.program.graph.nodes:
            if node.target not in _WEIGHTED:
                continue
            read, weight = (self._fake(one) for one in node.args[:2])
            if read is None or weight is None:
                continue
            scale, zero_point = read.calculate_qparams()
            value = _value(self.program, node.args[1].args[0])
            found.append(
                Learned(
                    value.detach().cpu().numpy(),
                    weight.calculate_qparams()[0].cpu().numpy().astype(np.float32),
                    scale.cpu().numpy().astype(np.float32).reshape(()),
                    zero_point.cpu().numpy().astype(np.uint8).reshape(()),
                )
            )
        return found

    def plain(self) -> nn.Module:
        """The network with the learned weights and without fake quantization; its outputs are logits and embedding."""
        found = copy.deepcopy(self.program)
        for node in list(found.graph.nodes):
            if node.op == "call_module" and _rounds(found.get_submodule(node.target)):
                node.replace_all_uses_with(node.args[0])
                found.graph.erase_node(node)
        found.recompile()
        return _Positional(found)

    def _fake(self, node: Any) -> nn.Module | None:
        """The fake quantization at a node; None where it is none."""
        if not isinstance(node, Node) or node.op != "call_module":
            return None
        module = self.program.get_submodule(node.target)
        return module if _rounds(module) else None


class _Positional(nn.Module):
    """An exported graph as a module for torch's exporter."""

    def __init__(self, graph: GraphModule):
        super().__init__()
        self.program = graph

    def forward(self, *values: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        logits, embedding = self.program(*values)
        return logits, embedding


def fold_batch_norm(graph: GraphModule) -> None:
    """Fold batch norm in eval mode into the preceding convolution."""
    for node in list(graph.graph.nodes):
        if node.target is not torch.ops.aten.batch_norm.default:
            continue
        source = node.args[0]
        if source.target not in _CONVOLUTIONS or len(source.users) > 1:
            continue
        bias = source.args[2] if len(source.args) > 2 else None
        scale, shift, mean, variance = (None if one is None else _value(graph, one) for one in node.args[1:5])
        weight, shifted = fuse_conv_bn_weights(
            _value(graph, source.args[1]), None if bias is None else _value(graph, bias), mean, variance,
            node.args[7], scale, shift,
        )  # fmt: skip
        with graph.graph.inserting_before(source):
            names = []
            for part, value in (("weight", weight), ("bias", shifted)):
                graph.register_parameter(f"{source.name}_{part}", nn.Parameter(value.detach().clone()))
                names.append(graph.graph.get_attr(f"{source.name}_{part}"))
        source.args = (source.args[0], *names, *source.args[3:])
        node.replace_all_uses_with(source)
        graph.graph.erase_node(node)
    graph.graph.eliminate_dead_code()
    graph.delete_all_unused_submodules()
    graph.recompile()


def quantized(network: FakeQuantized, checkpoint: Checkpoint, calibration: list[dict[str, np.ndarray]]) -> bytes:
    """The int8 ONNX model with a network's learned weights and scales.

    What onnxruntime rounds and torchao does not (sums, what goes into a sum) has its scales from the calibration.
    """
    model = folded(onnx_bytes(network.plain(), example_inputs(checkpoint, 2)))
    return static(model, calibration, scales_by_name(model, network.learned()))


def scales_by_name(model: bytes, learned: list[Learned]) -> dict[str, list[dict[str, Any]]]:
    """Learned scales by tensor name in an ONNX model; layers are matched by their weights.

    Raises:
        ValueError: a layer is not in the model.
    """
    import onnx

    graph = onnx.load_model_from_string(model).graph
    constants = {one.name: onnx.numpy_helper.to_array(one) for one in graph.initializer}
    layers = [node for node in graph.node if node.op_type in {"Conv", "Gemm", "MatMul"} and node.input[1] in constants]
    found: dict[str, list[dict[str, Any]]] = {}
    for one in learned:
        node, axis = _layer(layers, constants, one.weight)
        found[node.input[0]] = [{"scale": one.scale, "zero_point": one.zero_point}]
        zero = np.zeros((), np.int8)
        found[node.input[1]] = [
            {"axis": axis, "scale": scale.reshape(()), "zero_point": zero} for scale in one.weight_scale
        ]
    return found


def _layer(layers: list[Any], constants: dict[str, np.ndarray], weight: np.ndarray) -> tuple[Any, int]:
    """The node that uses a weight, and the axis of its output channels."""
    for node in layers:
        stored = constants[node.input[1]]
        if stored.shape == weight.shape and np.array_equal(stored, weight):
            return node, 0
        if stored.ndim == 2 and np.array_equal(stored.T, weight):
            return node, 1
    raise ValueError(f"no layer of the model has the learned weights of shape {weight.shape}")


def _value(graph: GraphModule, node: Node) -> torch.Tensor:
    """The parameter or buffer that a node reads."""
    path, _, name = str(node.target).rpartition(".")
    return getattr(graph.get_submodule(path), name)


def _rounds(module: nn.Module) -> bool:
    from torchao.quantization.pt2e import FakeQuantizeBase

    return isinstance(module, FakeQuantizeBase)


def _quantizer() -> Any:
    """torchao's quantizer for x86, extended to 1-D convolutions."""
    from torchao.quantization.pt2e.quantizer import (
        QuantizationAnnotation,
        get_input_act_qspec,
        get_weight_qspec,
    )
    from torchao.quantization.pt2e.quantizer.x86_inductor_quantizer import (
        X86InductorQuantizer,
        get_default_x86_inductor_quantization_config,
    )

    config = get_default_x86_inductor_quantization_config(is_qat=True)

    class Quantizer(X86InductorQuantizer):
        def annotate(self, model: GraphModule) -> GraphModule:
            model = super().annotate(model)
            for node in model.graph.nodes:
                if node.target in _CONVOLUTIONS and _NOTE not in node.meta:
                    read, weight = node.args[:2]
                    wanted = {read: get_input_act_qspec(config), weight: get_weight_qspec(config)}
                    node.meta[_NOTE] = QuantizationAnnotation(input_qspec_map=wanted, _annotated=True)
            return model

    return Quantizer().set_global(config)
