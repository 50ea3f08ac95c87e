"""Learning from good parts only: from a configuration to a run folder with a checkpoint in it.

The pictures go through the network twice: once to gather patches, and once to score each of them by the patches of the
other parts. The second pass says how much good parts differ, and so where the threshold lies; no defect is needed.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.stats import norm
from torch.utils.data import DataLoader

from models.checkpoints import load_checkpoint, save_checkpoint
from models.config.good_only import GoodOnlyTrainConfig
from models.core.errors import ConfigError, StoppedError
from models.data.image_augment import ImageAugmenter
from models.data.image_dataset import EpochOrder, ImageDataset, left_out, with_levels
from models.data.image_folder import ImageRow, load_split
from models.data.place_dataset import DrawnPieces
from models.evaluation.images import MARK_LENGTH, predict_images
from models.evaluation.operating_point import save as save_point
from models.evaluation.overkill import LEAST_PARTS, choose_by_overkill, too_few
from models.metrics.images import summarise_images
from models.networks.image.patches import GoodParts, PatchGaussian, PatchMemory, PatchNetwork
from models.networks.registry import create_model
from models.training.context import CHECKPOINT, RunContext, TrainingProgress
from models.training.good_parts import Gathered, fill_bank, fit_gaussians
from models.training.place_module import PlaceModule
from models.training.place_run import BYTES_PER_GB, load_backbone
from models.training.trainer import fit, new_card
from readers.core.file_names import readable

_MOST_HELD_OUT = 160
"""Pieces of held-out parts that an epoch is judged by, at most."""
_MAPS = 20
"""Pictures that the usual value of maps is taken from."""
_ENOUGH_HELD_OUT = 30
"""Held-out parts from which on the threshold rests on them alone."""
_LIMIT = "The score is how unlike good parts a picture is, not a frequency of defects: no defect was seen in training."
ONE_PART = (
    "All good pictures that are learned from are of one part: each is scored by the others of it, so the threshold "
    "says little of other parts; name the parts (data.group_pattern, or a column of the table) if there are several."
)
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
    config = config.model_copy(update={"task": with_levels(config.task, good["train"])})
    train = _dataset(config, good["train"], 0.8)
    held_out = _dataset(config, good["validation"], 0.2)
    unreadable = left_out(config.data.unreadable_share, train, held_out)
    _check(train)
    logger.info("learning from %d good pictures, %d held out", len(train), len(held_out))
    source = load_backbone(network, config.network.backbone, config.network.pretrained)
    best = _draw(config, context, network, train, held_out)
    if context.rank:
        return context.run_dir / CHECKPOINT
    learner = _Learner(config, context, network, train)
    learner.learn()
    scores = learner.scores_without_own()
    new = learner.scores_of(held_out)
    learner.scale(new if _held_out_alone(network, len(new)) else torch.cat([scores, new]))
    folder = context.run_dir / CHECKPOINT
    card = new_card(
        config,
        network,
        training_images=tuple(sorted(hashes[row.file][:MARK_LENGTH] for row in train.rows if row.file in hashes)),
        initial_weights=source,
        config=config.model_dump(mode="json", exclude={"data": {"root"}}),
        metrics={
            "epoch": best,
            "data": {name: {"images": len(rows), "good": len(good[name])} for name, rows in sides.items()},
        },
        licence=config.data.licence,
        citation=config.data.citation,
        limits=(*config.data.limits, _LIMIT, *([ONE_PART] if len({row.group for row in train.rows}) == 1 else [])),
    )
    save_checkpoint(folder, network, card)
    context.progress(TrainingProgress("finishing", config.epochs, config.epochs))
    metrics = _finish(config, folder, sides["validation"], scores, _parts(train.rows))
    metrics |= {"unreadable": unreadable, "seconds": round(time.monotonic() - started, 1)}
    (context.run_dir / "metrics.json").write_text(json.dumps(metrics, indent=1) + "\n")
    return folder


def _draw(
    config: GoodOnlyTrainConfig,
    context: RunContext,
    network: PatchNetwork,
    train: ImageDataset,
    held_out: ImageDataset,
) -> int:
    """Tune the network by defects drawn into good parts; returns the epoch that was kept, 0 where there is no such."""
    if not isinstance(network, GoodParts):
        return 0
    drawn = config.drawn
    augmenter = ImageAugmenter(config.augment)
    pieces = DrawnPieces(train, drawn.side, drawn.share, drawn.pieces, augmenter, config.seed)
    order = EpochOrder(len(pieces), shuffle=False, seed=config.seed)
    loaders = [DataLoader(pieces, config.batch_size, sampler=order, drop_last=True, num_workers=config.data.workers)]
    if len(held_out):
        count = min(_MOST_HELD_OUT, 4 * len(held_out))
        tried = DrawnPieces(held_out, drawn.side, 0.5, count, None, config.seed + 1)
        loaders.append(DataLoader(tried, config.batch_size, sampler=EpochOrder(count, shuffle=False)))
    module = PlaceModule(config, network, len(loaders[0]))
    return fit(config, context, module, loaders, monitor="validation/loss", mode="min", example=None)


class _Learner:
    """One training: the pictures in their order, twice."""

    def __init__(
        self, config: GoodOnlyTrainConfig, context: RunContext, network: PatchNetwork, train: ImageDataset
    ) -> None:
        self.config, self.context, self.network, self.train = config, context, network, train
        self.device = _device(config)
        self.network = network.to(self.device).eval().requires_grad_(False)
        self.augmenter = ImageAugmenter(config.augment)

    @torch.inference_mode()
    def learn(self) -> None:
        """Gather patches, reduce them, keep those that the method needs."""
        config, network = self.config, self.network
        files = [readable(row.file) for row in self.train.rows]
        share = config.bank.candidates // (len(files) * config.bank.passes)
        gathered = Gathered(max(share, 1), config.seed)
        for epoch in range(config.bank.passes):
            for number, x in self._inputs(self.train, epoch):
                gathered.add(network.raw_features(x)[0].float().cpu(), number)
        components = network.projection.shape[1]
        network.cpu()
        network.centre = gathered.mean()
        if config.bank.reduction == "scaled":
            network.projection = gathered.scaling(components)
        else:
            network.projection = gathered.whitening(components, config.bank.whitening)
        if isinstance(network, PatchMemory):
            fill_bank(network, gathered, config.bank, files, _parts(self.train.rows), config.seed)
        network.to(self.device)
        if isinstance(network, PatchGaussian):
            self._gaussians(network)

    def _gaussians(self, network: PatchGaussian) -> None:
        reduced = (network.forward_features(x)[0].float().cpu() for _, x in self._inputs(self.train))
        try:
            fit_gaussians(network, reduced, self.config.bank.whitening)
        except ValueError as error:
            raise ConfigError(
                "task.shape", f"is keep, but the pictures differ in shape ({error}); set it to square"
            ) from error
        network.to(self.device)

    @torch.inference_mode()
    def scores_without_own(self) -> torch.Tensor:
        """Scores of each training picture by the patches of other groups, float32 (n_pictures, n)."""
        groups = _parts(self.train.rows)
        network = self.network
        found = []
        for number, x in self._inputs(self.train):
            patches = network.forward_features(x)
            own = None
            if isinstance(network, PatchMemory):
                same = torch.tensor([group == groups[number] for group in groups], device=self.device)
                own = same[network.bank_source.long()]
                self._crop(network, x[0], number)
            found.append(network.embedding_of(network.oddness(patches, own), patches)[0].float().cpu())
        return torch.stack(found)

    @torch.inference_mode()
    def scores_of(self, pictures: ImageDataset) -> torch.Tensor:
        """Scores of other pictures, float32 (n_pictures, n)."""
        network = self.network
        found = [network.forward_embedding(network.forward_features(x))[0] for _, x in self._inputs(pictures)]
        return torch.stack(found).float().cpu() if found else torch.empty(0, len(network.least_spreads))

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

    @torch.inference_mode()
    def scale(self, scores: torch.Tensor) -> None:
        """Take the units of scores from good parts, and what their maps usually are."""
        network = self.network
        network.classifier.cpu().settle(scores, float(norm.isf(self.config.bank.overkill)))
        network.to(self.device)
        inputs = islice(self._inputs(self.train), _MAPS)
        usual = [float(network.defect_map(x).median()) for _, x in inputs]
        network.cpu().usual = torch.tensor(float(np.median(usual)))

    def _inputs(self, pictures: ImageDataset, epoch: int = 0) -> Iterator[tuple[int, torch.Tensor]]:
        """Number and network input (1, 3, H, W) of each picture; from the second epoch on changed at random."""
        for number in range(len(pictures)):
            if self.context.should_stop():
                raise StoppedError("the training was stopped; start it again, there is nothing to go on from")
            pictures.augmenter = self.augmenter if epoch else None
            x = pictures[epoch, number][0][None].to(self.device)
            self.context.progress(TrainingProgress("finishing", self.config.epochs, self.config.epochs))
            yield number, x.contiguous(memory_format=torch.channels_last)


def _network(config: GoodOnlyTrainConfig) -> PatchNetwork:
    try:
        network: PatchNetwork = create_model(config.network.architecture, **config.network_arguments())
    except (RuntimeError, IndexError, AssertionError) as error:
        raise ConfigError(
            "network.backbone", f"{config.network.backbone} cannot give features of these layers ({error})"
        ) from error
    return network


def _dataset(config: GoodOnlyTrainConfig, rows: Sequence[ImageRow], share: float) -> ImageDataset:
    return ImageDataset(rows, config.task, None, config.seed, config.data.cache_gb * BYTES_PER_GB * share)


def _device(config: GoodOnlyTrainConfig) -> torch.device:
    if config.device != "auto":
        return torch.device(config.device)
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def _check(train: ImageDataset) -> None:
    """Refuse data that cannot teach."""
    if len(train) < LEAST_PARTS:
        raise too_few(len(train))
    if len({row.group for row in train.rows}) == 1:
        logger.warning(ONE_PART)


def _held_out_alone(network: PatchNetwork, held_out: int) -> bool:
    """Whether the threshold rests on the held-out parts alone: the others helped to tune the features, and are known.

    Where nothing was tuned, a part that is scored by the others is as new as one that was held out, and the more parts
    there are, the narrower is the grey zone.
    """
    return isinstance(network, GoodParts) and held_out >= _ENOUGH_HELD_OUT


def _parts(rows: Sequence[ImageRow]) -> list[str]:
    """What is held out together when good pictures are scored by the others: the part, or the picture of a single one.

    Without the patches of the only part none would be left, and with its own a picture is like itself.
    """
    groups = [row.group for row in rows]
    return groups if len(set(groups)) > 1 else [row.name for row in rows]


def _finish(
    config: GoodOnlyTrainConfig,
    folder: Path,
    held_out: Sequence[ImageRow],
    scores: torch.Tensor,
    groups: Sequence[str],
) -> dict[str, Any]:
    """Choose the operating point on good parts, and score what was held out, with the checkpoint as it was written."""
    checkpoint = load_checkpoint(folder, _device(config))
    found = predict_images(checkpoint, held_out)
    logits = found.logits[:, 1] - found.logits[:, 0]
    normal = found.labels == 0
    with torch.inference_mode():
        both = checkpoint.network.cpu().classifier(scores).double().numpy()
    own = both[:, 1] - both[:, 0]
    parts, names, what = logits[normal], [row.group for row in found.rows if row.label == 0], "held-out good parts"
    if not _held_out_alone(checkpoint.network, len(parts)):
        parts, names = np.concatenate([parts, own]), [*names, *groups]
        what = "good parts, each scored by the others"
    point = save_point(folder, choose_by_overkill(parts, config.bank.overkill, groups=names, chosen_on=what))
    logger.info("threshold %.3f on %s", point.threshold, point.chosen_on)
    prob = 1 / (1 + np.exp(-logits))
    validation = summarise_images(prob, found.labels, found.groups, point.threshold)
    metrics = checkpoint.card.metrics | {"validation": validation, "operating_point": point.chosen_on}
    save_checkpoint(folder, checkpoint.network, checkpoint.card.model_copy(update={"metrics": metrics}))
    return metrics
