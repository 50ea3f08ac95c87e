"""How fast training pictures are drawn, as a multiple of the rate at which the picture network takes them on the CPU.

    python -m benchmarks.ecg_pictures [--config NAME] [--batch N] [--repeats N] [--threads N]
    python -m benchmarks.ecg_pictures --data FOLDER      # FOLDER holds ptbxl, ptbxl_more and cinc

One thread draws changed sheets as training does; the network takes the same pictures through a step of training
(forward, backward, optimiser). Drawing at 0.8 times the network's rate or faster is the limit. With ``--data`` it tells
instead how the shipped checkpoint scores on fold 10, what scanning and photographing cost it, and what it says of
records from elsewhere; which pictures it takes for unlike its training is told by :mod:`benchmarks.ecg_sheets`.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from benchmarks.recordings import cinc_table, label_table, referral_table
from benchmarks.timing import Ratio, ratio
from models import Checkpoint, create_model, load_checkpoint
from models.config import RecordDataConfig, load_config
from models.data.whole_recordings import Prepared, load_split, prepare
from models.evaluation.records import evaluate_recordings, forward, score

LIMIT = 0.8
SHIPPED = "ecg-paper-lite0"
STRENGTHS = (0.0, 0.35, 0.7, 1.0)


def measure(config: str, batch: int, repeats: int) -> Ratio:
    """Seconds of a step of the network over seconds of drawing its batch: the drawing's rate to the network's."""
    settings = load_config(config)
    task = settings.task
    generator = np.random.default_rng(0)
    time = np.arange(task.length) / task.fs_out
    beats = np.exp(-0.5 * ((time % 0.8 - 0.4) / 0.02) ** 2)
    leads = len(task.ecg_leads)
    samples = torch.from_numpy((beats * 4 + 0.2 * generator.normal(size=(leads, task.length))).astype(np.float32))
    torch.manual_seed(0)
    network = create_model(settings.network.architecture, **settings.network_arguments()).train()
    optimiser = torch.optim.AdamW(network.parameters(), lr=1e-4)

    def draw() -> torch.Tensor:
        return torch.stack([task.as_input(samples, settings.augment.photograph, generator) for _ in range(batch)])

    x, target = draw(), torch.zeros(batch, len(task.classes))

    def step() -> None:
        with torch.autocast("cpu", torch.bfloat16, enabled=settings.mixed_precision):
            logits = network(x)
        optimiser.zero_grad()
        functional.binary_cross_entropy_with_logits(logits.float(), target).backward()
        optimiser.step()

    return ratio(step, draw, repeats)


def photographed(checkpoint: Checkpoint, data: Prepared, strength: float) -> dict[str, Any]:
    """Figures of fold 10 drawn, and changed with a strength."""
    generator = np.random.default_rng(0)
    logits = []
    for signal in data.signals:
        x = checkpoint.task.as_input(checkpoint.task.cut(signal, 0), strength, generator)
        logits.append(forward(checkpoint, x[None])[0])
    return score(checkpoint, data, np.stack(logits))["pooled"]["scores"]


def tell(folder: Path) -> None:
    """Print the tables of docs/tables.md."""
    checkpoint = load_checkpoint(SHIPPED)
    result = evaluate_recordings(checkpoint, folder / "ptbxl", more=folder / "ptbxl_more")
    print(label_table(result), referral_table(result), cinc_table(checkpoint, folder / "cinc"), sep="\n\n", end="\n\n")
    wanted = checkpoint.card.config["data"] | {"root": str(folder / "ptbxl"), "more": str(folder / "ptbxl_more")}
    found = load_split(RecordDataConfig.model_validate(wanted), checkpoint.task)
    data = prepare(found.sides["test"], checkpoint.task)
    print("| changes | macro AUROC | macro F1 |\n|---|---|---|")
    for strength in STRENGTHS:
        scores = photographed(checkpoint, data, strength)
        cells = (
            "{value:.3f} ({0:.3f}-{1:.3f})".format(*scores[key]["interval95"], value=scores[key]["value"])
            for key in ("macro_auroc", "macro_f1")
        )
        print(f"| {strength:g} | {' | '.join(cells)} |")


def main() -> int:
    """Measure and compare with the limit."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--config", default="ecg_paper_lite0", help="a training on recordings as pictures")
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads(), help="of the network")
    parser.add_argument("--data", type=Path, help="folder that holds ptbxl, ptbxl_more and cinc")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    if options.data is not None:
        tell(options.data)
        return 0
    found = measure(options.config, options.batch, options.repeats)
    print(f"drawing, as a multiple of the network's rate: {found}  (limit: at least {LIMIT})")
    return int(found.value < LIMIT)


if __name__ == "__main__":
    sys.exit(main())
