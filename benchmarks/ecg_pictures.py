"""How fast training pictures are drawn, as a share of the rate at which the picture network consumes them on the CPU.

    python -m benchmarks.ecg_pictures [--config NAME] [--batch N] [--repeats N] [--threads N]

One thread draws changed sheets as training does; the network takes the same pictures through a step of training
(forward, backward, optimiser). Drawing at 0.8 times the network's rate or faster is the limit.
"""

from __future__ import annotations

import argparse
import sys

import numpy as np
import torch
from torch.nn import functional

from benchmarks.timing import Ratio, ratio
from models import create_model
from models.config import load_config

LIMIT = 0.8


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


def main() -> int:
    """Measure and compare with the limit."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--config", default="ecg_paper_lite0", help="a training on recordings as pictures")
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads(), help="of the network")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    found = measure(options.config, options.batch, options.repeats)
    print(f"drawing, as a multiple of the network's rate: {found}  (limit: at least {LIMIT})")
    return int(found.value < LIMIT)


if __name__ == "__main__":
    sys.exit(main())
