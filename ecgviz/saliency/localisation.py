"""Scores maps against masks or boxes of defects, beside baselines that ignore the network.

- Pointing game (Zhang et al., IJCV 2018), without tolerance: is the map's highest pixel inside the truth? Of several
  highest pixels the share that is inside counts.
- Mass inside: the share of the map's sum that lies inside the truth.
- A map without an idea reaches the share of the picture that the truth covers, in both. A Gaussian in the middle of the
  picture and the picture's own brightness (or darkness) reach more where defects are central or bright: a map must beat
  these too. So it must the same method on the same network with random weights ("untrained"): methods that work on the
  input mark contrast whatever the network knows. Intervals come from resampling whole groups.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ecgviz.errors import ConfigError
from ecgviz.saliency.images import explain_image, image_target
from ecgviz.saliency.randomise import fitted_twins
from ecgviz.saliency.target import match_network
from models.checkpoints import Checkpoint
from models.compress.twin import float_twin
from models.core.callbacks import Progress, ShouldStop

BASELINES = ("untrained", "centre", "bright", "dark")
RESAMPLINGS = 1000


@dataclass(frozen=True)
class Case:
    """A picture with its ground truth.

    Attributes:
        name: for people.
        group: cell, board or weld.
        pixels: stored values (H, W).
        truth: pixels of the defect, bool (H, W).
    """

    name: str
    group: str
    pixels: np.ndarray
    truth: np.ndarray


@dataclass(frozen=True)
class Found:
    """Localisation scores of one picture.

    Attributes:
        name, group: of the case.
        cover: share of the picture that the truth covers.
        pointing: by the name of the map (the method's, or one of ``BASELINES``), 0 to 1.
        mass: share of the map inside the truth, by the same names; 0 for an empty map.
    """

    name: str
    group: str
    cover: float
    pointing: dict[str, float]
    mass: dict[str, float]


def score_map(values: np.ndarray, truth: np.ndarray) -> tuple[float, float]:
    """Pointing game and share of the map inside of the truth.

    Args:
        values: map (H, W), >= 0.
        truth: bool (H, W).
    """
    total = float(values.sum(dtype=np.float64))
    if total <= 0:
        return 0.0, 0.0
    highest = values == values.max()
    return float(truth[highest].mean()), float(values[truth].sum(dtype=np.float64) / total)


def baseline_maps(pixels: np.ndarray) -> dict[str, np.ndarray]:
    """Baseline maps: a Gaussian (SD a quarter of each side), brightness, darkness, (H, W)."""
    height, width = pixels.shape
    y, x = (np.linspace(-2, 2, length) for length in (height, width))
    values = np.nan_to_num(pixels.astype(np.float32), nan=float(np.nanmin(pixels)))
    return {
        "centre": np.exp(-(y[:, None] ** 2 + x[None, :] ** 2) / 2).astype(np.float32),
        "bright": values - values.min(),
        "dark": values.max() - values,
    }


def localise(
    cases: Iterable[Case],
    checkpoint: Checkpoint,
    *,
    method: str = "grad_cam",
    target: str = "defect",
    total: int = 0,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> list[Found]:
    """Score the maps of a checkpoint, and the baselines, on pictures with ground truth.

    Args:
        cases: pictures whose truth covers a part of them; those that it covers not at all or wholly are left out.
        checkpoint: of a task ``image``.
        method: of the map.
        target: class to explain.
        total: number of cases, for ``progress``.
        progress: told cases done, cases in all, a name.
        should_stop: asked before each case; True ends early.
    """
    checkpoint = float_twin(checkpoint)
    found = []
    for done, case in enumerate(cases, start=1):
        if should_stop is not None and should_stop():
            break
        if case.truth.any() and not case.truth.all():
            attribution_target = match_network(checkpoint.network, image_target(case.pixels, checkpoint, target))
            untrained = replace(checkpoint, network=fitted_twins(checkpoint.network, attribution_target, 1)[0])
            maps = {
                name: explain_image(case.pixels, one, target=target, method=method).values
                for name, one in ((method, checkpoint), ("untrained", untrained))
            }
            scores = {
                name: score_map(values, case.truth) for name, values in (maps | baseline_maps(case.pixels)).items()
            }
            found.append(
                Found(
                    case.name,
                    case.group,
                    float(case.truth.mean()),
                    {name: score[0] for name, score in scores.items()},
                    {name: score[1] for name, score in scores.items()},
                )
            )
        if progress is not None:
            progress(done, max(total, done), case.name)
    return found


def summarise(found: Sequence[Found], *, seed: int = 0) -> dict[str, Any]:
    """Means over the pictures with 95% intervals from resampling groups, ready for JSON.

    ``ratio`` is pointing game / mean cover. With one group there are no intervals (None).

    Raises:
        ConfigError: nothing was scored.
    """
    if not found:
        raise ConfigError("data", "holds no picture with a mask or boxes that covers a part of it")
    groups = np.unique([one.group for one in found], return_inverse=True)[1]
    rng = np.random.default_rng(seed)
    members = [np.flatnonzero(groups == index) for index in range(groups.max() + 1)]
    drawn = [
        np.concatenate([members[index] for index in rng.integers(0, len(members), len(members))])
        for _ in range(RESAMPLINGS if len(members) > 1 else 0)
    ]
    cover = np.array([one.cover for one in found])
    maps = {}
    for name in found[0].pointing:
        pointing = np.array([one.pointing[name] for one in found])
        mass = np.array([one.mass[name] for one in found])
        maps[name] = {
            "pointing": _figure(lambda rows, values=pointing: values[rows].mean(), len(found), drawn),
            "mass": _figure(lambda rows, values=mass: values[rows].mean(), len(found), drawn),
            "ratio": _figure(lambda rows, values=pointing: values[rows].mean() / cover[rows].mean(), len(found), drawn),
        }
    cover_figure = _figure(lambda rows: cover[rows].mean(), len(found), drawn)
    return {"pictures": len(found), "groups": len(members), "cover": cover_figure, "maps": maps}


def _figure(
    value: Callable[[np.ndarray], np.floating], count: int, drawn: Sequence[np.ndarray]
) -> dict[str, float | list[float] | None]:
    interval = [float(x) for x in np.percentile([value(rows) for rows in drawn], [2.5, 97.5])] if drawn else None
    return {"value": float(value(np.arange(count))), "interval95": interval}
