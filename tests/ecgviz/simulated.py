"""A simulated 12-lead recording and small checkpoints for whole recordings, for tests that need no download."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from ecgviz.recording import ArraySource, Recording
from models import create_model
from models.checkpoints import Card, save_checkpoint
from models.tasks.record import RecordTask
from tests.models.ptbxl_folder import simulate

LEADS = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")
EIGHT = ("I", "II", "V1", "V2", "V3", "V4", "V5", "V6")


def twelve_leads(seconds: float = 10.0, fs: float = 100.0, seed: int = 3, **fields) -> Recording:
    """Twelve leads in mV with an old infarction."""
    samples = simulate((0, 1, 0, 0, 0), seed, seconds, fs).astype(np.float32)
    return Recording("simulated", fs, len(samples), LEADS, ("mV",) * 12, ArraySource(samples), "array", **fields)


def only(recording: Recording, leads: tuple[str, ...]) -> Recording:
    """The recording with some of its leads."""
    samples = recording.signal_mV(leads=leads)
    return Recording(
        recording.name, recording.fs, len(samples), leads, ("mV",) * len(leads), ArraySource(samples), "array"
    )


def save_record_checkpoint(
    folder: Path, task: RecordTask, *, seed: int = 0, lead: int | None = None, calibration: dict | None = None
) -> Path:
    """A checkpoint with random weights; with ``lead`` its first convolution reads that lead alone."""
    torch.manual_seed(seed)
    arguments = {"in_channel": task.in_channel, "num_classes": len(task.classes), "layers": [1, 1], "widths": [8, 16]}
    network = create_model("se_resnet1d", **arguments).eval()
    with torch.no_grad():
        network.classifier.weight.mul_(4)
        if lead is not None:
            first = network.stem[0].weight
            kept = first[:, lead].clone()
            first.zero_()
            first[:, lead] = kept
    card = Card(
        architecture="se_resnet1d",
        arguments=arguments,
        task=task.model_dump(mode="json"),
        classes=task.classes,
        parameters=sum(one.numel() for one in network.parameters()),
        date="2026-01-01",
        limits=("For tests only.",),
        calibration=calibration or {},
    )
    save_checkpoint(folder, network, card)
    return folder
