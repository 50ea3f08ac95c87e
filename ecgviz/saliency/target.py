"""Attribution targets: the explained outputs of a network with their inputs, and thread-safe input gradients.

Every network splits into ``forward_features(x) -> maps`` and ``forward_head(maps, **kwargs) -> logits``, so nothing
here hooks into a module or writes to it: many threads may explain one network at the same time.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor, nn

FORWARD_LIMIT = 2**19
GRADIENT_LIMIT = 2**17


@dataclass(frozen=True)
class AttributionTarget:
    """N explained outputs of a network, and its batch of B inputs.

    Attributes:
        x: network input (B, C, L) or (B, C, H, W).
        class_index: class explained of each output, int64 (N,).
        row: input that each output belongs to, int64 (N,); None when output n is that of input n.
        slot: for strip networks (logits (B, K, n_classes)) which of the K beats, int64 (N,).
        kwargs: further arguments of ``forward_head``, batch first (B, ...).
        region: first and past-the-last sample of a signal that methods which try many inputs shall examine; None
            means all.
        occlusion: samples (of a picture: pixels of a square's side) that occlusion replaces at once.
    """

    x: Tensor
    class_index: Tensor
    row: Tensor | None = None
    slot: Tensor | None = None
    kwargs: dict[str, Tensor] = field(default_factory=dict)
    region: tuple[int, int] | None = None
    occlusion: int = 32

    def __len__(self) -> int:
        return len(self.class_index)

    def per_output(self, batch: Tensor) -> Tensor:
        """Rows of a (B, ...) tensor in the order of the outputs, (N, ...)."""
        return batch if self.row is None else batch[self.row]

    def kwargs_per_output(self) -> dict[str, Tensor]:
        """``kwargs`` in the order of the outputs, each (N, ...)."""
        return {name: self.per_output(value) for name, value in self.kwargs.items()}

    def select(self, logits: Tensor) -> Tensor:
        """Class logits (N, n_classes) of the outputs among logits (N, n_classes) or (N, K, n_classes).

        Raises:
            ValueError: a slot is missing for a strip network, or given for another.
        """
        if (logits.ndim == 3) != (self.slot is not None):
            needs = "needs a slot for each output" if self.slot is None else "has no slots"
            raise ValueError(f"the network answers with logits of shape {tuple(logits.shape)}, so it {needs}")
        return logits if self.slot is None else logits[torch.arange(len(self), device=logits.device), self.slot]

    def score(self, logits: Tensor) -> Tensor:
        """Logit of the target of each output, (N,)."""
        return self.select(logits).gather(1, self.class_index[:, None])[:, 0]

    def only(self, index: int) -> AttributionTarget:
        """The target of output ``index`` alone, with one row of input."""
        row = index if self.row is None else int(self.row[index])
        return replace(
            self,
            x=self.x[row : row + 1],
            class_index=self.class_index[index : index + 1],
            row=None,
            slot=None if self.slot is None else self.slot[index : index + 1],
            kwargs={name: value[row : row + 1] for name, value in self.kwargs.items()},
        )

    def row_per_output(self) -> AttributionTarget:
        """The same target with one row of input per output, (N, C, ...)."""
        return (
            self if self.row is None else replace(self, x=self.x[self.row], row=None, kwargs=self.kwargs_per_output())
        )

    def with_inputs(self, x: Tensor) -> AttributionTarget:
        """The same target, of a single output, for M variants (M, C, ...) of its input."""
        count = len(x)
        return replace(
            self,
            x=x,
            class_index=self.class_index.expand(count),
            slot=None if self.slot is None else self.slot.expand(count),
            kwargs={name: value.expand(count, *value.shape[1:]) for name, value in self.kwargs.items()},
        )

    def batches(self, limit: int) -> Iterator[AttributionTarget]:
        """Batches of at most ``limit`` input values (at least one row), for one output per row."""
        rows = max(1, limit // self.x[0].numel())
        for start in range(0, len(self), rows):
            part = slice(start, start + rows)
            yield replace(
                self,
                x=self.x[part],
                class_index=self.class_index[part],
                slot=None if self.slot is None else self.slot[part],
                kwargs={name: value[part] for name, value in self.kwargs.items()},
            )


def match_network(network: nn.Module, target: AttributionTarget) -> AttributionTarget:
    """The target on the network's device and in its floating dtype, as tensors that autograd accepts.

    Raises:
        ValueError: the network is in training mode, where dropout and batch statistics would blur the map and the
            running statistics of the shared network would change.
    """
    if network.training:
        raise ValueError("maps need the network in eval mode: call network.eval() first")
    like = next((p for p in network.parameters() if p.is_floating_point()), target.x)

    def fit(tensor: Tensor) -> Tensor:
        dtype = like.dtype if tensor.is_floating_point() else tensor.dtype
        moved = tensor.detach().to(like.device, dtype)
        return moved.clone() if moved.is_inference() else moved

    with torch.inference_mode(False):
        return replace(
            target,
            x=fit(target.x),
            class_index=fit(target.class_index),
            row=None if target.row is None else fit(target.row),
            slot=None if target.slot is None else fit(target.slot),
            kwargs={name: fit(value) for name, value in target.kwargs.items()},
        )


def variant_logits(network: nn.Module, target: AttributionTarget) -> Tensor:
    """Class logits of variants made by ``AttributionTarget.with_inputs``, float32 (M, n_classes), without gradients."""
    with torch.inference_mode():
        logits = [part.select(network(part.x, **part.kwargs)).float() for part in target.batches(FORWARD_LIMIT)]
    return torch.cat(logits)


class _CudnnSwitch:
    """Disables cuDNN while at least one thread needs it off.

    ``torch.backends.cudnn.flags`` saves and restores one switch for the whole process: of two threads inside it at
    once, the first to leave turns cuDNN on under the second, and the second to leave may turn it off for good.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users = 0
        self._was_enabled = True

    def __enter__(self) -> None:
        with self._lock:
            if self._users == 0:
                self._was_enabled = torch.backends.cudnn.enabled
                torch.backends.cudnn.enabled = False
            self._users += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._users -= 1
            if self._users == 0:
                torch.backends.cudnn.enabled = self._was_enabled


_CUDNN_OFF = _CudnnSwitch()


@contextmanager
def input_gradients(network: nn.Module, device: torch.device) -> Iterator[None]:
    """Context manager: enable gradients with respect to inputs or maps.

    A method is computed without gradients except where it asks for them here. cuDNN refuses the backward pass of a
    recurrent layer in eval mode, so on CUDA a network with one runs on torch's own kernels meanwhile. Other threads
    are slower for that time and no less right.
    """
    recurrent = device.type == "cuda" and any(isinstance(module, nn.RNNBase) for module in network.modules())
    with torch.enable_grad():
        if recurrent:
            with _CUDNN_OFF:
                yield
        else:
            yield
