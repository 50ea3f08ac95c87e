"""How small defects are found: on drawn castings whose parts were not learned from, and in a very large radiograph.

python -m benchmarks.small_defects castings [--sets 3] [--parts 14] [--pictures 160] [--set KEY=VALUE ...]
python -m benchmarks.small_defects folder FOLDER [--folds 3] [--set KEY=VALUE ...]
python -m benchmarks.small_defects radiograph [--side 10000] [--checkpoint RUN/checkpoint]
python -m benchmarks.small_defects contrast [--parts 14] [--pictures 160]

``castings`` draws sets (benchmarks/drawn_castings.py), trains on some parts and scores the others. ``folder`` does so
with the parts of a set, a fold of them left out at a time. ``radiograph`` judges one picture in a fresh process and
prints its peak memory beside that of a small one. ``contrast`` tells how far pores stand out from what lies around
them, in each channel of the input.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch.nn import functional

from benchmarks.drawn_castings import write_castings
from models.checkpoints import load_checkpoint
from models.config import load_config
from models.data.image_folder import read_rows
from models.evaluation.images import evaluate_images, render_images
from models.metrics.images import summarise_images
from models.metrics.resampling import metric_text, metrics_with_intervals
from models.networks.image.contrast import LocalContrast
from models.training import RunContext, run

_SMALL = 512
_AROUND_PX = 77
_JUDGE = "import sys; from benchmarks.small_defects import judge; judge(sys.argv[1], sys.argv[2])"


def main() -> None:
    """Print what was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("castings", "folder", "radiograph", "contrast"))
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--sets", type=int, default=3)
    parser.add_argument("--parts", type=int, default=14)
    parser.add_argument("--pictures", type=int, default=160)
    parser.add_argument("--folds", type=int, default=3)
    parser.add_argument("--side", type=int, default=10_000)
    parser.add_argument("--checkpoint", default="")
    parser.add_argument("--set", nargs="+", default=[], metavar="KEY=VALUE")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if options.what == "castings":
            castings(Path(folder), options.sets, (options.parts, options.pictures), options.set)
        elif options.what == "contrast":
            contrast(Path(folder), (options.parts, options.pictures))
        elif options.what == "folder":
            leave_parts_out(Path(folder), options.folder, options.folds, options.set)
        else:
            radiograph(Path(folder), options.side, options.checkpoint)


def castings(folder: Path, sets: int, size: tuple[int, int], changes: Sequence[str]) -> None:
    """Train on some parts of each drawn set, and score the others."""
    for number in range(sets):
        root = write_castings(folder / f"set{number}", *size, seed=100 + number)
        since = time.monotonic()
        trained = run(
            load_config("small_defects", [f"data.root={root}", *changes]), RunContext(folder / f"run{number}")
        )
        result = evaluate_images(load_checkpoint(trained), root, "test")
        print(f"set {number}, {time.monotonic() - since:.0f} s\n{render_images(result)}", flush=True)


def leave_parts_out(folder: Path, root: Path, folds: int, changes: Sequence[str]) -> None:
    """Score each part of a set by a training that has not seen it."""
    scores, labels, groups = [], [], []
    for fold in range(folds):
        sets = [f"data.root={root}", "data.split=dealt", f"data.split_seed={fold}", *changes]
        trained = run(load_config("small_defects", sets), RunContext(folder / f"fold{fold}"))
        files = evaluate_images(load_checkpoint(trained), root, "test")["files"]
        scores += [one["probability"] for one in files]
        labels += [one["label"] for one in files]
        groups += [one["group"] for one in files]
    print(json.dumps(summarise_images(np.array(scores), np.array(labels), groups, 0.5), indent=1))


def radiograph(folder: Path, side: int, checkpoint: str) -> None:
    """Peak memory and time of one large picture, and of a small one, each in a process of its own."""
    checkpoint = checkpoint or str(_fresh(folder))
    peaks = []
    for length in (_SMALL, side):
        path = folder / f"{length}.png"
        noise = np.random.default_rng(0).integers(90, 160, (1000, 1000), dtype=np.uint8)
        Image.fromarray(np.tile(noise, (-(-length // 1000),) * 2)[:length, :length]).save(path)
        told = subprocess.run(
            [sys.executable, "-c", _JUDGE, checkpoint, str(path)], capture_output=True, text=True, check=True
        )
        seconds, peak = map(float, told.stdout.split()[-2:])
        peaks.append(peak)
        print(f"{length} x {length} pixels: {seconds:.1f} s, peak {peak:.0f} MB", flush=True)
    print(f"{(peaks[1] - peaks[0]) * 2**20 / side**2:.1f} bytes of memory a pixel")


def contrast(folder: Path, size: tuple[int, int]) -> None:
    """Distance of a pore's mean from that of its surroundings, in SDs of these, in each channel of the input."""
    root = write_castings(folder / "set", *size, seed=100)
    channels, found, groups = LocalContrast(), [], []
    for row in (row for row in read_rows(root) if row.boxes):
        grey = torch.from_numpy(row.pixels().astype(np.float32) / 127.5 - 1)[None, None]
        smooth = functional.avg_pool2d(channels(grey), 5, 1, 2)[0].numpy()
        y, x = np.ogrid[: grey.shape[2], : grey.shape[3]]
        for box in row.boxes:
            middle = (box.top + box.bottom) / 2, (box.left + box.right) / 2
            down, across = (box.bottom - box.top) / 2, (box.right - box.left) / 2
            away = ((y - middle[0]) / down) ** 2 + ((x - middle[1]) / across) ** 2
            near = (np.abs(y - middle[0]) < _AROUND_PX) & (np.abs(x - middle[1]) < _AROUND_PX) & (away > 2.5)
            core = away < 0.4
            found.append([abs(one[core].mean() - one[near].mean()) / one[near].std() for one in smooth])
            groups.append(row.group)
    values = np.array(found)
    names = ("grey", *(f"within {side} pixels" for side in channels.windows))
    for place, name in enumerate(names):
        _, scores = metrics_with_intervals(
            lambda chosen, place=place: {"median": float(np.median(values[chosen, place]))}, groups
        )
        print(f"{name:<18} {metric_text(scores['median'])} SD, {len(values)} pores of {len(set(groups))} parts")


def judge(checkpoint: str, path: str) -> None:
    """Judge a picture; print seconds and the peak memory of this process, MB."""
    from ecgviz.analysis.inspect import inspect_files

    since = time.monotonic()
    verdict = next(inspect_files([path], load_checkpoint(checkpoint), remember=False))
    if verdict.error:
        raise SystemExit(verdict.error)
    print(time.monotonic() - since, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def _fresh(folder: Path) -> Path:
    """A checkpoint with fresh weights: memory does not depend on them."""
    from models.checkpoints import save_checkpoint
    from models.networks.registry import create_model
    from models.training.trainer import new_card

    config = load_config("small_defects", ["task.magnification=1"])
    network = create_model(config.network.architecture, **config.network_arguments())
    save_checkpoint(folder / "fresh", network, new_card(config, network))
    return folder / "fresh"


if __name__ == "__main__":
    main()
