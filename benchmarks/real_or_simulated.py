"""Can a small network tell real CT slices of cells from simulated healthy ones? The closer to 0.5, the better.

    python benchmarks/real_or_simulated.py --data FOLDER [--pictures 68] [--epochs 8] [--seed 1]

FOLDER is battery_ct. Three questions, each answered by logistic regression on 40 features of a patch (grey-value
quantiles, power spectrum, gradients) and by a convolutional network of 24,000 weights on the patch itself:

- drawn: real slices as they are against drawn healthy cells (round ones and lids, which the real ones are too);
- drawn, same scanner: real slices sent through the simulated scanner against drawn ones: is the anatomy right?
- real background: real slices as they are against healthy pictures that the simulator made of them.

Cross-validation by group, with AUROC taken inside each held-out fold (scores of two folds come from two networks) and
averaged by its number of real pictures. Groups are slices: those of the stack in four contiguous blocks, so the cell
itself was seen in training, which makes telling easier and the figure stricter. A column "unseen cells" holds out
whole cells instead (nine, the stack is one). Scores are averaged over a picture's patches; 95% intervals come from
resampling pictures inside the folds. On a busy machine it takes some minutes.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import ndimage

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from models.data.battery_ct_sim.anatomy import draw_cell, harmless
from models.data.battery_ct_sim.backgrounds import RealCell, real_cells
from models.data.battery_ct_sim.cells import Cell
from models.data.battery_ct_sim.deformation import Deformation
from models.data.battery_ct_sim.parameters import PARTS, TRAIN
from models.data.battery_ct_sim.render import View, render, sample
from models.data.battery_ct_sim.scanner import draw_scan

SIZE, PATCH, PATCHES, FOLDS = 256, 64, 8, 4
Method = Callable[[np.ndarray, np.ndarray, np.ndarray, argparse.Namespace], np.ndarray]


@dataclass(frozen=True)
class Picture:
    """A whole cell as patches (PATCHES, PATCH, PATCH), scaled by its own 0.5 and 99.5 percentiles.

    ``block`` holds slices that are alike, ``cell`` all slices of one cell.
    """

    patches: np.ndarray
    block: str
    cell: str
    is_simulated: bool


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder battery_ct")
    parser.add_argument("--pictures", type=int, default=68, help="pictures of each kind")
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    start = time.perf_counter()
    as_they_are, scanned, on_real, drawn = make_pictures(arguments)
    print("| question | logistic regression | small network | regression, unseen cells | network, unseen cells |")
    print("|---|---|---|---|---|")
    for name, real, false in (
        ("drawn", as_they_are, drawn),
        ("drawn, same scanner", scanned, drawn),
        ("real background", as_they_are, on_real),
    ):
        metrics = [
            answer(real + false, method, by, arguments) for by in ("block", "cell") for method in (regression, network)
        ]
        print(f"| {name} | {' | '.join(metrics)} |", flush=True)
    print(f"\nAUROC (95% interval), {arguments.pictures} pictures of each kind, {time.perf_counter() - start:.0f} s")


def make_pictures(arguments: argparse.Namespace) -> tuple[list[Picture], ...]:
    """Real slices as they are and scanned, healthy pictures made of them, and drawn ones of the same kinds."""
    generator = np.random.default_rng(arguments.seed)
    n = arguments.pictures
    cells = [cell for part in PARTS for cell in real_cells(str(arguments.data), part)[0]]
    chosen = [cells[i] for i in generator.permutation(np.arange(n) % len(cells))]

    def picture(pixels: np.ndarray, name: str, *, is_simulated: bool) -> Picture:
        block, cell = name, name
        if name.startswith("stack/"):
            block, cell = f"stack block {int(name[-3:]) // 16}", "stack"
        return Picture(patches_of(scaled(pixels), generator), block, cell, is_simulated)

    as_they_are = [picture(untouched(c, generator), c.name, is_simulated=False) for c in chosen]
    scanned = [picture(simulated(c, generator, bare=True), c.name, is_simulated=False) for c in chosen]
    on_real = [picture(simulated(c, generator), c.name, is_simulated=True) for c in chosen]
    kinds = ["lid" if c.kind == "lid" else "cylindrical" for c in chosen]
    drawn = [
        picture(simulated(draw_cell(TRAIN, generator, kind), generator), f"drawn {i}", is_simulated=True)
        for i, kind in enumerate(kinds)
    ]
    return as_they_are, scanned, on_real, drawn


def whole_view(cell: Cell, generator: np.random.Generator) -> View:
    field = 2 * cell.wall_mm * generator.uniform(1.02, 1.2)
    return View(0.0, 0.0, field, generator.uniform(0, 2 * np.pi), bool(generator.random() < 0.5), SIZE)


def untouched(cell: RealCell, generator: np.random.Generator) -> np.ndarray:
    """The real slice turned and brought to SIZE, nothing else."""
    return sample(cell, Deformation(cell).invert(), (), 0.0, whole_view(cell, generator))[0]


def simulated(cell: Cell, generator: np.random.Generator, *, bare: bool = False) -> np.ndarray:
    """A healthy picture of a cell through the simulated scanner; ``bare`` leaves the anatomy as it is."""
    deformation = Deformation(cell, gap_mu=generator.uniform(0, 0.03))
    if not bare:
        harmless(deformation, TRAIN, generator)
    scan = draw_scan(TRAIN, generator)
    return render(cell, deformation.invert(), None, deformation.gap_mu, whole_view(cell, generator), scan, generator)[0]


def scaled(pixels: np.ndarray) -> np.ndarray:
    low, high = np.percentile(pixels, (0.5, 99.5))
    return np.clip((pixels - low) / max(high - low, 1e-9), 0, 1).astype(np.float32)


def patches_of(pixels: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """(PATCHES, PATCH, PATCH) out of the cell, not out of the air around it."""
    angle, radius = generator.uniform(0, 2 * np.pi, PATCHES), 0.38 * SIZE * np.sqrt(generator.random(PATCHES))
    rows = (SIZE / 2 + radius * np.sin(angle) - PATCH / 2).clip(0, SIZE - PATCH).astype(int)
    columns = (SIZE / 2 + radius * np.cos(angle) - PATCH / 2).clip(0, SIZE - PATCH).astype(int)
    return np.stack([pixels[r : r + PATCH, c : c + PATCH] for r, c in zip(rows, columns, strict=True)])


def folds_of(groups: np.ndarray, truth: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """A fold for each picture; groups that hold real pictures and groups of drawn ones are dealt out apart."""
    real = np.unique(groups[~truth])
    only_false = np.setdiff1d(np.unique(groups), real)
    dealt = {name: i % FOLDS for names in (real, only_false) for i, name in enumerate(generator.permutation(names))}
    return np.array([dealt[group] for group in groups])


def answer(pictures: list[Picture], method: Method, by: str, arguments: argparse.Namespace) -> str:
    """Mean AUROC of the held-out folds, with its interval."""
    generator = np.random.default_rng(arguments.seed)
    truth = np.array([p.is_simulated for p in pictures])
    patches = np.stack([p.patches for p in pictures])
    folds = folds_of(np.array([getattr(p, by) for p in pictures]), truth, generator)
    score = np.zeros(len(pictures))
    for fold in range(FOLDS):
        held = folds == fold
        score[held] = method(patches[~held], truth[~held], patches[held], arguments)

    def mean_auroc(at: np.ndarray) -> float:
        per_fold, weight = [], []
        for fold in range(FOLDS):
            here = at[folds[at] == fold]
            if len(set(truth[here])) == 2:
                per_fold.append(auroc(score[here], truth[here]))
                weight.append((~truth[here]).sum())
        return float(np.average(per_fold, weights=weight))

    resampled = [mean_auroc(generator.integers(0, len(pictures), len(pictures))) for _ in range(500)]
    low, high = np.percentile(resampled, (2.5, 97.5))
    return f"{mean_auroc(np.arange(len(pictures))):.2f} ({low:.2f}-{high:.2f})"


def auroc(score: np.ndarray, truth: np.ndarray) -> float:
    """Share of pairs in the right order, ties half."""
    difference = score[truth][:, None] - score[~truth][None]
    return float((difference > 0).mean() + 0.5 * (difference == 0).mean())


def features_of(patch: np.ndarray) -> np.ndarray:
    """Forty features of a patch: quantiles, power in rings of frequency, gradients, and noise finer than a pixel."""
    spectrum = np.abs(np.fft.fftshift(np.fft.fft2(patch - patch.mean()))) ** 2
    radius = np.hypot(*(np.mgrid[:PATCH, :PATCH] - PATCH // 2)).astype(int)
    rings = ndimage.mean(spectrum, radius, range(1, 25))
    fine = patch - ndimage.median_filter(patch, 3)
    slope = np.hypot(ndimage.sobel(patch, 0), ndimage.sobel(patch, 1))
    return np.concatenate(
        [
            np.quantile(patch, np.linspace(0, 1, 9)),
            np.log(rings + 1e-6),
            [fine.std(), np.abs(fine).mean(), (patch <= 0).mean(), (patch >= 1).mean()],
            np.quantile(slope, (0.25, 0.5, 0.9)),
        ]
    )


def regression(train: np.ndarray, truth: np.ndarray, test: np.ndarray, _: argparse.Namespace) -> np.ndarray:
    """Logistic regression with a ridge; the mean logit of each test picture."""
    import torch

    x, z = (np.stack([features_of(p) for p in v.reshape(-1, PATCH, PATCH)]) for v in (train, test))
    mean, sd = x.mean(0), x.std(0) + 1e-6
    x, z = (torch.tensor(np.clip((v - mean) / sd, -5, 5), dtype=torch.float32) for v in (x, z))
    y = torch.tensor(np.repeat(truth, PATCHES), dtype=torch.float32)
    weight, bias = torch.zeros(x.shape[1], requires_grad=True), torch.zeros(1, requires_grad=True)
    optimizer = torch.optim.LBFGS([weight, bias], max_iter=200)
    balance = torch.tensor(float((~truth).sum() / max(truth.sum(), 1)))

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = torch.nn.functional.binary_cross_entropy_with_logits(x @ weight + bias, y, pos_weight=balance)
        loss = loss + 1e-2 * (weight**2).sum()
        loss.backward()
        return loss

    optimizer.step(closure)
    return (z @ weight).detach().numpy().reshape(len(test), PATCHES).mean(1)


def network(train: np.ndarray, truth: np.ndarray, test: np.ndarray, arguments: argparse.Namespace) -> np.ndarray:
    """A small convolutional network on the patches; the mean logit of each test picture."""
    import torch
    from torch import nn

    torch.manual_seed(arguments.seed)
    layers, channels = [], 1
    for width in (16, 32, 64):
        layers += [nn.Conv2d(channels, width, 3, stride=2, padding=1), nn.BatchNorm2d(width), nn.ReLU()]
        channels = width
    net = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.2), nn.Linear(64, 1))
    x = torch.tensor(train.reshape(-1, 1, PATCH, PATCH))
    y = torch.tensor(np.repeat(truth, PATCHES), dtype=torch.float32)
    optimizer = torch.optim.Adam(net.parameters(), lr=2e-3, weight_decay=1e-4)
    loss = nn.BCEWithLogitsLoss(pos_weight=torch.tensor(float((~truth).sum() / max(truth.sum(), 1))))
    for _ in range(arguments.epochs):
        for at in torch.randperm(len(x)).split(64):
            batch = torch.rot90(x[at], int(torch.randint(4, ())), (2, 3))
            optimizer.zero_grad()
            loss(net(batch)[:, 0], y[at]).backward()
            optimizer.step()
    net.eval()
    with torch.inference_mode():
        logits = net(torch.tensor(test.reshape(-1, 1, PATCH, PATCH)))[:, 0]
    return logits.numpy().reshape(len(test), PATCHES).mean(1)


if __name__ == "__main__":
    main()
