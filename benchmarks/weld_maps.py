"""Do the maps point at the defects of welds once a network has seen welds, other ones?

    python -m benchmarks.weld_maps --data FOLDER --runs FOLDER [--sets xray_welds battery_weld] [--part held-out|chosen]
                                   [--set key=value ...] [--json FILE]

Every film has defects and so has every weld with a mask, so a network is trained on tiles of a quarter of the height:
those without a mask pixel are normal, those that a mask covers by half a per cent are defects, the rest and what is
one grey all over (the empty margins of a height picture, alike in all series) are left out.
It then sees whole pictures at the scale of its tiles. Each film (series of battery welds) is scored by a network that
was trained on others only. Part "chosen" is what the settings were chosen by: four films and three series, scored by a
network of the rest. Part "held-out", the default, scores the rest, a fold at a time. Nothing trained here is shipped:
the pictures may be used to measure, not more.
"""

from __future__ import annotations

import argparse
import csv
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.localisation import film_cases, render, weld_cases
from ecgviz.saliency.localisation import Case, Found, localise, summarise
from models import load_checkpoint
from models.config import load_config
from models.tasks.image import ImageTask
from models.training import RunContext, run
from models.training.context import CHECKPOINT

CONFIG = "weld_tiles"
CASES = {"xray_welds": film_cases, "battery_weld": weld_cases}
CHOSEN = {
    "xray_welds": ("W0001_0001", "W0001_0003", "W0001_0005", "W0001_0008"),
    "battery_weld": ("2", "3", "6"),
}
HELD_OUT = {
    "xray_welds": (("W0001_0002", "W0001_0004"), ("W0001_0006", "W0001_0007"), ("W0001_0009", "W0001_0010")),
    "battery_weld": (("1", "5"), ("4",), ("7",)),
}
SHARE, STEP, LEAST = 0.25, 0.5, 0.005
"""Side of a tile in heights of the picture, distance of two tiles in sides, least share of a mask in a defect."""


def main() -> None:
    """Train, score and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder that holds the sets")
    parser.add_argument("--runs", type=Path, required=True, help="folder for tiles and networks; what is there is used")
    parser.add_argument("--sets", nargs="+", choices=tuple(CASES), default=tuple(CASES))
    parser.add_argument("--part", choices=("held-out", "chosen"), default="held-out")
    parser.add_argument("--set", dest="changes", action="extend", nargs="+", default=[], metavar="KEY=VALUE")
    parser.add_argument("--method", default="grad_cam")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all metrics")
    options = parser.parse_args()
    results = {}
    for name in options.sets:
        cases = list(CASES[name](options.data / name))
        folds = HELD_OUT[name] if options.part == "held-out" else (CHOSEN[name],)
        found = [one for fold in folds for one in score_fold(cases, name, fold, options)]
        results[name] = summarise(found)
        print(render(name, results[name], options.method), flush=True)
    if options.json is not None:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps({"part": options.part, "sets": results}, indent=1) + "\n")


def score_fold(cases: Sequence[Case], name: str, held: Sequence[str], options: argparse.Namespace) -> list[Found]:
    """Maps of the held-out groups by a network of the others."""
    folder = options.runs / f"{name}-{'-'.join(held)}"
    others = [case for case in cases if case.group not in held]
    checkpoint_folder = folder / "run" / CHECKPOINT
    if not checkpoint_folder.exists():
        counts = write_tiles(others, folder / "tiles")
        print(f"{name} without {', '.join(held)}: {dict(counts)} tiles", flush=True)
        config = load_config(CONFIG, [f"data.root={folder / 'tiles'}", *options.changes])
        checkpoint_folder = run(config, RunContext(folder / "run"))
    checkpoint = load_checkpoint(checkpoint_folder)
    return [
        one
        for case in cases
        if case.group in held
        for one in localise(
            [case], replace(checkpoint, task=task_for(checkpoint.task, case.pixels.shape)), method=options.method
        )
    ]


def task_for(task: ImageTask, shape: tuple[int, int]) -> ImageTask:
    """The task that reads a picture of this height and width at the scale of the tiles."""
    side = task.image_size * max(shape) / (SHARE * shape[0])
    return task.model_copy(update={"image_size": round(side / 32) * 32})


def write_tiles(cases: Sequence[Case], folder: Path) -> Counter[str]:
    """Tiles as PNG and their table; returns how many there are of each label."""
    (folder / "tiles").mkdir(parents=True, exist_ok=True)
    counts: Counter[str] = Counter()
    with (folder / "labels.csv").open("w", newline="") as stream:
        table = csv.writer(stream)
        table.writerow(("file", "label", "group"))
        for case in cases:
            for place, pixels, label in tiles(case):
                file = f"tiles/{case.name.replace(' ', '_')}_{place}.png"
                Image.fromarray(pixels).save(folder / file)
                table.writerow((file, label, case.group))
                counts[label] += 1
    return counts


def tiles(case: Case) -> Iterator[tuple[int, np.ndarray, str]]:
    """Number, pixels and label of each tile of a picture that has a label."""
    height, width = case.pixels.shape
    side = int(height * SHARE)
    step = max(1, int(side * STEP))
    corners = ((top, left) for top in range(0, height - side + 1, step) for left in range(0, width - side + 1, step))
    for place, (top, left) in enumerate(corners):
        part = (slice(top, top + side), slice(left, left + side))
        cover = case.truth[part].mean()
        if np.ptp(case.pixels[part]) and (cover == 0 or cover >= LEAST):
            yield place, np.ascontiguousarray(case.pixels[part]), "defect" if cover else "normal"


if __name__ == "__main__":
    main()
