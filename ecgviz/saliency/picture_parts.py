"""Why a picture has its class, by its parts: superpixels exchanged for how they usually look, and the network asked.

The usual look is that of the same place in the slices nearby that are judged normal (their median), where there is such
a stack; else the picture so blurred that no detail is left. Parts are superpixels (SLIC, Achanta 2012). Contributions
are Shapley values of the class's log odds from random orders of the parts, each with its reverse (Castro 2009; Mitchell
2022): they sum up exactly, and each has a standard error.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import torch
from scipy.ndimage import gaussian_filter
from scipy.special import logit
from torch import Tensor, nn

from ecgviz.results import ImageMap
from ecgviz.saliency.coalitions import CoalitionReasons
from ecgviz.saliency.images import image_target, input_box, known_target
from ecgviz.saliency.registry import register_method
from ecgviz.saliency.shapley import Kept
from ecgviz.saliency.target import AttributionTarget, match_network, variant_logits
from models.checkpoints import Checkpoint
from models.compress.twin import float_twin

METHOD = "parts"
PARTS, PAIRS = 16, 4
FEWEST_NORMAL, MOST_NORMAL = 3, 15
FULL_LOG_ODDS = 4.0
"""Contribution of the full colour, the same for all pictures."""
_BLUR_SHARE, _FADE_PX = 1 / 25, 2.0
_COMPACTNESS = 10.0
_AT_ONCE = 16


@dataclass(frozen=True)
class PicturePart:
    """A superpixel.

    Attributes:
        name: its number and where it lies.
        box: first and past-the-last row and column in the picture.
        contribution: log odds of the class that it brings, compared with how it usually looks.
        error: standard error of that.
    """

    name: str
    box: tuple[int, int, int, int]
    contribution: float
    error: float


@dataclass(frozen=True, kw_only=True)
class PictureReasons(CoalitionReasons[PicturePart]):
    """Why the network gives a picture a class, in its calibrated log odds.

    ``log_odds`` is the sum of all contributions, ``context`` and ``base``.

    Attributes:
        target: the class.
        parts: the superpixels.
        base: log odds of the class where the picture looks as usual: of the normal slices nearby, else blurred.
        usual_of: slices that the usual look is the median of; 0 where it is the blurred picture.
        checkpoint: name of the checkpoint.
        coalition_values: log odds of the class for every set of parts that was asked and is the picture's own.
        labels: part of each pixel of the picture, int (H, W).
        exchange: what was exchanged, to ask for further sets.
    """

    target: str
    parts: tuple[PicturePart, ...]
    base: float
    usual_of: int
    checkpoint: str
    coalition_values: dict[Kept, float] = field(repr=False)
    labels: np.ndarray = field(repr=False)
    exchange: PictureExchange = field(repr=False)

    @property
    def map(self) -> ImageMap:
        """What each part brings on the picture's pixels, where it speaks for the class."""
        brought = np.array([max(part.contribution, 0.0) for part in self.parts], np.float32)
        side = max(self.labels.shape)
        return ImageMap(brought[self.labels], METHOD, self.target, self.checkpoint, side / len(self.parts) ** 0.5)


@dataclass(frozen=True)
class PictureExchange:
    """A picture, how it usually looks, and its parts, at the network's input.

    Attributes:
        x: float32 (C, H, W).
        usual: float32 (C, H, W).
        share: of each part in each pixel, float32 (n, H, W), cross-faded; they sum to 1.
    """

    x: Tensor
    usual: Tensor
    share: Tensor

    def made(self, kept: Sequence[Kept]) -> Tensor:
        """The picture with parts its own or as usual, float32 (len(kept), C, H, W)."""
        own = torch.tensordot(torch.tensor(kept, dtype=self.x.dtype), self.share, dims=1)[:, None]
        return self.usual + own * (self.x - self.usual)


