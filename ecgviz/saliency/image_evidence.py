"""Evidence on saliency maps of pictures, and the criteria for calling one weak.

The tests and their limits are those of ``ecgviz.saliency.evidence``; what is different in two dimensions:
- Maps are compared cell by cell on a grid as coarse as the coarser of the two, at most ``FINEST`` cells a side.
- The marked part is the ``DELETED_FRACTION`` of the picture that the map marks most, bridged from all four sides.
  The random parts are the same part turned over and moved elsewhere in the picture, so size and shape are the same.
- Half of the map's mass on more than a quarter of the picture points at nothing (an even map has it on a half).
- Padding counts nowhere.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import nn

from ecgviz.analysis.devices import network_on
from ecgviz.results import ImageEvidence, ImageMap
from ecgviz.saliency.deletion import DRAWS, marked_part
from ecgviz.saliency.evidence import (
    common_reasons,
    drops,
    half_mass_width,
    partner_of,
    rank_correlation,
)
from ecgviz.saliency.images import image_target, onto_input
from ecgviz.saliency.occlusion import NUMBERS_AT_ONCE, bridge_picture
from ecgviz.saliency.randomise import fitted_twins
from ecgviz.saliency.registry import compute_map
from ecgviz.saliency.target import AttributionTarget, match_network, variant_logits
from models.checkpoints import Checkpoint
from models.compress.twin import float_twin
from models.core.callbacks import Progress

FINEST = 64
DELETED_FRACTION = 0.05
FRACTIONS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3)
AREA_LIMIT = 0.25

Box = tuple[int, int, int, int]
Probability = Callable[[torch.Tensor], np.ndarray]


@dataclass(frozen=True)
class PictureDeletionCurve:
    """Probability of the target class over the deleted fraction of the picture.

    Attributes:
        fraction: share of the picture that is bridged, float64 (m,), ascending, first 0.
        prob: probability when the most important pixels are bridged, float32 (m,).
        random_prob: the same for parts of the same shape elsewhere, float32 (draws, m).
    """

    fraction: np.ndarray
    prob: np.ndarray
    random_prob: np.ndarray


def judge_image_map(
    pixels: np.ndarray,
    checkpoint: Checkpoint,
    image_map: ImageMap,
    *,
    spacing_mm: tuple[float, float] | None = None,
    device: str | torch.device | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> ImageEvidence:
    """Evidence on a map of ``explain_image``.

    Args:
        pixels: the picture that was explained.
        checkpoint: the checkpoint that was explained.
        image_map: the result.
        spacing_mm: size of a pixel, where it is known.
        device: where to compute; where the network is when None.
        seed: of the random parts.
        progress: told of each finished test.

    Raises:
        ValueError: the map is of another picture or checkpoint.
    """
    network, attribution_target, values, box = _network_and_target(pixels, checkpoint, image_map, device)
    side = max(pixels.shape[:2])
    spacing = image_map.resolution_px * attribution_target.x.shape[-1] / side
    return judge_picture(
        Marked(network, attribution_target, values, box, image_map.method, spacing),
        softmax_of(attribution_target, checkpoint.card.temperature),
        resolution_px=image_map.resolution_px,
        resolution_mm=None if spacing_mm is None else image_map.resolution_px * max(spacing_mm),
        seed=seed,
        progress=progress,
    )


@dataclass(frozen=True)
class Marked:
    """A map on a network's input.

    Attributes:
        network: in eval mode.
        target: the one output that it explains, fitted to the network.
        values: the map, float32 (H, W).
        box: where the picture lies in the input: first and past-the-last row and column.
        method: that made it.
        spacing: its finest detail in pixels of the input.
    """

    network: nn.Module
    target: AttributionTarget
    values: np.ndarray
    box: Box
    method: str
    spacing: float


def softmax_of(attribution_target: AttributionTarget, temperature: float) -> Probability:
    """Calibrated softmax probability of the target class."""
    target = int(attribution_target.class_index[0])
    return lambda logits: torch.softmax(logits / temperature, dim=1)[:, target].cpu().numpy()


def judge_picture(
    marked: Marked,
    probability: Probability,
    *,
    resolution_px: float,
    resolution_mm: float | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> ImageEvidence:
    """Evidence on the map of a picture.

    Args:
        marked: the map on the network's input.
        probability: of the explained class, (M,), from logits (M, n_classes).
        resolution_px, resolution_mm: finest detail of the map on the picture, to be told.
        seed: of the random parts.
        progress: told of each finished test.
    """
    tell = progress or (lambda done, total, note: None)
    network, attribution_target, values, box = marked.network, marked.target, marked.values, marked.box
    tell(0, 3, "comparing with random networks")
    randomised = _randomised_correlation(network, attribution_target, values, marked.method, marked.spacing, box)
    tell(1, 3, "replacing the marked part")
    whole, fallen, random = deletion_test(
        network, attribution_target, values, box, (DELETED_FRACTION,), probability, seed
    )
    tell(2, 3, "comparing with another method")
    other, other_spacing = compute_map(network, attribution_target, partner_of(marked.method))
    agreed = _cell_correlation(values, other[0].cpu().numpy(), max(marked.spacing, other_spacing), box)
    tell(3, 3, "")
    inside = values[box[0] : box[1], box[2] : box[3]].ravel()
    measured = ImageEvidence(
        resolution_px=resolution_px,
        resolution_mm=resolution_mm,
        area_share=half_mass_width(inside) / len(inside),
        randomised_correlation=randomised,
        **drops(whole, fallen, random),
        agreement=agreed,
        agreement_with=partner_of(marked.method),
    )
    return replace(measured, reasons=weak_reasons(measured, empty=not np.any(inside > 0)))


def image_deletion_curve(
    pixels: np.ndarray,
    checkpoint: Checkpoint,
    image_map: ImageMap,
    *,
    fractions: Sequence[float] = FRACTIONS,
    device: str | torch.device | None = None,
    seed: int = 0,
) -> PictureDeletionCurve:
    """Probability over the replaced fraction of the map, beside random parts, for plotting.

    Arguments and errors as for ``judge_image_map``; ``fractions`` are shares of the picture.
    """
    network, attribution_target, values, box = _network_and_target(pixels, checkpoint, image_map, device)
    probability = softmax_of(attribution_target, checkpoint.card.temperature)
    whole, marked, random = deletion_test(network, attribution_target, values, box, tuple(fractions), probability, seed)
    return PictureDeletionCurve(
        fraction=np.concatenate([[0.0], fractions]),
        prob=np.concatenate([[whole], marked]).astype(np.float32),
        random_prob=np.pad(random, ((0, 0), (1, 0)), constant_values=whole).astype(np.float32),
    )


def deletion_test(
    network: nn.Module,
    attribution_target: AttributionTarget,
    values: np.ndarray,
    box: Box,
    fractions: tuple[float, ...],
    probability: Probability,
    seed: int,
) -> tuple[float, np.ndarray, np.ndarray]:
    """Probability of the target before and after deletion of parts of a picture.

    Args:
        network: in eval mode.
        attribution_target: one output, fitted to the network.
        values: its map on the network's input, (H, W).
        box: where the picture lies in it.
        fractions: shares of the picture to replace.
        probability: of the target, (M,), from logits (M, n_classes).
        seed: of the random parts.

    Returns:
        whole: probability with the picture as it is.
        marked: with the marked part bridged, float32 (m,).
        random: with the part elsewhere bridged, float32 (DRAWS, m).
    """
    top, bottom, left, right = box
    rng = np.random.default_rng(seed)
    near = values[top:bottom, left:right]
    rows = max(1, NUMBERS_AT_ONCE // attribution_target.x[0].numel())

    def ask(variants: torch.Tensor) -> np.ndarray:
        return probability(variant_logits(network, attribution_target.with_inputs(variants)))

    table = np.empty((1 + DRAWS, len(fractions)), np.float32)
    for column, fraction in enumerate(fractions):
        part = marked_part(near.ravel(), fraction).reshape(near.shape)
        holes = np.zeros((1 + DRAWS, *values.shape), bool)
        holes[0, top:bottom, left:right] = part
        holes[1:, top:bottom, left:right] = moved_parts(part, DRAWS, rng)
        for first in range(0, len(holes), rows):
            some = torch.as_tensor(holes[first : first + rows], device=attribution_target.x.device)
            table[first : first + rows, column] = ask(bridge_picture(attribution_target.x[0], some))
    return float(ask(attribution_target.x)[0]), table[0], table[1:]


def moved_parts(part: np.ndarray, draws: int, rng: np.random.Generator) -> np.ndarray:
    """Random reflections and cyclic shifts of a part (H, W) of a picture, bool (draws, H, W)."""
    out = np.empty((draws, *part.shape), bool)
    for row in out:
        turned = part[:: rng.choice((-1, 1)), :: rng.choice((-1, 1))]
        row[:] = np.roll(turned, (int(rng.integers(part.shape[0])), int(rng.integers(part.shape[1]))), (0, 1))
    return out


def weak_reasons(evidence: ImageEvidence, *, empty: bool = False) -> tuple[str, ...]:
    """Reasons against relying on a map, one sentence per failed test."""
    if empty:
        return ("The map marks nothing in this picture.",)
    reasons = common_reasons(evidence, "picture", "the same part elsewhere does")
    if evidence.area_share > AREA_LIMIT:
        reasons.append(f"The map is spread out: half of it covers {evidence.area_share:.0%} of the picture.")
    return tuple(reasons)


def _network_and_target(
    pixels: np.ndarray, checkpoint: Checkpoint, image_map: ImageMap, device: str | torch.device | None
) -> tuple[nn.Module, AttributionTarget, np.ndarray, Box]:
    checkpoint = float_twin(checkpoint)
    if image_map.checkpoint != checkpoint.name:
        raise ValueError(f"the map explains {image_map.checkpoint}, not {checkpoint.name}: make it again")
    if image_map.values.shape != pixels.shape[:2]:
        raise ValueError(f"the map of {image_map.values.shape} does not lie on a picture of {pixels.shape[:2]}")
    network = network_on(checkpoint.network, device)
    attribution_target = match_network(network, image_target(pixels, checkpoint, image_map.target))
    return network, attribution_target, *onto_input(checkpoint.task, image_map)


def _randomised_correlation(
    network: nn.Module, attribution_target: AttributionTarget, values: np.ndarray, method: str, spacing: float, box: Box
) -> float:
    found = [
        _cell_correlation(values, compute_map(twin, attribution_target, method)[0][0].cpu().numpy(), spacing, box)
        for twin in fitted_twins(network, attribution_target)
    ]
    return float(np.mean(found))


def _cell_correlation(a: np.ndarray, b: np.ndarray, spacing: float, box: Box) -> float:
    """Rank correlation of two maps (H, W) inside ``box``, averaged over cells of about ``spacing``."""
    top, bottom, left, right = box
    cells = [int(np.clip(round(length / spacing), 2, FINEST)) for length in (bottom - top, right - left)]
    both = torch.from_numpy(np.stack([a, b])[:, top:bottom, left:right].astype(np.float32))
    means = nn.functional.adaptive_avg_pool2d(both[None], cells)[0].flatten(1).numpy()
    return rank_correlation(means[0], means[1])
