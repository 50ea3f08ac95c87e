"""Why the documented ConvNeXt stood still: the same short training with its step size and loss, and with others.

    python -m benchmarks.standing_still --data FOLDER [--steps N] [--threads N]     # FOLDER holds ptbxl and ptbxl_more

The document gives 42.8% right and F1 0.25: what a network gets that calls every picture NORM, the most frequent class
(its F1 weighted by class is then 0.428 * 2 * 0.428 / 1.428 = 0.26). Here ConvNeXt-Tiny learns recordings with one
superclass as pictures (``matrix`` of 182 x 256, shrunk by half so that one core does it) in batches of 32 with AdamW,
weight decay 0.05, and is asked about the validation recordings. A network that stands still calls all of them the same.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from sklearn.metrics import f1_score
from torch import nn
from torch.nn import functional

from models import create_model
from models.config import RecordTrainConfig, load_config
from models.data.whole_recordings import load_split, prepare
from models.tasks.record import MATRIX_SIZE

BATCH, CONFIG = 32, "ecg_convnext_documented"


@dataclass(frozen=True)
class Way:
    """A step size, how it changes with the share of the steps that are done, and what the cross-entropy is given."""

    name: str
    lr: float
    factor: Callable[[float], float] = lambda done: 1.0
    softmax_before: bool = False


def _risen(done: float) -> float:
    """Up for a third of the steps, then down as a cosine."""
    return 3 * done if done < 1 / 3 else 0.5 * (1 + float(np.cos(np.pi * (done - 1 / 3) * 1.5)))


WAYS = (
    Way("0.004 from the first step (documented)", 0.004),
    Way("0.004 from the first step, a softmax before the loss", 0.004, softmax_before=True),
    Way("0.0003, risen, a softmax before the loss", 0.0003, _risen, softmax_before=True),
    Way("0.004, risen for a third of the steps", 0.004, _risen),
    Way("0.0003, risen for a third of the steps", 0.0003, _risen),
)


@dataclass(frozen=True)
class Outcome:
    """What the steps left behind.

    Attributes:
        moved: change of the weights in the first ten steps, as a share of their size.
        last: mean cross-entropy of the last ten steps.
        right: share of the validation pictures whose class is told.
        weighted_f1: F1 of the classes, weighted by how frequent they are there.
        same: share of the validation pictures that get the most frequent answer.
    """

    moved: float
    last: float
    right: float
    weighted_f1: float
    same: float


def pictures(config: RecordTrainConfig) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Pictures (n, 3, H / 2, W / 2) and classes (n,) of the recordings with one label, for training and validation."""
    split, found = load_split(config.data, config.task), []
    for side in ("train", "validation"):
        data = prepare(split.sides[side], config.task)
        one = np.flatnonzero(data.targets.sum(axis=1) == 1)
        windows = torch.stack([config.task.window(data.signals[number], 0) for number in one])
        shrunk = functional.interpolate(windows, scale_factor=0.5, mode="area")
        found.append((shrunk, torch.from_numpy(data.targets[one]).argmax(dim=1)))
    return found


def taught(config: RecordTrainConfig, way: Way, sides: list[tuple[torch.Tensor, torch.Tensor]], steps: int) -> Outcome:
    """Teach a fresh network for some steps, then ask it."""
    (x, target), (asked, truth) = sides
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
            logits = network(x[chosen]).float()
        loss = functional.cross_entropy(logits.softmax(dim=1) if way.softmax_before else logits, target[chosen])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(float(functional.cross_entropy(logits.detach(), target[chosen])))
        if step == 9:
            after = nn.utils.parameters_to_vector(network.parameters()).detach()
            moved = float((after - before).norm() / before.norm())
    network.eval()
    with torch.inference_mode():
        predicted = torch.cat([network(part).argmax(dim=1) for part in asked.split(BATCH)])
    same = float(torch.bincount(predicted).max() / len(predicted))
    right = float((predicted == truth).float().mean())
    return Outcome(moved, float(np.mean(losses[-10:])), right, f1_score(truth, predicted, average="weighted"), same)


def main(arguments: list[str] | None = None) -> int:
    """Print the table of docs/tables.md."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.standing_still", description=__doc__.split("\n")[0])
    parser.add_argument("--data", required=True, type=Path)
    parser.add_argument("--steps", type=int, default=150)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    folders = [f"data.root={options.data / 'ptbxl'}", f"data.more={options.data / 'ptbxl_more'}"]
    config = load_config(CONFIG, [*folders, f"task.matrix_size={list(MATRIX_SIZE)}"])
    sides = pictures(config)
    share = torch.bincount(sides[0][1]).double() / len(sides[0][1])
    likeliest = float((sides[1][1] == share.argmax()).float().mean())
    print(f"{len(sides[0][1])} pictures to learn, {len(sides[1][1])} to validate, {likeliest:.1%} of them of the most")
    print(f"frequent class; saying how frequent each class is costs {-float((share * share.log()).sum()):.3f}\n")
    print("| step size | moved by ten steps | loss at last | right | weighted F1 | the same answer |")
    print("|---|---|---|---|---|---|")
    for way in WAYS:
        o = taught(config, way, sides, options.steps)
        metrics = f"{o.moved:.0%} | {o.last:.3f} | {o.right:.1%} | {o.weighted_f1:.2f} | {o.same:.0%}"
        print(f"| {way.name} | {metrics} |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
