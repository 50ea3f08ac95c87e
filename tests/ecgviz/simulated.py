"""A simulated 12-lead recording and small checkpoints for whole recordings, for tests that need no download."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from models import create_model
from models.checkpoints import Card, save_checkpoint
from models.data.ecg_paper import Sheet, draw
from models.evaluation.out_of_distribution import OutOfDistributionDetector
from models.tasks.record import RecordTask
from readers.recording import ArraySource, Recording
from tests.models.data.ptbxl_folder import simulate

SMALL = {"patch": 8, "dim": 24, "depth": 2, "heads": 2, "mlp": 32, "dropout": 0.0}
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
    return _saved(folder, network, "se_resnet1d", arguments, task, calibration)


def save_drawn_checkpoint(
    folder: Path, form: str, architecture: str = "ecg_vit", *, seed: int = 0, px_per_mm: float = 0.8, **changes
) -> Path:
    """A checkpoint of a small transformer that reads recordings drawn; one for paper knows its training sheets."""
    torch.manual_seed(seed)
    task = RecordTask(form=form, segment_seconds=10.0, px_per_mm=px_per_mm)
    arguments = SMALL | {"in_channel": 3, "num_classes": 5, "image_size": list(task.picture_size)} | changes
    network = create_model(architecture, **arguments).eval()
    calibration = {"thresholds": dict.fromkeys(task.classes, 0.3)}
    _saved(folder, network, architecture, arguments, task, calibration)
    if form == "paper":
        rng = np.random.default_rng(seed)
        cuts = [
            task.cut(task.condition(simulate((1, 0, 0, 0, 0), one, 10.0, 100.0), 100.0, LEADS), 0) for one in (1, 2)
        ]
        sheets = [task.as_input(cuts[number % 2], 0.3, rng) for number in range(12)]
        scans = [sheet(5.0, seed, names_mm=names) for seed in range(3, 7) for names in (0.0, 3.5, 4.0)]
        turned = [np.rot90(one).copy() for one in scans[:4]]
        sheets += [task.photograph(one) for one in (*scans, *turned)]
        with torch.inference_mode():
            seen = network(torch.stack(sheets), return_features=True)[1]
        OutOfDistributionDetector.fit(seen, seen).save(folder)
    return folder


def sheet(px_per_mm: float = 5.0, seed: int = 3, **look) -> np.ndarray:
    """The simulated recording on paper, as an office scanner gives it, uint8 (H, W, 3)."""
    signal = simulate((0, 1, 0, 0, 0), seed, 10.0, 100.0)
    return (draw(signal.T, 100.0, LEADS, px_per_mm, sheet=Sheet(**look)) * 255).astype(np.uint8)


def _saved(
    folder: Path,
    network: torch.nn.Module,
    architecture: str,
    arguments: dict,
    task: RecordTask,
    calibration: dict | None,
) -> Path:
    card = Card(
        architecture=architecture,
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
