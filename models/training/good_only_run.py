"""Learning from good parts only: from a configuration to a run folder with a checkpoint in it.

The pictures go through the network twice: once to gather patches, and once to score each of them by the patches of the
other parts. The second pass says how much good parts differ, and so where the threshold lies; no defect is needed.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from models.checkpoints import Checkpoint, load_checkpoint, save_checkpoint
from models.config.good_only import GoodOnlyTrainConfig
from models.core.errors import ConfigError, ReadError, StoppedError, TrainingError
from models.data.image_augment import ImageAugmenter
from models.data.image_dataset import ImageDataset
from models.data.image_folder import ImageRow, load_split
from models.evaluation.images import MARK_LENGTH, predict_images
from models.evaluation.operating_point import save as save_point
from models.evaluation.overkill import LEAST_PARTS, choose_by_overkill, upper_end
from models.metrics.images import summarise_images
from models.networks.image.base import ImageNetwork
from models.networks.image.patches import PatchGaussian, PatchMemory, PatchNetwork, score_of
from models.networks.image.pretrained import load_pretrained
from models.networks.registry import create_model
from models.training.context import CHECKPOINT, RunContext, TrainingProgress
from models.training.good_parts import Gathered, fill_bank, fit_gaussians
from models.training.trainer import new_card
from readers.core.file_names import readable

_BYTES_PER_GB = 1e9
_ENOUGH_HELD_OUT = 30
"""Held-out parts from which on the threshold rests on them alone."""
_LIMIT = "The score is how unlike good parts a picture is, not a frequency of defects: no defect was seen in training."
logger = logging.getLogger(__name__)


def run_good_only(config: GoodOnlyTrainConfig, context: RunContext) -> Path:
    """Learn from good parts; see :func:`models.training.run`.

    Raises:
        ConfigError: too few good pictures; pretrained weights that are not to be had.
        ReadError: data that cannot be read. StoppedError: asked to stop.
    """
    started = time.monotonic()
    network = _network(config)
    sides, hashes = load_split(config.data.root, config.data)
    good = {name: [row for row in rows if row.label == 0] for name, rows in sides.items()}
    train = ImageDataset(good["train"], config.task, None, config.seed, config.data.cache_gb * _BYTES_PER_GB)
    unreadable = _check(config, train)
    logger.info("learning from %d good pictures, %d held out", len(train), len(good["validation"]))
    learner = _Learner(config, context, network, train)
    learner.learn()
    scores = learner.scores_without_own()
    learner.scale(scores)
    folder = context.run_dir / CHECKPOINT
    card = new_card(
        config,
        network,
        training_images=tuple(sorted(hashes[row.file][:MARK_LENGTH] for row in train.rows if row.file in hashes)),
        initial_weights=learner.source,
        config=config.model_dump(mode="json", exclude={"data": {"root"}}),
        metrics={"data": {name: {"images": len(rows), "good": len(good[name])} for name, rows in sides.items()}},
        licence=config.data.licence,
        citation=config.data.citation,
        limits=(*config.data.limits, _LIMIT),
    )
    save_checkpoint(folder, network, card)
    context.progress(TrainingProgress("finishing", config.epochs, config.epochs))
    metrics = _finish(config, folder, sides["validation"], scores, [row.group for row in train.rows])
    metrics |= {"unreadable": unreadable, "seconds": round(time.monotonic() - started, 1)}
    (context.run_dir / "metrics.json").write_text(json.dumps(metrics, indent=1) + "\n")
    return folder


class _Learner:
    """One training: the pictures in their order, twice."""

    def __init__(
        self, config: GoodOnlyTrainConfig, context: RunContext, network: PatchNetwork, train: ImageDataset
    ) -> None:
        self.config, self.context, self.network, self.train = config, context, network, train
        self.source = load_backbone(network, config.network.backbone, config.network.pretrained)
        self.device = _device(config)
        self.network = network.to(self.device).eval().requires_grad_(False)
        self.augmenter = ImageAugmenter(config.augment)
        self._done, self._passes = 0, 1 + config.epochs + isinstance(network, PatchGaussian)

    @torch.inference_mode()
    def learn(self) -> None:
        """Gather patches, reduce them, keep those that the method needs."""
        config, network = self.config, self.network
        files = [readable(row.file) for row in self.train.rows]
        share = config.bank.candidates // (len(files) * config.epochs)
        gathered = Gathered(max(share, 1), config.seed)
        for epoch in range(config.epochs):
            for number, x in self._inputs(epoch):
                gathered.add(network.raw_features(x)[0].float().cpu(), number)
        components = network.projection.shape[1]
        centre, projection = gathered.mean(), gathered.whitening(components, config.bank.whitening)
        network.cpu()
        network.centre, network.projection = centre, projection
        if isinstance(network, PatchMemory):
            fill_bank(network, gathered, config.bank, files, config.seed)
        network.to(self.device)
        if isinstance(network, PatchGaussian):
            self._gaussians(network)

    def _gaussians(self, network: PatchGaussian) -> None:
        reduced = (network.forward_features(x)[0].float().cpu() for _, x in self._inputs(0))
        try:
            fit_gaussians(network, reduced, self.config.bank.whitening)
        except ValueError as error:
            raise ConfigError(
                "task.shape", f"is keep, but the pictures differ in shape ({error}); set it to square"
            ) from error
        network.to(self.device)

    @torch.inference_mode()
    def scores_without_own(self) -> np.ndarray:
        """Score of each training picture by the patches of other groups, float64 (n,)."""
        groups = [row.group for row in self.train.rows]
        network = self.network
        found, usual = [], []
        for number, x in self._inputs(0):
            patches = network.forward_features(x)
            if isinstance(network, PatchMemory):
                own = torch.tensor([group == groups[number] for group in groups], device=self.device)
                distances, _ = network.search(patches, own[network.bank_source.long()])
                self._crop(network, x[0], number)
            else:
                distances = network.distances(patches)
            found.append(float(score_of(distances, network.top_share)[0]))
            usual.append(float(distances.median()))
        network.usual = torch.tensor(float(np.median(usual)), device=self.device)
        return np.array(found)

    def _crop(self, network: PatchMemory, x: torch.Tensor, number: int) -> None:
        """Keep what the bank's patches of a picture look like."""
        if not self.config.bank.crops:
            return
        if not len(network.bank_crop):
            side = network.crop_px
            network.bank_crop = torch.zeros(len(network.bank), side, side, dtype=torch.uint8, device=self.device)
        grey, half = x.mean(dim=0), network.crop_px // 2
        spread = (grey.max() - grey.min()).clamp_min(1e-6)
        whole = ((grey - grey.min()) * (255 / spread)).round().to(torch.uint8)
        padded = torch.nn.functional.pad(whole[None, None].float(), [half] * 4, mode="replicate")[0, 0]
        for kept in torch.nonzero(network.bank_source == number)[:, 0].tolist():
            row, column = (
                int(share * side) for share, side in zip(network.bank_place[kept].tolist(), grey.shape, strict=True)
            )
            network.bank_crop[kept] = padded[row : row + 2 * half, column : column + 2 * half].to(torch.uint8)

    def scale(self, scores: np.ndarray) -> None:
        """Let the middle score of good parts and the threshold have their probabilities."""
        logs = np.log(np.maximum(scores, 1e-6))
        threshold = np.exp(upper_end(logs, self.config.bank.overkill))
        self.network.cpu().set_scale(float(threshold), float(np.exp(np.median(logs))))

    def _inputs(self, epoch: int) -> Iterator[tuple[int, torch.Tensor]]:
        """Number and network input (1, 3, H, W) of each picture; from the second epoch on changed at random."""
        total = len(self.train)
        for number in range(total):
            if self.context.should_stop():
                raise StoppedError("the training was stopped; start it again, there is nothing to go on from")
            self.train.augmenter = self.augmenter if epoch else None
            x = self.train[epoch, number][0][None].to(self.device)
            yield number, x.contiguous(memory_format=torch.channels_last)
            self._done += 1
            step = TrainingProgress("training", 1, 1, self._done, total * self._passes)
            self.context.progress(step)


