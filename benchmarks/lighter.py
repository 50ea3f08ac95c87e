"""What lighter forms of networks keep and save: one table a network, each measured in one run.

    python -m benchmarks.lighter --data FOLDER --forms runs/lighter
    python -m benchmarks.lighter --data FOLDER --forms runs/lighter --only pcb-lite0    # or a checkpoint's folder

FOLDER holds ptbxl, ptbxl_more, mitdb, pcb, and for ct-lite0 battery_ct_sim (``python -m models simulate``).
Forms that are not in the folder yet are made first, which is where the time goes (a fine-tuning is minutes to an hour
on one core), as docs/lighter.md says. One row a form: figure on the test side with its
interval, paired difference to the original, labels that changed, bytes on disk, latency at batch 1, best throughput,
peak memory; see :mod:`models.compress.measure`.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from models.checkpoints import CARD, Checkpoint, load_checkpoint
from models.compress.make import make, make_request
from models.compress.measure import TURNS, measure
from models.compress.predictions import Data, PredictedLabels, predict_labels

NETWORKS = {
    "ecg12-xresnet": ("onnx", "int8", "qat", "l1", "channels"),
    "eight-lead-small": ("onnx", "int8", "qat", "l1"),
    "ecg-paper-lite0": ("onnx", "int8", "qat", "l1"),
    "beat-se-resnet-lstm": ("onnx", "dynamic"),
    "pcb-lite0": ("onnx", "int8"),
    "beat-dcrnn": ("onnx", "dynamic"),
    "ecg12-vit-small": ("onnx", "int8"),
    "ecg12-voltages": ("onnx", "int8", "qat", "l1"),
    "ct-lite0": ("onnx", "int8"),
}
"""Networks and the methods that are for them."""
METHODS = ("onnx", "int8")
"""Those for a checkpoint that is not shipped."""

FOLDERS = {"record": ("ptbxl", "ptbxl_more"), "image": ("pcb",), "beat": ("mitdb",), "strip": ("mitdb",)}
"""Where the test side of a kind of network lies, and further recordings."""
FOLDERS_OF_ONE = {"ecg12-voltages": ("ptbxl",), "ct-lite0": ("battery_ct_sim",)}
"""The same for a network that cannot take these: further recordings have lost their voltages, a cell is no board."""


def main() -> None:
    """Print the tables; each is kept as JSON beside the forms."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--forms", type=Path, required=True)
    parser.add_argument("--only", help="one network, or the folder of a checkpoint")
    parser.add_argument("--turns", type=int, default=TURNS)
    options = parser.parse_args()
    torch.set_num_threads(1)
    for name in (options.only,) if options.only else NETWORKS:
        original = load_checkpoint(name)
        folder = options.forms / name
        data = data_for(original, options.data)
        found = [original, *forms(original, folder, data)]
        predictions = [predict_labels(one, data) for one in found]
        rows = measure(found, predictions, turns=options.turns)
        print(render(rows, predictions[0]), flush=True)
        (folder / "table.json").write_text(json.dumps(rows, indent=1) + "\n")


def forms(original: Checkpoint, folder: Path, data: Data) -> Iterator[Checkpoint]:
    """The lighter forms of a checkpoint below a folder, those that are missing made."""
    for method in NETWORKS.get(original.name, METHODS):
        if not (folder / method / CARD).is_file():
            where = {"checkpoint": str(original.folder), "root": str(data.root), "more": str(data.more)}
            make(make_request(where | {"method": method}), folder / method)
        yield load_checkpoint(folder / method)


def data_for(checkpoint: Checkpoint, root: Path) -> Data:
    """The test side that a network of this kind is judged on."""
    folders = FOLDERS_OF_ONE.get(checkpoint.name) or FOLDERS[checkpoint.task.kind]
    return Data(*(root / one for one in folders))


def render(rows: list[dict[str, Any]], first: PredictedLabels) -> str:
    """The table in Markdown."""
    groups = len(set(first.groups))
    lines = [
        f"{first.metric} on {len(first.cases)} cases of {groups} groups; {first.labels.size} labels; one core",
        "",
        "| form | metric (95%) | difference (95%) | changed | bytes (gzip) | batch 1 | best throughput | memory |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for one in rows:
        spread = one["difference95"]
        difference = "-" if spread is None else f"{one['difference']:+.4f} ({spread[0]:+.4f} to {spread[1]:+.4f})"
        memory = "-" if one["memory_mb"] is None else f"{one['memory_mb']:.0f} MB"
        lines.append(
            f"| {one['name']} | {one['figure']:.4f} ({one['interval95'][0]:.3f}-{one['interval95'][1]:.3f}) "
            f"| {difference} | {len(one['changed']):,} | {one['bytes']:,} ({one['gzip_bytes']:,}) "
            f"| {one['latency_ms']:.2f} ms, {one['faster_at_1']:.1f} x | {one['per_second']:.0f}/s at "
            f"{one['best_batch']}, {one['faster_at_best']:.1f} x | {memory} |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
