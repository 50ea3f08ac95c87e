"""Saliency maps of whole recordings over leads and time, and lead weights.

A recording is answered by the mean of its windows, and so is it explained: a sample's importance is the mean over the
windows that hold it. All labels are explained at once and share one scale of colours, so that a label that nothing
speaks for stays pale. Maps of networks that read a picture of the recording come back from it to lead and time
(:mod:`ecgviz.saliency.drawn`).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import torch
from scipy.ndimage import uniform_filter1d
from torch import nn

from ecgviz.results import SaliencyMap
from ecgviz.saliency.drawn import METHODS, drawn_map, occlusion_px, shown
from ecgviz.saliency.leads import lead_map, tells_leads_apart
from ecgviz.saliency.registry import get_method, list_methods
from ecgviz.saliency.target import AttributionTarget, match_network
from models.checkpoints import Checkpoint
from models.compress.twin import float_twin
from models.data.ecg_picture import as_seen
from models.evaluation.records import forward, require_record
from models.metrics.records import calibrated
from models.tasks.record import RecordTask
from readers.recording import Recording

OCCLUSION_MS = 200.0
MOST_WINDOWS = 2
MARGIN_S = 2.0
"""Read on both sides of a stretch of a long recording, so that the band-pass has settled in it."""
SCALE_QUANTILE = 0.995
SMOOTH_MS = 80.0
"""Maps as fine as the input are averaged over this, two mm of paper: single samples are noise."""


@dataclass(frozen=True)
class Stretch:
    """The explained part of a recording, as the network reads it.

    Attributes:
        signal: conditioned, not yet scaled, float32 (in_channel, m) at the task's frequency.
        starts: first sample of each window in it, int64 (n_windows,).
        first_s: seconds from the start of the recording of its first sample.
        fs: Hz.
    """

    signal: np.ndarray = field(repr=False)
    starts: np.ndarray
    first_s: float
    fs: float

    @property
    def time_s(self) -> np.ndarray:
        """Time of each sample in the recording, s, float64 (m,)."""
        return self.first_s + np.arange(self.signal.shape[1]) / self.fs


@dataclass(frozen=True)
class RecordMaps:
    """Saliency maps of all labels for a stretch of a recording.

    Attributes:
        values: float32 (n_classes, n_leads, m), >= 0; (n_classes, 1, m) where one map holds for all leads.
        stretch: what was explained.
        leads: names of the leads that the network read.
        classes: names of the labels.
        method: registered name, such as "grad_cam".
        checkpoint: name of the checkpoint.
        resolution_ms: finest detail that the maps can have.
        vmax: value of the full colour, one for all labels.
    """

    values: np.ndarray = field(repr=False)
    stretch: Stretch
    leads: tuple[str, ...]
    classes: tuple[str, ...]
    method: str
    checkpoint: str
    resolution_ms: float
    vmax: float

    def of(self, label: str) -> SaliencyMap:
        """The map of one label.

        Raises:
            ValueError: there is no such label.
        """
        if label not in self.classes:
            raise ValueError(f"there is no label {label!r}; the network knows {', '.join(self.classes)}")
        rows = self.values[self.classes.index(label)]
        shared = rows[0] if len(rows) == 1 else None
        by_lead = {lead.lower(): rows[i] if shared is None else shared for i, lead in enumerate(self.leads)}
        return SaliencyMap(
            values=rows.max(axis=0),
            time_s=self.stretch.time_s,
            method=self.method,
            target=label,
            checkpoint=self.checkpoint,
            resolution_ms=self.resolution_ms,
            beat=-1,
            by_lead=by_lead,
        )


@dataclass(frozen=True)
class LeadWeights:
    """Decrease of each label's probability when one lead is set to zero.

    Attributes:
        leads: names of the leads.
        classes: names of the labels.
        drop: fall of the calibrated probability, float64 (n_classes, n_leads); negative where it rises.
        logit_drop: fall of the logit, float64 (n_classes, n_leads).
        probability: with all leads, float64 (n_classes,).
    """

    leads: tuple[str, ...]
    classes: tuple[str, ...]
    drop: np.ndarray
    logit_drop: np.ndarray
    probability: np.ndarray


def read_stretch(recording: Recording, task: RecordTask, start_s: float = 0.0, seconds: float = 10.0) -> Stretch:
    """The part of a recording around ``start_s`` to ``start_s + seconds``, at least one window long.

    Raises:
        ConfigError: leads are missing, or the recording is shorter than a window.
    """
    duration = recording.duration_s
    length = min(max(seconds, task.segment_seconds), duration)
    begin = float(np.clip(start_s, 0.0, max(duration - length, 0.0)))
    first = max(0, int((begin - MARGIN_S) * recording.fs))
    stop = min(recording.n_samples, round((begin + length + MARGIN_S) * recording.fs))
    signal = task.condition(recording.signal_mV(first, stop), recording.fs, recording.leads)
    skip = round((begin - first / recording.fs) * task.fs_out)
    signal = signal[:, skip : skip + max(round(length * task.fs_out), task.shortest)]
    room_s = max(signal.shape[1] - task.length, 0) / task.fs_out
    starts = task.starts(signal.shape[1], max(task.hop_seconds, room_s / (MOST_WINDOWS - 1)))
    return Stretch(signal, starts, first / recording.fs + skip / task.fs_out, task.fs_out)


def explain_record(
    recording: Recording,
    checkpoint: Checkpoint,
    *,
    start_s: float = 0.0,
    seconds: float = 10.0,
    method: str = "grad_cam",
) -> RecordMaps:
    """Saliency maps of all labels for a stretch of a recording.

    Args:
        recording: an open recording.
        checkpoint: of task kind record; its network is used where it lies.
        start_s, seconds: the stretch; see :func:`read_stretch`.
        method: one of ``list_methods(checkpoint.network)``.

    Raises:
        CheckpointError: a checkpoint for something else.
        ConfigError: leads are missing, or the recording is shorter than a window.
        ValueError: a method that is unknown or does not suit the network.
    """
    require_record(checkpoint)
    checkpoint = float_twin(checkpoint)
    network, task = checkpoint.network, checkpoint.task
    if not get_method(method).fits(network):
        raise ValueError(f"{method} does not suit the network of {checkpoint.name}")
    stretch = read_stretch(recording, task, start_s, seconds)
    classes = checkpoint.card.classes
    values, spacing = stretch_map(network, task, stretch, range(len(classes)), method)
    return RecordMaps(
        values=values,
        stretch=stretch,
        leads=task.ecg_leads,
        classes=classes,
        method=method,
        checkpoint=checkpoint.name,
        resolution_ms=spacing / task.fs_out * 1000,
        vmax=_scale(values),
    )


def stretch_map(
    network: nn.Module, task: RecordTask, stretch: Stretch, targets: range | list[int], method: str
) -> tuple[np.ndarray, float]:
    """Maps of some labels of a stretch, float32 (len(targets), n_leads or 1, m), and their resolution in samples."""
    x = task.windows(stretch.signal, stretch.starts)
    windows, labels = len(x), len(targets)
    attribution_target = AttributionTarget(
        x=x,
        class_index=torch.tensor(list(targets)).repeat(windows),
        row=torch.arange(windows).repeat_interleave(labels),
        occlusion=occlusion_px(task.picture_size) if task.reads_pictures else round(OCCLUSION_MS / 1000 * task.fs_out),
    )
    attribution_target = match_network(network, attribution_target)
    values, spacing = (
        drawn_map(network, attribution_target, method, task)
        if task.reads_pictures
        else lead_map(network, attribution_target, method)
    )
    by_window = values.cpu().numpy().reshape(windows, labels, values.shape[1], -1)
    together = _together(by_window, stretch)
    if get_method(method).detail == "samples":
        spacing = max(1, round(SMOOTH_MS / 1000 * stretch.fs))
        together = uniform_filter1d(together, spacing, axis=-1)
    return together, float(spacing)


def weigh_leads(checkpoint: Checkpoint, stretch: Stretch) -> LeadWeights:
    """Weight of each lead: it is set to zero in every window (its mean, where the task scales to mean 0), and drawn so
    where the network reads pictures.

    Leads repeat each other (III, aVR, aVL and aVF follow from I and II), so a lead without weight may still be the one
    that shows a finding.
    """
    task, card = checkpoint.task, checkpoint.card
    cuts = torch.stack([task.cut(stretch.signal, int(start)) for start in stretch.starts])
    variants = [cuts]
    for lead in range(cuts.shape[1]):
        silent = cuts.clone()
        silent[:, lead] = 0.0
        variants.append(silent)
    logits = np.stack([forward(checkpoint, task.inputs(one)).mean(axis=0) for one in variants])
    prob = calibrated(logits, card.calibration)
    return LeadWeights(
        leads=task.ecg_leads,
        classes=card.classes,
        drop=(prob[0] - prob[1:]).T,
        logit_drop=(logits[0] - logits[1:]).T.astype(np.float64),
        probability=prob[0],
    )


def record_methods(checkpoint: Checkpoint) -> list[str]:
    """Methods for a record checkpoint; of those for samples, methods per lead first."""
    known = list_methods(float_twin(checkpoint).network)
    if checkpoint.task.reads_pictures:
        return [name for name in METHODS if name in known]
    return sorted(known, key=lambda name: not tells_leads_apart(name))


def window_picture(task: RecordTask, stretch: Stretch) -> np.ndarray | None:
    """First window of a stretch as a picture network sees it, uint8 (H, W, 3); None for other networks."""
    return as_seen(task.window(stretch.signal, int(stretch.starts[0]))) if task.reads_pictures else None


def shown_part(task: RecordTask, stretch: Stretch) -> np.ndarray:
    """Samples of a stretch that a test may count, bool (n_leads, m): on a sheet, those drawn."""
    if not task.reads_paper:
        return np.ones((len(task.ecg_leads), stretch.signal.shape[1]), bool)
    there = np.broadcast_to(shown(task), (len(stretch.starts), 1, len(task.ecg_leads), task.length))
    return _together(there, stretch)[0] > 0


def _together(by_window: np.ndarray, stretch: Stretch) -> np.ndarray:
    """Mean over the windows that contain a sample: (windows, labels, leads, L) to float32 (labels, leads, m)."""
    length = stretch.signal.shape[1]
    total = np.zeros((*by_window.shape[1:3], length))
    count = np.zeros(length)
    for values, start in zip(by_window, stretch.starts, strict=True):
        stop = min(start + values.shape[-1], length)
        total[..., start:stop] += values[..., : stop - start]
        count[start:stop] += 1
    return (total / np.maximum(count, 1)).astype(np.float32)


def _scale(values: np.ndarray) -> float:
    """Full colour: the 99.5th percentile of the label with the largest one."""
    top = float(np.quantile(values.reshape(len(values), -1), SCALE_QUANTILE, axis=1).max())
    return top if top > 0 else 1.0