def _network(config: GoodOnlyTrainConfig) -> PatchNetwork:
    try:
        network: PatchNetwork = create_model(config.network.architecture, **config.network_arguments())
    except (RuntimeError, IndexError, AssertionError) as error:
        raise ConfigError(
            "network.backbone", f"{config.network.backbone} cannot give features of these layers ({error})"
        ) from error
    return network


def load_backbone(network: PatchNetwork, backbone: str, wanted: Any) -> str:
    """Put ImageNet weights into the trunk, as far as wanted and possible; returns a sentence on what was done.

    Raises:
        ConfigError: they are wanted, and there are none to be had.
    """
    whole = ImageNetwork(backbone, 2, network.in_channel)
    weights = load_pretrained(whole, backbone, wanted)
    lacking = network.trunk.load_state_dict(whole.trunk.state_dict(), strict=False).missing_keys
    if lacking:
        raise TrainingError(f"{backbone} has no {lacking[0]} when it is whole; choose another network.backbone")
    logger.info("%s starts from %s", backbone, weights.source)
    return weights.source


def _device(config: GoodOnlyTrainConfig) -> torch.device:
    if config.device != "auto":
        return torch.device(config.device)
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def _check(config: GoodOnlyTrainConfig, train: ImageDataset) -> dict[str, str]:
    """Refuse data that cannot teach; returns the unreadable files with their faults."""
    for file, fault in train.unreadable.items():
        logger.warning("left out: %s: %s", readable(file), fault)
    count = len(train.unreadable) + len(train)
    if count and len(train.unreadable) / count > config.data.unreadable_share:
        file, fault = next(iter(train.unreadable.items()))
        raise ReadError(
            file,
            f"{fault}; so are {len(train.unreadable)} of {count} pictures, more than data.unreadable_share permits",
        )
    if len(train) < LEAST_PARTS:
        raise ConfigError(
            "data.root", f"holds {len(train)} good pictures to learn from; give {LEAST_PARTS} or more, better 50"
        )
    return train.unreadable


