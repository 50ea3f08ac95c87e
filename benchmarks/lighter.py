"""What lighter forms of a network keep and save, in one run.

    python -m benchmarks.lighter ORIGINAL FORM... --data FOLDER

One row a form: figure on the test side with its interval, paired difference to the original, labels that changed,
bytes on disk, latency at batch 1, best throughput, peak memory. The forms are timed in turns with the original in
float32 and torch, on one core, by the processor time of the thread: a neighbour that takes the core is not counted.
"""

from __future__ import annotations

import argparse
import gzip
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import torch

from models.checkpoints import Checkpoint, load_checkpoint
from models.compress.export import example_inputs
from models.compress.gate import RESAMPLINGS, changed_labels, difference_interval
from models.compress.said import Data, Said, said

BATCHES = (1, 4, 16, 64)
_MEMORY = """
import sys
from pathlib import Path
import onnx, onnxruntime, torch  # all forms begin with the same libraries in memory
from models.checkpoints import load_checkpoint
from models.compress.export import example_inputs

def highest():
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1])

torch.set_num_threads(1)
checkpoint = load_checkpoint(sys.argv[1])
inputs = example_inputs(checkpoint, int(sys.argv[2]))
before = highest()
with torch.inference_mode():
    checkpoint.network(**inputs)
print(highest() - before)
"""


def main() -> None:
    """Print the table; with --json write all figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("original")
    parser.add_argument("forms", nargs="+")
    parser.add_argument("--data", required=True)
    parser.add_argument("--more", default="")
    parser.add_argument("--split", default="test")
    parser.add_argument("--turns", type=int, default=15)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    found = [load_checkpoint(name) for name in (options.original, *options.forms)]
    data = Data(options.data, options.more, options.split)
    answers = [said(one, data) for one in found]
    times = {count: timed(found, count, options.turns) for count in BATCHES}
    rows = [
        row(one, answer, answers[0], {count: times[count][place] for count in BATCHES})
        for place, (one, answer) in enumerate(zip(found, answers, strict=True))
    ]
    print(render(rows, answers[0]))
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1) + "\n")


def timed(checkpoints: list[Checkpoint], count: int, turns: int) -> list[tuple[float, float]]:
    """Of each form the median seconds of a batch, and the median of the original's seconds / its own in each turn."""
    inputs = example_inputs(checkpoints[0], count)
    seconds: list[list[float]] = [[] for _ in checkpoints]
    with torch.inference_mode():
        for turn in range(turns + 2):
            for place, one in enumerate(checkpoints):
                start = time.thread_time()
                one.network(**inputs)
                if turn >= 2:  # the first two warm up
                    seconds[place].append(time.thread_time() - start)
    first = np.array(seconds[0])
    return [(statistics.median(one), float(np.median(first / np.array(one)))) for one in seconds]


def row(one: Checkpoint, answer: Said, first: Said, times: dict[int, tuple[float, float]]) -> dict:
    """All figures of one form."""
    file = one.folder / one.card.weights_file
    best = max(BATCHES, key=lambda count: count / times[count][0])
    everyone = np.arange(len(answer.cases))
    return {
        "name": one.name,
        "figure": answer.score(everyone),
        "interval95": interval(answer),
        "difference": answer.score(everyone) - first.score(everyone),
        "difference95": None if answer is first else difference_interval(first, answer),
        "changed": list(changed_labels(first, answer)),
        "parameters": one.card.parameters,
        "bytes": file.stat().st_size,
        "gzip_bytes": len(gzip.compress(file.read_bytes(), 6)),
        "latency_ms": 1000 * times[1][0],
        "faster_at_1": times[1][1],
        "best_batch": best,
        "per_second": best / times[best][0],
        "faster_at_best": times[best][1],
        "memory_mb": memory(one.folder, best),
    }


def interval(answer: Said) -> tuple[float, float]:
    """95% interval of a figure from resampling groups."""
    names, member = np.unique(answer.groups, return_inverse=True)
    members = [np.flatnonzero(member == place) for place in range(len(names))]
    generator = np.random.default_rng(0)
    drawn = [
        answer.score(np.concatenate([members[place] for place in generator.integers(0, len(names), len(names))]))
        for _ in range(RESAMPLINGS)
    ]
    low, high = np.nanpercentile(drawn, [2.5, 97.5])
    return float(low), float(high)


def memory(folder: Path, count: int) -> float:
    """MB that the first batch adds to a fresh process, at its peak; the weights are in memory before."""
    done = subprocess.run(
        [sys.executable, "-c", _MEMORY, str(folder), str(count)], capture_output=True, text=True, check=True
    )
    return int(done.stdout) / 1024


def render(rows: list[dict], first: Said) -> str:
    """The table in Markdown."""
    groups = len(set(first.groups))
    lines = [
        f"{first.figure} on {len(first.cases)} cases of {groups} groups; {first.labels.size} labels; one core",
        "",
        "| form | figure (95%) | difference (95%) | changed | bytes (gzip) | batch 1 | best throughput | memory |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for one in rows:
        spread = one["difference95"]
        difference = "-" if spread is None else f"{one['difference']:+.4f} ({spread[0]:+.4f} to {spread[1]:+.4f})"
        lines.append(
            f"| {one['name']} | {one['figure']:.4f} ({one['interval95'][0]:.3f}-{one['interval95'][1]:.3f}) "
            f"| {difference} | {len(one['changed'])} | {one['bytes']:,} ({one['gzip_bytes']:,}) "
            f"| {one['latency_ms']:.2f} ms, {one['faster_at_1']:.1f} x | {one['per_second']:.0f}/s at "
            f"{one['best_batch']}, {one['faster_at_best']:.1f} x | {one['memory_mb']:.0f} MB |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
