"""Exports a checkpoint to ONNX: the same outputs, run by onnxruntime."""

from __future__ import annotations

import logging
import shutil
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from models.checkpoints import FEATURES, SHEETS, Card, Checkpoint, Original, load_checkpoint, write_checkpoint
from models.core.errors import CheckpointError, ConfigError
from models.networks.onnx_network import EMBEDDING, LOGITS
from models.plugins import plugin_of

OPSET = 18
AGREEMENT = 1e-3
"""Largest difference of a logit between torch and onnxruntime that rounding explains."""


def export(checkpoint: Checkpoint, folder: str | Path) -> Checkpoint:
    """Export a checkpoint to an ONNX checkpoint, verify its outputs against the original's, and load it.

    Args:
        checkpoint: of torch, for windows of beats, whole recordings or pictures.
        folder: of the new checkpoint; its name is the new one's.

    Raises:
        CheckpointError: it is ONNX already, its network cannot be exported, or it then answers otherwise.
        ConfigError: the folder is the original's.
    """
    blob = to_onnx(checkpoint)
    lighter = write_lighter(checkpoint, folder, blob, {"method": "onnx", "opset": OPSET})
    inputs = example_inputs(checkpoint, 3)
    with torch.inference_mode():
        difference = (checkpoint.network(**inputs) - lighter.network(**inputs)).abs().max().item()
    if not difference <= AGREEMENT:
        shutil.rmtree(lighter.folder)
        raise CheckpointError(
            checkpoint.name, f"answers otherwise by onnxruntime (a logit differs by {difference:.3g}); it was not kept"
        )
    return lighter


def to_onnx(checkpoint: Checkpoint) -> bytes:
    """The network as an ONNX model with a dynamic batch size and folded batch norm.

    Raises:
        CheckpointError: as :func:`export`.
    """
    if checkpoint.card.format != "torch":
        raise CheckpointError(checkpoint.name, "is an ONNX checkpoint already; name its original")
    if fault := plugin_of(checkpoint).export_fault(checkpoint.task):
        raise CheckpointError(checkpoint.name, fault)
    inputs = example_inputs(checkpoint, 2)
    try:
        return onnx_bytes(Named(checkpoint.network, tuple(inputs)), inputs)
    except torch.onnx.errors.OnnxExporterError as error:
        raise CheckpointError(
            checkpoint.name,
            f"has a network that torch {torch.__version__} cannot write as ONNX; with an LSTM it takes 2.10 or later",
        ) from error


def onnx_bytes(network: nn.Module, inputs: dict[str, torch.Tensor]) -> bytes:
    """Export a network with outputs logits and embedding to an ONNX model, inputs in the given order.

    Raises:
        torch.onnx.errors.OnnxExporterError: ONNX cannot hold it.
    """
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            network,
            tuple(inputs.values()),
            dynamo=True,
            input_names=list(inputs),
            output_names=[LOGITS, EMBEDDING],
            dynamic_shapes=any_batch(inputs),
            opset_version=OPSET,
            verbose=False,
        )
    return tidy(program.model_proto)


def any_batch(inputs: dict[str, torch.Tensor]) -> tuple[tuple[dict[int, Any], ...]]:
    """Dynamic shapes for torch's exporter: the batch dimension of each input of :class:`Named`."""
    batch = torch.export.Dim("batch", min=1, max=65536)
    return (tuple({0: batch} for _ in inputs),)


def tidy(model: Any) -> bytes:
    """A model without metadata: source names, descriptions, intermediate shapes, unused opsets."""
    for part in (model, model.graph, *model.graph.node, *model.graph.input, *model.graph.output):
        part.ClearField("doc_string")
        part.ClearField("metadata_props")
    for value in model.graph.initializer:
        value.ClearField("doc_string")
        value.ClearField("metadata_props")
    del model.graph.value_info[:]
    used = {node.domain for node in model.graph.node}
    imports = [(one.domain, one.version) for one in model.opset_import if one.domain in used]
    del model.opset_import[:]
    for domain, version in imports:
        model.opset_import.add(domain=domain, version=version)
    new = {one.name: one.name for one in (*model.graph.input, *model.graph.output)}
    for tensor in model.graph.initializer:
        tensor.name = new.setdefault(tensor.name, f"w{len(new)}")
    for place, node in enumerate(model.graph.node):
        node.name = str(place)
        for names in (node.input, node.output):
            for index, name in enumerate(names):
                if name:
                    names[index] = new.setdefault(name, f"t{len(new)}")
    blob: bytes = model.SerializeToString()
    return blob


def write_lighter(checkpoint: Checkpoint, folder: str | Path, blob: bytes, how: dict[str, Any]) -> Checkpoint:
    """Write an ONNX model as a checkpoint with a card derived from the original's, and load it.

    Raises:
        ConfigError: the folder is the original's. CheckpointError: onnxruntime cannot run it.
    """
    folder = Path(folder)
    # The model has one output of logits: it classifies beats and says nothing of the rhythm.
    card = lighter_card(checkpoint, folder, how).model_copy(update={"format": "onnx", "rhythm_classes": ()})
    write_checkpoint(folder, blob, card)
    for file in (FEATURES, SHEETS):
        if (checkpoint.folder / file).is_file():
            shutil.copyfile(checkpoint.folder / file, folder / file)
    return load_checkpoint(folder)


def lighter_card(checkpoint: Checkpoint, folder: Path, how: dict[str, Any]) -> Card:
    """The card of a lighter form: its original, and no metrics, since none were measured on it.

    Raises:
        ConfigError: the folder is the original's.
    """
    check_folder(checkpoint, folder)
    name = checkpoint.card.config.get("name", checkpoint.name)
    return checkpoint.card.model_copy(
        update={
            "original": Original(name=checkpoint.name, sha256=checkpoint.sha256),
            "compression": how,
            "config": checkpoint.card.config | {"name": f"{name}-{how['method']}"},
            "metrics": {},
        }
    )


def check_folder(checkpoint: Checkpoint, folder: str | Path) -> None:
    """Refuse to overwrite the original.

    Raises:
        ConfigError: the folder is the original's.
    """
    if Path(folder).resolve() == checkpoint.folder.resolve():
        raise ConfigError("out", f"is the folder of {checkpoint.name} itself; name another")


def example_inputs(checkpoint: Checkpoint, count: int) -> dict[str, torch.Tensor]:
    """Deterministic random inputs by argument name."""
    generator = torch.Generator().manual_seed(0)
    return plugin_of(checkpoint).example_inputs(checkpoint.task, count, generator)


def arrays(inputs: dict[str, torch.Tensor]) -> dict[str, np.ndarray]:
    """Inputs as numpy arrays for onnxruntime."""
    return {name: value.numpy() for name, value in inputs.items()}


class Named(nn.Module):
    """A network with positional instead of keyword arguments, and outputs logits and embedding."""

    def __init__(self, network: nn.Module, names: tuple[str, ...]):
        super().__init__()
        self.network = network
        self.names = names
        self.eval()

    def forward(self, *values: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        logits, embedding = self.network(**dict(zip(self.names, values, strict=True)), return_features=True)
        return logits, embedding