def _finish(
    config: GoodOnlyTrainConfig,
    folder: Path,
    held_out: Sequence[ImageRow],
    scores: np.ndarray,
    groups: Sequence[str],
) -> dict[str, Any]:
    """Choose the operating point on good parts, and score what was held out, with the checkpoint as it was written."""
    checkpoint = load_checkpoint(folder, _device(config))
    found = predict_images(checkpoint, held_out)
    logits = found.logits[:, 1] - found.logits[:, 0]
    normal = found.labels == 0
    own = _logits(checkpoint, scores)
    parts, names, what = logits[normal], [row.group for row in found.rows if row.label == 0], "held-out good parts"
    if len(parts) < _ENOUGH_HELD_OUT:
        parts, names = np.concatenate([parts, own]), [*names, *groups]
        what = "good parts, each scored by the others"
    point = save_point(folder, choose_by_overkill(parts, config.bank.overkill, groups=names, chosen_on=what))
    logger.info("threshold %.3f on %s", point.threshold, point.chosen_on)
    prob = 1 / (1 + np.exp(-logits))
    figures = summarise_images(prob, found.labels, found.groups, point.threshold)
    metrics = checkpoint.card.metrics | {"validation": figures, "operating_point": point.chosen_on}
    save_checkpoint(folder, checkpoint.network, checkpoint.card.model_copy(update={"metrics": metrics}))
    return metrics


def _logits(checkpoint: Checkpoint, scores: np.ndarray) -> np.ndarray:
    embedding = torch.from_numpy(np.log(np.maximum(scores, 1e-6))).float()[:, None]
    with torch.inference_mode():
        logits = checkpoint.network.cpu().classifier(embedding)
    difference: np.ndarray = (logits[:, 1] - logits[:, 0]).double().numpy()
    return difference
