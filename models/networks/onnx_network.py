"""Wraps an ONNX model as a network with the interface of the torch ones.

It answers with logits and embedding and nothing else. It has no maps and no gradients, so maps are made by its float
twin (:mod:`models.compress.twin`).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch import nn

INPUT, LOGITS, EMBEDDING = "x", "logits", "embedding"
_DOMAINS = {"", "ai.onnx", "com.microsoft"}
"""Operators of the standard and of onnxruntime itself; others would be somebody's library."""


class OnnxNetwork(nn.Module):
    """Runs an ONNX model on the CPU with onnxruntime, with as many threads as torch would use.

    It stays on the CPU wherever it is sent, copies of it share the model, and threads may call it at the same time.

    Args:
        blob: the model as a file holds it: inputs ``x`` and keyword arguments by name, outputs ``logits`` and
            ``embedding``, batch first, the batch of any size.

    Raises:
        ValueError: no model, one that reaches for other files or operators, or one of other inputs and outputs.
    """

    def __init__(self, blob: bytes):
        super().__init__()
        check_model(blob)
        self._blob = blob
        self._sessions: dict[int, Any] = {}
        self._lock = threading.Lock()
        # What asks a network where it is asks its first parameter.
        self.place = nn.Parameter(torch.empty(0), requires_grad=False)
        session = self._session()
        self.inputs = {one.name: tuple(one.shape) for one in session.get_inputs()}
        outputs = [one.name for one in session.get_outputs()]
        if INPUT not in self.inputs or outputs != [LOGITS, EMBEDDING]:
            raise ValueError(
                f"expected input {INPUT} and outputs {LOGITS}, {EMBEDDING}; "
                f"the model has {', '.join(self.inputs)} and {', '.join(outputs)}"
            )
        self.num_classes = int(session.get_outputs()[0].shape[-1])

    def forward(
        self, x: torch.Tensor, return_features: bool = False, **kwargs: torch.Tensor
    ) -> torch.Tensor | tuple[torch.Tensor, torch.Tensor]:
        """Logits of an input; with ``return_features`` also the embedding; without gradients.

        Raises:
            ValueError: an input of another shape, or other keyword arguments than the model has.
        """
        given = {INPUT: x} | kwargs
        for name, shape in self.inputs.items():
            wanted = shape[1:]
            if name not in given or tuple(given[name].shape[1:]) != wanted:
                got = f"of shape {tuple(given[name].shape)}" if name in given else "missing"
                raise ValueError(f"expected {name} of shape (batch, {', '.join(map(str, wanted))}), which is {got}")
        if extra := given.keys() - self.inputs.keys():
            raise ValueError(f"this network takes no {', '.join(sorted(extra))}")
        wanted_outputs = [LOGITS, EMBEDDING] if return_features else [LOGITS]
        found = self._session().run(wanted_outputs, {name: _array(value) for name, value in given.items()})
        tensors = [torch.from_numpy(one) for one in found]
        return (tensors[0], tensors[1]) if return_features else tensors[0]

    def __deepcopy__(self, memo: dict[int, Any]) -> OnnxNetwork:
        copy = OnnxNetwork.__new__(OnnxNetwork)
        memo[id(self)] = copy
        nn.Module.__init__(copy)
        copy._blob, copy._sessions, copy._lock = self._blob, self._sessions, self._lock
        copy.place = nn.Parameter(torch.empty(0), requires_grad=False)
        copy.inputs, copy.num_classes = self.inputs, self.num_classes
        copy.train(self.training)
        return copy

    def _apply(self, fn: Callable[[torch.Tensor], torch.Tensor], recurse: bool = True) -> OnnxNetwork:
        return self  # onnxruntime's CPU build reads its own weights; there is nothing to move or to cast

    def _session(self) -> Any:
        threads = torch.get_num_threads()  # of the calling thread: batches side by side have a core each
        with self._lock:
            if threads not in self._sessions:
                self._sessions[threads] = open_session(self._blob, threads)
            return self._sessions[threads]


def open_session(blob: bytes, threads: int) -> Any:
    """A CPU session of onnxruntime.

    Raises:
        ValueError: onnxruntime cannot run the model.
    """
    import onnxruntime
    from onnxruntime.capi import onnxruntime_pybind11_state as faults

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    # Threads that wait must not keep the cores from what reads and prepares the next batch.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    known = (faults.Fail, faults.InvalidGraph, faults.InvalidProtobuf, faults.InvalidArgument, faults.NotImplemented)
    try:
        return onnxruntime.InferenceSession(blob, options, providers=["CPUExecutionProvider"])
    except (*known, faults.RuntimeException, faults.NoSuchFile, RuntimeError) as error:
        raise ValueError(f"onnxruntime cannot run the model: {str(error).splitlines()[0]}") from error


def check_model(blob: bytes) -> None:
    """Refuse a file that is no ONNX model or refers to outside files or foreign operators; it may be hostile.

    Raises:
        ValueError: it cannot be read, keeps weights in other files, or uses operators of other libraries.
    """
    import onnx
    from google.protobuf.message import DecodeError

    try:
        model = onnx.load_model_from_string(blob)
    except DecodeError as error:
        raise ValueError("the file is no ONNX model") from error
    if any(tensor.data_location == onnx.TensorProto.EXTERNAL for tensor in _tensors(model)):
        raise ValueError("the model keeps weights in other files")
    if strange := {one.domain for one in model.opset_import} - _DOMAINS:
        raise ValueError(f"the model uses operators of {', '.join(sorted(strange))}")


def _tensors(message: Any) -> Iterator[Any]:
    """All tensors of a model."""
    for field, value in message.ListFields():
        if field.message_type is None:
            continue
        for one in value if isinstance(value, (list, tuple)) or hasattr(value, "add") else (value,):
            if field.message_type.name == "TensorProto":
                yield one
            else:
                yield from _tensors(one)


def _array(value: torch.Tensor) -> np.ndarray:
    array: np.ndarray = value.detach().cpu().contiguous().numpy()
    return array.astype(np.float32, copy=False) if value.is_floating_point() else array
