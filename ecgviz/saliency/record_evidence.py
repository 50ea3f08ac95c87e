"""Evidence on maps of whole recordings: :mod:`ecgviz.saliency.evidence` over leads x time.

The neighbourhood is the stretch that was explained. A tenth of its cells (samples of a lead; samples of all leads,
where the map is one for all) is bridged by straight lines, against random parts of as many runs of the same lengths,
dealt to the leads at random. (Occlusion bridges parts too, so this test is kind to it.) Half of the map may not cover
more than 40% of the time.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor, nn

from ecgviz.results import Evidence
from ecgviz.saliency.deletion import DRAWS, SMOOTH_MS, marked_part, random_parts, smooth
from ecgviz.saliency.evidence import DELETED_FRACTION, half_mass_width, partner_of, rank_correlation, weak_reasons
from ecgviz.saliency.leads import bridge_leads
from ecgviz.saliency.randomise import fitted_twins
from ecgviz.saliency.records import RecordMaps, Stretch, shown_part, stretch_map
from ecgviz.saliency.target import AttributionTarget, match_network
from models.checkpoints import Checkpoint
from models.compress.twin import float_twin
from models.core.callbacks import Progress
from models.evaluation.records import forward
from models.metrics.records import calibrated
from models.tasks.record import RecordTask

AT_ONCE = 64
"""Windows that a network is asked for at once: 64 pictures are 64 MB."""


def judge_record_map(
    checkpoint: Checkpoint, maps: RecordMaps, label: str, *, seed: int = 0, progress: Progress | None = None
) -> Evidence:
    """Evidence on the map of one label.

    Args:
        checkpoint: the checkpoint that was explained.
        maps: from :func:`ecgviz.saliency.records.explain_record`.
        label: one of ``maps.classes``.
        seed: of the random parts.
        progress: told of each finished test.

    Raises:
        ValueError: the maps are of another checkpoint, or there is no such label.
    """
    checkpoint = float_twin(checkpoint)
    if maps.checkpoint != checkpoint.name or label not in maps.classes:
        raise ValueError(f"the maps explain {', '.join(maps.classes)} of {maps.checkpoint}: make them again")
    tell = progress or (lambda done, total, note: None)
    task, stretch, target = checkpoint.task, maps.stretch, maps.classes.index(label)
    values = maps.values[target]
    tell(0, 3, "comparing with random networks")
    randomised = _randomised(checkpoint.network, task, stretch, target, values, maps.method)
    tell(1, 3, "replacing the marked part")
    whole, marked, random = deletion(checkpoint, stretch, values, target, seed=seed)
    tell(2, 3, "comparing with another method")
    spacing = maps.resolution_ms / 1000 * stretch.fs
    agreed = _agreement(checkpoint.network, task, stretch, target, values, maps.method, spacing)
    tell(3, 3, "")
    along = values.sum(axis=0)
    measured = Evidence(
        resolution_ms=maps.resolution_ms,
        width_ms=half_mass_width(along) / stretch.fs * 1000,
        randomised_correlation=randomised,
        deletion_drop=whole - marked,
        random_drop=whole - float(random.mean()),
        random_drop_95=float(np.quantile(whole - random, 0.95)),
        agreement=agreed,
        agreement_with=partner_of(maps.method),
    )
    length_ms = len(along) / stretch.fs * 1000
    if not np.any(along > 0):
        return replace(measured, reasons=("The map marks nothing.",))
    return replace(measured, reasons=weak_reasons(measured, length_ms, widest_ms=math.inf))


def deletion(
    checkpoint: Checkpoint, stretch: Stretch, values: np.ndarray, target: int, *, seed: int = 0
) -> tuple[float, float, np.ndarray]:
    """Calibrated probability of a label unchanged, with the marked tenth bridged, and with random parts, (DRAWS,).

    Args:
        checkpoint: of task kind record.
        stretch: what was explained.
        values: map of the label, (n_leads or 1, m).
        target: index of the label.
        seed: of the random parts.
    """
    task = checkpoint.task
    width = round(SMOOTH_MS / 1000 * stretch.fs)
    near = np.stack([smooth(row, width) for row in values])
    holes = _holes(near, shown_part(task, stretch), np.random.default_rng(seed))
    holes = np.repeat(holes, len(task.ecg_leads) // holes.shape[1], axis=1)
    cuts = [task.cut(stretch.signal, int(start)) for start in stretch.starts]
    logits = [forward(checkpoint, task.inputs(torch.stack(cuts))).mean(axis=0)[None]]
    by_window = [
        _ask(checkpoint, _bridged(cut, holes[..., start : start + task.length]))
        for cut, start in zip(cuts, stretch.starts, strict=True)
    ]
    logits.append(np.mean(by_window, axis=0))
    prob = calibrated(np.concatenate(logits), checkpoint.card.calibration)[:, target]
    return float(prob[0]), float(prob[1]), prob[2:]


def _holes(near: np.ndarray, there: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The marked part and ``DRAWS`` random ones, bool (1 + DRAWS, n_leads or 1, m).

    Of what a sheet does not show nothing is taken: it would make the random parts harmless.
    """
    if len(near) == 1 or there.all():
        part = marked_part(near.ravel(), DELETED_FRACTION).reshape(near.shape)
        return np.stack([part, *(_elsewhere(part, rng) for _ in range(DRAWS))])
    part = marked_part(near[there], DELETED_FRACTION)
    holes = np.zeros((1 + DRAWS, *near.shape), bool)
    holes[:, there] = np.concatenate([part[None], random_parts(part, DRAWS, rng)])
    return holes


def _ask(checkpoint: Checkpoint, cuts: Tensor) -> np.ndarray:
    """Logits of windows of samples, in batches: pictures of them are much larger."""
    task = checkpoint.task
    return np.concatenate([forward(checkpoint, task.inputs(some)) for some in cuts.split(AT_ONCE)])


def _bridged(window: Tensor, holes: np.ndarray) -> Tensor:
    missing = window.shape[-1] - holes.shape[-1]
    return bridge_leads(window, torch.from_numpy(np.pad(holes, ((0, 0), (0, 0), (0, missing)))))


def _elsewhere(part: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The runs of each lead at random positions of a random other lead, bool (n_leads, m)."""
    return np.stack([random_parts(row, 1, rng)[0] for row in part[rng.permutation(len(part))]])


def _randomised(
    network: nn.Module, task: RecordTask, stretch: Stretch, target: int, values: np.ndarray, method: str
) -> float:
    """Mean rank correlation with the maps of random twins, over all samples that the network sees."""
    x = task.windows(stretch.signal, stretch.starts)
    attribution_target = match_network(network, AttributionTarget(x=x, class_index=torch.full((len(x),), target)))
    there = shown_part(task, stretch) if len(values) > 1 else np.ones(values.shape, bool)
    found = [
        rank_correlation(values[there], stretch_map(twin, task, stretch, [target], method)[0][0][there])
        for twin in fitted_twins(network, attribution_target)
    ]
    return float(np.mean(found))


def _agreement(
    network: nn.Module,
    task: RecordTask,
    stretch: Stretch,
    target: int,
    values: np.ndarray,
    method: str,
    spacing: float,
) -> float:
    """Rank correlation along time with the partner method's map, summed over leads, both smoothed to the coarser
    resolution."""
    other, other_spacing = stretch_map(network, task, stretch, [target], partner_of(method))
    width = round(max(spacing, other_spacing))
    return rank_correlation(smooth(values.sum(axis=0), width), smooth(other[0].sum(axis=0), width))