def explain_picture_parts(
    pixels: np.ndarray,
    checkpoint: Checkpoint,
    *,
    target: str = "defect",
    normal: Sequence[np.ndarray] = (),
    seed: int = 0,
) -> PictureReasons:
    """What each superpixel of a picture brings to a class.

    Args:
        pixels: stored values (H, W).
        checkpoint: of a task ``image``.
        target: the class; of "defect", where the network knows types of defect, the likeliest one.
        normal: slices nearby that are judged normal; below three of them the blurred picture takes their place.
        seed: of the orders.

    Raises:
        ValueError: an unknown class.
    """
    checkpoint = float_twin(checkpoint)
    target = known_target(pixels, checkpoint, target)
    asked = match_network(checkpoint.network, image_target(pixels, checkpoint, target))
    labels = superpixels(asked.x[0], input_box(checkpoint.task, pixels.shape[:2]))
    normals = [checkpoint.task.prepare(one) for one in normal] if len(normal) >= FEWEST_NORMAL else []
    usual = torch.stack(normals).median(dim=0).values if normals else _blurred(asked.x[0])
    found = PictureExchange(asked.x[0], usual, _shares(labels))
    ask = partial(_log_odds, checkpoint.network, asked, checkpoint.card.temperature)
    coalition_values, orders = shapley_by_orders(found, lambda kept: ask(found.made(kept)), seed)
    brought, error = orders.mean(axis=0), orders.std(axis=0, ddof=1) / len(orders) ** 0.5
    order = np.argsort(-brought, kind="stable")
    fewer = [tuple((~np.isin(np.arange(len(brought)), order[:few])).tolist()) for few in (1, 2)]
    coalition_values |= dict(zip(fewer, ask(found.made(fewer)).tolist(), strict=True))
    base = float(np.median(ask(torch.stack(normals)))) if normals else coalition_values[(False,) * len(brought)]
    on_picture = _on_picture(checkpoint, labels, pixels.shape[:2])
    return PictureReasons(
        target=target,
        parts=_parts(on_picture, brought, error),
        base=base,
        usual_of=len(normals),
        checkpoint=checkpoint.name,
        coalition_values=coalition_values,
        labels=on_picture,
        exchange=found,
    )


def normal_slices(scores: np.ndarray, index: int, threshold: float) -> list[int]:
    """Slices of a stack that are judged normal, the nearest to one first, without it."""
    known = np.flatnonzero(np.nan_to_num(scores, nan=1.0) < threshold)
    known = known[known != index]
    return known[np.argsort(abs(known - index), kind="stable")][:MOST_NORMAL].tolist()


def ask_picture(checkpoint: Checkpoint, reasons: PictureReasons, kept: Sequence[Kept]) -> np.ndarray:
    """Log odds of the class for further sets of parts, float64 (len(kept),)."""
    checkpoint = float_twin(checkpoint)
    column = torch.tensor([checkpoint.task.classes.index(reasons.target)])
    asked = AttributionTarget(x=reasons.exchange.x[None], class_index=column)
    return _log_odds(checkpoint.network, asked, checkpoint.card.temperature, reasons.exchange.made(kept))


def superpixels(x: Tensor, box: tuple[int, int, int, int]) -> np.ndarray:
    """Part of each pixel of a network's input (C, H, W), int (H, W); what surrounds the picture is no part: -1."""
    from skimage.segmentation import slic  # loads for half a second

    top, bottom, left, right = box
    values = x.mean(dim=0).cpu().numpy()[top:bottom, left:right]
    low, high = values.min(), values.max()
    values = (values - low) / max(high - low, 1e-6) * 100
    labels = np.full(x.shape[1:], -1)
    labels[top:bottom, left:right] = slic(
        values, n_segments=PARTS, compactness=_COMPACTNESS, channel_axis=None, start_label=0
    )
    return labels


def shapley_by_orders(
    found: PictureExchange, ask: Callable[[Sequence[Kept]], np.ndarray], seed: int = 0
) -> tuple[dict[Kept, float], np.ndarray]:
    """Answers to all sets that were asked, and what each part brings in each pair of orders, float64 (pairs, n).

    Args:
        found: the picture and its parts.
        ask: log odds of sets of parts.
        seed: of the orders.
    """
    n, rng = len(found.share), np.random.default_rng(seed)
    ends = [(False,) * n, (True,) * n]
    coalition_values = dict(zip(ends, ask(ends).tolist(), strict=True))
    pairs = np.zeros((PAIRS, n))
    for brought in pairs:
        order = rng.permutation(n)
        for one in (order, order[::-1]):
            sets = [tuple(np.isin(np.arange(n), one[:size]).tolist()) for size in range(n + 1)]
            coalition_values |= dict(zip(sets[1:-1], ask(sets[1:-1]).tolist(), strict=True))
            brought[one] += np.diff([coalition_values[kept] for kept in sets]) / 2
    return coalition_values, pairs


