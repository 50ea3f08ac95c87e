"""Why a picture is unlike good parts: how far each of its patches is from them, and which good patches are nearest.

Where a network's answer is made of distances, the map of these distances is no explanation after the fact: it is what
the score is taken from.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from ecgviz.analysis.devices import network_on
from ecgviz.saliency.registry import register_method
from ecgviz.saliency.target import AttributionTarget
from models.checkpoints import Checkpoint
from models.tasks.image import ImageTask


@register_method(
    "patch_distance",
    title="Distance from good parts",
    source="Roth et al., CVPR 2022",
    detail="maps",
    per_class=False,
    requires="defect_excess",
    pictures_only=True,
)
def patch_distance(network: nn.Module, target: AttributionTarget) -> Tensor:
    """By how much each patch is farther from good parts than their own patches usually are, (N, H', W')."""
    return target.per_output(network.defect_excess(target.x))


@register_method(
    "defect_places",
    title="Defective places",
    source="the network's own answer for each place",
    detail="maps",
    per_class=False,
    requires="place_map",
    pictures_only=True,
)
def defect_places(network: nn.Module, target: AttributionTarget) -> Tensor:
    """Probability of a defect of each place, (N, H', W')."""
    return target.per_output(network.place_map(target.x))


@dataclass(frozen=True)
class GoodMatch:
    """A patch of a picture and the patch of a good part that is nearest to it.

    Attributes:
        place: middle of the patch in the picture, row and column in pixels.
        distance: between the two, in the network's own unit.
        usual: what the distance of such patches is in good parts, in the same unit.
        file: the good part's picture, as the training named it.
        source_place: middle of the nearest patch in that picture, shares of height and width of the region looked at.
        crop: the nearest patch as the network saw it, uint8 (h, w); empty where the checkpoint keeps none.
        side_px: side of what the crop shows, in pixels of the picture.
    """

    place: tuple[float, float]
    distance: float
    usual: float
    file: str
    source_place: tuple[float, float]
    crop: np.ndarray
    side_px: float


def nearest_good(
    pixels: np.ndarray, checkpoint: Checkpoint, *, most: int = 3, device: str | torch.device | None = None
) -> list[GoodMatch]:
    """The oddest places of a picture, each with the patch of a good part that is most like it.

    Args:
        pixels: stored values (H, W), as ``ImageStack.pixels`` gives them.
        checkpoint: its network keeps patches of good parts; others give no match.
        most: places, at most; they do not overlap.
        device: where to compute; where the network is when None.
    """
    network = network_on(checkpoint.network, device)
    if not hasattr(network, "nearest_patches"):
        return []
    task: ImageTask = checkpoint.task
    x = task.prepare(pixels)[None].to(next(network.parameters()).device)
    with torch.inference_mode():
        distances, places = (one[0] for one in network.nearest_patches(x))
        odd = network.against_usual(distances, places).cpu()
        distances, places = distances.cpu(), places.cpu()
    scale = (pixels.shape[0] / x.shape[2], pixels.shape[1] / x.shape[3])
    found, left = [], odd.clone()
    reach = max(1, round(network.crop_px / 2 * distances.shape[0] / x.shape[2]))
    files = network.sources
    for _ in range(most):
        row, column = divmod(int(left.argmax()), left.shape[1])
        if not torch.isfinite(left[row, column]):
            break
        kept = int(places[row, column])
        source = int(network.bank_source[kept])
        found.append(
            GoodMatch(
                place=_on_picture(task, (row, column), (left.shape[0], left.shape[1]), pixels.shape[:2]),
                distance=float(distances[row, column]),
                usual=float(network.bank_usual[kept, 0].exp() if network.relative else network.usual),
                file=files[source] if source < len(files) else "",
                source_place=tuple(float(share) for share in network.bank_place[kept]),  # type: ignore[arg-type]
                crop=network.bank_crop[kept].cpu().numpy() if len(network.bank_crop) else np.empty((0, 0), np.uint8),
                side_px=network.crop_px * max(scale),
            )
        )
        left[max(row - reach, 0) : row + reach + 1, max(column - reach, 0) : column + reach + 1] = -torch.inf
    return found


def around(picture: np.ndarray, match: GoodMatch) -> np.ndarray:
    """What lies around the place of a match, as large as what its crop shows; the edge of the picture is repeated.

    Args:
        picture: (H, W) or (H, W, 3), of the size that the match was found in.
        match: where.
    """
    half = max(1, round(match.side_px / 2))
    padded = np.pad(picture, [(half, half)] * 2 + [(0, 0)] * (picture.ndim - 2), mode="edge")
    row, column = (int(middle) for middle in match.place)
    return padded[row : row + 2 * half, column : column + 2 * half]


def _on_picture(
    task: ImageTask, cell: tuple[int, int], grid: tuple[int, int], shape: tuple[int, ...]
) -> tuple[float, float]:
    """Middle of a cell of the map in pixels of the picture."""
    mark = np.zeros(grid, np.float32)
    mark[cell] = 1
    on_picture = task.to_picture(mark, (shape[0], shape[1]))
    rows, columns = np.nonzero(on_picture > 0.9 * on_picture.max())
    return float(rows.mean()), float(columns.mean())
