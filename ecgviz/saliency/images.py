"""Saliency maps of pictures on their own pixels, with a common scale for the slices of a stack."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import torch
from torch import nn

from ecgviz.analysis.devices import network_on
from ecgviz.results import ImageMap
from ecgviz.saliency.registry import compute_map, list_methods
from ecgviz.saliency.target import AttributionTarget
from models.checkpoints import Checkpoint
from models.compress.twin import float_twin
from models.tasks.image import IMAGE_CLASSES, ImageTask
from readers.image_stack import ImageStack

IMAGE_METHODS = (
    *("patch_distance", "defect_places", "grad_cam", "hires_cam", "se_attention", "integrated_gradients", "occlusion"),
    "parts",
)
OCCLUSION_SHARE = 8
"""Occlusion replaces squares with this part of the network's input as their side."""
SCALE_PERCENTILE = 99.5


def image_methods(checkpoint: Checkpoint) -> list[str]:
    """Methods for a checkpoint's network, in the order offered."""
    known = list_methods(float_twin(checkpoint).network, pictures=True)
    return [name for name in IMAGE_METHODS if name in known]


def explain_image(
    pixels: np.ndarray,
    checkpoint: Checkpoint,
    *,
    target: str = "defect",
    method: str | None = None,
    device: str | torch.device | None = None,
) -> ImageMap:
    """Saliency map of a class for a picture.

    Args:
        pixels: stored values (H, W), as ``ImageStack.pixels`` gives them; no display window has touched them.
        checkpoint: of a task ``image``.
        target: class to explain.
        method: one of ``image_methods(checkpoint)``; the first of them when None.
        device: where to compute; where the network is when None.

    Raises:
        ValueError: an unknown class, or a method that is unknown or does not suit the network.
    """
    checkpoint = float_twin(checkpoint)
    method = method or image_methods(checkpoint)[0]
    target = known_target(pixels, checkpoint, target)
    attribution_target = image_target(pixels, checkpoint, target)
    values, spacing = compute_map(network_on(checkpoint.network, device), attribution_target, method)
    height, width = pixels.shape[:2]
    return ImageMap(
        values=checkpoint.task.to_picture(values[0].cpu().numpy(), (height, width)),
        method=method,
        target=target,
        checkpoint=checkpoint.name,
        resolution_px=spacing * max(height / attribution_target.x.shape[-2], width / attribution_target.x.shape[-1]),
    )


def known_target(pixels: np.ndarray, checkpoint: Checkpoint, target: str) -> str:
    """The class of the network that is meant: of "defect", where it knows types of defect, the likeliest one."""
    classes = checkpoint.task.classes
    if target != IMAGE_CLASSES[1] or target in classes:
        return target
    device = next(checkpoint.network.parameters()).device
    with torch.inference_mode():
        logits = checkpoint.network(checkpoint.task.prepare(pixels)[None].to(device))
    return str(classes[1 + int(logits[0, 1:].argmax())])


def image_target(pixels: np.ndarray, checkpoint: Checkpoint, target: str) -> AttributionTarget:
    """Attribution target of the class ``target`` for one picture.

    Raises:
        ValueError: an unknown class.
    """
    task = checkpoint.task
    target = known_target(pixels, checkpoint, target)
    if target not in task.classes:
        raise ValueError(f"there is no class {target!r}; the network knows {', '.join(task.classes)}")
    return AttributionTarget(
        x=task.prepare(pixels)[None],
        class_index=torch.tensor([task.classes.index(target)]),
        occlusion=max(1, task.image_size // OCCLUSION_SHARE),
    )


def input_box(task: ImageTask, shape: tuple[int, int]) -> tuple[int, int, int, int]:
    """Position of a picture of this shape in the network's input: first and past-the-last row and column.

    What lies around it is padding, which no map and no test may count.
    """
    ends = []
    size = task.input_shape(shape)
    for side, ramp in zip(size, np.meshgrid(*map(np.arange, size), indexing="ij"), strict=True):
        back = task.to_picture(ramp.astype(np.float32), shape)
        ends += [
            int(np.clip(np.floor(back.min() + 0.5), 0, side - 1)),
            int(np.clip(np.ceil(back.max() + 0.5), 1, side)),
        ]
    return ends[0], max(ends[1], ends[0] + 1), ends[2], max(ends[3], ends[2] + 1)


def onto_input(task: ImageTask, image_map: ImageMap) -> tuple[np.ndarray, tuple[int, int, int, int]]:
    """A picture's map on the network's input, float32 (rows, columns), 0 in the padding; and ``input_box``."""
    top, bottom, left, right = box = input_box(task, image_map.values.shape)
    values = torch.from_numpy(np.ascontiguousarray(image_map.values, np.float32))[None, None]
    inside = nn.functional.interpolate(values, (bottom - top, right - left), mode="bilinear", antialias=True)
    whole = np.zeros(task.input_shape(image_map.values.shape), np.float32)
    whole[top:bottom, left:right] = inside[0, 0].clamp(min=0).numpy()
    return whole, box


def shared_scale(maps: Iterable[ImageMap]) -> float:
    """Common upper end of the colour scale for several maps: the largest 99.5th percentile; 1 for empty maps.

    Scaled by its own maximum, a map paints a red spot on a healthy part too; scaled by what all pictures have
    together, the one slice with a defect would not count among hundreds without.
    """
    top = max((float(np.percentile(one.values, SCALE_PERCENTILE)) for one in maps), default=0.0)
    return top if top > 0 else 1.0


def stack_scale(
    stack: ImageStack,
    checkpoint: Checkpoint,
    scores: Sequence[float] | np.ndarray,
    *,
    target: str = "defect",
    method: str | None = None,
    device: str | torch.device | None = None,
    sample: int = 12,
) -> float:
    """``shared_scale`` of a stack, from a few slices: a third those of highest score, the rest evenly spaced.

    Worth keeping: it costs as much as ``sample`` maps.

    Args:
        stack: an open stack.
        checkpoint: of a task ``image``.
        scores: of every slice, as ``score_stack`` gives them; NaN where one could not be read.
        target, method, device: as for ``explain_image``.
        sample: number of slices.

    Raises:
        ValueError: as for ``explain_image``.
        ReadError: a slice that was read when it was scored is damaged now.
    """
    scores = np.asarray(scores, np.float64)
    readable = np.flatnonzero(np.isfinite(scores))
    highest = readable[np.argsort(-scores[readable], kind="stable")][: max(1, sample // 3)]
    places = np.linspace(0, len(readable) - 1, sample - len(highest)).astype(int) if len(readable) else []
    chosen = sorted({int(index) for index in (*highest, *readable[places])})
    return shared_scale(
        explain_image(stack.pixels(index), checkpoint, target=target, method=method, device=device) for index in chosen
    )
