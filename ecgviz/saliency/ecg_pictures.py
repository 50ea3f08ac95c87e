"""Saliency maps of pictures of ECG paper, on the picture's own pixels, and their evidence.

All labels are explained at once and share one scale of colours, as those of a recording do
(:mod:`ecgviz.saliency.records`); the tests are those of every picture (:mod:`ecgviz.saliency.image_evidence`).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import torch
from torch import nn

from ecgviz.results import ImageEvidence, ImageMap
from ecgviz.saliency.drawn import METHODS, occlusion_px
from ecgviz.saliency.image_evidence import Marked, Probability, judge_picture
from ecgviz.saliency.records import SCALE_QUANTILE
from ecgviz.saliency.registry import compute_map, get_method, list_methods
from ecgviz.saliency.target import AttributionTarget, match_network
from models.checkpoints import Checkpoint
from models.compress.twin import float_twin
from models.core.callbacks import Progress
from models.data.ecg_paper import Fit, find_fit
from models.evaluation.records import require_record
from models.metrics.records import calibrated


@dataclass(frozen=True)
class EcgPictureMaps:
    """Saliency maps of all labels for a picture of an ECG.

    Attributes:
        values: on the network's input, float32 (n_classes, H, W), >= 0; 0 beside the picture.
        fit: where the picture lies in that input.
        shape: height and width of the picture.
        classes: names of the labels.
        method: registered name, such as "grad_cam".
        checkpoint: name of the checkpoint.
        spacing: finest detail in pixels of the input.
        vmax: value of the full colour, one for all labels.
    """

    values: np.ndarray = field(repr=False)
    fit: Fit
    shape: tuple[int, int]
    classes: tuple[str, ...]
    method: str
    checkpoint: str
    spacing: float
    vmax: float

    def of(self, label: str) -> ImageMap:
        """The map of one label on the picture, 0 outside of the network's input.

        Raises:
            ValueError: there is no such label.
        """
        top, bottom, left, right = self.fit.box
        part = torch.from_numpy(self.values[self._index(label), top:bottom, left:right])[None, None]
        x0, y0, x1, y1 = self.fit.crop
        whole = np.zeros(self.shape, np.float32)
        whole[y0:y1, x0:x1] = nn.functional.interpolate(part, (y1 - y0, x1 - x0), mode="bilinear")[0, 0].numpy()
        return ImageMap(whole, self.method, label, self.checkpoint, self.spacing / self.fit.scale)

    def _index(self, label: str) -> int:
        if label not in self.classes:
            raise ValueError(f"there is no label {label!r}; the network knows {', '.join(self.classes)}")
        return self.classes.index(label)


def picture_methods(checkpoint: Checkpoint) -> list[str]:
    """Methods for a checkpoint that reads pictures of ECG, in the order offered."""
    known = list_methods(float_twin(checkpoint).network)
    return [name for name in METHODS if name in known]


def explain_ecg_picture(pixels: np.ndarray, checkpoint: Checkpoint, *, method: str = "grad_cam") -> EcgPictureMaps:
    """Saliency maps of all labels for a picture of an ECG.

    Args:
        pixels: uint8 (h, w, 3), upright.
        checkpoint: of task kind record, that reads paper; its network is used where it lies.
        method: one of ``picture_methods(checkpoint)``.

    Raises:
        CheckpointError: a checkpoint for something else. ConfigError: one that reads no paper.
        ValueError: a method that is unknown or does not suit the network.
    """
    require_record(checkpoint)
    checkpoint = float_twin(checkpoint)
    if not get_method(method).fits(checkpoint.network):
        raise ValueError(f"{method} does not suit the network of {checkpoint.name}")
    classes = checkpoint.card.classes
    attribution_target = _attribution_target(pixels, checkpoint, range(len(classes)))
    found, spacing = compute_map(checkpoint.network, attribution_target, method)
    fit = find_fit(pixels, checkpoint.task.picture_size)
    top, bottom, left, right = fit.box
    values = np.zeros(found.shape, np.float32)
    values[:, top:bottom, left:right] = found[:, top:bottom, left:right].cpu().numpy()
    reach = float(np.quantile(values.reshape(len(classes), -1), SCALE_QUANTILE, axis=1).max())
    return EcgPictureMaps(
        values, fit, pixels.shape[:2], classes, method, checkpoint.name, spacing, reach if reach > 0 else 1.0
    )


def judge_ecg_picture_map(
    pixels: np.ndarray,
    checkpoint: Checkpoint,
    maps: EcgPictureMaps,
    label: str,
    *,
    seed: int = 0,
    progress: Progress | None = None,
) -> ImageEvidence:
    """Evidence on the map of one label.

    Args:
        pixels: the picture that was explained.
        checkpoint: the checkpoint that was explained.
        maps: the result.
        label: one of ``maps.classes``.
        seed: of the random parts.
        progress: told of each finished test.

    Raises:
        ValueError: the maps are of another picture or checkpoint, or there is no such label.
    """
    checkpoint = float_twin(checkpoint)
    if maps.checkpoint != checkpoint.name or label not in maps.classes or maps.shape != pixels.shape[:2]:
        raise ValueError(f"the maps explain {', '.join(maps.classes)} of {maps.checkpoint}: make them again")
    target = maps.classes.index(label)
    attribution_target = match_network(checkpoint.network, _attribution_target(pixels, checkpoint, [target]))
    return judge_picture(
        Marked(checkpoint.network, attribution_target, maps.values[target], maps.fit.box, maps.method, maps.spacing),
        label_probability(checkpoint, target),
        resolution_px=maps.spacing / maps.fit.scale,
        seed=seed,
        progress=progress,
    )


def label_probability(checkpoint: Checkpoint, target: int) -> Probability:
    """Calibrated probability of one label, independent of the others."""
    return lambda logits: calibrated(logits.cpu().numpy(), checkpoint.card.calibration)[:, target]


def _attribution_target(pixels: np.ndarray, checkpoint: Checkpoint, targets: range | list[int]) -> AttributionTarget:
    """Attribution target of some labels of one picture."""
    x = checkpoint.task.photograph(pixels)[None]
    return AttributionTarget(
        x=x,
        class_index=torch.tensor(list(targets)),
        row=torch.zeros(len(targets), dtype=torch.int64),
        occlusion=occlusion_px(checkpoint.task.picture_size),
    )
