"""Pruning of the smallest weights or of whole channels, followed by fine-tuning.

Zeros scattered over a kernel (unstructured, by L1) leave its shape: a dense kernel multiplies by them like by others,
and a file without an encoding for them is no smaller. What they save is seen only in a compressed archive. Channels
that are taken out make the network itself smaller. Li H et al. Pruning Filters for Efficient ConvNets. ICLR 2017.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.nn.utils import parametrize

from models.checkpoints import FEATURES, Checkpoint, load_checkpoint, save_checkpoint
from models.compress.export import lighter_card
from models.compress.predictions import Data
from models.config import RecordTrainConfig, make_config
from models.core.errors import CheckpointError, ConfigError
from models.networks.ecg.xresnet1d import XBottleneck
from models.networks.registry import create_model
from models.plugins import plugin_of

if TYPE_CHECKING:
    from models.training.context import RunContext

SHARES = {"l1": 0.7, "channels": 0.5}
"""Share of the weights, or of the bottlenecks' narrow channels, that goes by default."""
EPOCHS = 8
LR = 1e-3


def prune(
    checkpoint: Checkpoint,
    folder: str | Path,
    data: Data,
    *,
    method: str = "l1",
    share: float | None = None,
    epochs: int | None = None,
    lr: float = LR,
    context: RunContext | None = None,
) -> Checkpoint:
    """Write a pruned and fine-tuned form of a checkpoint for whole recordings, and load it.

    The fine-tuning has the settings of the original's training but its length and rate, and the same folds; the
    original is its teacher beside the labels, so that answers change as little as can be.

    Args:
        checkpoint: of torch, for whole recordings.
        folder: of the new checkpoint.
        data: where the recordings are; the side is not read.
        method: "l1": single weights of the convolutions; "channels": the narrow channels of an xresnet1d.
        share: of them that goes; None for :data:`SHARES`.
        epochs, lr: of the fine-tuning; None for :data:`EPOCHS`.
        context: where it runs, who is told and who may stop it; by default a temporary folder, and nobody.

    Raises:
        CheckpointError: a checkpoint for something else, or a network without what is to be pruned.
        ConfigError: a share that leaves nothing or takes nothing, or data that do not serve.
    """
    from models.training.record_run import run_recordings  # Lightning is loaded to train

    epochs = EPOCHS if epochs is None else epochs
    share = SHARES[method] if share is None else share
    if not 0 < share < 1:
        raise ConfigError("share", f"must lie between 0 and 1, got {share:g}")
    if not plugin_of(checkpoint).fine_tunes or checkpoint.card.format != "torch":
        raise CheckpointError(checkpoint.name, "cannot be pruned here: it is no torch checkpoint for whole recordings")
    config = fine_tuning(checkpoint, data, epochs, lr)
    if method == "l1":
        network = create_model(checkpoint.card.architecture, **checkpoint.card.arguments)
        network.load_state_dict(checkpoint.network.state_dict())
        zero_smallest(network, share)
    else:
        network, arguments = fewer_channels(checkpoint, share)
        config = _of_recordings(config.model_dump(mode="json") | {
            "network": {"architecture": checkpoint.card.architecture, "arguments": arguments}
        })  # fmt: skip
    how = {"method": f"pruned-{method}", "share": share, "fine_tuning": {"epochs": epochs, "lr": lr}}
    card = lighter_card(checkpoint, Path(folder), how)
    with tuning_place(context) as place:
        import lightning

        lightning.seed_everything(config.seed, workers=True, verbose=False)
        tuned = load_checkpoint(run_recordings(config, place, start=network.train()))
        card = card.model_copy(
            update={
                "arguments": tuned.card.arguments,
                "parameters": tuned.card.parameters,
                "calibration": tuned.card.calibration,
                "metrics": tuned.card.metrics,
                "date": tuned.card.date,
                "compression": how | {"zeros": round(zeros(tuned.network), 3)},
            }
        )
        save_checkpoint(folder, tuned.network, card)
        if (tuned.folder / FEATURES).is_file():
            shutil.copyfile(tuned.folder / FEATURES, Path(folder) / FEATURES)
    return load_checkpoint(folder)


@contextmanager
def tuning_place(context: RunContext | None) -> Iterator[RunContext]:
    """Run context of a fine-tuning: the caller's, or one in a temporary folder."""
    from models.training.context import RunContext

    if context is not None:
        context.run_dir.mkdir(parents=True, exist_ok=True)
        yield context
        return
    with tempfile.TemporaryDirectory() as folder:
        yield RunContext(Path(folder))