@register_method(
    METHOD, title="Reasons by parts", source="Achanta 2012; Castro 2009", detail="parts", pictures_only=True
)
def parts(network: nn.Module, target: AttributionTarget) -> Tensor:
    """What each superpixel brings to the target's log odds, where it speaks for it, (N, H, W)."""
    maps = []
    for index in range(len(target)):
        one = target.only(index)
        height, width = one.x.shape[2:]
        labels = superpixels(one.x[0], (0, height, 0, width))
        found = PictureExchange(one.x[0], _blurred(one.x[0]), _shares(labels))
        ask = partial(_log_odds, network, one, 1.0)
        _, orders = shapley_by_orders(found, lambda kept, found=found, ask=ask: ask(found.made(kept)))
        maps.append(torch.from_numpy(np.maximum(orders.mean(axis=0), 0.0)[labels]))
    return torch.stack(maps).to(target.x.device)


def _log_odds(network: nn.Module, asked: AttributionTarget, temperature: float, pictures: Tensor) -> np.ndarray:
    """Log odds of the class against all others, float64 (n,)."""
    column = int(asked.class_index[0])
    logits = [variant_logits(network, asked.with_inputs(some)) for some in pictures.split(_AT_ONCE)]
    prob = torch.softmax(torch.cat(logits).double() / temperature, dim=1)[:, column].cpu().numpy()
    return logit(np.clip(prob, 1e-12, 1 - 1e-12))


def _blurred(x: Tensor) -> Tensor:
    sigma = _BLUR_SHARE * max(x.shape[1:])
    values = [gaussian_filter(plane, sigma, mode="nearest") for plane in x.cpu().numpy()]
    return torch.from_numpy(np.stack(values)).to(x.device, x.dtype)


def _shares(labels: np.ndarray) -> Tensor:
    """Share of each part in each pixel, float32 (n, H, W): cross-faded, and the picture's own where no part is."""
    hard = [(labels == part).astype(np.float32) for part in range(labels.max() + 1)]
    soft = np.stack([gaussian_filter(one, _FADE_PX) for one in hard])
    return torch.from_numpy(soft / np.maximum(soft.sum(axis=0), 1e-6))


def _on_picture(checkpoint: Checkpoint, labels: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """The parts on the picture's own pixels, int (H, W)."""
    size = labels.shape[0]
    ramp = np.broadcast_to(np.arange(size, dtype=np.float32), (size, size))
    rows, columns = (checkpoint.task.to_picture(one, shape) for one in (ramp.T, ramp))
    near = labels[np.rint(rows).astype(int).clip(0, size - 1), np.rint(columns).astype(int).clip(0, size - 1)]
    return near.clip(0)


def _parts(labels: np.ndarray, brought: np.ndarray, error: np.ndarray) -> tuple[PicturePart, ...]:
    found = []
    for part, (value, spread) in enumerate(zip(brought, error, strict=True)):
        rows, columns = np.nonzero(labels == part)
        if not len(rows):
            rows = columns = np.zeros(1, int)
        box = (int(rows.min()), int(rows.max()) + 1, int(columns.min()), int(columns.max()) + 1)
        place = _place(rows.mean() / labels.shape[0], columns.mean() / labels.shape[1])
        found.append(PicturePart(f"part {part + 1}, {place}", box, float(value), float(spread)))
    return tuple(found)


def _place(down: float, across: float) -> str:
    """Where in the picture, in words."""
    row = "upper" if down < 1 / 3 else "lower" if down > 2 / 3 else ""
    column = "left" if across < 1 / 3 else "right" if across > 2 / 3 else ""
    return " ".join(word for word in (row, column) if word) or "middle"
