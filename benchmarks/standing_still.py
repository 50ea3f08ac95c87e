"""Why the documented ConvNeXt stood still: what its first steps do to it, with its step size and with others.

    python -m benchmarks.standing_still --data FOLDER [--steps N] [--threads N]     # FOLDER holds ptbxl and ptbxl_more

ConvNeXt-Tiny learns the five superclasses from recordings as pictures (``matrix``, shrunk by half so that one core
does it), batches of 32, AdamW, weight decay 0.05, for a few steps with each step size. A network that stands still says
the same of every picture: its loss is that of saying how frequent each label is, and its answers do not differ.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from models import create_model
from models.config import RecordTrainConfig, load_config
from models.data.recordings import load_split, prepare

BATCH, CONFIG = 32, "ecg_convnext_documented"


@dataclass(frozen=True)
class Way:
    """A step size and how it changes with the share of the steps that are done."""

    name: str
    lr: float
    factor: Callable[[float], float] = lambda done: 1.0


def _risen(done: float) -> float:
    """Up for a third of the steps, then down as a cosine."""
    return 3 * done if done < 1 / 3 else 0.5 * (1 + float(np.cos(np.pi * (done - 1 / 3) * 1.5)))


WAYS = (
    Way("0.004, constant (documented)", 0.004),
    Way("0.004, risen for a third of the steps", 0.004, _risen),
    Way("0.0003, constant", 0.0003),
    Way("0.0003, risen (ecg_convnext_tiny)", 0.0003, _risen),
    Way("0.00003, constant (0.004 x 32 / 4,096)", 0.00003),
)


@dataclass(frozen=True)
class Outcome:
    """What the steps left behind.

    Attributes:
        moved: change of the weights in the first ten steps, as a share of their size.
        first, last: mean loss of the first and of the last ten steps.
        spread: SD between pictures of the logits, mean over the labels, at the end.
    """

    moved: float
    first: float
    last: float
    spread: float


def pictures(config: RecordTrainConfig) -> tuple[torch.Tensor, torch.Tensor]:
    """Training pictures (n, 3, H / 2, W / 2) and their labels (n, 5)."""
    data = prepare(load_split(config.data, config.task).sides["train"], config.task)
    shrunk = [
        functional.interpolate(config.task.window(signal, 0)[None], scale_factor=0.5, mode="area")[0]
        for signal in data.signals
    ]
    return torch.stack(shrunk), torch.from_numpy(data.targets)


def taught(config: RecordTrainConfig, way: Way, x: torch.Tensor, target: torch.Tensor, steps: int) -> Outcome:
    """Teach a fresh network for some steps."""
    torch.manual_seed(config.seed)
    network = create_model(config.network.architecture, **config.network_arguments()).train()
    optimiser = torch.optim.AdamW(network.parameters(), lr=way.lr, weight_decay=config.weight_decay)
    generator = torch.Generator().manual_seed(config.seed)
    before, moved, losses = nn.utils.parameters_to_vector(network.parameters()).detach().clone(), 0.0, []
    for step in range(steps):
        for group in optimiser.param_groups:
            group["lr"] = way.lr * way.factor((step + 1) / steps)
        chosen = torch.randint(len(x), (BATCH,), generator=generator)
        with torch.autocast("cpu", torch.bfloat16):
            logits = network(x[chosen])
        loss = functional.binary_cross_entropy_with_logits(logits.float(), target[chosen])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
        if step == 9:
            after = nn.utils.parameters_to_vector(network.parameters()).detach()
            moved = float((after - before).norm() / before.norm())
    network.eval()
    with torch.no_grad():
        spread = float(network(x[:BATCH]).std(dim=0).mean())
    return Outcome(moved, float(np.mean(losses[:10])), float(np.mean(losses[-10:])), spread)


def main(arguments: list[str] | None = None) -> int:
    """Print the table of docs/results.md."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.standing_still", description=__doc__.split("\n")[0])
    parser.add_argument("--data", required=True, type=Path)
    parser.add_argument("--steps", type=int, default=90)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    folders = [f"data.root={options.data / 'ptbxl'}", f"data.more={options.data / 'ptbxl_more'}"]
    config = load_config(CONFIG, folders)
    x, target = pictures(config)
    share = target.mean(dim=0, keepdim=True).clamp(1e-4, 1 - 1e-4)
    known = functional.binary_cross_entropy_with_logits(torch.logit(share).expand_as(target), target)
    print(f"{len(x)} pictures; saying how frequent each label is costs {known:.3f}\n")
    print("| step size | moved by ten steps | loss at first | at last | answers differ by |\n|---|---|---|---|---|")
    for way in WAYS:
        o = taught(config, way, x, target, options.steps)
        print(f"| {way.name} | {o.moved:.0%} | {o.first:.3f} | {o.last:.3f} | {o.spread:.3f} |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