def fine_tuning(checkpoint: Checkpoint, data: Data, epochs: int, lr: float) -> RecordTrainConfig:
    """Configuration of a fine-tuning: the original's training, shorter and slower, with the original as teacher.

    Raises:
        ConfigError: its card does not say how it was trained, or on anything but whole recordings.
    """
    stored = checkpoint.card.config
    values = stored | {
        "data": stored.get("data", {}) | {"root": str(data.root), "more": str(data.more)},
        "loss": stored.get("loss", {}) | {"teachers": [str(checkpoint.folder)]},
        "epochs": epochs,
        "lr": lr,
    }
    return _of_recordings(values)


def _of_recordings(values: dict[str, Any]) -> RecordTrainConfig:
    """The configuration, checked to be for whole recordings.

    Raises:
        ConfigError: it is not one.
    """
    config = make_config(values)
    if not isinstance(config, RecordTrainConfig):
        raise ConfigError("task.kind", f"is {config.task.kind}; only a network for whole recordings can be pruned")
    return config


def zero_smallest(network: nn.Module, share: float) -> None:
    """Mask the given share of smallest weights of each convolution at zero, also during training."""
    for module in network.modules():
        if isinstance(module, (nn.Conv1d, nn.Conv2d)):
            size = module.weight.detach().abs()
            smallest = size.flatten().argsort()[: round(share * size.numel())]
            mask = torch.ones(size.numel())
            mask[smallest] = 0
            parametrize.register_parametrization(module, "weight", _Mask(mask.view_as(size)), unsafe=True)


def fewer_channels(checkpoint: Checkpoint, share: float) -> tuple[nn.Module, dict]:
    """An xresnet1d with the strongest bottleneck channels only, and its arguments.

    A channel is as strong as the sum of the absolute weights that make it and that read it.

    Raises:
        CheckpointError: the network has no such bottlenecks.
    """
    source = dict(checkpoint.network.named_modules())
    blocks = {name: module for name, module in source.items() if isinstance(module, XBottleneck)}
    if not blocks:
        raise CheckpointError(checkpoint.name, "has no bottlenecks to take channels out of; choose an xresnet1d")
    planes = max(1, round((1 - share) * next(iter(blocks.values())).conv1.out_channels))
    arguments = checkpoint.card.arguments | {"planes": planes}
    network = create_model(checkpoint.card.architecture, **arguments)
    state = {key: value.clone() for key, value in checkpoint.network.state_dict().items()}
    for name, block in blocks.items():
        first = _strongest(block.conv1.weight, block.norm1.weight, block.conv2.weight, planes)
        second = _strongest(block.conv2.weight, block.norm2.weight, block.conv3.weight, planes)
        for part, rows, columns in (("1", first, None), ("2", second, first), ("3", None, second)):
            weight = state[f"{name}.conv{part}.weight"]
            weight = weight if rows is None else weight[rows]
            state[f"{name}.conv{part}.weight"] = weight if columns is None else weight[:, columns]
            if rows is not None:
                for key in ("weight", "bias", "running_mean", "running_var"):
                    state[f"{name}.norm{part}.{key}"] = state[f"{name}.norm{part}.{key}"][rows]
    network.load_state_dict(state)
    return network, arguments


def zeros(network: nn.Module) -> float:
    """Share of zero weights in the convolutions."""
    weights = [module.weight for module in network.modules() if isinstance(module, (nn.Conv1d, nn.Conv2d))]
    return sum(int((one == 0).sum()) for one in weights) / max(sum(int(one.numel()) for one in weights), 1)


def _strongest(makes: torch.Tensor, scale: torch.Tensor, reads: torch.Tensor, count: int) -> torch.Tensor:
    """Indices of the strongest channels, ascending, by weight norm relative to the batch norm scale."""
    made = makes.detach().abs().mean(dim=(1, 2))
    strength = scale.detach().abs() * made / made.mean() * reads.detach().abs().sum(dim=(0, 2))
    return strength.topk(count).indices.sort().values


class _Mask(nn.Module):
    """Parametrization that holds some weights at zero."""

    def __init__(self, mask: torch.Tensor):
        super().__init__()
        self.register_buffer("mask", mask)

    def forward(self, weight: torch.Tensor) -> torch.Tensor:
        return weight * self.mask
