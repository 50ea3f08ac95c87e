"""Whether the maps of a checkpoint point at the defects, on pictures with masks or boxes.

    python -m benchmarks.localisation CHECKPOINT --data FOLDER [--sets pcb xray_welds battery_weld] [--json FILE]

FOLDER holds pcb (boxes; the groups that the checkpoint did not train on), xray_welds (films cut into squares of their
height, those with mask pixels) and battery_weld (masks). Prints the share of the picture that the truth covers, and
pointing game and mass inside of the map beside those of four maps that know nothing.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from ecgviz.saliency.localisation import Case, localise, summarise
from models import Checkpoint, load_checkpoint
from models.data.image_folder import load_split, read_rows, truth_mask
from models.evaluation.images import MARK_LENGTH, data_settings
from readers.images import open_images

SETS = ("pcb", "xray_welds", "battery_weld")
REACH = 3.0


def main() -> None:
    """Score and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", help="name of a checkpoint, or its folder")
    parser.add_argument("--data", type=Path, required=True, help="folder that holds the sets")
    parser.add_argument("--sets", nargs="+", choices=SETS, default=SETS)
    parser.add_argument("--method", default="grad_cam")
    parser.add_argument("--limit", type=int, default=0, help="at most so many pictures of a set, evenly chosen; 0: all")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all metrics")
    options = parser.parse_args()
    checkpoint = load_checkpoint(options.checkpoint)
    results = {}
    for name in options.sets:
        root = options.data / name
        if name == "pcb":
            cases = board_cases(root, checkpoint)
        else:
            cases = film_cases(root) if name == "xray_welds" else weld_cases(root)
        found = localise(_some(list(cases), options.limit), checkpoint, method=options.method)
        results[name] = summarise(found)
        print(render(name, results[name], options.method), flush=True)
    if options.json is not None:
        document = {"checkpoint": checkpoint.name, "checkpoint_sha256": checkpoint.sha256, "method": options.method}
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(document | {"sets": results}, indent=1) + "\n")


def board_cases(root: Path, checkpoint: Checkpoint) -> Iterator[Case]:
    """Defective boards of the checkpoint's test side; all, where it was trained on something else."""
    sides, hashes = load_split(root, data_settings(checkpoint))
    seen = {mark[:MARK_LENGTH] for mark in hashes.values()} & set(checkpoint.card.training_images)
    for row in sides["test"] if seen else read_rows(root):
        pixels = open_images(row.path).pixels(0)
        truth = truth_mask(row, pixels.shape)
        if truth is not None:
            yield Case(row.file, row.group, pixels, truth)


def film_cases(root: Path) -> Iterator[Case]:
    """Squares of the films' height that hold mask pixels; the group is the film."""
    for path in sorted((root / "images").glob("*.png")):
        pixels, mask = open_images(path).pixels(0), _mask(root / "masks" / path.name)
        upright = pixels.shape[0] > pixels.shape[1]
        pixels, mask = (pixels.T, mask.T) if upright else (pixels, mask)
        side = pixels.shape[0]
        for left in range(0, max(1, pixels.shape[1] - side // 2), side):
            part = (slice(None), slice(left, left + side))
            case = Case(f"{path.stem} {left}", path.stem, np.ascontiguousarray(pixels[part]), mask[part])
            if case.truth.any():
                yield case


def weld_cases(root: Path) -> Iterator[Case]:
    """Defective welds with a mask; the group is the series, the first digit of the name."""
    for path in sorted((root / "test" / "defective").glob("*.png")):
        mask = root / "ground_truth" / "defective" / path.name
        if mask.is_file():
            yield Case(path.stem, path.stem[0], open_images(path).pixels(0), _mask(mask))


def render(name: str, result: dict[str, Any], method: str) -> str:
    """The metrics of a set as lines for people."""
    cover = result["cover"]["value"]
    lines = [
        f"{name}: {result['pictures']} pictures, {result['groups']} groups; the truth covers {_words(result['cover'])}"
    ]
    lines.append(f"  {'map':<22}{'pointing game':<26}{'mass inside':<26}pointing / cover")
    for title, metrics in result["maps"].items():
        words = [_words(metrics[key]) for key in ("pointing", "mass")]
        lines.append(f"  {title:<22}{words[0]:<26}{words[1]:<26}{metrics['ratio']['value']:.2f}")
    reached = result["maps"][method]["pointing"]["value"] >= REACH * cover
    lines.append(f"  {REACH:g} x cover = {REACH * cover:.3f}: {'reached' if reached else 'not reached'}")
    return "\n".join(lines)


def _words(metric: dict[str, Any]) -> str:
    interval = metric["interval95"]
    return f"{metric['value']:.3f}" + ("" if interval is None else f" ({interval[0]:.3f}-{interval[1]:.3f})")


def _mask(path: Path) -> np.ndarray:
    return open_images(path).pixels(0) > 127


def _some(items: list, limit: int) -> list:
    return items if not limit or len(items) <= limit else items[:: -(-len(items) // limit)]


if __name__ == "__main__":
    main()
