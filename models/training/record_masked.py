"""Pre-trains a patch transformer without labels, by masked image modelling."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from safetensors.torch import save as save_tensors
from torch.utils.data import DataLoader

from models.checkpoints import write_whole
from models.config import RecordTrainConfig
from models.core.errors import ConfigError, StoppedError
from models.data.image_dataset import EpochOrder
from models.data.record_dataset import CropDataset
from models.data.whole_recordings import Prepared
from models.networks.ecg.masked import MaskedPatches
from models.networks.ecg.vit import PatchTransformer
from models.training.context import RunContext

logger = logging.getLogger(__name__)
MASKED = "masked.safetensors"
"""What was learned without labels, in the run folder: trainings with other shares of the labels can start from it."""


def pretrain(config: RecordTrainConfig, context: RunContext, network: torch.nn.Module, data: Prepared) -> None:
    """Pre-train the network on pictures of all training recordings.

    It is not resumed: a training that is stopped here begins anew. What was learned stands in :data:`MASKED` then.

    Raises:
        ConfigError: a network without patches. StoppedError: the caller asked it to stop.
    """
    if not isinstance(network, PatchTransformer):
        raise ConfigError("network.masked_epochs", "is for networks that read patches; choose ecg_vit, or set it to 0")
    device = "cuda" if config.device in {"auto", "cuda"} and torch.cuda.is_available() else "cpu"
    torch.manual_seed(config.seed)
    module = MaskedPatches(network, config.network.masked_share).to(device).train()
    optimiser = torch.optim.AdamW(module.parameters(), lr=config.lr, weight_decay=config.weight_decay)
    order = EpochOrder(len(data.rows), shuffle=True, seed=config.seed)
    crops = CropDataset(data, config.task, config.augment, config.seed)
    loader = DataLoader(crops, config.batch_size, sampler=order, generator=torch.Generator())
    for epoch in range(config.network.masked_epochs):
        order.set_epoch(epoch)
        losses = []
        for x, _, _ in loader:
            with torch.autocast(device, torch.bfloat16, enabled=config.mixed_precision):
                loss = module(x.to(device))
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            losses.append(float(loss.detach()))
            if context.should_stop():
                raise StoppedError(f"stopped in epoch {epoch + 1} of the pre-training without labels")
        epochs = config.network.masked_epochs
        logger.info("without labels: epoch %d of %d  loss %.4f", epoch + 1, epochs, float(np.mean(losses)))
    network.cpu()
    write_whole(context.run_dir / MASKED, save_tensors(network.state_dict()))


def take_over(config: RecordTrainConfig, network: torch.nn.Module) -> None:
    """Load pre-trained weights from another run, except the head.

    Raises:
        ConfigError: that run has no such weights, or those of another network.
    """
    path = Path(config.network.masked_from) / MASKED
    try:
        learned = load_file(path)
    except (OSError, SafetensorError) as error:
        raise ConfigError(
            "network.masked_from", f"{path} cannot be read; name a run folder with network.masked_epochs"
        ) from error
    try:
        network.load_state_dict(learned)
    except RuntimeError as error:
        raise ConfigError("network.masked_from", f"{path} is of another network; give both the same one") from error


def labelled(data: Prepared, share: float, seed: int) -> Prepared:
    """A random share of the recordings that includes a positive and a negative of each label.

    Raises:
        ConfigError: so few that a label has none.
    """
    if share >= 1:
        return data
    count = max(1, round(share * len(data.rows)))
    chosen = np.sort(np.random.default_rng(seed).permutation(len(data.rows))[:count])
    targets = data.targets[chosen]
    if (targets.min(axis=0) == targets.max(axis=0)).any():
        raise ConfigError("data.label_share", f"{count} recordings show a label always or never; make it larger")
    rows, signals = (tuple(values[place] for place in chosen) for values in (data.rows, data.signals))
    return Prepared(rows, signals, targets, data.left_out)
